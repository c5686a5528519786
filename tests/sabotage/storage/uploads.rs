//! What is known of files, with its faults.

use async_trait::async_trait;
use convor::domain::{Upload, UploadContent};
use convor::ids::{ConversationId, TenantId, UploadId};
use convor::ports::storage::UploadRepository;
use convor::ports::{BlobKey, Change, Storage, StorageError};
use convor::time::Timestamp;

use super::Sabotaged;
use crate::fault::Fault;

impl Sabotaged {
    fn kept_uploads(&self) -> &dyn UploadRepository {
        self.inner.uploads().expect("the decorator offers uploads where the storage does")
    }
}

#[async_trait]
impl UploadRepository for Sabotaged {
    async fn begin(&self, tenant: TenantId, upload: &Upload, change: &Change) -> Result<bool, StorageError> {
        if self.has(Fault::BeginsInAnyConversation)
            && self.inner.conversations().find(tenant, upload.conversation).await?.is_none()
        {
            self.inner.control().append(tenant, change).await?;
            return Ok(true);
        }
        self.kept_uploads().begin(tenant, upload, change).await
    }

    async fn complete(
        &self,
        tenant: TenantId,
        upload: UploadId,
        content: &UploadContent,
        change: &Change,
    ) -> Result<bool, StorageError> {
        let completed = self.kept_uploads().complete(tenant, upload, content, change).await?;
        let there = self.kept_uploads().find(tenant, upload).await?.is_some();
        Ok(completed || there && self.has(Fault::CompletesTwice))
    }

    async fn find(&self, tenant: TenantId, upload: UploadId) -> Result<Option<Upload>, StorageError> {
        self.kept_uploads().find(tenant, upload).await
    }

    async fn page(
        &self,
        tenant: TenantId,
        conversation: ConversationId,
        after: Option<UploadId>,
        limit: usize,
    ) -> Result<Vec<Upload>, StorageError> {
        self.kept_uploads().page(tenant, conversation, after, limit).await
    }

    async fn discard(
        &self,
        tenant: TenantId,
        upload: UploadId,
        change: &Change,
    ) -> Result<bool, StorageError> {
        let found = self.kept_uploads().find(tenant, upload).await?;
        let discarded = self.kept_uploads().discard(tenant, upload, change).await?;
        if let Some(found) = found
            && self.has(Fault::LosesTheBlobOfADiscard)
        {
            self.kept_uploads().removed(tenant, found.blob).await?;
        }
        Ok(discarded)
    }

    async fn removable(
        &self,
        tenant: TenantId,
        stale: Timestamp,
        limit: usize,
    ) -> Result<Vec<BlobKey>, StorageError> {
        let stale = if self.has(Fault::KeepsStaleBeginnings) { Timestamp::from_millis(0) } else { stale };
        self.kept_uploads().removable(tenant, stale, limit).await
    }

    async fn removed(&self, tenant: TenantId, blob: BlobKey) -> Result<bool, StorageError> {
        self.kept_uploads().removed(tenant, blob).await
    }
}
