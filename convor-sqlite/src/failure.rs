//! What went wrong, without what it went wrong with.

use convor::ports::{StorageError, StorageErrorKind};

/// An SQLite result code, and nothing of its message: that may repeat what is stored.
///
/// The codes and their names: <https://sqlite.org/rescode.html>.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("SQLite result code {0}")]
pub(crate) struct ResultCode(pub(crate) i32);

impl ResultCode {
    /// The code of a driver's error, if the error came from SQLite.
    pub(crate) fn of(error: &sqlx::Error) -> Option<Self> {
        let code = error.as_database_error()?.code()?;
        code.parse().ok().map(Self)
    }

    /// The code without what extends it.
    pub(crate) const fn primary(self) -> i32 {
        self.0 & 0xff
    }

    /// The file is damaged, or no database.
    pub(crate) const fn is_corruption(self) -> bool {
        matches!(self.primary(), 11 | 26)
    }

    /// A reader has found what only a writer can take back or make: `READONLY_ROLLBACK`, `READONLY_RECOVERY`, `READONLY_CANTINIT`.
    pub(crate) const fn asks_for_a_writer(self) -> bool {
        matches!(self.0, 776 | 264 | 1288)
    }

    const fn kind(self) -> StorageErrorKind {
        match self.primary() {
            // CORRUPT, NOTADB.
            11 | 26 => StorageErrorKind::Corrupt,
            // PERM, BUSY, LOCKED, NOMEM, READONLY, INTERRUPT, IOERR, FULL, CANTOPEN, PROTOCOL, AUTH.
            3 | 5 | 6 | 7 | 8 | 9 | 10 | 13 | 14 | 15 | 23 => StorageErrorKind::Unavailable,
            _ => StorageErrorKind::Other,
        }
    }
}

/// A [`StorageError`] on its way out: what the driver says becomes one where it is said.
#[derive(Debug)]
pub(crate) struct Failure(StorageError);

impl Failure {
    /// What is stored breaks an invariant.
    pub(crate) const fn corrupt() -> Self {
        Self(StorageError::new(StorageErrorKind::Corrupt))
    }

    /// The caller has broken the contract, such as by an id that is taken.
    pub(crate) const fn other() -> Self {
        Self(StorageError::new(StorageErrorKind::Other))
    }

    /// The storage is closed, or its file cannot be opened again.
    pub(crate) const fn unavailable() -> Self {
        Self(StorageError::new(StorageErrorKind::Unavailable))
    }
}

impl From<StorageErrorKind> for Failure {
    fn from(kind: StorageErrorKind) -> Self {
        Self(StorageError::new(kind))
    }
}

impl From<sqlx::Error> for Failure {
    fn from(error: sqlx::Error) -> Self {
        if let Some(code) = ResultCode::of(&error) {
            return Self(StorageError::new(code.kind()).with_source(code));
        }
        match error {
            sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_) => Self::corrupt(),
            sqlx::Error::Io(_) | sqlx::Error::WorkerCrashed | sqlx::Error::PoolClosed => Self::unavailable(),
            _ => Self::other(),
        }
    }
}

impl From<Failure> for StorageError {
    fn from(failure: Failure) -> Self {
        failure.0
    }
}
