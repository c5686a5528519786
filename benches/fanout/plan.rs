//! What the run and its clients say to each other: lines of JSON over the client's standard input and output.

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

/// What a client opens. It answers with [`Opened`].
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Plan {
    pub(crate) address: SocketAddr,
    /// How many bytes are posted, where a room has no [`Member`] and what is posted is what is delivered.
    pub(crate) payload_bytes: usize,
    pub(crate) rooms: Vec<Room>,
}

/// A connection that posts, and those that are to hear it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Room {
    /// Where the WebSockets are.
    pub(crate) path: String,
    pub(crate) subscribers: usize,
    pub(crate) acknowledged: Acknowledged,
    /// Who they are, where the server wants to know.
    pub(crate) member: Option<Member>,
}

/// How the one who posts learns that it has been taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Acknowledged {
    /// By an `ack` frame.
    Frame,
    /// By hearing it like everybody else.
    Echo,
    /// Not at all.
    Never,
}

/// A conversation, its visitor, who posts, and an operator, who listens with any number of connections.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Member {
    pub(crate) conversation: String,
    pub(crate) visitor_token: String,
    pub(crate) operator_token: String,
}

/// All connections of a plan are open.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Opened {
    pub(crate) connections: usize,
    pub(crate) seconds: f64,
}

/// What a client then does, as often as it is told. It answers with a [`Tally`].
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) enum Load {
    /// So many posts a second, whatever becomes of them, in all rooms in turn.
    Paced { per_second: f64, seconds: f64 },
    /// In each room so many posts that have not reached everybody yet; as soon as one has, the next.
    Closed { in_flight: usize, seconds: f64 },
}

/// What was delivered: all that was posted, to every subscriber, in order. Otherwise there is none, and the client fails.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Tally {
    pub(crate) posts: u64,
    /// To subscribers; what the one who posts hears of its own is not counted.
    pub(crate) deliveries: u64,
    /// From the first post to the last delivery.
    pub(crate) seconds: f64,
    /// The payload of the last delivery.
    pub(crate) frame_bytes: usize,
    /// From a post to each of its deliveries.
    pub(crate) delivery: Latency,
    /// From a post to its acknowledgement.
    pub(crate) acknowledgement: Latency,
}

/// In microseconds.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Latency {
    pub(crate) p50: f64,
    pub(crate) p99: f64,
    pub(crate) max: f64,
}
