//! [`MemoryBlobs`]: files that live in this process.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fmt;
use std::ops::Bound;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use convor::ids::TenantId;
use convor::ports::{BlobError, BlobKey, BlobSource, BlobStore};
use uuid::Uuid;

/// Keeps files in this process, chunk by chunk as they came.
#[derive(Default)]
pub struct MemoryBlobs {
    blobs: Mutex<Blobs>,
}

/// The tenant is part of the name, so that no key reaches across tenants.
type Blobs = BTreeMap<(TenantId, BlobKey), Arc<[Bytes]>>;

impl MemoryBlobs {
    /// A store in which there is nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn blobs(&self) -> MutexGuard<'_, Blobs> {
        self.blobs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for MemoryBlobs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryBlobs").finish_non_exhaustive()
    }
}

#[async_trait]
impl BlobStore for MemoryBlobs {
    async fn put(
        &self,
        tenant: TenantId,
        key: BlobKey,
        source: &mut dyn BlobSource,
        bytes_max: u64,
    ) -> Result<u64, BlobError> {
        if self.blobs().contains_key(&(tenant, key)) {
            return Err(BlobError::Exists);
        }
        let mut chunks = Vec::new();
        let mut length: u64 = 0;
        while let Some(chunk) = source.chunk().await? {
            length = length.saturating_add(u64::try_from(chunk.len()).unwrap_or(u64::MAX));
            if length > bytes_max {
                return Err(BlobError::TooLarge);
            }
            chunks.push(chunk);
        }
        // Somebody else may have put the same key while the source was read: who comes first has it.
        match self.blobs().entry((tenant, key)) {
            Entry::Occupied(_) => Err(BlobError::Exists),
            Entry::Vacant(place) => {
                place.insert(chunks.into());
                Ok(length)
            }
        }
    }

    async fn get(&self, tenant: TenantId, key: BlobKey) -> Result<Option<Box<dyn BlobSource>>, BlobError> {
        let chunks = self.blobs().get(&(tenant, key)).cloned();
        Ok(chunks.map(|chunks| Box::new(Stored { chunks, next: 0 }) as Box<dyn BlobSource>))
    }

    async fn delete(&self, tenant: TenantId, key: BlobKey) -> Result<bool, BlobError> {
        Ok(self.blobs().remove(&(tenant, key)).is_some())
    }

    async fn list(
        &self,
        tenant: TenantId,
        after: Option<BlobKey>,
        limit: usize,
    ) -> Result<Vec<BlobKey>, BlobError> {
        let first = (tenant, BlobKey(Uuid::nil()));
        let above = after.map_or(Bound::Included(first), |after| Bound::Excluded((tenant, after)));
        let last = (tenant, BlobKey(Uuid::max()));
        let blobs = self.blobs();
        let keys = blobs.range((above, Bound::Included(last))).map(|((_, key), _)| *key);
        Ok(keys.take(limit).collect())
    }
}

/// A blob that is being read. It stays readable if it is deleted meanwhile.
struct Stored {
    chunks: Arc<[Bytes]>,
    next: usize,
}

#[async_trait]
impl BlobSource for Stored {
    async fn chunk(&mut self) -> Result<Option<Bytes>, BlobError> {
        let chunk = self.chunks.get(self.next).cloned();
        self.next += 1;
        Ok(chunk)
    }
}
