//! What one tenant has: every record, and the indexes over them.

use std::collections::{BTreeMap, HashMap};

use convor::credentials::TokenHash;
use convor::domain::{ControlEvent, CurrentPage, Email, Operator, Site, TenantProfile, Visitor};
use convor::ids::{AuditId, ClientId, ConversationId, OperatorId, SiteId, VisitorId};
use convor::ports::storage::AuditRow;
use convor::time::Timestamp;

use super::index::Index;
use super::log::Log;
use super::outbox::Outbox;
use super::search::Words;
use super::upload::Uploads;

/// What one tenant has. Nothing in here names the tenant, so that nothing in here can reach another one.
#[derive(Default)]
pub(super) struct TenantState {
    pub(super) profile: Option<TenantProfile>,
    pub(super) sites: BTreeMap<SiteId, Site>,
    pub(super) visitors: BTreeMap<VisitorId, VisitorState>,
    pub(super) visitors_by_token: HashMap<TokenHash, VisitorId>,
    pub(super) operators: BTreeMap<OperatorId, Operator>,
    pub(super) operators_by_email: HashMap<Email, OperatorId>,
    pub(super) conversations: BTreeMap<ConversationId, Log>,
    pub(super) index: Index,
    pub(super) words: Words,
    pub(super) uploads: Uploads,
    pub(super) outbox: Outbox,
    /// By their positions.
    pub(super) control: BTreeMap<u64, ControlEvent>,
    pub(super) audit: BTreeMap<AuditId, AuditRow>,
    #[cfg(feature = "accounts")]
    pub(super) accounts: super::account::Accounts,
}

/// A visitor, and what is found through it.
pub(super) struct VisitorState {
    pub(super) visitor: Visitor,
    pub(super) token: Option<TokenHash>,
    pub(super) page: Option<CurrentPage>,
    /// The conversations that it has opened, by what its client picked.
    pub(super) opened: HashMap<ClientId, ConversationId>,
}

impl TenantState {
    /// When background work is next due; `None` while there is none to come.
    pub(super) fn due_at(&self) -> Option<Timestamp> {
        [self.index.next_snooze(), self.outbox.next_free()].into_iter().flatten().min()
    }

    /// Changes a conversation and keeps the indexes true.
    pub(super) fn change_log<R>(
        &mut self,
        id: ConversationId,
        work: impl FnOnce(&mut Log) -> R,
    ) -> Option<R> {
        let log = self.conversations.get_mut(&id)?;
        self.index.remove(log);
        let result = work(log);
        self.index.insert(log);
        Some(result)
    }
}
