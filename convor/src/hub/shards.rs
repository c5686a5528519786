//! A map that is locked in parts, so that what concerns different keys seldom waits for each other: two that meet in a part
//! do, whosever they are, for as long as it takes to do what is done under the lock.

use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::fmt;
use std::hash::{BuildHasher, Hash};
use std::sync::{Mutex, MutexGuard};

use super::lock;

/// More than a machine has cores, so that two of them seldom meet.
const PARTS: usize = 64;

/// One part of the map, locked.
pub(crate) type Part<'a, K, V> = MutexGuard<'a, HashMap<K, V>>;

/// A map that is locked in parts.
pub(crate) struct Shards<K, V> {
    parts: Box<[Mutex<HashMap<K, V>>]>,
    hasher: RandomState,
}

impl<K: Hash + Eq, V> Shards<K, V> {
    /// The part that holds `key`.
    pub(crate) fn of(&self, key: &K) -> Part<'_, K, V> {
        let index = usize::try_from(self.hasher.hash_one(key) % PARTS as u64).unwrap_or(0);
        lock(&self.parts[index])
    }

    /// All parts, one after the other: what comes or goes meanwhile may be seen or not.
    pub(crate) fn each(&self) -> impl Iterator<Item = Part<'_, K, V>> {
        self.parts.iter().map(lock)
    }
}

impl<K, V> Default for Shards<K, V> {
    fn default() -> Self {
        Self { parts: (0..PARTS).map(|_| Mutex::default()).collect(), hasher: RandomState::new() }
    }
}

impl<K, V> fmt::Debug for Shards<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shards").finish_non_exhaustive()
    }
}
