//! What is known of files.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::ops::Bound;

use async_trait::async_trait;
use convor::domain::{Upload, UploadContent};
use convor::ids::{ConversationId, TenantId, UploadId};
use convor::ports::storage::UploadRepository;
use convor::ports::{BlobKey, Change, StorageError};
use convor::time::Timestamp;

use super::MemoryStorage;

/// The uploads of a tenant, and the blobs that they have left.
#[derive(Default)]
pub(super) struct Uploads {
    pub(super) records: BTreeMap<UploadId, Upload>,
    pub(super) removable: BTreeSet<BlobKey>,
    /// The blobs of the records.
    blobs: HashSet<BlobKey>,
    /// A conversation without uploads is not in it.
    by_conversation: HashMap<ConversationId, BTreeSet<UploadId>>,
    /// Those without content, by when they were begun.
    incomplete: BTreeSet<(Timestamp, UploadId)>,
}

impl Uploads {
    /// Whether a record has this blob. Such a one is not removable.
    pub(super) fn has(&self, blob: BlobKey) -> bool {
        self.blobs.contains(&blob)
    }

    /// Adds a record whose id is not taken, and whose blob no other one has.
    pub(super) fn add(&mut self, upload: Upload) {
        self.blobs.insert(upload.blob);
        self.removable.remove(&upload.blob);
        self.by_conversation.entry(upload.conversation).or_default().insert(upload.id);
        if upload.content.is_none() {
            self.incomplete.insert((upload.created_at, upload.id));
        }
        self.records.insert(upload.id, upload);
    }

    fn is_incomplete(&self, id: UploadId) -> bool {
        self.records.get(&id).is_some_and(|upload| upload.content.is_none())
    }

    fn complete(&mut self, id: UploadId, content: UploadContent) {
        if let Some(upload) = self.records.get_mut(&id) {
            self.incomplete.remove(&(upload.created_at, id));
            upload.content = Some(content);
        }
    }

    /// Removes a record; its blob is removable from then on.
    fn discard(&mut self, id: UploadId) {
        let Some(upload) = self.records.remove(&id) else { return };
        self.blobs.remove(&upload.blob);
        self.removable.insert(upload.blob);
        self.incomplete.remove(&(upload.created_at, id));
        if let Some(of) = self.by_conversation.get_mut(&upload.conversation) {
            of.remove(&id);
            if of.is_empty() {
                self.by_conversation.remove(&upload.conversation);
            }
        }
    }

    /// Discards the uploads of a conversation.
    pub(super) fn discard_all(&mut self, conversation: ConversationId) {
        for id in self.by_conversation.remove(&conversation).into_iter().flatten() {
            self.discard(id);
        }
    }

    fn discard_stale(&mut self, stale: Timestamp) {
        while let Some((_, id)) = self.incomplete.first().copied().filter(|(begun, _)| *begun < stale) {
            self.discard(id);
        }
    }

    fn page(&self, conversation: ConversationId, after: Option<UploadId>) -> impl Iterator<Item = &Upload> {
        let above = after.map_or(Bound::Unbounded, Bound::Excluded);
        let of = self.by_conversation.get(&conversation).into_iter();
        of.flat_map(move |of| of.range((above, Bound::Unbounded))).filter_map(|id| self.records.get(id))
    }
}

#[async_trait]
impl UploadRepository for MemoryStorage {
    async fn begin(&self, tenant: TenantId, upload: &Upload, change: &Change) -> Result<bool, StorageError> {
        let begun = self.write(tenant, |state| {
            let uploads = &state.uploads;
            let blob_taken = uploads.has(upload.blob) || uploads.removable.contains(&upload.blob);
            if blob_taken
                || uploads.records.contains_key(&upload.id)
                || !state.conversations.contains_key(&upload.conversation)
            {
                return Ok(false);
            }
            state.commit(change);
            state.uploads.add(Upload { content: None, ..upload.clone() });
            Ok(true)
        });
        begun.unwrap_or(Ok(false))
    }

    async fn complete(
        &self,
        tenant: TenantId,
        upload: UploadId,
        content: &UploadContent,
        change: &Change,
    ) -> Result<bool, StorageError> {
        let completed = self.write(tenant, |state| {
            if !state.uploads.is_incomplete(upload) {
                return Ok(false);
            }
            state.commit(change);
            state.uploads.complete(upload, *content);
            Ok(true)
        });
        completed.unwrap_or(Ok(false))
    }

    async fn find(&self, tenant: TenantId, upload: UploadId) -> Result<Option<Upload>, StorageError> {
        Ok(self.read(tenant, |state| state.uploads.records.get(&upload).cloned()).flatten())
    }

    async fn page(
        &self,
        tenant: TenantId,
        conversation: ConversationId,
        after: Option<UploadId>,
        limit: usize,
    ) -> Result<Vec<Upload>, StorageError> {
        let page =
            self.read(tenant, |state| state.uploads.page(conversation, after).take(limit).cloned().collect());
        Ok(page.unwrap_or_default())
    }

    async fn discard(
        &self,
        tenant: TenantId,
        upload: UploadId,
        change: &Change,
    ) -> Result<bool, StorageError> {
        let discarded = self.write(tenant, |state| {
            if !state.uploads.records.contains_key(&upload) {
                return Ok(false);
            }
            state.commit(change);
            state.uploads.discard(upload);
            Ok(true)
        });
        discarded.unwrap_or(Ok(false))
    }

    async fn removable(
        &self,
        tenant: TenantId,
        stale: Timestamp,
        limit: usize,
    ) -> Result<Vec<BlobKey>, StorageError> {
        let removable = self.write(tenant, |state| {
            state.uploads.discard_stale(stale);
            state.uploads.removable.iter().copied().take(limit).collect()
        });
        Ok(removable.unwrap_or_default())
    }

    async fn removed(&self, tenant: TenantId, blob: BlobKey) -> Result<bool, StorageError> {
        Ok(self.write(tenant, |state| state.uploads.removable.remove(&blob)).unwrap_or(false))
    }
}
