//! How far members have read.

use async_trait::async_trait;
use convor::domain::{Audience, Author, Heads};
use convor::ids::{ConversationId, TenantId, VisitorId};
use convor::ports::storage::{ReadMove, ReadRepository, RecordKey};
use convor::ports::{Change, StorageError};
use sqlx::SqliteConnection;

use super::SqliteStorage;
use super::change::commit;
use super::columns::{Columns, author_id, author_kind, limit as rows_max, number};
use super::statement::{statement, statements};
use crate::failure::Failure;

statements! {
    HEADS = "SELECT visitor_id, head_staff, head_visitor FROM conversations
        WHERE tenant_id = ?1 AND conversation_id = ?2";
    AT_STAFF = "SELECT staff_seq, visitor_head FROM events
        WHERE tenant_id = ?1 AND conversation_id = ?2 AND staff_seq = ?3";
    AT_VISITOR = "SELECT staff_seq, visitor_head FROM events
        WHERE tenant_id = ?1 AND conversation_id = ?2 AND visitor_seq = ?3";
    FIND = "SELECT staff_seq, visitor_seq FROM reads
        WHERE tenant_id = ?1 AND conversation_id = ?2 AND reader_id = ?3 AND reader_kind = ?4";
    PUT = "INSERT INTO reads (tenant_id, conversation_id, reader_id, reader_kind, staff_seq, visitor_seq)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6)
        ON CONFLICT (tenant_id, conversation_id, reader_id, reader_kind)
        DO UPDATE SET staff_seq = excluded.staff_seq, visitor_seq = excluded.visitor_seq";
    INSERT = "INSERT INTO reads (tenant_id, conversation_id, reader_id, reader_kind, staff_seq, visitor_seq)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6)
        ON CONFLICT (tenant_id, conversation_id, reader_id, reader_kind) DO NOTHING";
    PAGE = "SELECT conversation_id, reader_kind, reader_id, staff_seq, visitor_seq FROM reads
        WHERE tenant_id = ?1 AND (conversation_id, reader_id) > (?2, ?3)
        ORDER BY conversation_id, reader_id LIMIT ?4";
}

/// How far somebody has read, as it is stored.
pub(super) struct Reading {
    pub(super) conversation: ConversationId,
    pub(super) reader: Author,
    pub(super) up_to: Heads,
}

#[async_trait]
impl ReadRepository for SqliteStorage {
    async fn advance(
        &self,
        tenant: TenantId,
        conversation: ConversationId,
        reader: Author,
        audience: Audience,
        seq: u64,
        change: &Change,
    ) -> Result<Option<ReadMove>, StorageError> {
        let change = change.clone();
        let advance = self.db.write(move |db| {
            Box::pin(async move {
                let moved = movement(db, tenant, conversation, reader, audience, seq).await?;
                if let Some(moved) = moved {
                    put(db, tenant, PUT, &Reading { conversation, reader, up_to: moved.to }).await?;
                    commit(db, tenant, &change).await?;
                }
                Ok(moved)
            })
        });
        advance.await
    }
}

/// Where the reader would stand after having read up to `seq`; `None` if that is not further than now.
async fn movement(
    db: &mut SqliteConnection,
    tenant: TenantId,
    conversation: ConversationId,
    reader: Author,
    audience: Audience,
    seq: u64,
) -> Result<Option<ReadMove>, Failure> {
    let found = statement(tenant, HEADS).bind(conversation.uuid()).fetch_optional(&mut *db).await?;
    let Some(row) = found else { return Ok(None) };
    let mut columns = Columns::of(&row);
    let (visitor, heads): (VisitorId, _) = (columns.id()?, columns.heads()?);
    if matches!(reader, Author::Visitor(reader) if reader != visitor) {
        return Ok(None);
    }
    let sql = match audience {
        Audience::Staff => AT_STAFF,
        Audience::Visitor => AT_VISITOR,
    };
    let seq = number(seq.min(heads.of(audience)));
    let event = statement(tenant, sql).bind(conversation.uuid()).bind(seq).fetch_optional(&mut *db).await?;
    let Some(event) = event else { return Ok(None) };
    let to = Columns::of(&event).heads()?;
    let before = statement(tenant, FIND)
        .bind(conversation.uuid())
        .bind(author_id(reader))
        .bind(author_kind(reader))
        .fetch_optional(db)
        .await?;
    let from = before.map_or(Ok(Heads::default()), |row| Columns::of(&row).heads())?;
    Ok((to.staff > from.staff).then_some(ReadMove { visitor, from, to }))
}

/// Stores how far somebody has read of whom nothing is stored yet.
pub(super) async fn store(
    db: &mut SqliteConnection,
    tenant: TenantId,
    reading: &Reading,
) -> Result<(), Failure> {
    put(db, tenant, INSERT, reading).await
}

async fn put(
    db: &mut SqliteConnection,
    tenant: TenantId,
    sql: &'static str,
    reading: &Reading,
) -> Result<(), Failure> {
    let put = statement(tenant, sql)
        .bind(reading.conversation.uuid())
        .bind(author_id(reading.reader))
        .bind(author_kind(reading.reader))
        .bind(number(reading.up_to.staff))
        .bind(number(reading.up_to.visitor));
    put.execute(db).await?;
    Ok(())
}

pub(super) async fn page(
    db: &mut SqliteConnection,
    tenant: TenantId,
    after: Option<RecordKey>,
    limit: usize,
) -> Result<Vec<Reading>, Failure> {
    let bytes = |id: uuid::Uuid| id.as_bytes().to_vec();
    let (conversation, reader) =
        after.map_or_else(Default::default, |after| (bytes(after.id), bytes(after.part)));
    let page = statement(tenant, PAGE).bind(conversation).bind(reader).bind(rows_max(limit));
    let page = page.fetch_all(db).await?;
    let readings = page.iter().map(|row| {
        let mut columns = Columns::of(row);
        Ok(Reading { conversation: columns.id()?, reader: columns.author()?, up_to: columns.heads()? })
    });
    readings.collect()
}
