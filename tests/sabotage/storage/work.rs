//! The registry, the outbox, the control log and the audit trail, with their faults.

use async_trait::async_trait;
use convor::domain::{ControlEvent, TenantRecord};
use convor::ids::{AuditId, OutboxId, TenantId};
use convor::ports::storage::{
    AuditRepository, AuditRow, ClaimedNotification, ControlRepository, OutboxRepository, TenantRegistry,
};
use convor::ports::{Change, Storage, StorageError};
use convor::time::Timestamp;

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

    async fn due(
        &self,
        now: Timestamp,
        after: Option<TenantId>,
        limit: usize,
    ) -> Result<Vec<TenantId>, StorageError> {
        let limit = if self.has(Fault::LosesDueWork) { 0 } else { limit };
        self.inner.registry().due(now, after, limit).await
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
        self.inner.audit().page(tenant, after, limit).await
    }
}
