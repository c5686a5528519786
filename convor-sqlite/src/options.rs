//! What may be chosen when a file is opened.

use std::num::NonZeroU64;

/// What may be chosen when a file is opened. The defaults suit a server of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SqliteOptions {
    pub(crate) durability: Durability,
    pub(crate) readers: usize,
    pub(crate) queue_max: usize,
    pub(crate) bytes_max: Option<NonZeroU64>,
}

/// What `Ok` survives. A killed process never loses what was acknowledged; the difference is a machine that stops.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Durability {
    /// Everything: each commit waits until the disk says that it has it (`synchronous=FULL`). Commits that come together wait
    /// together.
    #[default]
    Full,
    /// The end of the process, and not that of the machine (`synchronous=NORMAL`): commits do not wait for the disk, and after a loss
    /// of power the last of them may be gone, acknowledged or not; the file is sound. This is weaker than the contract of
    /// [`convor::ports::storage`], in which `Ok` means durable, and clients that have seen what is gone will see their
    /// positions move back. It is for demonstrations and tests.
    Normal,
}

impl Default for SqliteOptions {
    fn default() -> Self {
        Self { durability: Durability::Full, readers: 4, queue_max: 1_024, bytes_max: None }
    }
}

impl SqliteOptions {
    /// What `Ok` survives; [`Durability::Full`] unless it is set.
    #[must_use]
    pub const fn durability(mut self, durability: Durability) -> Self {
        self.durability = durability;
        self
    }

    /// How many connections read, each on a thread of its own; 4 unless it is set, and at least one.
    #[must_use]
    pub const fn readers(mut self, readers: usize) -> Self {
        self.readers = if readers == 0 { 1 } else { readers };
        self
    }

    /// How many calls wait in the queue of the writer and in that of the readers, 1,024 each unless it is set, and at least one. While
    /// a queue is full, further calls wait outside until there is room.
    #[must_use]
    pub const fn queue_max(mut self, calls: usize) -> Self {
        self.queue_max = if calls == 0 { 1 } else { calls };
        self
    }

    /// How large the file may become, in bytes, the log beside it not counted; without a bound unless it is set. What would make it
    /// larger is answered with [`Unavailable`](convor::ports::StorageErrorKind::Unavailable), as on a full disk, until erasure and
    /// retention have made room within the file or the bound is raised.
    #[must_use]
    pub const fn bytes_max(mut self, bytes: NonZeroU64) -> Self {
        self.bytes_max = Some(bytes);
        self
    }
}
