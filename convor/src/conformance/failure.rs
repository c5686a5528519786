//! What a case says of a call that failed: which method it was, and why.

use std::error::Error;
use std::fmt;
use std::iter::successors;

use crate::ports::{StorageError, StorageErrorKind};

/// A failure, with the method in which it was: what stands between an error and its source.
#[derive(Debug)]
struct NamedFailure {
    method: &'static str,
    error: StorageError,
}

impl fmt::Display for NamedFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = self.error.kind();
        let unwritten = if kind == StorageErrorKind::Unsupported { " (not written yet?)" } else { "" };
        write!(f, "{} answered {kind:?}{unwritten}", self.method)
    }
}

impl Error for NamedFailure {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.error.source()
    }
}

/// The same answer; an error is one of the same kind that names the method. One that names it already stays as it is.
pub(super) fn named<T>(method: &'static str, answer: Result<T, StorageError>) -> Result<T, StorageError> {
    answer.map_err(|error| {
        if is_named(&error) {
            return error;
        }
        StorageError::new(error.kind()).with_source(NamedFailure { method, error })
    })
}

/// An error and its causes in one line. Where the method is named, that stands for the error itself.
pub(super) fn told(error: &StorageError) -> String {
    let first = if is_named(error) { error.source() } else { Some(error as &dyn Error) };
    let causes: Vec<_> = successors(first, |error| (*error).source()).map(ToString::to_string).collect();
    causes.join(": ")
}

fn is_named(error: &StorageError) -> bool {
    error.source().is_some_and(|cause| cause.is::<NamedFailure>())
}
