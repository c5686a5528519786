//! Files: put, get, delete, list, all streamed.

use std::fmt;

use async_trait::async_trait;
use bytes::Bytes;
use uuid::Uuid;

use crate::ids::TenantId;

/// Where files are kept.
///
/// # To ensure correctness
/// - A blob is whole or absent: until `put` has returned `Ok`, `get` and `list` do not show it, and an aborted or failed
///   `put` leaves nothing.
/// - `put` of a key that exists is refused and changes nothing.
/// - The tenant is part of the name: the same key in two tenants is two blobs.
/// - Nothing is held in memory whole; a chunk is at most as large as the source's.
#[async_trait]
pub trait BlobStore: fmt::Debug + Send + Sync {
    /// Stores what `source` yields under a key that is not taken, and returns its length in bytes.
    ///
    /// # Errors
    /// [`BlobError::Exists`] if the key is taken, [`BlobError::TooLarge`] beyond `bytes_max`, the source's own error, or
    /// [`BlobError::Unavailable`].
    async fn put(
        &self,
        tenant: TenantId,
        key: BlobKey,
        source: &mut dyn BlobSource,
        bytes_max: u64,
    ) -> Result<u64, BlobError>;

    /// Opens a blob to be read from its beginning; `None` if there is none.
    ///
    /// # Errors
    /// [`BlobError::Unavailable`].
    async fn get(&self, tenant: TenantId, key: BlobKey) -> Result<Option<Box<dyn BlobSource>>, BlobError>;

    /// Removes a blob; `false` if there was none.
    ///
    /// # Errors
    /// [`BlobError::Unavailable`].
    async fn delete(&self, tenant: TenantId, key: BlobKey) -> Result<bool, BlobError>;

    /// The tenant's keys above `after` in ascending order, at most `limit`.
    ///
    /// # Errors
    /// [`BlobError::Unavailable`].
    async fn list(
        &self,
        tenant: TenantId,
        after: Option<BlobKey>,
        limit: usize,
    ) -> Result<Vec<BlobKey>, BlobError>;
}

/// The name of a blob within its tenant. It is generated, never a file name that somebody typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(clippy::exhaustive_structs, reason = "adapters read it")]
pub struct BlobKey(pub Uuid);

/// Bytes, chunk by chunk.
#[async_trait]
pub trait BlobSource: Send {
    /// The next chunk, never empty; `None` at the end.
    ///
    /// # Errors
    /// [`BlobError`] if the bytes ended before their end.
    async fn chunk(&mut self) -> Result<Option<Bytes>, BlobError>;
}

/// Why a blob could not be put or read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BlobError {
    /// The key is taken.
    #[error("the key is taken")]
    Exists,
    /// There is more than was allowed.
    #[error("the blob is too large")]
    TooLarge,
    /// The source ended before its end.
    #[error("the source was cut off")]
    Interrupted,
    /// Try again.
    #[error("the blob store is not available")]
    Unavailable,
}
