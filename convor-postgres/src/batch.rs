//! Collects messages that are appended at the same time, so that they share a statement and a commit.
//!
//! A message that comes while nothing is under way is sent at once and alone. While as many batches are under way as may be,
//! those that come wait together, and the next batch takes them all. So a lone caller waits for nobody, and the more
//! callers there are, the less each costs.

use std::collections::{HashSet, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use convor::ports::StorageErrorKind;
use convor::ports::storage::AppendOutcome;
use tokio::runtime::Handle;
use tokio::sync::oneshot;

use crate::append::{self, Message};
use crate::connections::Connections;
use crate::error::Failure;

/// How messages that are appended at the same time share statements.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub struct Batching {
    is_on: bool,
    size_max: usize,
    in_flight_max: usize,
    wait_max: Duration,
    waiting_max: usize,
}

impl Default for Batching {
    /// At most 128 messages a batch, 2 batches at a time, and after 50 ms one more; 4,096 messages wait.
    fn default() -> Self {
        Self {
            is_on: true,
            size_max: 128,
            in_flight_max: 2,
            wait_max: Duration::from_millis(50),
            waiting_max: 4_096,
        }
    }
}

impl Batching {
    /// Each message has a statement of its own.
    pub fn off() -> Self {
        Self { is_on: false, ..Self::default() }
    }

    /// How many messages share a statement at most, each of another conversation; at least 1. Each holds its conversation's lock
    /// until all are committed.
    pub fn size_max(mut self, messages: usize) -> Self {
        self.size_max = messages.max(1);
        self
    }

    /// How many batches are under way at most, each on a connection; at least 1.
    pub fn in_flight_max(mut self, batches: usize) -> Self {
        self.in_flight_max = batches.max(1);
        self
    }

    /// After how long a message that is still waiting is sent besides the batches under way, of which there may be twice as many
    /// then. It bounds what a batch that waits for a lock costs the others.
    pub fn wait_max(mut self, wait: Duration) -> Self {
        self.wait_max = wait;
        self
    }

    /// How many messages wait at most; one more is refused as unavailable.
    pub fn waiting_max(mut self, messages: usize) -> Self {
        self.waiting_max = messages;
        self
    }
}

/// Appends messages, in batches where that is possible.
#[derive(Clone)]
pub(crate) struct Batcher(Arc<Shared>);

struct Shared {
    connections: Connections,
    batching: Batching,
    queue: Mutex<Queue>,
}

#[derive(Default)]
struct Queue {
    waiting: VecDeque<Waiting>,
    in_flight: usize,
}

/// A message, and whoever waits for what becomes of it.
struct Waiting {
    message: Message,
    answer: oneshot::Sender<Result<AppendOutcome, Failure>>,
}

impl Batcher {
    pub(crate) fn new(connections: Connections, batching: Batching) -> Self {
        Self(Arc::new(Shared { connections, batching, queue: Mutex::default() }))
    }

    /// Appends a message. Once it is sent it is appended even if the caller goes away; while it waits it is not.
    pub(crate) async fn append(&self, message: Message) -> Result<AppendOutcome, Failure> {
        let Shared { connections, batching, .. } = &*self.0;
        if !batching.is_on || !message.may_be_batched() {
            return append::one(connections, &message, false).await;
        }
        if let Some(_place) = self.0.place_of_first(batching.in_flight_max) {
            return append::one(connections, &message, false).await;
        }
        let (answer, mut answered) = oneshot::channel();
        self.0.enqueue(Waiting { message, answer })?;
        self.0.send_off(batching.in_flight_max);
        let received = match tokio::time::timeout(batching.wait_max, &mut answered).await {
            Ok(received) => received,
            Err(_) => {
                self.0.send_off(2 * batching.in_flight_max);
                answered.await
            }
        };
        // Nobody answers once the runtime on which the batches run has ended.
        received.unwrap_or_else(|_| Err(Failure::new(StorageErrorKind::Unavailable, "shut down")))
    }
}

impl fmt::Debug for Batcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Batcher").field("batching", &self.0.batching).finish_non_exhaustive()
    }
}

impl Shared {
    /// The queue. A panic elsewhere leaves it as it should be: it is never locked for more than a step.
    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn enqueue(&self, waiting: Waiting) -> Result<(), Failure> {
        let mut queue = self.queue();
        if queue.waiting.len() >= self.batching.waiting_max {
            // Whoever has gone away makes room.
            queue.waiting.retain(|waiting| !waiting.answer.is_closed());
        }
        if queue.waiting.len() >= self.batching.waiting_max {
            return Err(Failure::new(StorageErrorKind::Unavailable, "too many messages wait"));
        }
        queue.waiting.push_back(waiting);
        Ok(())
    }

