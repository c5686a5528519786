//! The write half of a connection.

use std::fmt;

use async_trait::async_trait;
use bytes::Bytes;

/// The write half of a connection, as the hub and a session need it. [`crate::hub::Outlet`] is the one that comes with
/// Convor: a bounded queue that a writer drains.
///
/// # To ensure correctness
/// - Frames come out in the order in which they went in.
/// - `try_send` never waits and never blocks for long: it is called under the hub's lock, once a receiver.
/// - A full queue closes the connection with [`Close::SlowReader`]; a frame of class [`FrameClass::Event`] is never
///   skipped while later ones are delivered.
/// - A frame of class [`FrameClass::Droppable`] may be dropped, and a newer one with its key replaces it.
/// - After `close` nothing more is accepted. What was accepted before is still written, if the peer reads it.
/// - After `withdraw` nothing more is written either, but why: what the principal may not hear any more is taken back also
///   where it was accepted before.
#[async_trait]
pub trait Transport: fmt::Debug + Send + Sync {
    /// Takes a frame for delivery.
    ///
    /// # Errors
    /// [`Refused`] if the connection is closing, or closes because of this frame.
    fn try_send(&self, frame: Frame) -> Result<(), Refused>;

    /// Waits until at least half of the queue is free, then takes the frame: for replies that a client has asked for, such
    /// as history, so that asking for much does not make a slow reader.
    ///
    /// # Errors
    /// [`Refused`] if the connection is closing.
    async fn send(&self, frame: Frame) -> Result<(), Refused>;

    /// Ends the connection, and says why. The first reason holds.
    fn close(&self, reason: Close);

    /// The same for a principal that may hear nothing more: what waits is taken back, also where the connection is closing
    /// already.
    fn withdraw(&self, reason: Close);
}

/// One frame, ready to be written: encoded once, shared by all its receivers.
#[derive(Clone)]
#[non_exhaustive]
pub struct Frame {
    /// The JSON text in UTF-8.
    pub text: Bytes,
    /// What may happen to it.
    pub class: FrameClass,
}

impl Frame {
    /// A frame that must arrive.
    #[must_use]
    pub const fn event(text: Bytes) -> Self {
        Self { text, class: FrameClass::Event }
    }

    /// A frame that may be lost and that replaces an older one with the same key.
    #[must_use]
    pub const fn droppable(text: Bytes, key: u64) -> Self {
        Self { text, class: FrameClass::Droppable(key) }
    }

    pub(crate) const fn is_droppable(&self) -> bool {
        matches!(self.class, FrameClass::Droppable(_))
    }
}

impl fmt::Debug for Frame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Frame({} bytes, {:?})", self.text.len(), self.class)
    }
}

/// What may happen to a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a transport must know them all")]
pub enum FrameClass {
    /// It arrives, or the connection closes.
    Event,
    /// Only the newest with this key matters, and even that may be lost.
    Droppable(u64),
}

/// The frame was not taken: the connection is closing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the connection is closing")]
#[non_exhaustive]
pub struct Refused;

/// Why a connection ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Close {
    /// The client went away, or asked to end.
    Normal,
    /// The server is going away; come back.
    Draining {
        /// After how many milliseconds, so that not all come at once.
        reconnect_after_ms: u64,
    },
    /// The client does not read as fast as there is something to say; come back and resume.
    SlowReader,
    /// Nothing came for too long; come back.
    Idle,
    /// The server no longer knows where the client stood; come back and resume.
    PositionLost,
    /// The credential was revoked or has expired.
    Revoked,
    /// The principal may not be here.
    Forbidden,
    /// The client broke the protocol.
    ProtocolError,
    /// The visitor has been erased.
    Erased,
    /// The principal has too many connections.
    TooManyConnections,
}

impl Close {
    /// The WebSocket close code (RFC 6455, 7.4; 4000 and up are ours, see `docs/protocol.md`).
    #[must_use]
    pub const fn code(self) -> u16 {
        match self {
            Self::Normal => 1000,
            Self::Draining { .. } => 4001,
            Self::SlowReader => 4002,
            Self::Idle => 4003,
            Self::PositionLost => 4004,
            Self::Revoked => 4100,
            Self::Forbidden => 4101,
            Self::ProtocolError => 4102,
            Self::Erased => 4103,
            Self::TooManyConnections => 4104,
        }
    }

    /// The reason in words.
    #[must_use]
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Normal => "bye",
            Self::Draining { .. } => "draining",
            Self::SlowReader => "slow reader",
            Self::Idle => "idle",
            Self::PositionLost => "position lost",
            Self::Revoked => "credential revoked or expired",
            Self::Forbidden => "forbidden",
            Self::ProtocolError => "protocol error",
            Self::Erased => "erased",
            Self::TooManyConnections => "too many connections",
        }
    }
}
