//! What happened in conversations.

use async_trait::async_trait;
use convor::domain::Audience;
use convor::ids::{ConversationId, TenantId};
use convor::ports::storage::{Append, AppendOutcome, EventPage, EventRepository, Window};
use convor::ports::{Change, StorageError};
use convor::time::Timestamp;
use sqlx::postgres::PgRow;

use super::PostgresStorage;
use crate::append::Message;
use crate::call::Call;
use crate::codes;
use crate::connections::Connections;
use crate::error::Failure;
use crate::rows::{EventRow, corrupt, count, field, heads, id};

const PAGE: &str = "SELECT visitor_id, head_staff, head_visitor, floor_staff, floor_visitor, epoch, event
    FROM convor.events_page($1, $2, $3, $4, $5, $6)";
const PURGE: &str = "SELECT convor.events_purge($1, $2, $3)";

#[async_trait]
impl EventRepository for PostgresStorage {
    async fn append(
        &self,
        tenant: TenantId,
        append: &Append,
        change: &Change,
    ) -> Result<AppendOutcome, StorageError> {
        let message = Message { tenant, append: append.clone(), change: change.clone() };
        Ok(self.batcher.append(message).await?)
    }

    async fn page(
        &self,
        tenant: TenantId,
        conversation: ConversationId,
        audience: Audience,
        window: Window,
        limit: usize,
    ) -> Result<Option<EventPage>, StorageError> {
        Ok(page(&self.connections, tenant, conversation, audience, window, limit).await?)
    }

    /// One call, and another one for as long as others are quicker with what it finds.
    async fn purge(&self, tenant: TenantId, before: Timestamp, limit: usize) -> Result<usize, StorageError> {
        loop {
            let call = Call::write(PURGE, tenant).bind(before.millis()).bind(codes::limit(limit));
            if let Some(removed) = self.value::<Option<i64>>(call).await? {
                return Ok(usize::try_from(removed).map_err(|_| corrupt("a negative count"))?);
            }
        }
    }
}

/// A page of a log.
pub(crate) async fn page(
    connections: &Connections,
    tenant: TenantId,
    conversation: ConversationId,
    audience: Audience,
    window: Window,
    limit: usize,
) -> Result<Option<EventPage>, Failure> {
    let (window, seq) = match window {
        Window::After(seq) => (0_i16, seq),
        Window::Before(seq) => (1, seq),
        Window::Latest => (2, 0),
    };
    let call = Call::read(PAGE, tenant)
        .bind(conversation.uuid())
        .bind(audience == Audience::Visitor)
        .bind(window)
        .bind(codes::number(seq))
        .bind(codes::limit(limit));
    let rows = call.rows(connections).await?;
    let Some(row) = rows.first() else {
        return Ok(None);
    };
    let events = rows.iter().filter_map(|row| field::<Option<EventRow>>(row, "event").transpose());
    Ok(Some(EventPage {
        events: events.map(|event| Ok(event?.0)).collect::<Result<_, Failure>>()?,
        visitor: id(row, "visitor_id")?,
        heads: heads(row, "head_staff", "head_visitor")?,
        floor: heads(row, "floor_staff", "floor_visitor")?,
        epoch: epoch(row)?,
    }))
}

/// The lifetime of positions in the column `epoch`.
pub(crate) fn epoch(row: &PgRow) -> Result<u32, Failure> {
    u32::try_from(count(row, "epoch")?).map_err(|_| corrupt("a large epoch"))
}
