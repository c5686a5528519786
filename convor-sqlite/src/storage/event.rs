//! What happened in conversations.

use async_trait::async_trait;
use convor::domain::{Audience, BodyDigest, Event, Status};
use convor::ids::{ConversationId, TenantId};
use convor::ports::storage::{Append, AppendOutcome, EventPage, EventRepository, Window};
use convor::ports::{Change, StorageError};
use convor::time::Timestamp;
use sqlx::SqliteConnection;
use sqlx::sqlite::SqliteRow;

use super::SqliteStorage;
use super::change::commit;
use super::columns::{Columns, author_id, author_kind, limit as rows_max, number};
use super::log::{Log, event, event_columns};
use super::statement::{statement, statements};
use crate::connections::Residue;
use crate::failure::Failure;

statements! {
    RECEIVED_BEFORE = concat!("SELECT e.digest, ", event_columns!(), " FROM events AS e
        WHERE e.tenant_id = ?1 AND e.conversation_id = ?2 AND e.by_kind = ?3 AND e.by_id = ?4
            AND e.client_id = ?5");
    HEADS = "SELECT visitor_id, head_staff, head_visitor, floor_staff, floor_visitor, epoch FROM conversations
        WHERE tenant_id = ?1 AND conversation_id = ?2";
    STAFF_AFTER = concat!("SELECT ", event_columns!(), " FROM events AS e
        WHERE e.tenant_id = ?1 AND e.conversation_id = ?2 AND e.staff_seq > ?3
        ORDER BY e.staff_seq LIMIT ?4");
    STAFF_BEFORE = concat!("SELECT ", event_columns!(), " FROM events AS e
        WHERE e.tenant_id = ?1 AND e.conversation_id = ?2 AND e.staff_seq < ?3
        ORDER BY e.staff_seq DESC LIMIT ?4");
    VISITOR_AFTER = concat!("SELECT ", event_columns!(), " FROM events AS e
        WHERE e.tenant_id = ?1 AND e.conversation_id = ?2 AND e.visitor_seq > ?3
        ORDER BY e.visitor_seq LIMIT ?4");
    VISITOR_BEFORE = concat!("SELECT ", event_columns!(), " FROM events AS e
        WHERE e.tenant_id = ?1 AND e.conversation_id = ?2 AND e.visitor_seq < ?3
        ORDER BY e.visitor_seq DESC LIMIT ?4");
    OLDEST_LOG = "SELECT conversation_id FROM conversations INDEXED BY conversations_oldest
        WHERE tenant_id = ?1 AND oldest_at IS NOT NULL AND oldest_at < ?2
        ORDER BY oldest_at, conversation_id LIMIT 1";
    BEGINNING = "SELECT staff_seq, visitor_head, at FROM events
        WHERE tenant_id = ?1 AND conversation_id = ?2
        ORDER BY staff_seq LIMIT ?3";
    /// What was searchable of them goes with them.
    PURGE = "DELETE FROM events WHERE tenant_id = ?1 AND conversation_id = ?2 AND staff_seq <= ?3";
    RAISE_FLOOR = "UPDATE conversations SET
            floor_staff = max(floor_staff, ?3), floor_visitor = max(floor_visitor, ?4), oldest_at = (
            SELECT at FROM events WHERE tenant_id = ?1 AND conversation_id = ?2 ORDER BY staff_seq LIMIT 1)
        WHERE tenant_id = ?1 AND conversation_id = ?2";
}

#[async_trait]
impl EventRepository for SqliteStorage {
    async fn append(
        &self,
        tenant: TenantId,
        message: &Append,
        change: &Change,
    ) -> Result<AppendOutcome, StorageError> {
        let (message, change) = (message.clone(), change.clone());
        self.db.write(move |db| Box::pin(async move { append(db, tenant, &message, &change).await })).await
    }

    async fn page(
        &self,
        tenant: TenantId,
        conversation: ConversationId,
        audience: Audience,
        window: Window,
        limit: usize,
    ) -> Result<Option<EventPage>, StorageError> {
        self.db.read(move |db| Box::pin(page(db, tenant, conversation, audience, window, limit))).await
    }

    async fn purge(&self, tenant: TenantId, before: Timestamp, limit: usize) -> Result<usize, StorageError> {
        let purge = self.db.erase(move |db| {
            Box::pin(async move {
                let purged = purge(db, tenant, before, limit).await?;
                Ok((purged, Residue::erased_if(purged > 0)))
            })
        });
        purge.await
    }
}

async fn append(
    db: &mut SqliteConnection,
    tenant: TenantId,
    append: &Append,
    change: &Change,
) -> Result<AppendOutcome, Failure> {
    let found = Log::find(db, tenant, append.conversation).await?;
    let Some(mut log) = found.filter(|log| log.admits(append.author)) else {
        return Ok(AppendOutcome::NotFound);
    };
    if let Some(repeat) = received_before(db, tenant, append).await? {
        return Ok(repeat);
    }
    commit(db, tenant, change).await?;
    log.push_message(append.author, &append.message, change.at);
    if append.reopen && log.conversation.status != Status::Open {
        log.push_status(append.author, Status::Open, None, change.at);
        log.conversation.version += 1;
    }
    let events = log.save(db, tenant).await?;
    let (visitor, heads) = (log.conversation.visitor, log.conversation.heads);
    Ok(AppendOutcome::Stored { events, visitor, heads })
}

async fn received_before(
    db: &mut SqliteConnection,
    tenant: TenantId,
    append: &Append,
) -> Result<Option<AppendOutcome>, Failure> {
    let before = statement(tenant, RECEIVED_BEFORE)
        .bind(append.conversation.uuid())
        .bind(author_kind(append.author))
        .bind(author_id(append.author))
        .bind(append.message.client_id.uuid());
    let Some(row) = before.fetch_optional(db).await? else { return Ok(None) };
    let mut columns = Columns::of(&row);
    let digest: Option<BodyDigest> = columns.maybe_hash()?;
    if digest.is_some_and(|digest| digest != append.message.digest) {
        return Ok(Some(AppendOutcome::ClientIdReused));
    }
    let event = event(&mut columns)?.ok_or_else(Failure::corrupt)?;
    Ok(Some(AppendOutcome::Duplicate(event)))
}

async fn page(
    db: &mut SqliteConnection,
    tenant: TenantId,
    conversation: ConversationId,
    audience: Audience,
    window: Window,
    limit: usize,
) -> Result<Option<EventPage>, Failure> {
    let heads = statement(tenant, HEADS).bind(conversation.uuid()).fetch_optional(&mut *db).await?;
    let Some(row) = heads else { return Ok(None) };
    let (sql, bound, descending) = match (audience, window) {
        (Audience::Staff, Window::After(after)) => (STAFF_AFTER, number(after), false),
        (Audience::Staff, Window::Before(before)) => (STAFF_BEFORE, number(before), true),
        (Audience::Staff, Window::Latest) => (STAFF_BEFORE, i64::MAX, true),
        (Audience::Visitor, Window::After(after)) => (VISITOR_AFTER, number(after), false),
        (Audience::Visitor, Window::Before(before)) => (VISITOR_BEFORE, number(before), true),
        (Audience::Visitor, Window::Latest) => (VISITOR_BEFORE, i64::MAX, true),
    };
    let events = statement(tenant, sql).bind(conversation.uuid()).bind(bound).bind(rows_max(limit));
    let mut events = events.fetch_all(db).await?.iter().map(decode).collect::<Result<Vec<_>, _>>()?;
    if descending {
        events.reverse();
    }
    let mut columns = Columns::of(&row);
    let (visitor, heads) = (columns.id()?, columns.heads()?);
    Ok(Some(EventPage { events, visitor, heads, floor: columns.heads()?, epoch: columns.small()? }))
}

fn decode(row: &SqliteRow) -> Result<Event, Failure> {
    event(&mut Columns::of(row))?.ok_or_else(Failure::corrupt)
}

/// Removes old events, log by log, the one first that begins first.
async fn purge(
    db: &mut SqliteConnection,
    tenant: TenantId,
    before: Timestamp,
    limit: usize,
) -> Result<usize, Failure> {
    let mut purged = 0;
    while purged < limit {
        let oldest = statement(tenant, OLDEST_LOG).bind(before.millis()).fetch_optional(&mut *db).await?;
        let Some(row) = oldest else { break };
        purged += purge_log(db, tenant, Columns::of(&row).id()?, before, limit - purged).await?;
    }
    Ok(purged)
}

async fn purge_log(
    db: &mut SqliteConnection,
    tenant: TenantId,
    conversation: ConversationId,
    before: Timestamp,
    limit: usize,
) -> Result<usize, Failure> {
    let beginning = statement(tenant, BEGINNING).bind(conversation.uuid()).bind(rows_max(limit));
    let (mut purged, mut floor) = (0, None);
    for row in beginning.fetch_all(&mut *db).await? {
        let mut columns = Columns::of(&row);
        let heads = columns.heads()?;
        if columns.time()? >= before {
            break;
        }
        (purged, floor) = (purged + 1, Some(heads));
    }
    // The index says that this log begins before the time: a log of which nothing goes would be met for ever.
    let floor = floor.ok_or_else(Failure::corrupt)?;
    let id = conversation.uuid();
    statement(tenant, PURGE).bind(id).bind(number(floor.staff)).execute(&mut *db).await?;
    let raise = statement(tenant, RAISE_FLOOR).bind(id).bind(number(floor.staff)).bind(number(floor.visitor));
    raise.execute(db).await?;
    Ok(purged)
}
