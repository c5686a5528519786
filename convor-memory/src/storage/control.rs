//! What every node must obey.

use async_trait::async_trait;
use convor::domain::ControlEvent;
use convor::ids::TenantId;
use convor::ports::storage::ControlRepository;
use convor::ports::{Change, StorageError};

use super::MemoryStorage;

#[async_trait]
impl ControlRepository for MemoryStorage {
    async fn append(&self, tenant: TenantId, change: &Change) -> Result<(), StorageError> {
        self.create(tenant, |state| state.commit(change));
        Ok(())
    }

    async fn head(&self, tenant: TenantId) -> Result<u64, StorageError> {
        let events = self.read(tenant, |state| state.control.len()).unwrap_or(0);
        Ok(u64::try_from(events).unwrap_or(u64::MAX))
    }

    async fn after(
        &self,
        tenant: TenantId,
        after: u64,
        limit: usize,
    ) -> Result<Vec<(u64, ControlEvent)>, StorageError> {
        let skipped = usize::try_from(after).unwrap_or(usize::MAX);
        let page = self.read(tenant, |state| {
            let above = state.control.iter().skip(skipped).take(limit);
            (after.saturating_add(1)..).zip(above.copied()).collect()
        });
        Ok(page.unwrap_or_default())
    }
}
