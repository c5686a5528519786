//! A broker for Convor over [NATS](https://nats.io): hints between any number of nodes, sealed if they have a key in common. Core
//! NATS, 2.2 or newer; nothing is kept on its servers, and no JetStream is needed.
//!
//! ```no_run
//! # async fn start(storage: std::sync::Arc<dyn convor::ports::Storage>, key: &str) -> Result<(), Box<dyn std::error::Error>> {
//! use std::sync::Arc;
//!
//! use convor_nats::{ClusterKey, NatsBroker, NatsOptions};
//!
//! let options = NatsOptions::new(["tls://nats.example:4222"])?.cluster_key(ClusterKey::parse(key)?);
//! let broker = NatsBroker::connect(options).await?;
//! let chat = convor::Chat::builder(storage).broker(Arc::new(broker));
//! # Ok(())
//! # }
//! ```
//!
//! # Who sees what
//! A cluster speaks on `convor.<cluster>.<tenant>` for what concerns one tenant, by its id, and on `convor.<cluster>.node` for the
//! rest: heartbeats, and who is online. So an operator of NATS sees traffic by tenant. A node listens to `convor.<cluster>.>`, and
//! needs these permissions and no others:
//!
//! ```text
//! permissions: { publish: "convor.default.>", subscribe: "convor.default.>" }
//! ```
//!
//! **Without a [`ClusterKey`]** signals are JSON with ids and positions, and never with what is said. Whoever may listen reads them;
//! whoever may publish can make others up, which cost rereading, and show somebody typing, present or up to date who is not. Nothing
//! is delivered or revoked on a signal's word. Up to 2,048 messages wait for a node, each as long as the server's `max_payload` lets it
//! be: lower that where others publish on the same servers.
//!
//! **With one** everything is sealed with XChaCha20-Poly1305, under a random nonce and for its subject, and what is said goes along,
//! so that other nodes need not read it from the storage. Who has not got the key reads nothing but which tenant, when and how much, and
//! can make up nothing; it can hold back, and say again what has been said, which costs rereading, and shows somebody typing or
//! present who no longer is. What was said goes along with the time, and is told again for at most ten seconds, by the clocks of
//! the nodes: later, or where clocks differ by more, it is a hint. What cannot be opened is no signal: it counts as missed, at most once a second, and a warning says why.
//!
//! Every node of a cluster needs the same key. [`NatsOptions::cluster_keys`] tells how it is changed.
//!
//! What happens to the connection is logged here; the driver says the same once more under its own target, `async_nats`.

mod connect;
mod ear;
mod key;
mod options;
mod wire;

use std::convert::Infallible;
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use convor::ports::{Broker, BrokerError, Received, Signal, Subscription};
use tokio::sync::{broadcast, oneshot};

use connect::Dialer;
use ear::{Ear, Mouth};
use wire::Wire;

pub use connect::ConnectError;
pub use key::{ClusterKey, InvalidKey};
pub use options::{CLUSTER, NatsOptions};

/// How many signals wait for a subscription at most.
const WAITING_MAX: usize = 1_024;

/// Carries signals between nodes over NATS.
///
/// A process has one connection for it, however many subscriptions there are. It is replaced when it breaks, or when the server has
/// been silent for five seconds, after pauses that grow to four. As long as nothing can be heard, each subscription yields
/// [`Received::Lost`] every five seconds or sooner, so that a node whose storage answers lives on rereading.
///
/// - **Publishing** queues a signal. It is refused while there is no connection, while the queue is full (2,048 signals), and if the
///   signal is longer than the server's `max_payload`; what is said goes out as a hint then. What was queued when a connection broke
///   is lost.
/// - **Listening**: up to 1,024 signals wait for a subscription that reads slowly; beyond that, the oldest are dropped for a
///   [`Received::Lost`]. Each holds what has been said up to `Limits::told_bytes_max`, if there is a key.
///
/// The broker and its subscriptions end the connection when the last of them is dropped; what is queued then is still sent, within a
/// second. That takes the runtime in which it was connected.
pub struct NatsBroker {
    wire: Arc<Wire>,
    mouth: Arc<Mouth>,
    link: Arc<Link>,
}

/// What subscriptions share. The connection ends with it.
struct Link {
    /// The sender itself is with the task: subscriptions end if that does.
    signals: broadcast::WeakSender<Arc<Received>>,
    _needed: oneshot::Sender<Infallible>,
}

impl NatsBroker {
    /// Connects to one of the servers, and knows then that signals pass in both directions.
    ///
    /// # Errors
    /// [`ConnectError`], which names the cause: that of the server which came closest.
    pub async fn connect(options: NatsOptions) -> Result<Self, ConnectError> {
        let dialer = Dialer::new(options).await?;
        let line = first(&dialer).await?;
        let signals = broadcast::Sender::new(WAITING_MAX);
        let (needed, dropped) = oneshot::channel();
        let link = Arc::new(Link { signals: signals.downgrade(), _needed: needed });
        let (wire, mouth) = (Arc::clone(&dialer.wire), Arc::new(Mouth::default()));
        mouth.set(Some(&line.client));
        tokio::spawn(Ear { dialer, signals, mouth: Arc::clone(&mouth) }.run(line, dropped));
        Ok(Self { wire, mouth, link })
    }
}

/// A connection to any of the servers. They are asked in turn, from any of them on, so that nodes spread.
async fn first(dialer: &Dialer) -> Result<connect::Line, ConnectError> {
    let (begin, mut closest) = (ear::any(), ConnectError::Server);
    for step in 0..dialer.servers() {
        let server = begin.wrapping_add(step);
        let failed = match dialer.dial(server).await {
            Ok(line) => return Ok(line),
            Err(error) => error,
        };
        if dialer.servers() > 1 {
            tracing::warn!(server = dialer.name(server), reason = %failed, "one of the servers cannot be used");
        }
        // Who has answered tells more than who has not.
        if !matches!(closest, ConnectError::Refused | ConnectError::NotPermitted { .. }) {
            closest = failed;
        }
    }
    Err(closest)
}

impl fmt::Debug for NatsBroker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NatsBroker")
            .field("subjects", &self.wire.all())
            .field("sealed", &self.wire.is_sealed())
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl Broker for NatsBroker {
    async fn publish(&self, signal: &Signal) -> Result<(), BrokerError> {
        self.mouth.offer(&self.wire, signal)
    }

    fn carries_content(&self) -> bool {
        self.wire.is_sealed()
    }

    async fn subscribe(&self) -> Result<Box<dyn Subscription>, BrokerError> {
        let signals = self.link.signals.upgrade().ok_or_else(BrokerError::default)?.subscribe();
        Ok(Box::new(NatsSubscription { signals, _link: Arc::clone(&self.link) }))
    }
}

struct NatsSubscription {
    signals: broadcast::Receiver<Arc<Received>>,
    _link: Arc<Link>,
}

impl fmt::Debug for NatsSubscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NatsSubscription").field("waiting", &self.signals.len()).finish_non_exhaustive()
    }
}

#[async_trait]
impl Subscription for NatsSubscription {
    async fn next(&mut self) -> Received {
        match self.signals.recv().await {
            Ok(received) => Arc::unwrap_or_clone(received),
            Err(broadcast::error::RecvError::Lagged(_)) => Received::Lost,
            Err(broadcast::error::RecvError::Closed) => Received::Closed,
        }
    }
}
