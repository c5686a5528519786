//! Which tenants there are, and for which of them background work is due. The only calls without a tenant.

use async_trait::async_trait;
use convor::domain::TenantRecord;
use convor::ids::TenantId;
use convor::ports::StorageError;
use convor::ports::storage::TenantRegistry;
use convor::time::Timestamp;
use sqlx::postgres::PgRow;
use uuid::Uuid;

use super::PostgresStorage;
use crate::call::Call;
use crate::codes;
use crate::error::Failure;
use crate::rows::{corrupt, count, field, id, time};

const INSERT: &str = "SELECT convor.registry_insert($1, $2, $3, $4)";
const FIND: &str = "SELECT tenant_id, region, state, created_at FROM convor.registry_find($1)";
const LIST: &str = "SELECT tenant_id, region, state, created_at FROM convor.registry_list($1, $2)";
const CONTROL_HEADS: &str = "SELECT control_head FROM convor.registry_control_heads($1) AS control_head";
const DUE: &str = "SELECT tenant_id FROM convor.registry_due($1, $2, $3) AS tenant_id";

#[async_trait]
impl TenantRegistry for PostgresStorage {
    async fn insert(&self, record: &TenantRecord) -> Result<bool, StorageError> {
        let call = Call::registry(INSERT)
            .once()
            .bind(record.id.uuid())
            .bind(record.region.as_str())
            .bind(codes::tenant_state(record.state))
            .bind(record.created_at.millis());
        self.value(call).await
    }

    async fn find(&self, tenant: TenantId) -> Result<Option<TenantRecord>, StorageError> {
        self.optional(Call::registry(FIND).bind(tenant.uuid()), read).await
    }

    async fn list(&self, after: Option<TenantId>, limit: usize) -> Result<Vec<TenantRecord>, StorageError> {
        let call = Call::registry(LIST).bind(after.map(TenantId::uuid)).bind(codes::limit(limit));
        self.all(call, read).await
    }

    async fn control_heads(&self, tenants: &[TenantId]) -> Result<Vec<u64>, StorageError> {
        let tenants: Vec<Uuid> = tenants.iter().map(|tenant| tenant.uuid()).collect();
        self.all(Call::registry(CONTROL_HEADS).bind(tenants), |row| count(row, "control_head")).await
    }

    async fn due(
        &self,
        now: Timestamp,
        after: Option<TenantId>,
        limit: usize,
    ) -> Result<Vec<TenantId>, StorageError> {
        let call =
            Call::registry(DUE).bind(now.millis()).bind(after.map(TenantId::uuid)).bind(codes::limit(limit));
        self.all(call, |row| id(row, "tenant_id")).await
    }
}

fn read(row: &PgRow) -> Result<TenantRecord, Failure> {
    Ok(TenantRecord {
        id: id(row, "tenant_id")?,
        region: field(row, "region")?,
        state: codes::tenant_state_of(field(row, "state")?).ok_or_else(|| corrupt("no state"))?,
        created_at: time(row, "created_at")?,
    })
}
