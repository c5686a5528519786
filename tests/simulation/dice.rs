//! Chance, from a seed.

use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use convor::ports::Entropy;
use tokio::time::Instant;
use uuid::Uuid;

use crate::clock::now;

/// A stream of chance. Whoever decides something has one of its own, so that what one does not decide any more changes
/// nothing for the others.
#[derive(Debug, Clone)]
pub(crate) struct Dice(u64);

impl Dice {
    /// The stream of this seed and this name.
    pub(crate) fn new(seed: u64, name: &str) -> Self {
        // FNV-1a.
        let hash = name.bytes().fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        let mut dice = Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ hash);
        dice.roll();
        dice
    }

    /// What is decided here and now, whatever else is decided at the same time and in which order. `what` tells one thing from
    /// another.
    pub(crate) fn now(seed: u64, since: Instant, what: &dyn fmt::Debug) -> Self {
        Self::new(seed, &format!("{:?} {what:?}", now() - since))
    }

    /// The next number, by SplitMix64.
    pub(crate) fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// One of the numbers below this one.
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.roll() % end.max(1)
    }

    /// One of the numbers from this one to that one.
    pub(crate) fn between(&mut self, from: u64, to: u64) -> u64 {
        from + self.below(to - from + 1)
    }

    /// Whether it happens that happens so often in a thousand times.
    pub(crate) fn chance(&mut self, of_thousand: u64) -> bool {
        self.below(1_000) < of_thousand
    }

    /// A time from so many milliseconds to so many.
    pub(crate) fn millis(&mut self, from: u64, to: u64) -> Duration {
        Duration::from_millis(self.between(from, to))
    }

    /// One of these.
    pub(crate) fn pick<T: Clone>(&mut self, of: &[T]) -> Option<T> {
        let index = self.below(of.len() as u64);
        of.get(usize::try_from(index).ok()?).cloned()
    }

    /// A number below `end`, to index with.
    pub(crate) fn index(&mut self, end: usize) -> usize {
        usize::try_from(self.below(end as u64)).unwrap_or(0)
    }

    /// An id that nothing has.
    pub(crate) fn id<I: From<Uuid>>(&mut self) -> I {
        let (high, low) = (self.roll(), self.roll());
        uuid::Builder::from_random_bytes(Uuid::from_u64_pair(high, low).into_bytes()).into_uuid().into()
    }
}

/// What a node takes for unforeseeable.
#[derive(Debug)]
pub(crate) struct SeededEntropy(Mutex<Dice>);

impl SeededEntropy {
    pub(crate) fn new(dice: Dice) -> Self {
        Self(Mutex::new(dice))
    }
}

impl Entropy for SeededEntropy {
    fn bytes_16(&self) -> [u8; 16] {
        let mut dice = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Uuid::from_u64_pair(dice.roll(), dice.roll()).into_bytes()
    }
}
