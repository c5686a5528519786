//! Conversations.

use async_trait::async_trait;
use convor::domain::{Audience, Author, Conversation, EventKind, Heads, PerAudience, Status};
use convor::ids::{ConversationId, TenantId};
use convor::ports::storage::{
    ConversationPage, ConversationPatch, ConversationRepository, ConversationView, DueSnooze, Open,
    OpenOutcome, UpdateOutcome,
};
use convor::ports::{Change, StorageError, StorageErrorKind};
use convor::time::Timestamp;

use super::index::passes;
use super::log::{Log, Opening};
use super::state::TenantState;
use super::{EPOCH, MemoryStorage};

#[async_trait]
impl ConversationRepository for MemoryStorage {
    async fn open(
        &self,
        tenant: TenantId,
        open: &Open,
        change: &Change,
    ) -> Result<OpenOutcome, StorageError> {
        let outcome = self.write(tenant, |state| state.open(open, change));
        outcome.unwrap_or(Ok(OpenOutcome::NoSuchVisitor))
    }

    async fn find(
        &self,
        tenant: TenantId,
        conversation: ConversationId,
    ) -> Result<Option<Conversation>, StorageError> {
        let found = self
            .read(tenant, |state| state.conversations.get(&conversation).map(|log| log.conversation.clone()));
        Ok(found.flatten())
    }

    async fn view(
        &self,
        tenant: TenantId,
        conversation: ConversationId,
        reader: Author,
    ) -> Result<Option<ConversationView>, StorageError> {
        Ok(self.read(tenant, |state| state.view(conversation, reader)).flatten())
    }

    async fn page(
        &self,
        tenant: TenantId,
        page: &ConversationPage,
    ) -> Result<Vec<ConversationView>, StorageError> {
        Ok(self.read(tenant, |state| state.page(page)).unwrap_or_default())
    }

    async fn update(
        &self,
        tenant: TenantId,
        conversation: ConversationId,
        version: u64,
        patch: &ConversationPatch,
        change: &Change,
    ) -> Result<UpdateOutcome, StorageError> {
        let outcome = self.write(tenant, |state| state.update(conversation, version, patch, change));
        outcome.unwrap_or(Ok(UpdateOutcome::NotFound))
    }

    async fn due_snoozes(
        &self,
        tenant: TenantId,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<DueSnooze>, StorageError> {
        let due = self.read(tenant, |state| {
            let due = state.index.due_snoozes(now).filter_map(|id| state.conversations.get(&id));
            let due = due.map(|log| &log.conversation);
            due.map(|of| DueSnooze { conversation: of.id, version: of.version }).take(limit).collect()
        });
        Ok(due.unwrap_or_default())
    }
}

impl TenantState {
    fn open(&mut self, open: &Open, change: &Change) -> Result<OpenOutcome, StorageError> {
        let Some(of) = self.visitors.get(&open.visitor).filter(|of| of.visitor.site == open.site) else {
            return Ok(OpenOutcome::NoSuchVisitor);
        };
        if let Some(opened) = of.opened.get(&open.client_id) {
            return Ok(self.opened_before(*opened, open));
        }
        if self.index.count_of(open.visitor) >= open.conversations_max {
            return Ok(OpenOutcome::TooMany);
        }
        // The core makes each id but once: a taken one is a fault of the caller that must not overwrite anything.
        if self.conversations.contains_key(&open.id) {
            return Err(StorageError::new(StorageErrorKind::Other));
        }
        self.commit(change);
        let with_message = open.first_message.is_some();
        let opening = Opening { client_id: open.client_id, digest: Some(open.digest), with_message };
        let mut log = Log::new(new_conversation(open, change.at), opening);
        let by = Author::Visitor(open.visitor);
        let first = open.first_message.as_ref().map(|message| log.push_message(by, message, change.at));
        first.iter().for_each(|event| self.words.insert(event));
        let conversation = log.conversation.clone();
        self.add_conversation(log);
        Ok(OpenOutcome::Opened { conversation, first })
    }

    /// Adds a conversation whose id and `client_id` are not taken.
    pub(super) fn add_conversation(&mut self, log: Log) {
        let id = log.conversation.id;
        if let Some(of) = self.visitors.get_mut(&log.conversation.visitor) {
            of.opened.insert(log.opening.client_id, id);
        }
        self.index.insert(&log);
        self.conversations.insert(id, log);
    }

