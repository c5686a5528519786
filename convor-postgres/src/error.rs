//! What went wrong, without what the driver says of it: its messages may repeat the row.

use std::fmt;

use convor::ports::{StorageError, StorageErrorKind};

/// Names a failure by its code: an SQLSTATE and a constraint, or a word for what is not the database's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Code {
    code: String,
    constraint: Option<String>,
}

impl Code {
    pub(crate) fn new(code: &str) -> Self {
        Self { code: code.to_owned(), constraint: None }
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.constraint {
            Some(constraint) => write!(f, "{} ({constraint})", self.code),
            None => f.write_str(&self.code),
        }
    }
}

impl std::error::Error for Code {}

/// A failure of a statement.
#[derive(Debug, Clone)]
pub(crate) struct Failure {
    pub(crate) kind: StorageErrorKind,
    code: Code,
}

impl Failure {
    pub(crate) fn new(kind: StorageErrorKind, code: &str) -> Self {
        Self { kind, code: Code::new(code) }
    }

    /// Whether the server has cut the statement off: it took too long, or waited for a lock for too long. Nothing has happened.
    pub(crate) fn took_too_long(&self) -> bool {
        self.is_lock_timeout() || self.code.code == QUERY_CANCELED
    }

    /// Whether somebody else held a lock for too long. Nothing has happened.
    pub(crate) fn is_lock_timeout(&self) -> bool {
        self.code.code == LOCK_NOT_AVAILABLE
    }

    /// The server did not answer in time.
    pub(crate) fn no_answer() -> Self {
        Self::new(StorageErrorKind::Unavailable, NO_ANSWER)
    }

    /// Whether a connection to what is behind the address now may do better: the server says nothing, or is read-only.
    pub(crate) fn speaks_against_the_connection(&self) -> bool {
        matches!(self.code.code.as_str(), NO_ANSWER | READ_ONLY)
    }

    /// Whether no statement can have been run: nobody had a connection to run it on.
    pub(crate) fn is_without_connection(&self) -> bool {
        matches!(self.code.code.as_str(), NO_CONNECTION | POOL_CLOSED)
    }
}

const NO_ANSWER: &str = "no answer in time";
const NO_CONNECTION: &str = "no connection in time";
/// SQLSTATE `lock_not_available`.
const LOCK_NOT_AVAILABLE: &str = "55P03";
/// SQLSTATE `query_canceled`.
const QUERY_CANCELED: &str = "57014";
/// SQLSTATE `read_only_sql_transaction`.
const READ_ONLY: &str = "25006";
const POOL_CLOSED: &str = "pool closed";

impl From<sqlx::Error> for Failure {
    fn from(error: sqlx::Error) -> Self {
        use StorageErrorKind::{Corrupt, Other, Unavailable};
        match error {
            sqlx::Error::Database(error) => {
                let code = error.code().unwrap_or_default();
                let constraint = error.constraint().map(str::to_owned);
                Self { kind: kind(&code), code: Code { code: code.into_owned(), constraint } }
            }
            sqlx::Error::Io(error) => Self::new(Unavailable, &format!("connection: {}", word(&error))),
            sqlx::Error::Tls(_) => Self::new(Unavailable, "TLS"),
            // What cannot be read as the protocol is the end of a connection that was cut.
            sqlx::Error::Protocol(_) => Self::new(Unavailable, "protocol"),
            sqlx::Error::PoolTimedOut => Self::new(Unavailable, NO_CONNECTION),
            sqlx::Error::PoolClosed => Self::new(Unavailable, POOL_CLOSED),
            sqlx::Error::WorkerCrashed => Self::new(Unavailable, "worker"),
            sqlx::Error::RowNotFound
            | sqlx::Error::TypeNotFound { .. }
            | sqlx::Error::ColumnNotFound(_)
            | sqlx::Error::ColumnIndexOutOfBounds { .. } => Self::new(Corrupt, "an answer of another shape"),
            sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_) => {
                Self::new(Corrupt, "a value of another kind")
            }
            sqlx::Error::Encode(_) => Self::new(Other, "an argument that cannot be sent"),
            sqlx::Error::Configuration(_) => Self::new(Other, "configuration"),
            _ => Self::new(Other, "driver"),
        }
    }
}

/// What has become of a connection.
fn word(error: &std::io::Error) -> String {
    let kind = format!("{:?}", error.kind());
    // A name that nobody knows has no kind of its own; what the operating system says has a number.
    let is_name = kind == "Uncategorized" && error.raw_os_error().is_none();
    if is_name { "unknown host".to_owned() } else { kind }
}

impl From<Failure> for StorageError {
    fn from(failure: Failure) -> Self {
        Self::new(failure.kind).with_source(failure.code)
    }
}

/// What an SQLSTATE says (PostgreSQL 15, appendix A).
fn kind(code: &str) -> StorageErrorKind {
    match code {
        // Serialization failure, deadlock: the transaction was rolled back.
        "40001" | "40P01" => StorageErrorKind::Conflict,
        // Of a read-only server, a lock or a statement that took too long, a server that shuts down or starts up.
        READ_ONLY | "25P03" | "55P03" | "57014" | "57P01" | "57P02" | "57P03" | "57P05" => {
            StorageErrorKind::Unavailable
        }
        "XX001" | "XX002" => StorageErrorKind::Corrupt,
        // Connections; resources (disk, memory, connections); operating system.
        _ if ["08", "53", "58"].iter().any(|class| code.starts_with(class)) => StorageErrorKind::Unavailable,
        _ => StorageErrorKind::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_is_told_by_its_code() {
        for (code, expected) in [
            ("40001", StorageErrorKind::Conflict),
            ("40P01", StorageErrorKind::Conflict),
            ("57P01", StorageErrorKind::Unavailable),
            ("53100", StorageErrorKind::Unavailable),
            ("53300", StorageErrorKind::Unavailable),
            ("08006", StorageErrorKind::Unavailable),
            ("25006", StorageErrorKind::Unavailable),
            ("XX001", StorageErrorKind::Corrupt),
            ("23505", StorageErrorKind::Other),
            ("42501", StorageErrorKind::Other),
        ] {
            assert_eq!(kind(code), expected, "{code}");
        }
    }

    #[test]
    fn what_nobody_could_run_has_not_happened() {
        assert!(Failure::from(sqlx::Error::PoolTimedOut).is_without_connection());
        let cut = std::io::Error::from(std::io::ErrorKind::ConnectionReset);
        assert!(!Failure::from(sqlx::Error::Io(cut)).is_without_connection());
    }

    #[test]
    fn a_drivers_message_is_not_repeated() {
        let error = sqlx::Error::Protocol("canary".to_owned());
        let error = StorageError::from(Failure::from(error));
        let source = std::error::Error::source(&error).expect("a code");
        assert!(!format!("{error}{error:?}{source}{source:?}").contains("canary"));
    }
}
