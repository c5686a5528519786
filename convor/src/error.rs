//! What a use case answers when it cannot do what it was asked.

use std::error::Error as _;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::ports::StorageError;

/// What a use case answers when it cannot do what it was asked. It never holds what somebody typed.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Something in the request is not as it must be.
    #[error("{field}: {problem}")]
    Invalid {
        /// Which key of the request.
        field: &'static str,
        /// What is wrong with it, without repeating it.
        problem: String,
    },
    /// The cursor was not made by this list.
    #[error("the cursor is not one of this list")]
    InvalidCursor,
    /// There is no valid credential.
    #[error("a valid credential is needed")]
    Unauthenticated,
    /// The principal's role does not allow it.
    #[error("this is not allowed")]
    Forbidden,
    /// There is no such thing, or it is somebody else's.
    #[error("there is no such thing here")]
    NotFound,
    /// The same `client_id` came before with another body.
    #[error("the client_id was used before with another body")]
    Conflict,
    /// It has changed since the caller looked.
    #[error("it has changed since")]
    PreconditionFailed,
    /// Too much, too fast.
    #[error("too many requests")]
    RateLimited {
        /// When it is worth trying again.
        retry_after: Duration,
    },
    /// Something that is needed does not answer; try again.
    #[error("not available at the moment")]
    Unavailable,
    /// This deployment does not do that, such as signing in with a storage that keeps no accounts (the adapters that come with
    /// Convor do with their feature `accounts`).
    #[error("not supported here: the storage, or one of its features, is not there")]
    Unsupported,
    /// Our fault.
    #[error("an internal error")]
    Internal(#[source] Arc<StorageError>),
}

impl Error {
    /// A request whose `field` is not as it must be.
    #[must_use]
    pub fn invalid(field: &'static str, problem: impl ToString) -> Self {
        Self::Invalid { field, problem: problem.to_string() }
    }

    /// The stable code, as in `docs/protocol.md`.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Invalid { .. } => "invalid_request",
            Self::InvalidCursor => "invalid_cursor",
            Self::Unauthenticated => "unauthenticated",
            Self::Forbidden => "forbidden",
            Self::NotFound => "not_found",
            Self::Conflict => "conflict",
            Self::PreconditionFailed => "precondition_failed",
            Self::RateLimited { .. } => "rate_limited",
            Self::Unavailable => "unavailable",
            Self::Unsupported => "unsupported",
            Self::Internal(_) => "internal",
        }
    }
}

impl From<StorageError> for Error {
    fn from(error: StorageError) -> Self {
        use crate::ports::StorageErrorKind;
        // What caused it carries no content, as `StorageError` says.
        let causes = Causes(&error);
        if error.is_transient() {
            tracing::warn!(kind = ?error.kind(), %causes, "the storage is not available");
            return Self::Unavailable;
        }
        tracing::error!(kind = ?error.kind(), %causes, "the storage failed");
        match error.kind() {
            StorageErrorKind::Unsupported => Self::Unsupported,
            _ => Self::Internal(Arc::new(error)),
        }
    }
}

/// So much of a chain of causes is logged.
const CAUSES_MAX: usize = 8;

/// What caused an error, and what caused that, in one line.
struct Causes<'a>(&'a StorageError);

impl fmt::Display for Causes<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let causes = std::iter::successors(self.0.source(), |cause| (*cause).source());
        for (place, cause) in causes.take(CAUSES_MAX).enumerate() {
            let before = if place == 0 { "" } else { ": " };
            write!(f, "{before}{}", cause.to_string().replace(char::is_control, " "))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ports::StorageErrorKind;

    #[derive(Debug, Clone, thiserror::Error)]
    #[error("constraint\n23505")]
    struct Constraint(#[source] std::fmt::Error);

    #[test]
    fn the_causes_of_a_storage_error_stand_in_one_line() {
        let error = StorageError::new(StorageErrorKind::Other);
        assert_eq!(Causes(&error).to_string(), "");
        let error = error.with_source(Constraint(std::fmt::Error));
        assert_eq!(Causes(&error).to_string(), format!("constraint 23505: {}", std::fmt::Error));
    }
}
