//! Who changes something, when, and what goes with it.

use crate::domain::{AuditRecord, Author, OutboxEntry};
use crate::time::Timestamp;

/// Who changes something, when, and what is committed with it. Every mutating method takes one.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "adapters and their tests build it")]
pub struct Change {
    /// Who.
    pub actor: Author,
    /// When, by the core's clock.
    pub at: Timestamp,
    /// What the audit trail says of it, if it is worth an entry.
    pub audit: Option<AuditRecord>,
    /// What it owes to others.
    pub outbox: Vec<OutboxEntry>,
}

impl Change {
    /// A change without an audit record that owes nothing.
    #[must_use]
    pub const fn new(actor: Author, at: Timestamp) -> Self {
        Self { actor, at, audit: None, outbox: Vec::new() }
    }
}
