//! One change of a conversation at a time, from before its commit until it is published.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::OwnedMutexGuard;

use super::{Hub, TopicKey, lock};

/// The queues of those who wait for a conversation.
#[derive(Debug, Default)]
pub(super) struct Turns {
    queues: Mutex<HashMap<TopicKey, Arc<tokio::sync::Mutex<()>>>>,
}

impl Turns {
    pub(super) async fn wait(&self, key: TopicKey) -> OwnedMutexGuard<()> {
        let queue = Arc::clone(lock(&self.queues).entry(key).or_default());
        queue.lock_owned().await
    }

    /// Forgets a queue in which nobody waits.
    fn end(&self, key: TopicKey, guard: OwnedMutexGuard<()>) {
        let mut queues = self.queues.lock().unwrap_or_else(PoisonError::into_inner);
        drop(guard);
        if queues.get(&key).is_some_and(|queue| Arc::strong_count(queue) == 1) {
            queues.remove(&key);
        }
    }
}

/// The right to change a conversation on this node. Dropped before it is [settled](Self::settle), because the caller went
/// away or the storage failed, nobody knows what has been stored: the conversation is reread.
#[derive(Debug)]
pub(crate) struct Turn<'a> {
    hub: &'a Hub,
    key: TopicKey,
    guard: Option<OwnedMutexGuard<()>>,
    settled: bool,
}

impl<'a> Turn<'a> {
    pub(super) const fn new(hub: &'a Hub, key: TopicKey, guard: OwnedMutexGuard<()>) -> Self {
        Self { hub, key, guard: Some(guard), settled: false }
    }

    /// Ends the turn: what has been stored is published, or nothing has been stored.
    pub(crate) fn settle(mut self) {
        self.settled = true;
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        if !self.settled {
            self.hub.mark_stale(self.key, None);
        }
        if let Some(guard) = self.guard.take() {
            self.hub.turns.end(self.key, guard);
        }
    }
}
