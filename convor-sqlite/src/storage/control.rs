//! What every node must obey.

use async_trait::async_trait;
use convor::domain::ControlEvent;
use convor::ids::TenantId;
use convor::ports::storage::ControlRepository;
use convor::ports::{Change, StorageError};
use sqlx::SqliteConnection;

use super::SqliteStorage;
use super::change::commit;
use super::columns::{Columns, limit as rows_max, number};
use super::statement::{statement, statements};
use crate::failure::Failure;

statements! {
    HEAD = "SELECT control_head FROM tenants WHERE tenant_id = ?1";
    AFTER = "SELECT position, kind, session_id FROM control_events WHERE tenant_id = ?1 AND position > ?2
        ORDER BY position LIMIT ?3";
    INSERT = "INSERT INTO control_events (tenant_id, position, kind, session_id) VALUES (?1, ?2, 0, ?3)
        ON CONFLICT (tenant_id, position) DO NOTHING";
    RAISE = "UPDATE tenants SET control_head = ?2 WHERE tenant_id = ?1 AND control_head < ?2";
}

#[async_trait]
impl ControlRepository for SqliteStorage {
    async fn append(&self, tenant: TenantId, change: &Change) -> Result<(), StorageError> {
        let change = change.clone();
        self.db.write(move |db| Box::pin(async move { commit(db, tenant, &change).await })).await
    }

    async fn head(&self, tenant: TenantId) -> Result<u64, StorageError> {
        let head = self.db.read(move |db| {
            Box::pin(async move {
                let head = statement(tenant, HEAD).fetch_optional(db).await?;
                head.map_or(Ok(0), |row| Columns::of(&row).number())
            })
        });
        head.await
    }

    async fn after(
        &self,
        tenant: TenantId,
        after: u64,
        limit: usize,
    ) -> Result<Vec<(u64, ControlEvent)>, StorageError> {
        self.db.read(move |db| Box::pin(page(db, tenant, after, limit))).await
    }
}

pub(super) async fn page(
    db: &mut SqliteConnection,
    tenant: TenantId,
    after: u64,
    limit: usize,
) -> Result<Vec<(u64, ControlEvent)>, Failure> {
    let page = statement(tenant, AFTER).bind(number(after)).bind(rows_max(limit)).fetch_all(db).await?;
    let events = page.iter().map(|row| {
        let mut columns = Columns::of(row);
        match (columns.number()?, columns.value::<i64>()?) {
            (position, 0) => Ok((position, ControlEvent::SessionEnded(columns.id()?))),
            _ => Err(Failure::corrupt()),
        }
    });
    events.collect()
}

/// Stores an event at its position, if nothing is there yet.
pub(super) async fn store(
    db: &mut SqliteConnection,
    tenant: TenantId,
    position: u64,
    event: ControlEvent,
) -> Result<(), Failure> {
    let ControlEvent::SessionEnded(session) = event;
    statement(tenant, INSERT).bind(number(position)).bind(session.uuid()).execute(&mut *db).await?;
    statement(tenant, RAISE).bind(number(position)).execute(db).await?;
    Ok(())
}
