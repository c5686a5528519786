//! A node's way to the broker that joins the nodes: signals take their time, are lost with and without a word, and end with
//! the node.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use convor::ids::NodeId;
use convor::ports::{Broker, BrokerError, Received, Signal, SignalBody, Subscription};
use tokio::time::sleep;

use crate::dice::Dice;
use crate::life::Life;
use crate::watcher::Watcher;

/// How long a signal is on its way, in milliseconds.
const LATENCY: (u64, u64) = (0, 15);

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

    async fn subscribe(&self) -> Result<Box<dyn Subscription>, BrokerError> {
        self.shared.life.goes_on().await;
        let inner = self.inner.subscribe().await?;
        Ok(Box::new(Ear { inner, shared: Arc::clone(&self.shared) }))
    }
}

/// What a node hears.
#[derive(Debug)]
struct Ear {
    inner: Box<dyn Subscription>,
    shared: Arc<Shared>,
}

#[async_trait]
impl Subscription for Ear {
    async fn next(&mut self) -> Received {
        loop {
            self.shared.life.goes_on().await;
            if std::mem::take(&mut self.shared.state().lost) {
                return Received::Lost;
            }
            match self.inner.next().await {
                Received::Signal(signal) => {
                    if let Some(signal) = self.shared.arrives(signal) {
                        return Received::Signal(signal);
                    }
                }
                other => return other,
            }
        }
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
            let is_hint = matches!(signal.body, SignalBody::Grown { .. });
            let lost = is_hint && dice.chance(UNNOTICED);
            let unnoticed = state.unnoticed.entry(signal.node).or_default();
            *unnoticed += u64::from(lost);
            signal.number -= *unnoticed;
            return (!lost).then_some(signal);
        }
        Some(signal)
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
