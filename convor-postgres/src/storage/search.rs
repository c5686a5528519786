//! Finding messages by their words.

use async_trait::async_trait;
use convor::domain::{Event, Word};
use convor::ids::TenantId;
use convor::ports::StorageError;
use convor::ports::storage::{SearchQuery, SearchRepository};
use uuid::Uuid;

use super::PostgresStorage;
use crate::call::Call;
use crate::codes;
use crate::rows::{EventRow, field};

const PENDING: &str = "SELECT conversation_id, staff_seq, text FROM convor.search_pending($1, $2)";
const STORE: &str = "SELECT convor.search_store($1, $2, $3, $4, $5, $6, $7, $8)";
const FIND: &str = "SELECT e AS event FROM convor.search_find($1, $2, $3, $4, $5, $6) AS e";

/// Events with their words, in the columns in which they are stored.
#[derive(Debug, Default)]
struct Index {
    conversations: Vec<Uuid>,
    firsts: Vec<i64>,
    lasts: Vec<i64>,
    counts: Vec<i64>,
    word_conversations: Vec<Uuid>,
    word_seqs: Vec<i64>,
    words: Vec<String>,
}

impl Index {
    /// Adds an event; those of a conversation come one after the other, in their order.
    fn add(&mut self, conversation: Uuid, seq: i64, text: &str) {
        for word in Word::all_in(text) {
            self.word_conversations.push(conversation);
            self.word_seqs.push(seq);
            self.words.push(word.as_str().to_owned());
        }
        if self.conversations.last() != Some(&conversation) {
            self.conversations.push(conversation);
            self.firsts.push(seq);
            self.lasts.push(seq);
            self.counts.push(0);
        }
        if let (Some(last), Some(count)) = (self.lasts.last_mut(), self.counts.last_mut()) {
            *last = seq;
            *count += 1;
        }
    }
}

#[async_trait]
impl SearchRepository for PostgresStorage {
    /// Two calls: the words are cut here, in between. What is stored of them is checked against what there is then.
    async fn index(&self, tenant: TenantId, limit: usize) -> Result<usize, StorageError> {
        let pending = self
            .all(Call::read(PENDING, tenant).bind(codes::limit(limit)), |row| {
                Ok((
                    field::<Uuid>(row, "conversation_id")?,
                    field::<i64>(row, "staff_seq")?,
                    field::<Option<String>>(row, "text")?.unwrap_or_default(),
                ))
            })
            .await?;
        if pending.is_empty() {
            return Ok(0);
        }
        let mut index = Index::default();
        for (conversation, seq, text) in &pending {
            index.add(*conversation, *seq, text);
        }
        let call = Call::repeatable(STORE, tenant)
            .bind(index.conversations)
            .bind(index.firsts)
            .bind(index.lasts)
            .bind(index.counts)
            .bind(index.word_conversations)
            .bind(index.word_seqs)
            .bind(index.words);
        self.rows(call).await?;
        Ok(pending.len())
    }

    async fn find(&self, tenant: TenantId, query: &SearchQuery) -> Result<Vec<Event>, StorageError> {
        if query.words.is_empty() {
            return Ok(Vec::new());
        }
        let words: Vec<&str> = query.words.iter().map(Word::as_str).collect();
        let (at, conversation, seq) = match query.before {
            Some((at, conversation, seq)) => (at.millis(), conversation.uuid(), codes::number(seq)),
            None => (i64::MAX, Uuid::max(), i64::MAX),
        };
        let call = Call::read(FIND, tenant)
            .bind(words)
            .bind(at)
            .bind(conversation)
            .bind(seq)
            .bind(codes::limit(query.limit));
        self.all(call, |row| Ok(field::<EventRow>(row, "event")?.0)).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_conversation_is_searchable_up_to_its_last_event() {
        let (one, two) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let mut index = Index::default();
        for (conversation, seq, text) in [(one, 4, "a b"), (one, 5, ""), (two, 1, "a")] {
            index.add(conversation, seq, text);
        }
        assert_eq!((index.conversations, index.firsts), (vec![one, two], vec![4, 1]));
        assert_eq!((index.lasts, index.counts), (vec![5, 1], vec![2, 1]));
        assert_eq!((index.words, index.word_seqs), (vec!["a".into(), "b".into(), "a".into()], vec![4, 4, 1]));
        assert_eq!(index.word_conversations, [one, one, two]);
    }
}
