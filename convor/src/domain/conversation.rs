//! A conversation: an event log with two gapless numberings, and what its last events made of it.

use serde::{Deserialize, Serialize};

use crate::domain::{Audience, Text};
use crate::ids::{ConversationId, OperatorId, SiteId, VisitorId};
use crate::time::Timestamp;

/// A conversation, as its events have left it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "adapters build it")]
pub struct Conversation {
    /// Its id.
    pub id: ConversationId,
    /// The site on which it was opened.
    pub site: SiteId,
    /// The visitor who opened it; the only one who is a member.
    pub visitor: VisitorId,
    /// What it is about, in the visitor's words.
    pub subject: Option<Text>,
    /// Whether it waits for somebody.
    pub status: Status,
    /// When a snoozed one wakes; `Some` exactly if `status` is [`Status::Snoozed`].
    pub snoozed_until: Option<Timestamp>,
    /// The operator who cares for it.
    pub assignee: Option<OperatorId>,
    /// Its tags, sorted, each once.
    pub tags: Vec<Text>,
    /// When it was opened.
    pub created_at: Timestamp,
    /// When its last event was stored, for each audience.
    pub updated_at: PerAudience<Timestamp>,
    /// The positions of its last events; 0 before the first.
    pub heads: Heads,
    /// The positions up to which retention has removed events; 0 while all are there.
    pub floor: Heads,
    /// The lifetime of its positions; a change means that some may have been lost.
    pub epoch: u32,
    /// Grows by one with each change of status, assignee or tags.
    pub version: u64,
}

/// One value for each audience.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[expect(clippy::exhaustive_structs, reason = "adapters build it")]
pub struct PerAudience<T> {
    /// For staff.
    pub staff: T,
    /// For the visitor.
    pub visitor: T,
}

impl<T: Copy> PerAudience<T> {
    /// The value for `audience`.
    #[must_use]
    pub const fn of(&self, audience: Audience) -> T {
        match audience {
            Audience::Staff => self.staff,
            Audience::Visitor => self.visitor,
        }
    }
}

/// A position in each numbering.
pub type Heads = PerAudience<u64>;

/// Whether a conversation waits for somebody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[expect(clippy::exhaustive_enums, reason = "adapters store it")]
pub enum Status {
    /// It waits for an operator or the visitor.
    Open,
    /// It waits for a time; a visitor sees it as open.
    Snoozed,
    /// It waits for nobody.
    Closed,
}

impl Status {
    /// What `audience` sees.
    #[must_use]
    pub const fn seen_by(self, audience: Audience) -> Self {
        match (self, audience) {
            (Self::Snoozed, Audience::Visitor) => Self::Open,
            _ => self,
        }
    }
}
