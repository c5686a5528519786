//! Finding messages by their words: an inverted table, which follows the logs when it is told to.

use std::collections::BTreeSet;

use async_trait::async_trait;
use convor::domain::{Event, Word};
use convor::ids::{ConversationId, TenantId};
use convor::ports::StorageError;
use convor::ports::storage::{SearchQuery, SearchRepository};
use sqlx::SqliteConnection;
use uuid::Uuid;

use super::SqliteStorage;
use super::columns::{Columns, json, limit as rows_max, number};
use super::log::{event, event_columns};
use super::statement::{statement, statements};
use crate::failure::Failure;

statements! {
    /// A conversation carries up to where it is searchable; those that are to their end are not in the index.
    UNINDEXED = "SELECT conversation_id, indexed, head_staff FROM conversations
        INDEXED BY conversations_unindexed
        WHERE tenant_id = ?1 AND indexed < head_staff
        ORDER BY conversation_id LIMIT 1";
    TEXTS = "SELECT staff_seq, at, text FROM events
        WHERE tenant_id = ?1 AND conversation_id = ?2 AND staff_seq > ?3
        ORDER BY staff_seq LIMIT ?4";
    ADD_WORDS = "INSERT INTO words (tenant_id, word, at, conversation_id, staff_seq)
        SELECT ?1, value, ?4, ?2, ?3 FROM json_each(?5) WHERE true
        ON CONFLICT DO NOTHING";
    INDEXED = "UPDATE conversations SET indexed = ?3 WHERE tenant_id = ?1 AND conversation_id = ?2";
    /// Counted so far that the rarer of two words is found.
    FREQUENCY = "SELECT count(*) FROM (SELECT 1 FROM words WHERE tenant_id = ?1 AND word = ?2 LIMIT 1000)";
    FIND = concat!("SELECT ", event_columns!(), " FROM words AS w
        CROSS JOIN events AS e ON e.tenant_id = ?1 AND e.conversation_id = w.conversation_id
            AND e.staff_seq = w.staff_seq
        WHERE w.tenant_id = ?1 AND w.word = ?2 AND (w.at, w.conversation_id, w.staff_seq) < (?3, ?4, ?5)
            AND NOT EXISTS (
                SELECT 1 FROM json_each(?6) AS other WHERE NOT EXISTS (
                    SELECT 1 FROM words AS o WHERE o.tenant_id = ?1 AND o.word = other.value AND o.at = w.at
                        AND o.conversation_id = w.conversation_id AND o.staff_seq = w.staff_seq))
        ORDER BY w.at DESC, w.conversation_id DESC, w.staff_seq DESC LIMIT ?7");
}

#[async_trait]
impl SearchRepository for SqliteStorage {
    async fn index(&self, tenant: TenantId, limit: usize) -> Result<usize, StorageError> {
        self.db.write(move |db| Box::pin(index(db, tenant, limit))).await
    }

    async fn find(&self, tenant: TenantId, query: &SearchQuery) -> Result<Vec<Event>, StorageError> {
        let query = query.clone();
        self.db.read(move |db| Box::pin(async move { find(db, tenant, &query).await })).await
    }
}

async fn index(db: &mut SqliteConnection, tenant: TenantId, limit: usize) -> Result<usize, Failure> {
    let mut indexed = 0;
    while indexed < limit {
        let Some(row) = statement(tenant, UNINDEXED).fetch_optional(&mut *db).await? else { break };
        let mut columns = Columns::of(&row);
        let (conversation, from, head) = (columns.id()?, columns.number()?, columns.number()?);
        indexed += index_log(db, tenant, conversation, from, head, limit - indexed).await?;
    }
    Ok(indexed)
}

/// Makes events of one log searchable from a position on, and notes how far that has come.
async fn index_log(
    db: &mut SqliteConnection,
    tenant: TenantId,
    conversation: ConversationId,
    from: u64,
    head: u64,
    limit: usize,
) -> Result<usize, Failure> {
    let id = conversation.uuid();
    let texts = statement(tenant, TEXTS).bind(id).bind(number(from)).bind(rows_max(limit));
    let texts = texts.fetch_all(&mut *db).await?;
    // Where fewer are there than are wanted, the log has come to its end.
    let mut up_to = if texts.len() < limit { head } else { from };
    for row in &texts {
        let mut columns = Columns::of(row);
        let (seq, at, text) = (columns.number()?, columns.time()?, columns.maybe_text()?);
        up_to = up_to.max(seq);
        let words = text.map(|text| Word::all_in(text.as_str())).unwrap_or_default();
        if !words.is_empty() {
            let words = json(words.iter().map(Word::as_str));
            let add = statement(tenant, ADD_WORDS).bind(id).bind(number(seq)).bind(at.millis()).bind(words);
            add.execute(&mut *db).await?;
        }
    }
    statement(tenant, INDEXED).bind(id).bind(number(up_to)).execute(db).await?;
    Ok(texts.len())
}

async fn find(
    db: &mut SqliteConnection,
    tenant: TenantId,
    query: &SearchQuery,
) -> Result<Vec<Event>, Failure> {
    let words: BTreeSet<&Word> = query.words.iter().collect();
    let Some(rarest) = rarest(db, tenant, &words).await? else { return Ok(Vec::new()) };
    let others = json(words.iter().filter(|word| **word != rarest).map(|word| word.as_str()));
    let (at, conversation, seq) =
        query.before.map_or((i64::MAX, Uuid::max(), i64::MAX), |(at, conversation, seq)| {
            (at.millis(), conversation.uuid(), number(seq))
        });
    let found = statement(tenant, FIND)
        .bind(rarest.as_str().to_owned())
        .bind(at)
        .bind(conversation)
        .bind(seq)
        .bind(others)
        .bind(rows_max(query.limit));
    let found = found.fetch_all(db).await?;
    found.iter().map(|row| event(&mut Columns::of(row))?.ok_or_else(Failure::corrupt)).collect()
}

/// The word that the fewest messages hold, whose list is therefore gone through.
async fn rarest<'w>(
    db: &mut SqliteConnection,
    tenant: TenantId,
    words: &BTreeSet<&'w Word>,
) -> Result<Option<&'w Word>, Failure> {
    let mut rarest: Option<(i64, &Word)> = None;
    for word in words {
        let counted = statement(tenant, FREQUENCY).bind(word.as_str().to_owned());
        let frequency = Columns::of(&counted.fetch_one(&mut *db).await?).value()?;
        if rarest.is_none_or(|(least, _)| frequency < least) {
            rarest = Some((frequency, word));
        }
    }
    Ok(rarest.map(|(_, word)| word))
}
