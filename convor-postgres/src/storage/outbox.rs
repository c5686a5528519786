//! What is owed to notifiers.

use async_trait::async_trait;
use convor::domain::Notification;
use convor::ids::{OutboxId, TenantId};
use convor::ports::StorageError;
use convor::ports::storage::{ClaimedNotification, OutboxRepository};
use convor::time::Timestamp;
use sqlx::postgres::PgRow;

use super::PostgresStorage;
use crate::call::Call;
use crate::codes;
use crate::error::Failure;
use crate::rows::{corrupt, field, id};

const CLAIM: &str =
    "SELECT id, kind, conversation_id, attempts, held_until FROM convor.outbox_claim($1, $2, $3, $4)";
const SETTLE: &str = "SELECT convor.outbox_settle($1, $2)";

#[async_trait]
impl OutboxRepository for PostgresStorage {
    async fn claim(
        &self,
        tenant: TenantId,
        now: Timestamp,
        until: Timestamp,
        limit: usize,
    ) -> Result<Vec<ClaimedNotification>, StorageError> {
        let call =
            Call::write(CLAIM, tenant).bind(now.millis()).bind(until.millis()).bind(codes::limit(limit));
        self.all(call, |row| {
            let (notification, attempt) = read(row)?;
            Ok(ClaimedNotification { id: id(row, "id")?, notification, attempt })
        })
        .await
    }

    async fn settle(&self, tenant: TenantId, id: OutboxId) -> Result<bool, StorageError> {
        self.value(Call::write(SETTLE, tenant).bind(id.uuid())).await
    }
}

/// What is to be told, and how often that has been tried.
pub(super) fn read(row: &PgRow) -> Result<(Notification, u32), Failure> {
    let notification = codes::notification_of(field(row, "kind")?, field(row, "conversation_id")?);
    let attempts = u32::try_from(field::<i64>(row, "attempts")?).map_err(|_| corrupt("no count of tries"))?;
    Ok((notification.ok_or_else(|| corrupt("no notification"))?, attempts))
}
