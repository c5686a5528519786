//! Finding messages by their words: an optional group.

use async_trait::async_trait;

use crate::domain::{Event, Word};
use crate::ids::{ConversationId, TenantId};
use crate::ports::StorageError;
use crate::time::Timestamp;

/// Finding messages by their words.
///
/// A message may be stored and not be searchable yet, so that an append need not wait for it: [`Self::index`] brings it in.
/// What is erased or purged is gone from here in the same transaction.
#[async_trait]
pub trait SearchRepository: Send + Sync {
    /// Makes at most `limit` stored events searchable that are not yet, and returns how many; 0 once all are. An adapter
    /// that makes them so when it stores them always returns 0.
    ///
    /// # To ensure correctness
    /// - The words of a message are [`Word::all_in`] its text. Notes are found, too: search is for staff.
    /// - Concurrent calls, and calls beside appends, neither miss an event nor fail because of each other.
    ///
    /// # Errors
    /// [`StorageError`].
    async fn index(&self, tenant: TenantId, limit: usize) -> Result<usize, StorageError>;

    /// At most `query.limit` messages that hold all of the words, the newest first, by `(at, conversation, staff position)`
    /// descending, strictly below `query.before`. Without a word nothing is found.
    ///
    /// # Errors
    /// [`StorageError`].
    async fn find(&self, tenant: TenantId, query: &SearchQuery) -> Result<Vec<Event>, StorageError>;
}

/// What is looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "adapters read it")]
pub struct SearchQuery {
    /// The words that a message must hold.
    pub words: Vec<Word>,
    /// Where the page before ended: time, conversation and staff position of its last message.
    pub before: Option<(Timestamp, ConversationId, u64)>,
    /// How many at most.
    pub limit: usize,
}
