//! Who did what, and when.

use async_trait::async_trait;
use convor::domain::{AuditAction, AuditRecord};
use convor::ids::{AuditId, TenantId};
use convor::ports::StorageError;
use convor::ports::storage::{AuditRepository, AuditRow};
use sqlx::postgres::PgRow;
use uuid::Uuid;

use super::PostgresStorage;
use crate::call::Call;
use crate::codes;
use crate::error::Failure;
use crate::rows::{corrupt, field, id, time};

pub(super) const PAGE: &str =
    "SELECT id, by_kind, by_id, at, action, target FROM convor.audit_page($1, $2, $3)";

#[async_trait]
impl AuditRepository for PostgresStorage {
    async fn page(
        &self,
        tenant: TenantId,
        after: Option<AuditId>,
        limit: usize,
    ) -> Result<Vec<AuditRow>, StorageError> {
        let after = after.map_or(Uuid::nil(), AuditId::uuid);
        self.all(Call::read(PAGE, tenant).bind(after).bind(codes::limit(limit)), read).await
    }
}

pub(super) fn read(row: &PgRow) -> Result<AuditRow, Failure> {
    let actor = codes::author_of(field(row, "by_kind")?, field(row, "by_id")?);
    let action = AuditAction::from_name(&field::<String>(row, "action")?);
    Ok(AuditRow {
        actor: actor.ok_or_else(|| corrupt("nobody"))?,
        at: time(row, "at")?,
        record: AuditRecord {
            id: id(row, "id")?,
            action: action.ok_or_else(|| corrupt("no action"))?,
            target: field(row, "target")?,
        },
    })
}
