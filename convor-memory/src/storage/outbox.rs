//! What is owed to notifiers.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use async_trait::async_trait;
use convor::domain::Notification;
use convor::ids::{ConversationId, OutboxId, TenantId};
use convor::ports::StorageError;
use convor::ports::storage::{ClaimedNotification, OutboxRepository};
use convor::time::Timestamp;

use super::MemoryStorage;

/// The notifications that nobody has settled, apart by whether somebody has taken them.
#[derive(Default)]
pub(super) struct Outbox {
    pub(super) entries: BTreeMap<OutboxId, Owed>,
    /// Those that nobody has taken yet, the oldest first.
    fresh: BTreeSet<OutboxId>,
    /// Those that somebody holds or has held, by until when.
    taken: BTreeSet<(Timestamp, OutboxId)>,
    /// A conversation of which nothing is owed is not in it.
    by_conversation: HashMap<ConversationId, BTreeSet<OutboxId>>,
}

/// A notification that nobody has settled.
pub(super) struct Owed {
    pub(super) notification: Notification,
    /// How often it has been taken.
    pub(super) attempts: u32,
    pub(super) held_until: Option<Timestamp>,
}

impl Outbox {
    /// Adds what is owed, unless the id is taken.
    pub(super) fn add(&mut self, id: OutboxId, owed: Owed) {
        if self.entries.contains_key(&id) {
            return;
        }
        match owed.held_until {
            Some(until) => self.taken.insert((until, id)),
            None => self.fresh.insert(id),
        };
        self.by_conversation.entry(about(owed.notification)).or_default().insert(id);
        self.entries.insert(id, owed);
    }

    /// Removes what is owed about a conversation.
    pub(super) fn forget(&mut self, conversation: ConversationId) {
        for id in self.by_conversation.remove(&conversation).into_iter().flatten() {
            self.settle(id);
        }
    }

    /// When the next notification is there to be taken; the beginning of time if one is already.
    pub(super) fn next_free(&self) -> Option<Timestamp> {
        let fresh = (!self.fresh.is_empty()).then_some(Timestamp::from_millis(0));
        fresh.or_else(|| self.taken.first().map(|(until, _)| *until))
    }

    fn claim(&mut self, now: Timestamp, until: Timestamp, limit: usize) -> Vec<ClaimedNotification> {
        let expired = self.taken.iter().take_while(|(until, _)| *until <= now).map(|(_, id)| *id);
        let mut free: Vec<OutboxId> = self.fresh.iter().copied().take(limit).chain(expired).collect();
        free.sort_unstable();
        free.truncate(limit);
        free.into_iter().filter_map(|id| self.hold(id, until)).collect()
    }

    fn hold(&mut self, id: OutboxId, until: Timestamp) -> Option<ClaimedNotification> {
        let entry = self.entries.get_mut(&id)?;
        match entry.held_until.replace(until) {
            Some(before) => self.taken.remove(&(before, id)),
            None => self.fresh.remove(&id),
        };
        self.taken.insert((until, id));
        entry.attempts = entry.attempts.saturating_add(1);
        Some(ClaimedNotification { id, notification: entry.notification, attempt: entry.attempts })
    }

    fn settle(&mut self, id: OutboxId) -> bool {
        let Some(entry) = self.entries.remove(&id) else {
            return false;
        };
        let conversation = about(entry.notification);
        if let Some(owed) = self.by_conversation.get_mut(&conversation) {
            owed.remove(&id);
            if owed.is_empty() {
                self.by_conversation.remove(&conversation);
            }
        }
        match entry.held_until {
            Some(until) => self.taken.remove(&(until, id)),
            None => self.fresh.remove(&id),
        }
    }
}

const fn about(notification: Notification) -> ConversationId {
    match notification {
        Notification::MessageWaiting { conversation } => conversation,
    }
}

#[async_trait]
impl OutboxRepository for MemoryStorage {
    async fn claim(
        &self,
        tenant: TenantId,
        now: Timestamp,
        until: Timestamp,
        limit: usize,
    ) -> Result<Vec<ClaimedNotification>, StorageError> {
        Ok(self.write(tenant, |state| state.outbox.claim(now, until, limit)).unwrap_or_default())
    }

    async fn settle(&self, tenant: TenantId, id: OutboxId) -> Result<bool, StorageError> {
        Ok(self.write(tenant, |state| state.outbox.settle(id)).unwrap_or(false))
    }
}