    fn opened_before(&self, opened: ConversationId, open: &Open) -> OpenOutcome {
        match self.conversations.get(&opened) {
            Some(log) if log.opening.digest.is_none_or(|digest| digest == open.digest) => {
                let first = log.first().cloned();
                OpenOutcome::Duplicate { conversation: log.conversation.clone(), first }
            }
            _ => OpenOutcome::ClientIdReused,
        }
    }

    /// Removes a conversation and everything that is about it.
    pub(super) fn erase_conversation(&mut self, conversation: ConversationId) {
        let Some(log) = self.conversations.remove(&conversation) else { return };
        self.index.remove(&log);
        log.events_above(0).for_each(|event| self.words.remove(event));
        self.uploads.discard_all(conversation);
        self.outbox.forget(conversation);
    }

    fn view(&self, conversation: ConversationId, reader: Author) -> Option<ConversationView> {
        let log = self.conversations.get(&conversation)?;
        let of = self.visitors.get(&log.conversation.visitor)?;
        let audience = match reader {
            Author::Visitor(_) => Audience::Visitor,
            _ => Audience::Staff,
        };
        let read = log.read(reader).of(audience);
        Some(ConversationView {
            conversation: log.conversation.clone(),
            visitor: of.visitor.clone(),
            page: of.page.clone(),
            last_message: log.last_message(audience).cloned(),
            read,
            other_read: log.read_by_others(reader).of(audience),
            unread: log.unread(audience, read),
        })
    }

    fn page(&self, page: &ConversationPage) -> Vec<ConversationView> {
        let list = self.index.shortest(&page.scope);
        let below = match page.before {
            Some(before) => list.range(..before),
            None => list.range(..),
        };
        let logs = below.rev().filter_map(|(_, id)| self.conversations.get(id));
        let wanted = logs.filter(|log| passes(&log.conversation, &page.scope)).take(page.limit);
        wanted.filter_map(|log| self.view(log.conversation.id, page.reader)).collect()
    }

    fn update(
        &mut self,
        conversation: ConversationId,
        version: u64,
        patch: &ConversationPatch,
        change: &Change,
    ) -> Result<UpdateOutcome, StorageError> {
        let Some(log) = self.conversations.get(&conversation) else {
            return Ok(UpdateOutcome::NotFound);
        };
        if log.conversation.version != version {
            return Ok(UpdateOutcome::VersionMismatch);
        }
        if patch.assignee.flatten().is_some_and(|operator| !self.operators.contains_key(&operator)) {
            return Ok(UpdateOutcome::NoSuchOperator);
        }
        let patch = what_differs(&log.conversation, patch);
        if patch == ConversationPatch::default() {
            return Ok(UpdateOutcome::Updated { conversation: log.conversation.clone(), events: Vec::new() });
        }
        self.commit(change);
        let updated = self.change_log(conversation, |log| apply(log, patch, change));
        Ok(updated.unwrap_or(UpdateOutcome::NotFound))
    }
}

fn new_conversation(open: &Open, at: Timestamp) -> Conversation {
    Conversation {
        id: open.id,
        site: open.site,
        visitor: open.visitor,
        subject: open.subject.clone(),
        status: Status::Open,
        snoozed_until: None,
        assignee: None,
        tags: Vec::new(),
        created_at: at,
        updated_at: PerAudience { staff: at, visitor: at },
        heads: Heads::default(),
        floor: Heads::default(),
        epoch: EPOCH,
        version: 1,
    }
}

/// The patch without what is so already.
fn what_differs(conversation: &Conversation, patch: &ConversationPatch) -> ConversationPatch {
    let now = (conversation.status, conversation.snoozed_until);
    ConversationPatch {
        status: patch.status.filter(|to| to.parts() != now),
        assignee: patch.assignee.filter(|to| *to != conversation.assignee),
        tags: patch.tags.clone().filter(|to| *to != conversation.tags),
    }
}

/// Applies a patch of which each field is a change.
fn apply(log: &mut Log, patch: ConversationPatch, change: &Change) -> UpdateOutcome {
    let mut events = Vec::new();
    if let Some((to, snoozed_until)) = patch.status.map(|to| to.parts()) {
        events.push(log.push_status(change.actor, to, snoozed_until, change.at));
    }
    if let Some(to) = patch.assignee {
        log.conversation.assignee = to;
        events.push(log.push(change.actor, EventKind::Assigned(to), change.at));
    }
    if let Some(to) = patch.tags {
        log.conversation.tags.clone_from(&to);
        events.push(log.push(change.actor, EventKind::Tagged(to), change.at));
    }
    log.conversation.version += 1;
    UpdateOutcome::Updated { conversation: log.conversation.clone(), events }
}
