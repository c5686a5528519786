//! Who did what, and when.

use async_trait::async_trait;
use convor::domain::{AuditAction, AuditRecord};
use convor::ids::{AuditId, TenantId};
use convor::ports::StorageError;
use convor::ports::storage::{AuditRepository, AuditRow};
use sqlx::SqliteConnection;
use uuid::Uuid;

use super::SqliteStorage;
use super::columns::{Columns, above, author_id, author_kind, limit as rows_max};
use super::statement::{statement, statements};
use crate::failure::Failure;

statements! {
    PAGE = "SELECT actor_kind, actor_id, at, audit_id, action, target_id FROM audit
        WHERE tenant_id = ?1 AND audit_id > ?2
        ORDER BY audit_id LIMIT ?3";
    INSERT = "INSERT INTO audit (tenant_id, audit_id, actor_kind, actor_id, at, action, target_id)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
        ON CONFLICT (tenant_id, audit_id) DO NOTHING";
}

#[async_trait]
impl AuditRepository for SqliteStorage {
    async fn page(
        &self,
        tenant: TenantId,
        after: Option<AuditId>,
        limit: usize,
    ) -> Result<Vec<AuditRow>, StorageError> {
        self.db.read(move |db| Box::pin(page(db, tenant, after.map(AuditId::uuid), limit))).await
    }
}

pub(super) async fn page(
    db: &mut SqliteConnection,
    tenant: TenantId,
    after: Option<Uuid>,
    limit: usize,
) -> Result<Vec<AuditRow>, Failure> {
    let page = statement(tenant, PAGE).bind(above(after)).bind(rows_max(limit)).fetch_all(db).await?;
    let rows = page.iter().map(|row| {
        let mut columns = Columns::of(row);
        let (actor, at, id) = (columns.author()?, columns.time()?, columns.id()?);
        let action = AuditAction::from_name(columns.value()?).ok_or_else(Failure::corrupt)?;
        Ok(AuditRow { actor, at, record: AuditRecord { id, action, target: columns.id()? } })
    });
    rows.collect()
}

/// Stores an entry, if its id is not taken.
pub(super) async fn store(
    db: &mut SqliteConnection,
    tenant: TenantId,
    row: &AuditRow,
) -> Result<(), Failure> {
    let insert = statement(tenant, INSERT)
        .bind(row.record.id.uuid())
        .bind(author_kind(row.actor))
        .bind(author_id(row.actor))
        .bind(row.at.millis())
        .bind(row.record.action.name())
        .bind(row.record.target);
    insert.execute(db).await?;
    Ok(())
}