    /// A place for a message that has nobody to share one with, if fewer than `in_flight_max` are taken.
    fn place_of_first(self: &Arc<Self>, in_flight_max: usize) -> Option<Place> {
        let mut queue = self.queue();
        let is_first = queue.waiting.is_empty() && queue.in_flight < in_flight_max;
        is_first.then(|| Place::take(self, &mut queue, true))
    }

    /// Sends off what is waiting, if fewer than `in_flight_max` batches are under way.
    fn send_off(self: &Arc<Self>, in_flight_max: usize) {
        let mut queue = self.queue();
        if queue.waiting.is_empty() || queue.in_flight >= in_flight_max {
            return;
        }
        // Without a runtime there is nobody left who waits.
        let Ok(runtime) = Handle::try_current() else { return };
        let place = Place::take(self, &mut queue, false);
        drop(queue);
        runtime.spawn(place.work());
    }
}

/// A place among the batches under way. Whoever leaves it sends off those who have been waiting for one.
struct Place {
    shared: Arc<Shared>,
    /// Not while batches are sent: what cuts that off is the end of the runtime, and nothing can be sent after it.
    sends_off: bool,
}

impl Place {
    fn take(shared: &Arc<Shared>, queue: &mut Queue, sends_off: bool) -> Self {
        queue.in_flight += 1;
        Self { shared: Arc::clone(shared), sends_off }
    }

    /// Sends one batch after the other until nothing is waiting.
    async fn work(mut self) {
        while let Some(batch) = self.next() {
            send(&self.shared.connections, batch).await;
        }
        self.sends_off = true;
    }

    /// The next batch: of each conversation the first message that waits. A second one waits for the batch after that, because
    /// a transaction updates a conversation's row once.
    fn next(&self) -> Option<Vec<Waiting>> {
        let mut queue = self.shared.queue();
        let mut batch = Vec::new();
        let mut conversations = HashSet::new();
        let mut later = VecDeque::new();
        while batch.len() < self.shared.batching.size_max {
            let Some(waiting) = queue.waiting.pop_front() else { break };
            if waiting.answer.is_closed() {
                // Whoever has gone away while waiting has not asked for anything.
                continue;
            }
            if conversations.insert((waiting.message.tenant, waiting.message.append.conversation)) {
                batch.push(waiting);
            } else {
                later.push_back(waiting);
            }
        }
        later.append(&mut queue.waiting);
        queue.waiting = later;
        (!batch.is_empty()).then_some(batch)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.shared.queue().in_flight -= 1;
        if self.sends_off {
            self.shared.send_off(self.shared.batching.in_flight_max);
        }
    }
}

/// Appends a batch, and answers each of those who wait. What fails together is tried one by one, beside each other and beside
/// the next batch, so that neither the failure of one nor a lock for which it waits is that of all; unless the database is
/// gone, which is the same for each.
async fn send(connections: &Connections, mut batch: Vec<Waiting>) {
    batch.sort_by_key(|waiting| (waiting.message.tenant, waiting.message.append.conversation));
    let messages: Vec<&Message> = batch.iter().map(|waiting| &waiting.message).collect();
    let sent =
        if messages.len() > 1 { append::many(connections, &messages).await.map(Some) } else { Ok(None) };
    match sent {
        Ok(Some(outcomes)) => {
            for (waiting, outcome) in batch.into_iter().zip(outcomes) {
                waiting.answer(Ok(outcome));
            }
        }
        Err(failure) if failure.kind == StorageErrorKind::Unavailable && !failure.took_too_long() => {
            for waiting in batch {
                waiting.answer(Err(failure.clone()));
            }
        }
        Ok(None) => {
            for waiting in batch {
                waiting.alone(connections, false).await;
            }
        }
        Err(_) => {
            for waiting in batch {
                let connections = connections.clone();
                tokio::spawn(async move { waiting.alone(&connections, true).await });
            }
        }
    }
}

impl Waiting {
    async fn alone(self, connections: &Connections, in_doubt: bool) {
        let outcome = append::one(connections, &self.message, in_doubt).await;
        self.answer(outcome);
    }

    fn answer(self, outcome: Result<AppendOutcome, Failure>) {
        // Whoever has gone away does not want it.
        let _ = self.answer.send(outcome);
    }
}
