//! How far somebody has read.

use crate::domain::{Author, Heads};

/// How far a member has read a conversation, in both numberings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_structs, reason = "adapters build it")]
pub struct ReadPosition {
    /// Who has read.
    pub reader: Author,
    /// Up to where; the visitor's number is that of the last visible event at or below the staff's.
    pub up_to: Heads,
}
