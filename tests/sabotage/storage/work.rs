//! The registry, the outbox, the control log and the audit trail, with their faults.

use async_trait::async_trait;
use convor::domain::{Author, ControlEvent, TenantRecord};
use convor::ids::{AuditId, OutboxId, TenantId};
use convor::ports::storage::{
    AuditRepository, AuditRow, ClaimedNotification, ControlRepository, OutboxRepository, TenantRegistry,
};
use convor::ports::{Change, Storage, StorageError};
use convor::time::Timestamp;
use uuid::Uuid;

use super::Sabotaged;
use crate::fault::Fault;

#[async_trait]
impl TenantRegistry for Sabotaged {
    async fn insert(&self, record: &TenantRecord) -> Result<bool, StorageError> {
        self.memory().tenants.push(record.id);
        self.inner.registry().insert(record).await
    }

    async fn find(&self, tenant: TenantId) -> Result<Option<TenantRecord>, StorageError> {
        self.inner.registry().find(tenant).await
    }

    async fn list(&self, after: Option<TenantId>, limit: usize) -> Result<Vec<TenantRecord>, StorageError> {
        let before = |id: TenantId| Uuid::from_u128(id.uuid().as_u128() - 1).into();
        let after = if self.has(Fault::RepeatsTheCursorOfTheRegistry) { after.map(before) } else { after };
        self.inner.registry().list(after, limit).await
    }

    async fn control_heads(&self, tenants: &[TenantId]) -> Result<Vec<u64>, StorageError> {
        let mut tenants = tenants.to_vec();
        if self.has(Fault::SortsControlHeads) {
            tenants.sort();
        }
        if self.has(Fault::LeavesOutUnknownTenants) {
            let memory = self.memory();
            tenants.retain(|tenant| memory.tenants.contains(tenant));
        }
        self.inner.registry().control_heads(&tenants).await
    }

    async fn due(
        &self,
        now: Timestamp,
        after: Option<TenantId>,
        limit: usize,
    ) -> Result<Vec<TenantId>, StorageError> {
        let limit = if self.has(Fault::LosesDueWork) { 0 } else { limit };
        let mut due = self.inner.registry().due(now, after, limit).await?;
        if self.has(Fault::ForgetsTheWorkOfAnImport) {
            due.retain(|tenant| !self.memory().imported.contains(tenant));
        }
        Ok(due)
    }
}

#[async_trait]
impl OutboxRepository for Sabotaged {
    async fn claim(
        &self,
        tenant: TenantId,
        now: Timestamp,
        until: Timestamp,
        limit: usize,
    ) -> Result<Vec<ClaimedNotification>, StorageError> {
        let until = if self.has(Fault::ClaimsTwice) { now } else { until };
        self.inner.outbox().claim(tenant, now, until, limit).await
    }

    async fn settle(&self, tenant: TenantId, id: OutboxId) -> Result<bool, StorageError> {
        self.inner.outbox().settle(tenant, id).await
    }
}

#[async_trait]
impl ControlRepository for Sabotaged {
    async fn append(&self, tenant: TenantId, change: &Change) -> Result<(), StorageError> {
        if self.has(Fault::ForgetsAControlEvent) {
            return Ok(());
        }
        self.inner.control().append(tenant, change).await
    }

    async fn head(&self, tenant: TenantId) -> Result<u64, StorageError> {
        self.inner.control().head(tenant).await
    }

    async fn after(
        &self,
        tenant: TenantId,
        after: u64,
        limit: usize,
    ) -> Result<Vec<(u64, ControlEvent)>, StorageError> {
        self.inner.control().after(tenant, after, limit).await
    }
}

#[async_trait]
impl AuditRepository for Sabotaged {
    async fn page(
        &self,
        tenant: TenantId,
        after: Option<AuditId>,
        limit: usize,
    ) -> Result<Vec<AuditRow>, StorageError> {
        let mut rows = self.inner.audit().page(tenant, after, limit).await?;
        if self.has(Fault::ErasesTheAuditTrail) {
            let memory = self.memory();
            let erased =
                |actor| matches!(actor, Author::Visitor(of) if memory.erased.contains(&(tenant, of)));
            rows.retain(|row| !erased(row.actor));
        }
        Ok(rows)
    }
}
