//! How far members have read.

use async_trait::async_trait;
use convor::domain::{Audience, Author};
use convor::ids::{ConversationId, TenantId};
use convor::ports::storage::{ReadMove, ReadRepository};
use convor::ports::{Change, StorageError};

use super::MemoryStorage;

#[async_trait]
impl ReadRepository for MemoryStorage {
    async fn advance(
        &self,
        tenant: TenantId,
        conversation: ConversationId,
        reader: Author,
        audience: Audience,
        seq: u64,
        change: &Change,
    ) -> Result<Option<ReadMove>, StorageError> {
        let advanced = self.write(tenant, |state| {
            let log = state.conversations.get(&conversation).filter(|log| log.admits(reader));
            let Some(moved) = log.and_then(|log| log.advance(reader, audience, seq)) else {
                return Ok(None);
            };
            state.commit(change);
            // No list is ordered by who has read what, so the indexes stay as they are.
            if let Some(log) = state.conversations.get_mut(&conversation) {
                log.set_read(reader, moved.to);
            }
            Ok(Some(moved))
        });
        advanced.unwrap_or(Ok(None))
    }
}
