//! How far members have read.

use async_trait::async_trait;

use crate::domain::{Audience, Author, Heads};
use crate::ids::{ConversationId, TenantId, VisitorId};
use crate::ports::{Change, StorageError};

/// How far members have read.
#[async_trait]
pub trait ReadRepository: Send + Sync {
    /// Moves the reader's position up to the event at `seq` in the numbering of `audience`, or to the last one if there is
    /// none at `seq` yet. Answers the position before and after in both numberings, where the visitor's is that of the
    /// last visible event at or below the staff's.
    ///
    /// `None`, and no change, if it does not move forward, if there is no such conversation, or if the reader is
    /// a visitor but not the conversation's.
    ///
    /// # Errors
    /// [`StorageError`].
    async fn advance(
        &self,
        tenant: TenantId,
        conversation: ConversationId,
        reader: Author,
        audience: Audience,
        seq: u64,
        change: &Change,
    ) -> Result<Option<ReadMove>, StorageError>;
}

/// How a reader's position has moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_structs, reason = "adapters build it")]
pub struct ReadMove {
    /// The conversation's visitor.
    pub visitor: VisitorId,
    /// From where; 0 before the first.
    pub from: Heads,
    /// To where.
    pub to: Heads,
}
