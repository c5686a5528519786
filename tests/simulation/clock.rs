//! The time of the simulation, and what nodes take for the time.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use convor::ports::Clock;
use convor::time::Timestamp;
use tokio::time::Instant;

/// 2027-01-15, when every simulation begins.
const BEGIN: i64 = 1_800_000_000_000;

/// The simulated time, which stands still while anything has something to do.
#[expect(clippy::disallowed_methods, reason = "the runtime's clock is the simulation's")]
pub(crate) fn now() -> Instant {
    Instant::now()
}

/// What a node takes for the time. It can be set.
#[derive(Debug)]
pub(crate) struct NodeClock {
    began: Instant,
    wrong_by: AtomicI64,
}

impl NodeClock {
    /// A clock that is wrong by so many milliseconds.
    pub(crate) fn new(began: Instant, wrong_by: i64) -> Self {
        Self { began, wrong_by: wrong_by.into() }
    }

    /// Sets it: from now on it is wrong by so many milliseconds.
    pub(crate) fn set(&self, wrong_by: i64) {
        self.wrong_by.store(wrong_by, Ordering::Relaxed);
    }
}

impl Clock for NodeClock {
    fn now(&self) -> Timestamp {
        let right = Timestamp::from_millis(BEGIN).plus(now() - self.began).millis();
        Timestamp::from_millis(right + self.wrong_by.load(Ordering::Relaxed))
    }
}

/// The point in time of the simulation that is so far from now, as a right clock shows it.
pub(crate) fn stamp(began: Instant, ahead: Duration) -> Timestamp {
    Timestamp::from_millis(BEGIN).plus(now() - began).plus(ahead)
}
