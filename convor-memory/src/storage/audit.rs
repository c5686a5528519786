//! Who did what, and when.

use std::ops::Bound;

use async_trait::async_trait;
use convor::ids::{AuditId, TenantId};
use convor::ports::StorageError;
use convor::ports::storage::{AuditRepository, AuditRow};

use super::MemoryStorage;

#[async_trait]
impl AuditRepository for MemoryStorage {
    async fn page(
        &self,
        tenant: TenantId,
        after: Option<AuditId>,
        limit: usize,
    ) -> Result<Vec<AuditRow>, StorageError> {
        let above = after.map_or(Bound::Unbounded, Bound::Excluded);
        let page = self.read(tenant, |state| {
            let rows = state.audit.range((above, Bound::Unbounded));
            rows.map(|(_, row)| row.clone()).take(limit).collect()
        });
        Ok(page.unwrap_or_default())
    }
}
