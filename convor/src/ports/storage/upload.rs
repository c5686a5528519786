//! What is known of files: an optional group. The bytes are in a [`BlobStore`](crate::ports::BlobStore).

use async_trait::async_trait;

use crate::domain::{Upload, UploadContent};
use crate::ids::{ConversationId, TenantId, UploadId};
use crate::ports::{BlobKey, Change, StorageError};
use crate::time::Timestamp;

/// What is known of files.
///
/// A blob store and a storage share no transaction. So a record comes before its blob and goes after it: it is begun, the blob
/// is put, it is completed; and whatever becomes of the record (discarded, never completed, gone with its
/// conversation), the key of its blob stays [`removable`](Self::removable) until the blob is [`removed`](Self::removed).
#[async_trait]
pub trait UploadRepository: Send + Sync {
    /// Adds a record without content, before its blob is put; `false`, and no change, if the id is taken, the blob's
    /// key is taken or still removable, or the tenant has no such conversation.
    ///
    /// # Errors
    /// [`StorageError`].
    async fn begin(&self, tenant: TenantId, upload: &Upload, change: &Change) -> Result<bool, StorageError>;

    /// Says that the blob is there, whole; `false`, and no change, if there is no such record or it is complete already.
    ///
    /// # Errors
    /// [`StorageError`].
    async fn complete(
        &self,
        tenant: TenantId,
        upload: UploadId,
        content: &UploadContent,
        change: &Change,
    ) -> Result<bool, StorageError>;

    /// One upload, complete or not.
    ///
    /// # Errors
    /// [`StorageError`].
    async fn find(&self, tenant: TenantId, upload: UploadId) -> Result<Option<Upload>, StorageError>;

    /// At most `limit` uploads of a conversation above `after` in the order of their ids, complete or not.
    ///
    /// # Errors
    /// [`StorageError`].
    async fn page(
        &self,
        tenant: TenantId,
        conversation: ConversationId,
        after: Option<UploadId>,
        limit: usize,
    ) -> Result<Vec<Upload>, StorageError>;

    /// Removes a record, and makes its blob removable; `false`, and no change, if there is none.
    ///
    /// # Errors
    /// [`StorageError`].
    async fn discard(
        &self,
        tenant: TenantId,
        upload: UploadId,
        change: &Change,
    ) -> Result<bool, StorageError>;

    /// At most `limit` keys of blobs that are to be removed, ascending. Records that were begun before `stale` and are not
    /// complete are discarded by it.
    ///
    /// # Errors
    /// [`StorageError`].
    async fn removable(
        &self,
        tenant: TenantId,
        stale: Timestamp,
        limit: usize,
    ) -> Result<Vec<BlobKey>, StorageError>;

    /// Says that a removable blob is gone; `false` if the key was not removable.
    ///
    /// # Errors
    /// [`StorageError`].
    async fn removed(&self, tenant: TenantId, blob: BlobKey) -> Result<bool, StorageError>;
}
