//! What every node must obey.

use std::ops::Bound;

use async_trait::async_trait;
use convor::domain::ControlEvent;
use convor::ids::TenantId;
use convor::ports::storage::ControlRepository;
use convor::ports::{Change, StorageError};

use super::MemoryStorage;
use super::state::TenantState;

#[async_trait]
impl ControlRepository for MemoryStorage {
    async fn append(&self, tenant: TenantId, change: &Change) -> Result<(), StorageError> {
        self.create(tenant, |state| state.commit(change));
        Ok(())
    }

    async fn head(&self, tenant: TenantId) -> Result<u64, StorageError> {
        Ok(self.read(tenant, TenantState::control_head).unwrap_or(0))
    }

    async fn after(
        &self,
        tenant: TenantId,
        after: u64,
        limit: usize,
    ) -> Result<Vec<(u64, ControlEvent)>, StorageError> {
        let page = self.read(tenant, |state| {
            let above = state.control.range((Bound::Excluded(after), Bound::Unbounded));
            above.map(|(position, event)| (*position, *event)).take(limit).collect()
        });
        Ok(page.unwrap_or_default())
    }
}

impl TenantState {
    /// The position of the last control event; 0 before the first.
    pub(super) fn control_head(&self) -> u64 {
        self.control.last_key_value().map_or(0, |(position, _)| *position)
    }

    /// Gives a control event the next position.
    pub(super) fn push_control(&mut self, event: ControlEvent) {
        self.control.insert(self.control_head() + 1, event);
    }
}
