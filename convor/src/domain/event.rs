//! An event: one row of a conversation's log.

use serde::{Deserialize, Serialize};

use crate::domain::{Audience, Author, Message, MessageKind, Status, Text};
use crate::ids::{ConversationId, OperatorId};
use crate::time::Timestamp;

/// What changed a conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "adapters build it")]
pub struct Event {
    /// The conversation.
    pub conversation: ConversationId,
    /// Where it stands in each numbering.
    pub position: Position,
    /// The lifetime of its position.
    pub epoch: u32,
    /// When it was stored.
    pub at: Timestamp,
    /// Who did it.
    pub by: Author,
    /// What happened.
    pub kind: EventKind,
}

impl Event {
    /// Its position for `audience`; `None` if that audience does not see it.
    #[must_use]
    pub const fn seq(&self, audience: Audience) -> Option<u64> {
        self.position.seq(audience)
    }
}

/// Where an event stands in each numbering; both start at 1 and have no holes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[expect(clippy::exhaustive_structs, reason = "adapters build it")]
pub struct Position {
    /// Among all events.
    pub staff: u64,
    /// Among those that the visitor may see; `None` if this is not one of them.
    pub visitor: Option<u64>,
}

impl Position {
    /// The position for `audience`; `None` if that audience does not see it.
    #[must_use]
    pub const fn seq(self, audience: Audience) -> Option<u64> {
        match audience {
            Audience::Staff => Some(self.staff),
            Audience::Visitor => self.visitor,
        }
    }
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "adapters store it")]
pub enum EventKind {
    /// Something was said.
    Message(Message),
    /// The status changed.
    Status {
        /// From what.
        from: Status,
        /// To what.
        to: Status,
        /// When it wakes, if it now sleeps.
        snoozed_until: Option<Timestamp>,
    },
    /// Somebody else cares for it, or nobody.
    Assigned(Option<OperatorId>),
    /// It has these tags now.
    Tagged(Vec<Text>),
}

impl EventKind {
    /// Whether the visitor may see it, and so whether it takes a visitor position.
    #[must_use]
    pub fn visible_to_visitor(&self) -> bool {
        match self {
            Self::Message(message) => message.kind == MessageKind::Message,
            Self::Status { from, to, .. } => from.seen_by(Audience::Visitor) != to.seen_by(Audience::Visitor),
            Self::Assigned(_) | Self::Tagged(_) => false,
        }
    }

    /// The message, if something was said.
    #[must_use]
    pub const fn message(&self) -> Option<&Message> {
        match self {
            Self::Message(message) => Some(message),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_visitor_sees_no_snoozing_and_no_internal_work() {
        use Status::{Closed, Open, Snoozed};
        let visible = |from, to| EventKind::Status { from, to, snoozed_until: None }.visible_to_visitor();
        assert!(visible(Open, Closed) && visible(Closed, Open) && visible(Snoozed, Closed));
        assert!(!visible(Open, Snoozed) && !visible(Snoozed, Open));
        assert!(!EventKind::Assigned(None).visible_to_visitor());
        assert!(!EventKind::Tagged(Vec::new()).visible_to_visitor());
    }
}
