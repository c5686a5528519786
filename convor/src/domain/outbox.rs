//! What a change owes to others: committed with it, delivered after it.

use crate::ids::{ConversationId, OutboxId, SessionId};

/// What a change owes to others. It holds ids only; whoever delivers it reads the rest.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "adapters store it")]
pub enum OutboxEntry {
    /// For the [`Notifier`](crate::ports::Notifier): delivered at least once, then settled.
    Notify {
        /// Its id, by which a receiver recognises a repeat.
        id: OutboxId,
        /// What to tell.
        notification: Notification,
    },
    /// For every node: takes the next position of the tenant's control log.
    Control(ControlEvent),
}

/// What a notifier tells people who are not connected, and systems.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "adapters store it")]
pub enum Notification {
    /// A visitor has written, and nobody has been there to read it.
    MessageWaiting {
        /// Where.
        conversation: ConversationId,
    },
}

/// What every node must obey.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "adapters store it")]
pub enum ControlEvent {
    /// An operator's session has ended: its sockets are to be closed.
    SessionEnded(SessionId),
}
