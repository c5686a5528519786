//! Erasures and purges, with their faults.

use convor::domain::{Audience, Author, Event};
use convor::ids::{TenantId, VisitorId};
use convor::ports::storage::{ConversationPage, ConversationScope, Record, RecordKind, Window};
use convor::ports::{BlobKey, Change, Storage, StorageError};
use convor::time::Timestamp;

use super::Sabotaged;
use crate::fault::Fault;

/// What an erasure should take along, and what a faulty one puts back.
struct Belongings {
    messages: Vec<Event>,
    notifications: Vec<Record>,
    removable: Vec<BlobKey>,
}

impl Sabotaged {
    /// Every message in these conversations.
    async fn messages(&self, tenant: TenantId, scope: ConversationScope) -> Result<Vec<Event>, StorageError> {
        let page = ConversationPage { reader: Author::System, scope, before: None, limit: 1_000 };
        let mut messages = Vec::new();
        for view in self.inner.conversations().page(tenant, &page).await? {
            let (id, whole) = (view.conversation.id, Window::After(0));
            let log = self.inner.events().page(tenant, id, Audience::Staff, whole, 1_000).await?;
            messages.extend(log.into_iter().flat_map(|page| page.events));
        }
        Ok(messages)
    }

    async fn removable_blobs(&self, tenant: TenantId) -> Result<Vec<BlobKey>, StorageError> {
        match self.inner.uploads() {
            Some(uploads) => uploads.removable(tenant, Timestamp::from_millis(0), 1_000).await,
            None => Ok(Vec::new()),
        }
    }

    async fn belongings(&self, tenant: TenantId, visitor: VisitorId) -> Result<Belongings, StorageError> {
        Ok(Belongings {
            messages: self.messages(tenant, ConversationScope::Of(visitor)).await?,
            notifications: self.records(tenant, RecordKind::Notification).await?,
            removable: self.removable_blobs(tenant).await?,
        })
    }

    async fn records(&self, tenant: TenantId, kind: RecordKind) -> Result<Vec<Record>, StorageError> {
        match self.inner.transfer() {
            Some(transfer) => transfer.export(tenant, kind, None, 1_000).await,
            None => Ok(Vec::new()),
        }
    }

    pub(super) async fn erase_with_fault(
        &self,
        tenant: TenantId,
        visitor: VisitorId,
        change: &Change,
    ) -> Result<bool, StorageError> {
        let before = self.belongings(tenant, visitor).await?;
        self.remember_the_token(tenant, visitor).await?;
        let bare = Change::new(change.actor, change.at);
        let late = self.has(Fault::ErasesInTwoSteps) || self.has(Fault::DropsTheChangeOfAnErasure);
        let erased = self.inner.visitors().erase(tenant, visitor, if late { &bare } else { change }).await?;
        if !erased {
            return Ok(false);
        }
        self.memory().erased.insert((tenant, visitor));
        if self.has(Fault::ErasesInTwoSteps) {
            tokio::task::yield_now().await;
            self.inner.control().append(tenant, change).await?;
        }
        self.put_back(tenant, before).await?;
        Ok(true)
    }

    async fn put_back(&self, tenant: TenantId, before: Belongings) -> Result<(), StorageError> {
        if self.has(Fault::FindsTheErased) {
            self.memory().ghosts.extend(before.messages.into_iter().map(|message| (tenant, message)));
        }
        if self.has(Fault::KeepsNotificationsOfTheErased)
            && let Some(transfer) = self.inner.transfer()
        {
            transfer.import(tenant, &before.notifications).await?;
        }
        if self.has(Fault::LosesTheBlobsOfTheErased)
            && let Some(uploads) = self.inner.uploads()
        {
            for blob in self.removable_blobs(tenant).await? {
                if !before.removable.contains(&blob) {
                    uploads.removed(tenant, blob).await?;
                }
            }
        }
        Ok(())
    }

    async fn remember_the_token(&self, tenant: TenantId, of: VisitorId) -> Result<(), StorageError> {
        if !self.has(Fault::KeepsTheTokenOfTheErased) {
            return Ok(());
        }
        for record in self.records(tenant, RecordKind::Token).await? {
            if let Record::Token { visitor, hash } = record
                && visitor == of
                && let Some(found) = self.inner.visitors().find(tenant, of).await?
            {
                self.memory().tokens.insert((tenant, hash), found);
            }
        }
        Ok(())
    }

    pub(super) async fn purge_with_fault(
        &self,
        tenant: TenantId,
        before: Timestamp,
        limit: usize,
    ) -> Result<usize, StorageError> {
        if self.has(Fault::PurgesFromTheMiddle) {
            self.memory().purged_before.insert(tenant, before);
        }
        if self.has(Fault::FindsThePurged) {
            let all = ConversationScope::Inbox { status: None, assignee: None, tag: None };
            let messages = self.messages(tenant, all).await?;
            let old = messages.into_iter().filter(|message| message.at < before);
            self.memory().ghosts.extend(old.map(|message| (tenant, message)));
        }
        let limit = if self.has(Fault::PurgesWithoutBound) { usize::MAX } else { limit };
        let later = Timestamp::from_millis(before.millis() + 1);
        let before = if self.has(Fault::PurgesTooMuch) { later } else { before };
        self.inner.events().purge(tenant, before, limit).await
    }
}
