//! Which tenants there are, and for which of them background work is due.

use async_trait::async_trait;
use convor::domain::{TenantRecord, TenantState};
use convor::ids::TenantId;
use convor::ports::StorageError;
use convor::ports::storage::TenantRegistry;
use convor::time::Timestamp;
use sqlx::SqliteConnection;
use sqlx::sqlite::SqliteRow;

use super::SqliteStorage;
use super::columns::{Columns, above, json_ids, limit as rows_max};
use super::statement::{statement, statements};
use crate::failure::Failure;

statements! {
    INSERT = "INSERT INTO tenants (tenant_id, region, state, created_at) VALUES (?1, ?2, ?3, ?4)
        ON CONFLICT (tenant_id) DO NOTHING";
    FIND = "SELECT tenant_id, region, state, created_at FROM tenants WHERE tenant_id = ?1";
    LIST = "SELECT tenant_id, region, state, created_at FROM tenants WHERE tenant_id > ?1
        ORDER BY tenant_id LIMIT ?2";
    CONTROL_HEADS = "SELECT coalesce(tenants.control_head, 0) FROM json_each(?1) AS asked
        LEFT JOIN tenants ON tenants.tenant_id = unhex(asked.value)
        ORDER BY asked.key";
    /// Only the tenants for which work is due are looked at, however many there are for which it is due later.
    DUE = "SELECT tenant_id FROM tenants INDEXED BY tenants_due
        WHERE due_at IS NOT NULL AND due_at <= ?2 AND tenant_id > ?1
        ORDER BY tenant_id LIMIT ?3";
    /// It reads a page of the file, so that a storage whose file is gone does not seem to answer.
    PING = "SELECT tenant_id FROM tenants WHERE tenant_id > x'' LIMIT 1";
}

#[async_trait]
impl TenantRegistry for SqliteStorage {
    async fn insert(&self, record: &TenantRecord) -> Result<bool, StorageError> {
        let record = record.clone();
        let insert = self.db.write(move |db| {
            Box::pin(async move {
                let state: i64 = match record.state {
                    TenantState::Active => 0,
                };
                let insert = statement(record.id, INSERT)
                    .bind(record.region)
                    .bind(state)
                    .bind(record.created_at.millis());
                Ok(insert.execute(db).await?.rows_affected() > 0)
            })
        });
        insert.await
    }

    async fn find(&self, tenant: TenantId) -> Result<Option<TenantRecord>, StorageError> {
        let find = self.db.read(move |db| {
            Box::pin(async move {
                let found = statement(tenant, FIND).fetch_optional(db).await?;
                found.as_ref().map(decode).transpose()
            })
        });
        find.await
    }

    async fn list(&self, after: Option<TenantId>, limit: usize) -> Result<Vec<TenantRecord>, StorageError> {
        let after = above(after.map(TenantId::uuid));
        let list = self.db.read(move |db| {
            Box::pin(async move {
                let list = sqlx::query(LIST).bind(after).bind(rows_max(limit)).fetch_all(db).await?;
                list.iter().map(decode).collect()
            })
        });
        list.await
    }

    async fn control_heads(&self, tenants: &[TenantId]) -> Result<Vec<u64>, StorageError> {
        let asked = json_ids(tenants.iter().map(|tenant| tenant.uuid()));
        let heads = self.db.read(move |db| {
            Box::pin(async move {
                let heads = sqlx::query(CONTROL_HEADS).bind(asked).fetch_all(db).await?;
                heads.iter().map(|row| Columns::of(row).number()).collect()
            })
        });
        heads.await
    }

    async fn due(
        &self,
        now: Timestamp,
        after: Option<TenantId>,
        limit: usize,
    ) -> Result<Vec<TenantId>, StorageError> {
        let after = above(after.map(TenantId::uuid));
        let due = self.db.read(move |db| {
            Box::pin(async move {
                let due = sqlx::query(DUE).bind(after).bind(now.millis()).bind(rows_max(limit));
                due.fetch_all(db).await?.iter().map(|row| Columns::of(row).id()).collect()
            })
        });
        due.await
    }
}

/// Whether the file can be read.
pub(super) async fn ping(db: &mut SqliteConnection) -> Result<(), Failure> {
    sqlx::query(PING).fetch_optional(db).await?;
    Ok(())
}

fn decode(row: &SqliteRow) -> Result<TenantRecord, Failure> {
    let mut columns = Columns::of(row);
    let (id, region) = (columns.id()?, columns.value()?);
    let state = match columns.value::<i64>()? {
        0 => TenantState::Active,
        _ => return Err(Failure::corrupt()),
    };
    Ok(TenantRecord { id, region, state, created_at: columns.time()? })
}
