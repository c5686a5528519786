//! [`PostgresBroker`]: signals between nodes that share a database, over LISTEN/NOTIFY.

mod connection;
mod listener;
mod notifier;
mod wire;

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use convor::ports::{Broker, BrokerError, Received, Signal, Subscription};
use tokio::sync::broadcast;

use crate::connect::ConnectError;

use connection::Server;
use listener::Listener;
use notifier::Notifier;

/// The channel of a cluster that names no other.
pub const CHANNEL: &str = "convor";

/// Carries signals between nodes over one channel of a database, good for clusters of up to ten nodes.
///
/// A process has two connections of its own for it, apart from any pool: one that notifies and one that listens. Both are
/// replaced when they break, after pauses that grow to five seconds. As long as nothing can be heard, each subscription yields
/// [`Received::Lost`] every five seconds or sooner, so that a node whose storage answers lives on rereading.
///
/// - **Publishing** queues a signal; what waits goes out together, up to 128 signals in one statement. It is refused
///   while the queue is full (2,048 signals), while there is no connection, and if the signal does not fit into a payload
///   of PostgreSQL (8,000 bytes). What was queued when a connection broke is lost.
/// - **Listening**: up to 1,024 signals wait for a subscription that reads slowly; beyond that, the oldest are dropped for a
///   [`Received::Lost`]. After three seconds of silence, which the heartbeat of the core does not let happen, the
///   listener notifies itself, and is replaced if it does not hear that.
///
/// The database must store UTF-8, and be reached directly or through a pooler in session mode: in transaction mode
/// notifications are not heard, and [`connect`](Self::connect) fails. A hot standby cannot serve either.
///
/// Signals hold ids and positions, no content. Whoever may connect to the database can read them, and can make up others:
/// those cost rereading, and show somebody typing or present who is not. Nothing is delivered or revoked on a signal's word.
///
/// Connections are in `pg_stat_activity` under the names `convor notifier` and `convor listener`. The broker and its
/// subscriptions end them when the last of them is dropped; what is queued then is still sent.
pub struct PostgresBroker {
    channel: Arc<str>,
    notifier: Notifier,
    listener: Arc<Listener>,
}

impl PostgresBroker {
    /// Connects to a database, on the channel [`CHANNEL`].
    ///
    /// # Errors
    /// [`ConnectError`] if the database cannot be reached, passes on no notifications, or does not store UTF-8.
    pub async fn connect(url: &str) -> Result<Self, ConnectError> {
        Self::connect_on(url, CHANNEL).await
    }

    /// The same on a channel of this name, for several clusters in one database. It has 1 to 63 bytes, none of them zero.
    ///
    /// # Errors
    /// Those of [`connect`](Self::connect), and [`ConnectError::Channel`].
    pub async fn connect_on(url: &str, channel: &str) -> Result<Self, ConnectError> {
        let server = Server::new(url, channel)?;
        // It tells at once what is wrong. But the session is one's own only if a listener can hear: a pooler that lends it to
        // others would lend its settings, too.
        let connection = server.connect().await?;
        let listener = Listener::open(server.clone()).await?;
        let notifier = Notifier::open(server, connection).await?;
        Ok(Self { channel: channel.into(), notifier, listener: Arc::new(listener) })
    }
}

impl fmt::Debug for PostgresBroker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresBroker").field("channel", &self.channel).finish_non_exhaustive()
    }
}

#[async_trait]
impl Broker for PostgresBroker {
    async fn publish(&self, signal: &Signal) -> Result<(), BrokerError> {
        self.notifier.offer(signal)
    }

    async fn subscribe(&self) -> Result<Box<dyn Subscription>, BrokerError> {
        let signals = self.listener.subscribe().ok_or_else(BrokerError::default)?;
        Ok(Box::new(PostgresSubscription { signals, _listener: Arc::clone(&self.listener) }))
    }
}

struct PostgresSubscription {
    signals: broadcast::Receiver<Received>,
    _listener: Arc<Listener>,
}

impl fmt::Debug for PostgresSubscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresSubscription").field("waiting", &self.signals.len()).finish_non_exhaustive()
    }
}

#[async_trait]
impl Subscription for PostgresSubscription {
    async fn next(&mut self) -> Received {
        match self.signals.recv().await {
            Ok(received) => received,
            Err(broadcast::error::RecvError::Lagged(_)) => Received::Lost,
            Err(broadcast::error::RecvError::Closed) => Received::Closed,
        }
    }
}
