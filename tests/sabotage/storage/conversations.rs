//! Conversations and read positions, with their faults.

use async_trait::async_trait;
use convor::domain::{Audience, Author, Conversation, Event, EventKind, Heads, Text};
use convor::ids::{ConversationId, TenantId};
use convor::ports::storage::{
    ConversationPage, ConversationPatch, ConversationRepository, ConversationScope, ConversationView,
    DueSnooze, Open, OpenOutcome, ReadMove, ReadRepository, UpdateOutcome, Window,
};
use convor::ports::{Change, Storage, StorageError};
use convor::time::Timestamp;
use uuid::Uuid;

use super::Sabotaged;
use crate::fault::Fault;

impl Sabotaged {
    /// A view, as the fault shows it.
    async fn shown(
        &self,
        tenant: TenantId,
        mut view: ConversationView,
        reader: Author,
    ) -> Result<ConversationView, StorageError> {
        let id = view.conversation.id;
        if let Some(read) = self.memory().reads.get(&(tenant, id, reader)) {
            view.read = read.staff;
        }
        if self.has(Fault::CountsUnreadWithoutBound) {
            let page = self.inner.events().page(tenant, id, Audience::Staff, Window::Latest, 1_000).await?;
            let of_the_visitor =
                |event: &&Event| matches!(event.kind, EventKind::Message(_)) && event.by != reader;
            let messages = page.iter().flat_map(|page| &page.events).filter(of_the_visitor).count();
            view.unread = u32::try_from(messages).unwrap_or(u32::MAX);
        }
        Ok(view)
    }

    /// An update of the version that there happens to be.
    async fn update_whatever(
        &self,
        tenant: TenantId,
        conversation: ConversationId,
        patch: &ConversationPatch,
        change: &Change,
    ) -> Result<UpdateOutcome, StorageError> {
        loop {
            let present = self.inner.conversations().find(tenant, conversation).await?;
            let version = present.map_or(1, |conversation| conversation.version);
            let update = self.inner.conversations().update(tenant, conversation, version, patch, change);
            match update.await? {
                UpdateOutcome::VersionMismatch => {}
                outcome => return Ok(outcome),
            }
        }
    }
}

#[async_trait]
impl ConversationRepository for Sabotaged {
    async fn open(
        &self,
        tenant: TenantId,
        open: &Open,
        change: &Change,
    ) -> Result<OpenOutcome, StorageError> {
        let mut open = open.clone();
        if self.has(Fault::ForgetsTheBoundOfConversations) {
            open.conversations_max = usize::MAX;
        }
        self.inner.conversations().open(tenant, &open, change).await
    }

    async fn find(
        &self,
        tenant: TenantId,
        conversation: ConversationId,
    ) -> Result<Option<Conversation>, StorageError> {
        let mut found = self.inner.conversations().find(tenant, conversation).await?;
        if let Some(found) = &mut found
            && self.has(Fault::LeavesTheFloor)
        {
            found.floor = Heads::default();
        }
        Ok(found)
    }

    async fn view(
        &self,
        tenant: TenantId,
        conversation: ConversationId,
        reader: Author,
    ) -> Result<Option<ConversationView>, StorageError> {
        match self.inner.conversations().view(tenant, conversation, reader).await? {
            Some(view) => self.shown(tenant, view, reader).await.map(Some),
            None => Ok(None),
        }
    }

    async fn page(
        &self,
        tenant: TenantId,
        page: &ConversationPage,
    ) -> Result<Vec<ConversationView>, StorageError> {
        let mut page = page.clone();
        if self.has(Fault::RepeatsTheCursorOfTheInbox)
            && matches!(page.scope, ConversationScope::Inbox { .. })
        {
            let next = |id: ConversationId| Uuid::from_u128(id.uuid().as_u128() + 1).into();
            page.before = page.before.map(|(at, id)| (at, next(id)));
        }
        if let ConversationScope::Inbox { tag: Some(tag), .. } = &mut page.scope
            && self.has(Fault::FoldsTags)
        {
            *tag = Text::from_stored(tag.as_str().to_lowercase());
        }
        let mut views = Vec::new();
        for tenant in self.reach(tenant, Fault::ForgetsTheTenantOnAPage) {
            for view in self.inner.conversations().page(tenant, &page).await? {
                views.push(self.shown(tenant, view, page.reader).await?);
            }
        }
        Ok(views)
    }

    async fn update(
        &self,
        tenant: TenantId,
        conversation: ConversationId,
        version: u64,
        patch: &ConversationPatch,
        change: &Change,
    ) -> Result<UpdateOutcome, StorageError> {
        let mut change = change.clone();
        if self.has(Fault::DropsTheAudit) {
            change.audit = None;
        }
        let mut patch = patch.clone();
        if let Some(tags) = &mut patch.tags
            && self.has(Fault::SplitsTagsAtCommas)
        {
            let parts = tags.iter().flat_map(|tag| tag.as_str().split(','));
            *tags = parts.map(|part| Text::from_stored(part.to_owned())).collect();
        }
        let patch = &patch;
        if self.has(Fault::ComparesNoVersion) {
            return self.update_whatever(tenant, conversation, patch, &change).await;
        }
        let outcome =
            self.inner.conversations().update(tenant, conversation, version, patch, &change).await?;
        if matches!(outcome, UpdateOutcome::NoSuchOperator) && self.has(Fault::RefusesHalfAnUpdate) {
            let half = ConversationPatch { assignee: None, ..patch.clone() };
            self.inner.conversations().update(tenant, conversation, version, &half, &change).await?;
        }
        Ok(outcome)
    }

    async fn due_snoozes(
        &self,
        tenant: TenantId,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<DueSnooze>, StorageError> {
        let early = Timestamp::from_millis(now.millis() + 1);
        let now = if self.has(Fault::WakesTooEarly) { early } else { now };
        self.inner.conversations().due_snoozes(tenant, now, limit).await
    }
}

#[async_trait]
impl ReadRepository for Sabotaged {
    async fn advance(
        &self,
        tenant: TenantId,
        conversation: ConversationId,
        reader: Author,
        audience: Audience,
        seq: u64,
        change: &Change,
    ) -> Result<Option<ReadMove>, StorageError> {
        let moved = self.inner.reads().advance(tenant, conversation, reader, audience, seq, change).await?;
        if moved.is_some() || !self.has(Fault::MovesReadsBack) {
            return Ok(moved);
        }
        let back = Heads { staff: seq, visitor: seq };
        self.memory().reads.insert((tenant, conversation, reader), back);
        let found = self.inner.conversations().find(tenant, conversation).await?;
        Ok(found.map(|found| ReadMove { visitor: found.visitor, from: back, to: back }))
    }
}
