//! How often a key may do something: the generic cell rate algorithm (ITU-T I.371), one time a key.

use std::collections::HashMap;
use std::hash::Hash;
use std::mem;
use std::net::{IpAddr, Ipv6Addr};
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

/// The network that an address stands for when it is counted: whoever has one address of an IPv6 network has all of its
/// 2^64. An IPv4 address stands for itself, in whichever notation.
#[must_use]
pub fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => Ipv6Addr::from_bits(v6.to_bits() >> 64 << 64).into(),
        v4 @ IpAddr::V4(_) => v4,
    }
}

/// A rate for many keys. A key begins with its tenant wherever there is one, so that no tenant can use up another's.
#[derive(Debug)]
pub(crate) struct RateLimiter<K> {
    rate: Rate,
    /// How many keys a generation holds.
    generation_max: usize,
    table: Mutex<Table<K>>,
}

/// When each key's bucket is full again, in microseconds: a key that is missing has a full one.
///
/// There are two generations: a key that is used is in the young one, and when that is full it becomes the old one and the
/// old one is forgotten. So room is made at once and without looking at any entry, and whoever goes on is remembered.
#[derive(Debug)]
struct Table<K> {
    young: HashMap<K, i64>,
    old: HashMap<K, i64>,
}

impl<K: Hash + Eq> RateLimiter<K> {
    pub(crate) fn new(rate: Rate, keys_max: usize) -> Self {
        let table = Table { young: HashMap::new(), old: HashMap::new() };
        Self { rate, generation_max: (keys_max / 2).max(1), table: Mutex::new(table) }
    }

    /// Takes one call of `key`, or says how long to wait.
    pub(crate) fn take(&self, key: K, now: Timestamp) -> Result<Quota, Duration> {
        let limit = self.rate.burst();
        if self.rate == Rate::UNLIMITED {
            return Ok(Quota { limit, remaining: limit, reset: Duration::ZERO });
        }
        let now = now.millis().saturating_mul(1000);
        let step = self.rate.step_micros();
        let depth = step.saturating_mul(i64::from(limit));
        // Declared before the lock is taken, and so freed after it is released.
        let mut forgotten = HashMap::new();
        let mut table = self.table.lock().unwrap_or_else(PoisonError::into_inner);
        let known = table.young.get(&key).copied().or_else(|| table.old.remove(&key));
        // A clock that jumped back must not lock anybody out for longer than an empty bucket takes to fill.
        let was = known.unwrap_or(now).clamp(now, now.saturating_add(depth));
        let next = was.saturating_add(step);
        let wait = next.saturating_sub(now).saturating_sub(depth);
        if table.young.len() >= self.generation_max && !table.young.contains_key(&key) {
            let young = mem::take(&mut table.young);
            forgotten = mem::replace(&mut table.old, young);
        }
        table.young.insert(key, if wait > 0 { was } else { next });
        drop(table);
        drop(forgotten);
        if wait > 0 {
            return Err(micros(wait));
        }
        let reset = next.saturating_sub(now);
        let remaining = u32::try_from((depth - reset) / step).unwrap_or(u32::MAX);
        Ok(Quota { limit, remaining, reset: micros(reset) })
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

    fn remembered<K>(limiter: &RateLimiter<K>) -> usize {
        let table = limiter.table.lock().expect("nobody has panicked");
        table.young.len() + table.old.len()
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
    fn what_is_remembered_is_bounded_and_nobody_is_refused_for_lack_of_room() {
        let limiter = RateLimiter::new(Rate::per_minute(60, 1), 100);
        for key in 0..10_000 {
            assert!(limiter.take(key, at(0)).is_ok(), "a new key passes, however many there are");
            assert!(remembered(&limiter) <= 100);
        }
    }

    #[test]
    fn s26_whoever_goes_on_is_remembered_however_many_others_come() {
        let limiter = RateLimiter::new(Rate::per_minute(60, 1), 100);
        assert!(limiter.take(0, at(0)).is_ok());
        for key in 1..10_000 {
            limiter.take(key, at(0)).expect("a new key");
            if key % 40 == 0 {
                assert!(limiter.take(0, at(0)).is_err(), "after {key} others");
            }
        }
    }

    #[test]
    fn a_clock_that_jumps_back_locks_nobody_out() {
        let limiter = RateLimiter::new(Rate::per_minute(60, 2), 2);
        assert!(limiter.take("a", at(3_600_000)).is_ok());
        assert!(limiter.take("a", at(0)).is_err(), "the bucket counts as empty");
        assert!(limiter.take("a", at(1_000)).is_ok());
    }

    #[test]
    fn no_rate_and_no_time_panics() {
        let extremes = [0, 1, 2, 60_000_000, 60_000_001, u32::MAX];
        for rate in extremes.iter().flat_map(|rate| extremes.map(|burst| Rate::per_minute(*rate, burst))) {
            for keys_max in [0, 1, 2, usize::MAX] {
                let limiter = RateLimiter::new(rate, keys_max);
                for millis in [0, i64::MIN, i64::MAX, -1, 1_000] {
                    for _ in 0..3 {
                        let taken = limiter.take("a", Timestamp::from_millis(millis));
                        assert!(taken.map_or(true, |quota| quota.remaining <= quota.limit), "{rate:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn a_rate_of_nothing_counts_as_one() {
        let limiter = RateLimiter::new(Rate::per_minute(0, 0), 2);
        assert!(limiter.take("a", at(0)).is_ok());
        assert_eq!(limiter.take("a", at(0)), Err(Duration::from_secs(60)));
    }

    #[test]
    fn what_is_unlimited_is_not_counted() {
        let limiter = RateLimiter::new(Rate::UNLIMITED, 2);
        for _ in 0..100_000 {
            assert!(limiter.take("a", at(0)).is_ok());
        }
        assert_eq!(remembered(&limiter), 0);
    }
}
