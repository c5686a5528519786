//! What is wrong with the storage on purpose.

use std::collections::BTreeMap;
use std::time::Duration;

use convor::domain::{Audience, Event, EventKind, Heads, Message, Position};
use convor::ids::{ClientId, ConversationId, TenantId};
use convor::ports::storage::{Append, AppendOutcome, EventPage, Window};
use convor::ports::{Change, Storage, StorageError};
use tokio::time::Instant;

use super::{Reach, Used};
use crate::bug::Bug;
use crate::clock::now;

/// How much later a message is stored that has been acknowledged.
pub(super) const SOON: Duration = Duration::from_millis(40);

/// For how long a stale page lacks an event, from when the node has first asked for it.
const STALE: Duration = Duration::from_millis(1_200);

/// What has to be remembered for it.
#[derive(Debug, Default)]
pub(super) struct Memory {
    /// Under which ids messages were stored.
    used: Used,
    /// Which id stands for which, where a repeat is stored again.
    aliases: BTreeMap<ClientId, ClientId>,
    tenants: Vec<TenantId>,
    /// When events were first asked for, by conversation and staff position.
    asked: BTreeMap<(ConversationId, u64), Instant>,
}

/// What the storage would answer if it stored a message now, unless it is a repeat.
pub(super) async fn foreseen(
    storage: &dyn Storage,
    tenant: TenantId,
    append: &Append,
    change: &Change,
) -> Result<Option<AppendOutcome>, StorageError> {
    let events = storage.events();
    let page =
        events.page(tenant, append.conversation, Audience::Staff, Window::Before(u64::MAX), 200).await?;
    let Some(EventPage { events, visitor, heads, epoch, .. }) = page else { return Ok(None) };
    let is_repeat = |event: &Event| {
        event.kind.message().is_some_and(|message| message.client_id == append.message.client_id)
    };
    if events.iter().any(is_repeat) {
        return Ok(None);
    }
    let (id, client_id, kind) = (append.message.id, append.message.client_id, append.message.kind);
    let kind = EventKind::Message(Message { id, client_id, kind, text: Some(append.message.text.clone()) });
    let seen = kind.visible_to_visitor();
    let heads = Heads { staff: heads.staff + 1, visitor: heads.visitor + u64::from(seen) };
    let position = Position { staff: heads.staff, visitor: seen.then_some(heads.visitor) };
    let (conversation, by) = (append.conversation, append.author);
    let event = Event { conversation, position, epoch, at: change.at, by, kind };
    Ok(Some(AppendOutcome::Stored { events: vec![event], visitor, heads }))
}

impl Reach {
    /// The tenant, or another one.
    pub(super) fn mixed_up(&self, tenant: TenantId) -> TenantId {
        if !self.has(Bug::MixesTenants) {
            return tenant;
        }
        let mut state = self.state();
        if !state.planted.tenants.contains(&tenant) {
            state.planted.tenants.push(tenant);
        }
        state.planted.tenants[0]
    }

    /// Stores a message; a repeat is stored again, where that is what is wrong.
    pub(super) async fn append_as_planted(
        &self,
        tenant: TenantId,
        append: &Append,
        change: &Change,
    ) -> Result<AppendOutcome, StorageError> {
        let mut append = append.clone();
        if self.has(Bug::StoresRepeats) {
            let mut state = self.state();
            let client_id = append.message.client_id;
            if !state.planted.used.insert(client_id) {
                let alias = append.message.id.uuid().into();
                state.planted.aliases.insert(alias, client_id);
                append.message.client_id = alias;
            }
        }
        let mut outcome = self.inner.events().append(tenant, &append, change).await?;
        if let AppendOutcome::Stored { events, .. } = &mut outcome {
            events.iter_mut().for_each(|event| self.undisguise(event));
        }
        Ok(outcome)
    }

    /// A page on which a message has the id under which it was said.
    pub(super) fn undisguised(&self, page: Option<EventPage>) -> Option<EventPage> {
        let mut page = page?;
        page.events.iter_mut().for_each(|event| self.undisguise(event));
        Some(page)
    }

    /// A page as it was a little earlier, where that is what is wrong: as a replica has it that lags behind.
    pub(super) fn lagging(&self, page: Option<EventPage>) -> Option<EventPage> {
        let mut page = page?;
        if !self.has(Bug::ReadsStalePages) {
            return Some(page);
        }
        let mut state = self.state();
        let young = |event: &Event| {
            let place = (event.conversation, event.position.staff);
            now() - *state.planted.asked.entry(place).or_insert_with(now) < STALE
        };
        let young: Vec<_> = page.events.iter().map(young).collect();
        if let Some(first) = young.into_iter().position(|young| young) {
            let missing = page.events.split_off(first);
            page.heads.staff = missing[0].position.staff - 1;
            let seen = missing.iter().find_map(|event| event.position.visitor);
            page.heads.visitor = seen.map_or(page.heads.visitor, |seen| seen - 1);
        }
        Some(page)
    }

    fn undisguise(&self, event: &mut Event) {
        if let EventKind::Message(message) = &mut event.kind
            && let Some(client_id) = self.state().planted.aliases.get(&message.client_id)
        {
            message.client_id = *client_id;
        }
    }

    /// Gives notes a position for the visitor, where that is what is wrong.
    pub(super) fn show_notes(&self, events: &mut [Event]) {
        for event in events.iter_mut().filter(|_| self.has(Bug::ShowsNotes)) {
            if event.kind.message().is_some() {
                event.position.visitor.get_or_insert(event.position.staff);
            }
        }
    }
}
