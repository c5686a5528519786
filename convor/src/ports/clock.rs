//! What time it is.

use std::fmt;

use crate::time::Timestamp;

/// What time it is. All of Convor asks here, so that a whole system can be simulated.
///
/// # To ensure correctness
/// - The clock may jump in both directions; nothing may rely on it for order, only for times that people see and for
///   deadlines.
pub trait Clock: fmt::Debug + Send + Sync {
    /// The present time.
    fn now(&self) -> Timestamp;
}

/// The clock of the operating system.
#[cfg(feature = "system")]
#[derive(Debug, Clone, Copy, Default)]
#[non_exhaustive]
pub struct SystemClock;

#[cfg(feature = "system")]
impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the port")]
    fn now(&self) -> Timestamp {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }
}
