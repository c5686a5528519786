//! [`MemoryBroker`]: signals between nodes that live in one process.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use async_trait::async_trait;
use convor::ports::{Broker, BrokerError, Received, Signal, Subscription};
use tokio::sync::Notify;

/// How many signals wait for a subscriber unless [`MemoryBroker::with_signals_max`] says otherwise.
pub const SIGNALS_MAX: usize = 1_024;

/// Carries signals between nodes in one process. Each node gets a clone of the same `Arc<MemoryBroker>`; every subscriber
/// receives the signals of all of them, its own included.
///
/// At most [`SIGNALS_MAX`] signals wait for a subscriber. One more, and all that wait are dropped in favour of a single
/// [`Received::Lost`], so that a node that does not read costs its own time and nobody's memory.
///
/// For tests there are ways to do to it what a network does: [`disconnect`](Self::disconnect) and
/// [`reconnect`](Self::reconnect), [`close_subscriptions`](Self::close_subscriptions) and
/// [`swallow_next`](Self::swallow_next).
#[derive(Debug)]
pub struct MemoryBroker {
    signals_max: usize,
    carries_content: bool,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    subscribers: Vec<Weak<Subscriber>>,
    disconnected: bool,
    swallow: usize,
}

impl MemoryBroker {
    /// A broker without subscribers.
    #[must_use]
    pub fn new() -> Self {
        Self::with_signals_max(SIGNALS_MAX)
    }

    /// The same with another bound for the signals that wait for a subscriber; at least one may.
    #[must_use]
    pub fn with_signals_max(signals_max: usize) -> Self {
        Self { signals_max: signals_max.max(1), carries_content: false, state: Mutex::default() }
    }

    /// The same, and nodes tell each other what is said, and not only where: nothing leaves the process.
    #[must_use]
    pub fn carrying_content(mut self) -> Self {
        self.carries_content = true;
        self
    }

    /// Cuts all nodes off: until [`reconnect`](Self::reconnect), publishing and subscribing fail with [`BrokerError`], and
    /// subscriptions stay silent, as behind a broken network that nobody has noticed yet. What was queued is dropped.
    pub fn disconnect(&self) {
        let mut state = self.state();
        state.disconnected = true;
        for subscriber in state.live() {
            subscriber.queue().cut();
        }
    }

    /// Joins the nodes again; each subscription yields [`Received::Lost`] before its next signal.
    pub fn reconnect(&self) {
        let mut state = self.state();
        state.disconnected = false;
        for subscriber in state.live() {
            subscriber.queue().lose();
            subscriber.woken.notify_one();
        }
    }

    /// Ends all present subscriptions: each yields what is queued, and then [`Received::Closed`] for ever.
    pub fn close_subscriptions(&self) {
        let mut state = self.state();
        for subscriber in state.live() {
            subscriber.queue().closed = true;
            subscriber.woken.notify_one();
        }
        state.subscribers.clear();
    }

    /// Loses the next `signals` signals without a word: they are accepted, and reach nobody. The contract lets a broker lose
    /// signals, and only the numbers of later ones tell.
    pub fn swallow_next(&self, signals: usize) {
        self.state().swallow = signals;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for MemoryBroker {
    fn default() -> Self {
        Self::new()
    }
}

impl State {
    /// The subscribers that are still there; the others are forgotten.
    fn live(&mut self) -> Vec<Arc<Subscriber>> {
        let live: Vec<_> = self.subscribers.iter().filter_map(Weak::upgrade).collect();
        self.subscribers.retain(|subscriber| subscriber.strong_count() > 0);
        live
    }
}

#[async_trait]
impl Broker for MemoryBroker {
    fn carries_content(&self) -> bool {
        self.carries_content
    }

    async fn publish(&self, signal: &Signal) -> Result<(), BrokerError> {
        let mut state = self.state();
        if state.disconnected {
            return Err(BrokerError::default());
        }
        if state.swallow > 0 {
            state.swallow -= 1;
            return Ok(());
        }
        // The lock is held over all queues, so that every subscriber sees the same order.
        for subscriber in state.live() {
            subscriber.queue().push(signal.clone(), self.signals_max);
            subscriber.woken.notify_one();
        }
        Ok(())
    }

    async fn subscribe(&self) -> Result<Box<dyn Subscription>, BrokerError> {
        let mut state = self.state();
        if state.disconnected {
            return Err(BrokerError::default());
        }
        let subscriber = Arc::new(Subscriber::default());
        state.subscribers.push(Arc::downgrade(&subscriber));
        Ok(Box::new(MemorySubscription { subscriber }))
    }
}

/// What waits for one subscriber.
#[derive(Default)]
struct Subscriber {
    queue: Mutex<Queue>,
    woken: Notify,
}

#[derive(Default)]
struct Queue {
    signals: VecDeque<Signal>,
    lost: bool,
    closed: bool,
}

impl Subscriber {
    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Subscriber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscriber").field("waiting", &self.queue().signals.len()).finish_non_exhaustive()
    }
}

impl Queue {
    fn push(&mut self, signal: Signal, signals_max: usize) {
        if self.signals.len() >= signals_max {
            self.lose();
        }
        self.signals.push_back(signal);
    }

    /// Drops what waits, and says so before anything else.
    fn lose(&mut self) {
        self.signals.clear();
        self.lost = true;
    }

    /// Drops what waits, and says nothing yet: nothing comes that it would have to be said before.
    fn cut(&mut self) {
        self.signals.clear();
        self.lost = false;
    }

    fn pop(&mut self) -> Option<Received> {
        if std::mem::take(&mut self.lost) {
            return Some(Received::Lost);
        }
        let signal = self.signals.pop_front().map(Received::Signal);
        signal.or_else(|| self.closed.then_some(Received::Closed))
    }
}

#[derive(Debug)]
struct MemorySubscription {
    subscriber: Arc<Subscriber>,
}

#[async_trait]
impl Subscription for MemorySubscription {
    async fn next(&mut self) -> Received {
        loop {
            let received = self.subscriber.queue().pop();
            match received {
                Some(received) => return received,
                // A wake-up that comes between the look and the wait is kept for the wait.
                None => self.subscriber.woken.notified().await,
            }
        }
    }
}
