//! Commits what goes with a change, and keeps the registry's knowledge of due work.

use convor::domain::{AuditRecord, Author, ControlEvent, Notification, OutboxEntry};
use convor::ids::{OutboxId, TenantId};
use convor::ports::Change;
use convor::time::Timestamp;
use sqlx::SqliteConnection;

use super::columns::{Columns, author_id, author_kind, number};
use super::statement::{statement, statements};
use crate::failure::Failure;

statements! {
    AUDIT = "INSERT INTO audit (tenant_id, audit_id, actor_kind, actor_id, at, action, target_id)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
    NOTIFY = "INSERT INTO notifications (tenant_id, notification_id, kind, conversation_id)
        VALUES (?1, ?2, ?3, ?4)";
    NEXT_POSITION = "UPDATE tenants SET control_head = control_head + 1 WHERE tenant_id = ?1
        RETURNING control_head";
    CONTROL = "INSERT INTO control_events (tenant_id, position, kind, session_id) VALUES (?1, ?2, ?3, ?4)";
    /// When the next snooze ends or the next notification is free: at once if nobody has taken it yet.
    SCHEDULE = "UPDATE tenants SET due_at = (
            SELECT min(at) FROM (
                SELECT min(snoozed_until) AS at FROM conversations
                WHERE tenant_id = ?1 AND snoozed_until IS NOT NULL
                UNION ALL
                SELECT 0 WHERE EXISTS (
                    SELECT 1 FROM notifications WHERE tenant_id = ?1 AND held_until IS NULL)
                UNION ALL
                SELECT min(held_until) FROM notifications WHERE tenant_id = ?1 AND held_until IS NOT NULL))
        WHERE tenant_id = ?1";
}

/// Stores the audit record, the notifications and the control events of a change.
pub(super) async fn commit(
    db: &mut SqliteConnection,
    tenant: TenantId,
    change: &Change,
) -> Result<(), Failure> {
    if let Some(record) = &change.audit {
        audit(db, tenant, change.actor, change.at, record).await?;
    }
    let mut notified = false;
    for entry in &change.outbox {
        match entry {
            OutboxEntry::Notify { id, notification } => {
                notify(db, tenant, *id, *notification).await?;
                notified = true;
            }
            OutboxEntry::Control(event) => control(db, tenant, *event).await?,
        }
    }
    if notified { schedule(db, tenant).await } else { Ok(()) }
}

async fn audit(
    db: &mut SqliteConnection,
    tenant: TenantId,
    actor: Author,
    at: Timestamp,
    record: &AuditRecord,
) -> Result<(), Failure> {
    statement(tenant, AUDIT)
        .bind(record.id.uuid())
        .bind(author_kind(actor))
        .bind(author_id(actor))
        .bind(at.millis())
        .bind(record.action.name())
        .bind(record.target)
        .execute(db)
        .await?;
    Ok(())
}

async fn notify(
    db: &mut SqliteConnection,
    tenant: TenantId,
    id: OutboxId,
    notification: Notification,
) -> Result<(), Failure> {
    let Notification::MessageWaiting { conversation } = notification;
    let insert = statement(tenant, NOTIFY).bind(id.uuid()).bind(0_i64).bind(conversation.uuid());
    insert.execute(db).await?;
    Ok(())
}

/// Gives a control event the next position.
pub(super) async fn control(
    db: &mut SqliteConnection,
    tenant: TenantId,
    event: ControlEvent,
) -> Result<(), Failure> {
    let ControlEvent::SessionEnded(session) = event;
    let head = statement(tenant, NEXT_POSITION).fetch_optional(&mut *db).await?;
    // A tenant that is not registered has no control log.
    let position = Columns::of(&head.ok_or_else(Failure::other)?).number()?;
    let insert = statement(tenant, CONTROL).bind(number(position)).bind(0_i64).bind(session.uuid());
    insert.execute(db).await?;
    Ok(())
}

/// Tells the registry when the tenant next has background work; called whenever a snooze or a notification comes or goes.
pub(super) async fn schedule(db: &mut SqliteConnection, tenant: TenantId) -> Result<(), Failure> {
    statement(tenant, SCHEDULE).execute(db).await?;
    Ok(())
}
