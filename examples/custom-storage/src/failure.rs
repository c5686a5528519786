//! What nobody expected: which kind it is, and nothing of what the driver says about it.

use convor::ports::{StorageError, StorageErrorKind};

/// The kind of a failure. What redb says beyond it may hold content, and ends here.
#[derive(Debug)]
pub(crate) struct Failure(pub(crate) StorageErrorKind);

pub(crate) type Result<T, E = Failure> = std::result::Result<T, E>;

impl From<Failure> for StorageError {
    fn from(failure: Failure) -> Self {
        Self::new(failure.0)
    }
}

impl From<redb::Error> for Failure {
    fn from(error: redb::Error) -> Self {
        use redb::Error::{Corrupted, DatabaseAlreadyOpen, DatabaseClosed, Io, PreviousIo};
        Self(match error {
            Io(_) | PreviousIo | DatabaseClosed | DatabaseAlreadyOpen => StorageErrorKind::Unavailable,
            Corrupted(_) => StorageErrorKind::Corrupt,
            _ => StorageErrorKind::Other,
        })
    }
}

macro_rules! failures {
    ($($error:ident),*) => {$(
        impl From<redb::$error> for Failure {
            fn from(error: redb::$error) -> Self {
                redb::Error::from(error).into()
            }
        }
    )*};
}

failures!(CommitError, DatabaseError, StorageError, TableError, TransactionError);

/// What is stored is not what this adapter has written.
pub(crate) const CORRUPT: Failure = Failure(StorageErrorKind::Corrupt);

/// An id is taken, and no outcome says so.
pub(crate) const TAKEN: Failure = Failure(StorageErrorKind::Other);
