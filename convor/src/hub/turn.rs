//! One change of a conversation at a time, from before its commit until it is published.

use std::sync::Arc;

use tokio::sync::OwnedMutexGuard;

use super::{Hub, Shards, StaleTopic, TopicKey};

/// The queues of those who wait for a conversation.
#[derive(Debug, Default)]
pub(super) struct Turns {
    queues: Shards<TopicKey, Queue>,
}

#[derive(Debug, Default)]
struct Queue {
    right: Arc<tokio::sync::Mutex<()>>,
    places: usize,
}

impl Turns {
    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.queues.each().all(|queues| queues.is_empty())
    }
}

/// A place in a queue, given up when it is dropped. The last one to leave takes the queue away.
#[derive(Debug)]
struct Place<'a> {
    turns: &'a Turns,
    key: TopicKey,
}

impl<'a> Place<'a> {
    fn take(turns: &'a Turns, key: TopicKey) -> (Self, Arc<tokio::sync::Mutex<()>>) {
        let mut queues = turns.queues.of(&key);
        let queue = queues.entry(key).or_default();
        queue.places += 1;
        (Self { turns, key }, Arc::clone(&queue.right))
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut queues = self.turns.queues.of(&self.key);
        if let Some(queue) = queues.get_mut(&self.key) {
            queue.places -= 1;
            if queue.places == 0 {
                queues.remove(&self.key);
            }
        }
    }
}

/// The right to change a conversation on this node. Dropped before it is [settled](Self::settle), because the caller went
/// away or the storage failed, nobody knows what has been stored: the conversation is reread, and not
/// only once: a commit may still come.
#[derive(Debug)]
pub(crate) struct Turn<'a> {
    hub: &'a Hub,
    settled: bool,
    /// Given back before the place is.
    _right: OwnedMutexGuard<()>,
    place: Place<'a>,
}

impl<'a> Turn<'a> {
    pub(super) async fn wait(hub: &'a Hub, key: TopicKey) -> Self {
        let (place, right) = Place::take(&hub.turns, key);
        Self { hub, settled: false, _right: right.lock_owned().await, place }
    }

    /// Ends the turn: what has been stored is published, or nothing has been stored.
    pub(crate) fn settle(mut self) {
        self.settled = true;
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        if !self.settled {
            self.hub.mark_stale(self.place.key, StaleTopic::uncertain());
        }
    }
}
