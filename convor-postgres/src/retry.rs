//! When a statement is tried again, and after how long.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::Duration;

use convor::ports::StorageErrorKind;

use crate::error::Failure;

/// How often a statement is tried at most.
const TRIES_MAX: u32 = 4;
/// The longest pause before the second try; each one after it may be twice as long.
const PAUSE_MAX: Duration = Duration::from_millis(50);

/// Whether the same statement may be run a second time when nobody knows whether it has been run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Repeatable {
    /// It reads, or recognises its repeat.
    Yes,
    /// It recognises its repeat, and does not wait twice for a lock: the failure is for its caller to deal with.
    WithoutWaiting,
    /// It would do it twice, or answer the repeat otherwise.
    No,
}

/// The tries of one statement. A conflict and a wait for a lock have been rolled back, so everything is tried again after one. A
/// statement that took too long would do so again. After a connection
/// is lost, only what is [`Repeatable`]. Whoever found no connection in time has waited long enough.
#[derive(Debug)]
pub(crate) struct Tries {
    repeatable: Repeatable,
    made: u32,
}

impl Tries {
    pub(crate) const fn new(repeatable: Repeatable) -> Self {
        Self { repeatable, made: 1 }
    }

    /// Pauses before the next try; the failure, if there is to be none.
    pub(crate) async fn next(&mut self, failure: Failure) -> Result<(), Failure> {
        let Some(pause) = self.pause(&failure) else {
            return Err(failure);
        };
        tokio::time::sleep(pause).await;
        Ok(())
    }

    fn pause(&mut self, failure: &Failure) -> Option<Duration> {
        let again = match failure.kind {
            StorageErrorKind::Conflict => true,
            StorageErrorKind::Unavailable if failure.took_too_long() => {
                failure.is_lock_timeout() && self.repeatable != Repeatable::WithoutWaiting
            }
            StorageErrorKind::Unavailable => {
                self.repeatable != Repeatable::No && !failure.is_without_connection()
            }
            _ => false,
        };
        if !again || self.made == TRIES_MAX {
            return None;
        }
        let longest = PAUSE_MAX * 2_u32.pow(self.made - 1);
        self.made += 1;
        Some(jitter(longest))
    }
}

/// Between half of `longest` and all of it, so that those who failed together do not come back together.
pub(crate) fn jitter(longest: Duration) -> Duration {
    // Each state is seeded anew, by the standard library's generator.
    let random = RandomState::new().build_hasher().finish() % 1_000;
    let part = u32::try_from(random).unwrap_or(0);
    longest / 2 + longest / 2 * part / 1_000
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tries(repeatable: Repeatable, kind: StorageErrorKind) -> usize {
        let mut tries = Tries::new(repeatable);
        std::iter::from_fn(|| tries.pause(&Failure::new(kind, "it"))).take(100).count()
    }

    #[test]
    fn a_conflict_is_tried_again_and_not_for_ever() {
        for repeatable in [Repeatable::Yes, Repeatable::No] {
            assert_eq!(tries(repeatable, StorageErrorKind::Conflict), 3);
        }
    }

    #[test]
    fn what_may_have_happened_is_repeated_only_where_that_is_harmless() {
        assert_eq!(tries(Repeatable::Yes, StorageErrorKind::Unavailable), 3);
        assert_eq!(tries(Repeatable::No, StorageErrorKind::Unavailable), 0);
        assert_eq!(tries(Repeatable::Yes, StorageErrorKind::Other), 0);
    }

    #[test]
    fn what_waited_for_a_lock_is_tried_again_and_what_was_too_slow_is_not() {
        for (code, expected) in [("55P03", 3), ("57014", 0)] {
            let mut tries = Tries::new(Repeatable::No);
            let failure = Failure::new(StorageErrorKind::Unavailable, code);
            assert_eq!(std::iter::from_fn(|| tries.pause(&failure)).take(100).count(), expected, "{code}");
        }
    }

    #[test]
    fn whoever_waited_for_a_connection_does_not_wait_again() {
        let failure = Failure::from(sqlx::Error::PoolTimedOut);
        assert_eq!(Tries::new(Repeatable::Yes).pause(&failure), None);
    }

    #[test]
    fn pauses_grow_and_differ() {
        let longest = Duration::from_millis(100);
        let pauses: std::collections::HashSet<_> = (0..100).map(|_| jitter(longest)).collect();
        assert!(pauses.len() > 1 && pauses.iter().all(|pause| longest / 2 <= *pause && *pause <= longest));
    }
}
