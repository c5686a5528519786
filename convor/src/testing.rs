//! Fixtures for this crate's own tests.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use crate::ports::{Clock, Entropy};
use crate::time::Timestamp;

/// A clock that stands still until it is moved.
#[derive(Debug)]
pub(crate) struct FixedClock(AtomicI64);

impl FixedClock {
    pub(crate) fn advance(&self, by: Duration) {
        self.0.store(self.now().plus(by).millis(), Ordering::Relaxed);
    }
}

impl Default for FixedClock {
    fn default() -> Self {
        Self(1_772_616_600_000.into())
    }
}

impl Clock for FixedClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::Relaxed))
    }
}

/// A generator that counts: reproducible, and different each time.
#[derive(Debug)]
pub(crate) struct FixedEntropy(AtomicU64);

impl FixedEntropy {
    pub(crate) fn new(seed: u64) -> Self {
        Self(AtomicU64::new(seed))
    }
}

impl Entropy for FixedEntropy {
    fn bytes_16(&self) -> [u8; 16] {
        use sha2::Digest;
        let count = self.0.fetch_add(1, Ordering::Relaxed);
        let hash = sha2::Sha256::digest(count.to_be_bytes());
        std::array::from_fn(|i| hash[i])
    }
}
