//! What nobody expected of a storage.

use std::error::Error as StdError;

/// What nobody expected of a storage. Its text and its source carry codes and names of constraints at most, never a
/// driver's message, which may repeat the row.
#[derive(Debug, thiserror::Error)]
#[error("the storage failed: {kind:?}")]
pub struct StorageError {
    kind: StorageErrorKind,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

impl StorageError {
    /// A failure of this kind.
    #[must_use]
    pub const fn new(kind: StorageErrorKind) -> Self {
        Self { kind, source: None }
    }

    /// The same, with what caused it. The source must not hold content.
    #[must_use]
    pub fn with_source(mut self, source: impl StdError + Send + Sync + 'static) -> Self {
        self.source = Some(Box::new(source));
        self
    }

    /// What kind of failure it is.
    #[must_use]
    pub const fn kind(&self) -> StorageErrorKind {
        self.kind
    }

    /// Whether the same call may succeed later. Whether it has happened is then unknown; idempotent calls may be
    /// repeated.
    #[must_use]
    pub const fn is_transient(&self) -> bool {
        matches!(self.kind, StorageErrorKind::Unavailable | StorageErrorKind::Conflict)
    }
}

/// What kind of failure it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum StorageErrorKind {
    /// Concurrent changes got in each other's way; nothing has happened.
    Conflict,
    /// The storage does not answer; whether it happened is unknown.
    Unavailable,
    /// The adapter does not do this; nothing has happened.
    Unsupported,
    /// What is stored breaks an invariant.
    Corrupt,
    /// Anything else.
    Other,
}
