//! What every node must obey.

use async_trait::async_trait;
use convor::domain::ControlEvent;
use convor::ids::TenantId;
use convor::ports::storage::ControlRepository;
use convor::ports::{Change, StorageError, StorageErrorKind};
use sqlx::postgres::PgRow;

use super::PostgresStorage;
use crate::call::Call;
use crate::codes;
use crate::error::Failure;
use crate::rows::{corrupt, count, field, only};

const APPEND: &str =
    "SELECT convor.control_append($1, ROW($2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)::convor.change)";
const HEAD: &str = "SELECT convor.control_head($1)";
const AFTER: &str = "SELECT position, kind, session_id FROM convor.control_after($1, $2, $3)";

#[async_trait]
impl ControlRepository for PostgresStorage {
    async fn append(&self, tenant: TenantId, change: &Change) -> Result<(), StorageError> {
        self.rows(Call::change(APPEND, tenant, change)).await.map(drop)
    }

    async fn head(&self, tenant: TenantId) -> Result<u64, StorageError> {
        let head: i64 = only(&self.rows(Call::read(HEAD, tenant)).await?)?;
        u64::try_from(head).map_err(|_| StorageError::new(StorageErrorKind::Corrupt))
    }

    async fn after(
        &self,
        tenant: TenantId,
        after: u64,
        limit: usize,
    ) -> Result<Vec<(u64, ControlEvent)>, StorageError> {
        let call = Call::read(AFTER, tenant).bind(codes::number(after)).bind(codes::limit(limit));
        self.all(call, read).await
    }
}

/// An entry with its position.
fn read(row: &PgRow) -> Result<(u64, ControlEvent), Failure> {
    let event = codes::control_event_of(field(row, "kind")?, field(row, "session_id")?);
    Ok((count(row, "position")?, event.ok_or_else(|| corrupt("no control event"))?))
}
