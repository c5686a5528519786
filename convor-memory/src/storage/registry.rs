//! Which tenants there are, and when each next has background work.

use std::collections::BTreeMap;
use std::ops::Bound;

use async_trait::async_trait;
use convor::domain::TenantRecord;
use convor::ids::TenantId;
use convor::ports::StorageError;
use convor::ports::storage::TenantRegistry;
use convor::time::Timestamp;

use super::state::TenantState;
use super::{MemoryStorage, locked};

/// Which tenants there are. A tenant without work to come is not in `due`, and so costs nothing.
#[derive(Default)]
pub(super) struct Registry {
    records: BTreeMap<TenantId, TenantRecord>,
    due: BTreeMap<TenantId, Timestamp>,
}

impl Registry {
    pub(super) fn schedule(&mut self, tenant: TenantId, due_at: Option<Timestamp>) {
        match due_at {
            Some(at) => self.due.insert(tenant, at),
            None => self.due.remove(&tenant),
        };
    }
}

#[async_trait]
impl TenantRegistry for MemoryStorage {
    async fn insert(&self, record: &TenantRecord) -> Result<bool, StorageError> {
        let mut registry = locked(&self.registry);
        if registry.records.contains_key(&record.id) {
            return Ok(false);
        }
        registry.records.insert(record.id, record.clone());
        Ok(true)
    }

    async fn find(&self, tenant: TenantId) -> Result<Option<TenantRecord>, StorageError> {
        Ok(locked(&self.registry).records.get(&tenant).cloned())
    }

    async fn list(&self, after: Option<TenantId>, limit: usize) -> Result<Vec<TenantRecord>, StorageError> {
        let above = after.map_or(Bound::Unbounded, Bound::Excluded);
        let registry = locked(&self.registry);
        let records = registry.records.range((above, Bound::Unbounded));
        Ok(records.map(|(_, record)| record.clone()).take(limit).collect())
    }

    async fn control_heads(&self, tenants: &[TenantId]) -> Result<Vec<u64>, StorageError> {
        let head = |tenant: &TenantId| self.read(*tenant, TenantState::control_head).unwrap_or(0);
        Ok(tenants.iter().map(head).collect())
    }

    async fn due(
        &self,
        now: Timestamp,
        after: Option<TenantId>,
        limit: usize,
    ) -> Result<Vec<TenantId>, StorageError> {
        let above = after.map_or(Bound::Unbounded, Bound::Excluded);
        let registry = locked(&self.registry);
        let due = registry.due.range((above, Bound::Unbounded)).filter(|(_, at)| **at <= now);
        Ok(due.map(|(tenant, _)| *tenant).take(limit).collect())
    }
}
