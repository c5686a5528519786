//! Fan-out across nodes: hints that may be lost.

use std::fmt;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::domain::{Author, Heads, MessageKind};
use crate::ids::{ConversationId, NodeId, TenantId, VisitorId};

/// Carries signals between the nodes of a cluster, **at most once**. A node that serves alone needs none.
///
/// Signals hold ids and positions only, never content. The core numbers them for each publishing node and adds a heartbeat each
/// second; on a gap, a vanished publisher or [`Received::Lost`] it rereads the positions of everything it has
/// subscribers for. So a lost signal costs time, and never a message.
///
/// # To ensure correctness
/// - Signals of one publisher arrive in their order, or not at all.
/// - Whenever signals may have been missed (a reconnect, an overflow), the subscription yields [`Received::Lost`] before
///   the next signal. It may say so too often, never too rarely.
/// - A node may or may not receive its own signals; the core ignores them.
#[cfg_attr(test, mockall::automock)]
#[async_trait]
pub trait Broker: fmt::Debug + Send + Sync {
    /// Hands a signal to the other nodes.
    ///
    /// # Errors
    /// [`BrokerError`] if it was not handed over; the core goes on, and other nodes find the gap.
    async fn publish(&self, signal: &Signal) -> Result<(), BrokerError>;

    /// Begins to receive what is published from now on.
    ///
    /// # Errors
    /// [`BrokerError`] if it cannot; the core tries again.
    async fn subscribe(&self) -> Result<Box<dyn Subscription>, BrokerError>;
}

/// What a node receives.
#[async_trait]
pub trait Subscription: fmt::Debug + Send {
    /// The next signal; it may be dropped while it waits, and loses nothing by it.
    async fn next(&mut self) -> Received;
}

/// What a [`Subscription`] yields.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "adapters build it")]
pub enum Received {
    /// A signal.
    Signal(Signal),
    /// Signals may have been missed.
    Lost,
    /// There will be no more; subscribe again.
    Closed,
}

/// What one node tells the others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[expect(clippy::exhaustive_structs, reason = "adapters build it")]
pub struct Signal {
    /// Who says it.
    pub node: NodeId,
    /// The how-manieth signal of that node it is, from 1.
    pub number: u64,
    /// What it says.
    pub body: SignalBody,
}

/// What a signal says. Only ids and positions: any role of a database that carries it may read it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum SignalBody {
    /// A conversation has grown up to these positions.
    Grown {
        /// Whose it is.
        tenant: TenantId,
        /// Which.
        conversation: ConversationId,
        /// Its visitor.
        visitor: VisitorId,
        /// Above which staff position.
        after: u64,
        /// Up to where.
        heads: Heads,
    },
    /// Somebody types, or has stopped.
    Typing {
        /// Whose conversation it is.
        tenant: TenantId,
        /// Where.
        conversation: ConversationId,
        /// Its visitor.
        visitor: VisitorId,
        /// Who.
        author: Author,
        /// Whether it goes on.
        active: bool,
        /// A note is seen by staff only.
        kind: MessageKind,
    },
    /// Somebody has read up to here.
    Read {
        /// Whose conversation it is.
        tenant: TenantId,
        /// Where.
        conversation: ConversationId,
        /// Its visitor.
        visitor: VisitorId,
        /// Who.
        author: Author,
        /// Up to where until now. If only notes lie between, the visitor is not told: it could count them.
        from: Heads,
        /// Up to where.
        up_to: Heads,
    },
    /// A visitor is on another page; the page itself is in the storage.
    PageSeen {
        /// Whose visitor it is.
        tenant: TenantId,
        /// Who.
        visitor: VisitorId,
    },
    /// These have come to the node, or are still there.
    Online {
        /// Who, of which tenant.
        who: Vec<(TenantId, Author)>,
    },
    /// Somebody has left the node.
    Offline {
        /// Whose it is.
        tenant: TenantId,
        /// Who.
        author: Author,
    },
    /// A tenant's control log has grown.
    Control {
        /// Whose it is.
        tenant: TenantId,
    },
    /// The node lives.
    Heartbeat,
    /// The node has begun to listen, and wants to know who is there.
    Hello,
    /// The node ends in good order: nothing is missed when it falls silent.
    Goodbye,
}

/// The broker could not be reached.
#[derive(Debug, Clone, Copy, Default, thiserror::Error)]
#[error("the broker is not available")]
#[non_exhaustive]
pub struct BrokerError;
