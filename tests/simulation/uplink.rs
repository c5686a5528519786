//! A node's way to the broker that joins the nodes: signals take their time to each of those who hear them, are lost with and
//! without a word, and end with the node.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use convor::ids::NodeId;
use convor::ports::{Broker, BrokerError, Received, Signal, SignalBody, Subscription};
use tokio::time::{Instant, sleep, sleep_until};

use crate::clock::now;
use crate::dice::Dice;
use crate::life::Life;
use crate::watcher::Watcher;

/// How long a signal is on its way, in milliseconds.
const LATENCY: (u64, u64) = (0, 15);

/// How long a signal that is late is on its way.
const LATE: (u64, u64) = (100, 4_000);

/// How many hints in a thousand are lost where nobody is to notice.
const UNNOTICED: u64 = 200;

/// A node's way to the broker.
pub(crate) struct Uplink {
    inner: Arc<dyn Broker>,
    shared: Arc<Shared>,
}

/// What a node's publisher and its subscriptions share.
#[derive(Debug)]
struct Shared {
    watcher: Arc<Watcher>,
    life: Arc<Life>,
    seed: u64,
    state: Mutex<State>,
    /// Hints are lost, and the others are numbered as if there had been no more.
    renumbers: bool,
}

#[derive(Debug, Default)]
struct State {
    trouble: Trouble,
    /// Signals may have been missed, and that has not been said.
    lost: bool,
    /// How many signals of each node have been lost unnoticed.
    unnoticed: HashMap<NodeId, u64>,
}

/// What is wrong with the broker at present, for one node; chances are in a thousand.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Trouble {
    /// What the node says gets lost.
    pub(crate) mute: u64,
    /// What it should hear gets lost.
    pub(crate) deaf: u64,
    /// What it says is refused.
    pub(crate) refused: u64,
    /// What it should hear is late, and with it what the same node says next.
    pub(crate) late: u64,
}

impl Uplink {
    /// With `renumbers`, hints get lost so that nobody can notice.
    pub(crate) fn new(
        inner: Arc<dyn Broker>,
        watcher: Arc<Watcher>,
        life: Arc<Life>,
        seed: u64,
        renumbers: bool,
    ) -> Self {
        Self { inner, shared: Arc::new(Shared { watcher, life, seed, state: Mutex::default(), renumbers }) }
    }

    /// What is wrong from now on.
    pub(crate) fn suffer(&self, trouble: Trouble) {
        self.shared.state().trouble = trouble;
    }

    /// Says that signals may have been missed; it may say so too often.
    pub(crate) fn lose(&self) {
        self.shared.state().lost = true;
    }
}

#[async_trait]
impl Broker for Uplink {
    async fn publish(&self, signal: &Signal) -> Result<(), BrokerError> {
        let (wait, mute, refused) = {
            let trouble = self.shared.state().trouble;
            let mut dice = self.shared.dice(&signal.body);
            (dice.millis(LATENCY.0, LATENCY.1), dice.chance(trouble.mute), dice.chance(trouble.refused))
        };
        sleep(wait).await;
        self.shared.life.goes_on().await;
        if refused {
            self.shared.watcher.count("signals that are refused");
            return Err(BrokerError::default());
        }
        if mute {
            self.shared.watcher.count("signals that are lost");
            return Ok(());
        }
        self.inner.publish(signal).await
    }

    fn carries_content(&self) -> bool {
        self.inner.carries_content()
    }

    async fn subscribe(&self) -> Result<Box<dyn Subscription>, BrokerError> {
        self.shared.life.goes_on().await;
        let inner = self.inner.subscribe().await?;
        let (coming, last) = (BTreeMap::new(), HashMap::new());
        Ok(Box::new(Ear { inner, shared: Arc::clone(&self.shared), coming, last, count: 0 }))
    }
}

/// What a node hears.
#[derive(Debug)]
struct Ear {
    inner: Box<dyn Subscription>,
    shared: Arc<Shared>,
    /// What is on its way, by when it arrives.
    coming: BTreeMap<(Instant, u64), Signal>,
    /// When the last signal of each node arrives: those of one node do not overtake each other, and those of two may.
    last: HashMap<NodeId, Instant>,
    count: u64,
}

#[async_trait]
impl Subscription for Ear {
    async fn next(&mut self) -> Received {
        loop {
            self.shared.life.goes_on().await;
            if std::mem::take(&mut self.shared.state().lost) {
                return Received::Lost;
            }
            let first = self.coming.first_key_value().map(|((at, _), _)| *at);
            tokio::select! {
                biased;
                () = at(first) => {
                    if let Some((_, signal)) = self.coming.pop_first() {
                        return Received::Signal(signal);
                    }
                }
                received = self.inner.next() => match received {
                    Received::Signal(signal) => self.sets_out(signal),
                    other => return other,
                },
            }
        }
    }
}

impl Ear {
    fn sets_out(&mut self, signal: Signal) {
        let wait = self.shared.wait(&signal);
        let Some(signal) = self.shared.arrives(signal) else { return };
        let last = self.last.entry(signal.node).or_insert_with(now);
        *last = (now() + wait).max(*last);
        self.count += 1;
        self.coming.insert((*last, self.count), signal);
    }
}

/// When it is time; never, if there is none.
async fn at(time: Option<Instant>) {
    match time {
        Some(time) => sleep_until(time).await,
        None => std::future::pending().await,
    }
}

impl Shared {
    fn arrives(&self, mut signal: Signal) -> Option<Signal> {
        let mut state = self.state();
        let mut dice = self.dice(&signal.body);
        if dice.chance(state.trouble.deaf) {
            self.watcher.count("signals that are lost");
            return None;
        }
        if self.renumbers {
            let is_hint = matches!(signal.body, SignalBody::Grown { .. } | SignalBody::Told { .. });
            let lost = is_hint && dice.chance(UNNOTICED);
            let unnoticed = state.unnoticed.entry(signal.node).or_default();
            *unnoticed += u64::from(lost);
            signal.number -= *unnoticed;
            return (!lost).then_some(signal);
        }
        Some(signal)
    }

    /// How long a signal is on its way to this node.
    fn wait(&self, signal: &Signal) -> Duration {
        let late = self.state().trouble.late;
        let mut dice = self.dice(&signal.body);
        if dice.chance(late) {
            self.watcher.count("signals that are late");
            return dice.millis(LATE.0, LATE.1);
        }
        dice.millis(LATENCY.0, LATENCY.1)
    }

    fn dice(&self, what: &SignalBody) -> Dice {
        // Who is online comes in the order of a hash map.
        let what: &dyn fmt::Debug = if let SignalBody::Online { .. } = what { &"online" } else { what };
        Dice::now(self.seed, self.watcher.began(), what)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Uplink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Uplink").finish_non_exhaustive()
    }
}
