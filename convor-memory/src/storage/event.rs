//! What happened in conversations.

use async_trait::async_trait;
use convor::domain::{Audience, Status};
use convor::ids::{ConversationId, TenantId};
use convor::ports::storage::{Append, AppendOutcome, EventPage, EventRepository, Window};
use convor::ports::{Change, StorageError};
use convor::time::Timestamp;

use super::MemoryStorage;
use super::log::{Log, Repeat};
use super::state::TenantState;

#[async_trait]
impl EventRepository for MemoryStorage {
    async fn append(
        &self,
        tenant: TenantId,
        append: &Append,
        change: &Change,
    ) -> Result<AppendOutcome, StorageError> {
        let outcome = self.write(tenant, |state| state.append(append, change));
        outcome.unwrap_or(Ok(AppendOutcome::NotFound))
    }

    async fn page(
        &self,
        tenant: TenantId,
        conversation: ConversationId,
        audience: Audience,
        window: Window,
        limit: usize,
    ) -> Result<Option<EventPage>, StorageError> {
        let page = self.read(tenant, |state| {
            state.conversations.get(&conversation).map(|log| log.page(audience, window, limit))
        });
        Ok(page.flatten())
    }

    async fn purge(&self, tenant: TenantId, before: Timestamp, limit: usize) -> Result<usize, StorageError> {
        Ok(self.write(tenant, |state| state.purge(before, limit)).unwrap_or(0))
    }
}

impl TenantState {
    fn append(&mut self, append: &Append, change: &Change) -> Result<AppendOutcome, StorageError> {
        let log = self.conversations.get(&append.conversation).filter(|log| log.admits(append.author));
        let Some(log) = log else {
            return Ok(AppendOutcome::NotFound);
        };
        match log.repeat(append.author, &append.message) {
            Some(Repeat::Same(event)) => return Ok(AppendOutcome::Duplicate(event.clone())),
            Some(Repeat::Other) => return Ok(AppendOutcome::ClientIdReused),
            None => {}
        }
        self.commit(change);
        let stored = self.change_log(append.conversation, |log| store(log, append, change));
        if let Some(AppendOutcome::Stored { events, .. }) = &stored {
            events.iter().for_each(|event| self.words.insert(event));
        }
        Ok(stored.unwrap_or(AppendOutcome::NotFound))
    }

    /// Removes old events, log by log, the one first that begins first.
    fn purge(&mut self, before: Timestamp, limit: usize) -> usize {
        let mut purged = 0;
        while purged < limit
            && let Some(conversation) = self.index.begins_before(before)
            && let Some(events) = self.change_log(conversation, |log| log.purge(before, limit - purged))
        {
            events.iter().for_each(|event| self.words.remove(event));
            purged += events.len();
        }
        purged
    }
}

/// Stores a message that is no repeat, and the reopening if it is wanted.
fn store(log: &mut Log, append: &Append, change: &Change) -> AppendOutcome {
    let mut events = vec![log.push_message(append.author, &append.message, change.at)];
    if append.reopen && log.conversation.status != Status::Open {
        events.push(log.push_status(append.author, Status::Open, None, change.at));
        log.conversation.version += 1;
    }
    AppendOutcome::Stored { events, visitor: log.conversation.visitor, heads: log.conversation.heads }
}
