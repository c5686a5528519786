//! What happened in conversations.

use async_trait::async_trait;

use crate::domain::{Audience, Author, BodyDigest, Event, Heads, MessageKind, Text};
use crate::ids::{ClientId, ConversationId, MessageId, TenantId, VisitorId};
use crate::ports::{Change, StorageError};
use crate::time::Timestamp;

/// The event logs of conversations.
#[async_trait]
pub trait EventRepository: Send + Sync {
    /// Appends a message.
    ///
    /// # To ensure correctness
    /// - A conversation that the tenant does not have, and an author who is a visitor but not the conversation's, are both
    ///   [`AppendOutcome::NotFound`], and nothing changes: the core asks nothing else to find out who is a member.
    /// - It takes the next position of each numbering in which it is seen (see
    ///   [`EventKind::visible_to_visitor`](crate::domain::EventKind::visible_to_visitor)), in the transaction that
    ///   stores it: concurrent calls leave no gap and no repeat in either.
    /// - `(conversation, author, client_id)` is stored once. A repeat answers [`AppendOutcome::Duplicate`] with the first
    ///   event if the digest is the same or has been erased, and [`AppendOutcome::ClientIdReused`] otherwise; it
    ///   changes nothing. This is looked up before anything else is refused.
    /// - With `reopen`, a conversation that is not open becomes so: a status event, also by the author, follows the message
    ///   in the same transaction, and the version grows by one.
    /// - The conversation's `updated_at` becomes the change's time: for staff always, for the visitor if one of the events
    ///   is visible to it. It never moves back.
    ///
    /// # Errors
    /// [`StorageError`].
    async fn append(
        &self,
        tenant: TenantId,
        append: &Append,
        change: &Change,
    ) -> Result<AppendOutcome, StorageError>;

    /// A page of the log as `audience` sees it, in ascending order; `None` if there is no such conversation.
    ///
    /// # Errors
    /// [`StorageError`].
    async fn page(
        &self,
        tenant: TenantId,
        conversation: ConversationId,
        audience: Audience,
        window: Window,
        limit: usize,
    ) -> Result<Option<EventPage>, StorageError>;

    /// Removes at most `limit` events that were stored before `before`, and returns how many; 0 once there are none.
    ///
    /// # To ensure correctness
    /// - A log loses its beginning and nothing else: an event is removed only with all those before it, so that one above an event
    ///   that is younger stays until that one goes.
    /// - What was removed is forgotten: a repeat of its `client_id` is a message of its own.
    /// - The floors rise to the positions of the last events that were removed; heads, version and `updated_at` stay as
    ///   they are. What was searchable of them is gone.
    ///
    /// # Errors
    /// [`StorageError`].
    async fn purge(&self, tenant: TenantId, before: Timestamp, limit: usize) -> Result<usize, StorageError>;
}

/// A message to be appended.
#[derive(Debug, Clone)]
#[expect(clippy::exhaustive_structs, reason = "adapters read it")]
pub struct Append {
    /// Where.
    pub conversation: ConversationId,
    /// Who says it.
    pub author: Author,
    /// What.
    pub message: NewMessage,
    /// Whether it opens a conversation that sleeps or is closed.
    pub reopen: bool,
}

/// A message, before it has a position.
#[derive(Debug, Clone)]
#[expect(clippy::exhaustive_structs, reason = "adapters read it")]
pub struct NewMessage {
    /// Its id, used if it is not a repeat.
    pub id: MessageId,
    /// What the sender's client picked.
    pub client_id: ClientId,
    /// Over what a repeat must repeat.
    pub digest: BodyDigest,
    /// For whom it is.
    pub kind: MessageKind,
    /// What it says.
    pub text: Text,
}

/// What became of [`EventRepository::append`].
#[derive(Debug, Clone)]
#[expect(clippy::exhaustive_enums, reason = "adapters build it")]
pub enum AppendOutcome {
    /// Stored: the message's event, then that of the reopening if there was one.
    Stored {
        /// What happened, in order.
        events: Vec<Event>,
        /// The conversation's visitor.
        visitor: VisitorId,
        /// The positions after it.
        heads: Heads,
    },
    /// It was stored before; its event.
    Duplicate(Event),
    /// The `client_id` came before with another body.
    ClientIdReused,
    /// The tenant has no such conversation, or it is another visitor's than the author's.
    NotFound,
}

/// Which part of a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "adapters read it")]
pub enum Window {
    /// The first events above this position.
    After(u64),
    /// The last events below this position.
    Before(u64),
    /// The last events of all.
    Latest,
}

/// A page of a log, and where the log stands, read in one transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "adapters build it")]
pub struct EventPage {
    /// The events, ascending, at most as many as asked for.
    pub events: Vec<Event>,
    /// The conversation's visitor.
    pub visitor: VisitorId,
    /// The positions of the last events.
    pub heads: Heads,
    /// The positions up to which events have been removed.
    pub floor: Heads,
    /// The lifetime of the positions.
    pub epoch: u32,
}
