//! What is owed to notifiers.

use async_trait::async_trait;
use convor::domain::Notification;
use convor::ids::{OutboxId, TenantId};
use convor::ports::StorageError;
use convor::ports::storage::{ClaimedNotification, OutboxRepository};
use convor::time::Timestamp;
use sqlx::SqliteConnection;
use uuid::Uuid;

use super::SqliteStorage;
use super::change::schedule;
use super::columns::{Columns, above, limit as rows_max};
use super::statement::{statement, statements};
use crate::failure::Failure;

statements! {
    /// Of those that nobody has taken only as many are looked at as are wanted.
    FREE = "SELECT notification_id FROM (
            SELECT notification_id FROM (
                SELECT notification_id FROM notifications INDEXED BY notifications_fresh
                WHERE tenant_id = ?1 AND held_until IS NULL
                ORDER BY notification_id LIMIT ?3)
            UNION ALL
            SELECT notification_id FROM notifications INDEXED BY notifications_taken
            WHERE tenant_id = ?1 AND held_until IS NOT NULL AND held_until <= ?2)
        ORDER BY notification_id LIMIT ?3";
    HOLD = "UPDATE notifications SET held_until = ?3, attempts = attempts + 1
        WHERE tenant_id = ?1 AND notification_id = ?2
        RETURNING notification_id, kind, conversation_id, attempts";
    SETTLE = "DELETE FROM notifications WHERE tenant_id = ?1 AND notification_id = ?2";
    PAGE = "SELECT notification_id, kind, conversation_id, attempts, held_until FROM notifications
        WHERE tenant_id = ?1 AND notification_id > ?2
        ORDER BY notification_id LIMIT ?3";
    INSERT = "INSERT INTO notifications
            (tenant_id, notification_id, kind, conversation_id, attempts, held_until)
        VALUES (?1, ?2, 0, ?3, ?4, ?5)
        ON CONFLICT (tenant_id, notification_id) DO NOTHING";
}

/// A notification as it is stored.
pub(super) struct Owed {
    pub(super) id: OutboxId,
    pub(super) notification: Notification,
    pub(super) attempts: u32,
    pub(super) held_until: Option<Timestamp>,
}

#[async_trait]
impl OutboxRepository for SqliteStorage {
    async fn claim(
        &self,
        tenant: TenantId,
        now: Timestamp,
        until: Timestamp,
        limit: usize,
    ) -> Result<Vec<ClaimedNotification>, StorageError> {
        self.db.write(move |db| Box::pin(claim(db, tenant, now, until, limit))).await
    }

    async fn settle(&self, tenant: TenantId, id: OutboxId) -> Result<bool, StorageError> {
        let settle = self.db.write(move |db| {
            Box::pin(async move {
                let settled = statement(tenant, SETTLE).bind(id.uuid()).execute(&mut *db).await?;
                schedule(db, tenant).await?;
                Ok(settled.rows_affected() > 0)
            })
        });
        settle.await
    }
}

async fn claim(
    db: &mut SqliteConnection,
    tenant: TenantId,
    now: Timestamp,
    until: Timestamp,
    limit: usize,
) -> Result<Vec<ClaimedNotification>, Failure> {
    let free = statement(tenant, FREE).bind(now.millis()).bind(rows_max(limit)).fetch_all(&mut *db).await?;
    let mut claimed = Vec::with_capacity(free.len());
    for row in free {
        let id: Uuid = Columns::of(&row).id()?;
        let held = statement(tenant, HOLD).bind(id).bind(until.millis()).fetch_one(&mut *db).await?;
        let mut columns = Columns::of(&held);
        let (id, notification) = decode(&mut columns)?;
        claimed.push(ClaimedNotification { id, notification, attempt: columns.small()? });
    }
    schedule(db, tenant).await?;
    Ok(claimed)
}

pub(super) async fn page(
    db: &mut SqliteConnection,
    tenant: TenantId,
    after: Option<Uuid>,
    limit: usize,
) -> Result<Vec<Owed>, Failure> {
    let page = statement(tenant, PAGE).bind(above(after)).bind(rows_max(limit)).fetch_all(db).await?;
    let owed = page.iter().map(|row| {
        let mut columns = Columns::of(row);
        let (id, notification) = decode(&mut columns)?;
        Ok(Owed { id, notification, attempts: columns.small()?, held_until: columns.maybe_time()? })
    });
    owed.collect()
}

/// Stores a notification, if its id is not taken.
pub(super) async fn store(db: &mut SqliteConnection, tenant: TenantId, owed: &Owed) -> Result<(), Failure> {
    let Notification::MessageWaiting { conversation } = owed.notification;
    let insert = statement(tenant, INSERT)
        .bind(owed.id.uuid())
        .bind(conversation.uuid())
        .bind(i64::from(owed.attempts))
        .bind(owed.held_until.map(Timestamp::millis));
    insert.execute(&mut *db).await?;
    schedule(db, tenant).await
}

/// Reads id, kind and conversation.
fn decode(columns: &mut Columns<'_>) -> Result<(OutboxId, Notification), Failure> {
    match (columns.id()?, columns.value::<i64>()?) {
        (id, 0) => Ok((id, Notification::MessageWaiting { conversation: columns.id()? })),
        _ => Err(Failure::corrupt()),
    }
}
