//! How long what is kept.

use std::fmt;

use crate::ids::TenantId;
use crate::time::Timestamp;

/// How long what is kept: a pure function, so that a dry run predicts exactly what a purge removes.
///
/// # To ensure correctness
/// - The answer depends on the arguments alone: no clock, no I/O.
/// - As time goes on, a record's decision only moves from [`Decision::Keep`] to [`Decision::Remove`].
/// - The policy need not look at `legal_hold`: the core keeps what is held, whatever the policy says.
pub trait RetentionPolicy: fmt::Debug + Send + Sync {
    /// Whether `tenant` still keeps a record at the time `now`.
    fn decide(
        &self,
        tenant: TenantId,
        class: RecordClass,
        record: &RecordSummary,
        now: Timestamp,
    ) -> Decision;
}

/// What a retention policy speaks of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RecordClass {
    /// What was said for both sides.
    Message,
    /// What was said among staff.
    Note,
    /// A conversation without its content.
    Conversation,
    /// A visitor's record.
    Visitor,
    /// The page on which a visitor was last.
    CurrentPage,
    /// An entry of the audit trail.
    Audit,
}

/// What a policy may know of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "adapters build it")]
pub struct RecordSummary {
    /// When it was made.
    pub created_at: Timestamp,
    /// When something last happened to it.
    pub active_at: Timestamp,
    /// Whether the law says to keep it.
    pub legal_hold: bool,
}

/// What is to be done with a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "a record is kept or it is not")]
pub enum Decision {
    /// It stays.
    Keep,
    /// It goes.
    Remove,
}

/// Keeps everything: what holds where a host says nothing.
#[derive(Debug, Clone, Copy, Default)]
#[non_exhaustive]
pub struct KeepEverything;

impl RetentionPolicy for KeepEverything {
    fn decide(&self, _: TenantId, _: RecordClass, _: &RecordSummary, _: Timestamp) -> Decision {
        Decision::Keep
    }
}
