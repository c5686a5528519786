//! How often a key may do something: the generic cell rate algorithm (ITU-T I.371), one time a key.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::config::Rate;
use crate::time::Timestamp;

/// What is left after a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Quota {
    /// How many calls fit at once.
    pub limit: u32,
    /// How many more fit now.
    pub remaining: u32,
    /// When all of them fit again.
    pub reset: Duration,
}

/// A rate for many keys. A key begins with its tenant, so that no tenant can use up another's.
#[derive(Debug)]
pub(crate) struct RateLimiter<K> {
    rate: Rate,
    keys_max: usize,
    /// When each key's bucket is full again, in microseconds: a key that is missing has a full one.
    full_at: Mutex<HashMap<K, i64>>,
}

impl<K: Hash + Eq> RateLimiter<K> {
    pub(crate) fn new(rate: Rate, keys_max: usize) -> Self {
        Self { rate, keys_max, full_at: Mutex::new(HashMap::new()) }
    }

    /// Takes one call of `key`, or says how long to wait.
    pub(crate) fn take(&self, key: K, now: Timestamp) -> Result<Quota, Duration> {
        let now = now.millis().saturating_mul(1000);
        let step = 60_000_000 / i64::from(self.rate.per_minute);
        let depth = step.saturating_mul(i64::from(self.rate.burst));
        let mut full_at = self.full_at.lock().unwrap_or_else(PoisonError::into_inner);
        if full_at.len() >= self.keys_max && !full_at.contains_key(&key) {
            full_at.retain(|_, at| *at > now);
            if full_at.len() >= self.keys_max {
                return Err(micros(step));
            }
        }
        // A clock that jumped back must not lock anybody out for longer than an empty bucket takes to fill.
        let was = full_at.get(&key).copied().unwrap_or(now).clamp(now, now.saturating_add(depth));
        let next = was.saturating_add(step);
        if next - now > depth {
            return Err(micros(next - now - depth));
        }
        full_at.insert(key, next);
        let remaining = u32::try_from((depth - (next - now)) / step).unwrap_or(0);
        Ok(Quota { limit: self.rate.burst, remaining, reset: micros(next - now) })
    }
}

fn micros(micros: i64) -> Duration {
    Duration::from_micros(u64::try_from(micros).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(1_000_000_000 + millis)
    }

    #[test]
    fn a_burst_passes_and_then_the_rate_holds() {
        let limiter = RateLimiter::new(Rate::per_minute(60, 3), 10);
        let left: Vec<_> =
            (0..3).map(|_| limiter.take("a", at(0)).expect("in the burst").remaining).collect();
        assert_eq!(left, [2, 1, 0]);
        assert_eq!(limiter.take("a", at(0)), Err(Duration::from_secs(1)));
        assert!(limiter.take("b", at(0)).is_ok(), "another key has a bucket of its own");
        assert!(limiter.take("a", at(1000)).is_ok());
        assert!(limiter.take("a", at(1000)).is_err());
    }

    #[test]
    fn what_is_remembered_is_bounded_and_full_buckets_are_forgotten() {
        let limiter = RateLimiter::new(Rate::per_minute(60, 1), 2);
        assert!(limiter.take(1, at(0)).is_ok() && limiter.take(2, at(0)).is_ok());
        assert!(limiter.take(3, at(0)).is_err());
        assert!(limiter.take(3, at(1000)).is_ok());
    }

    #[test]
    fn a_clock_that_jumps_back_locks_nobody_out() {
        let limiter = RateLimiter::new(Rate::per_minute(60, 2), 2);
        assert!(limiter.take("a", at(3_600_000)).is_ok());
        assert!(limiter.take("a", at(0)).is_err(), "at worst the bucket is empty");
        assert!(limiter.take("a", at(1000)).is_err());
        assert!(limiter.take("a", at(2000)).is_err() || limiter.take("a", at(3000)).is_ok());
    }
}
