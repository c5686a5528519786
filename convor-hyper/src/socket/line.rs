//! What a connection's reader, its writer and the hub share.

use std::sync::atomic::{AtomicBool, AtomicU16, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use convor::Limits;
use convor::hub::Outlet;
use convor::ports::{Close, Frame, Refused, Transport};
use convor::session::Pulse;
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

/// What a connection's reader, its writer and the hub share: one piece of memory, because a delivery finds all of it cold.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) outlet: Outlet,
    pub(super) pulse: Pulse,
    began: Instant,
    /// The close code of RFC 6455 for what the client did wrong, or for its goodbye; 0 while there was neither.
    answer: AtomicU16,
    /// The payload of the client's last ping that has not been answered.
    ping: Mutex<Option<Bytes>>,
    /// Whether a frame of the client is being handled, so that the next one is not read.
    busy: AtomicBool,
}

impl Line {
    #[expect(clippy::disallowed_methods, reason = "how long a connection lasts is no time that anybody sees")]
    pub(super) fn new(limits: &Limits) -> Self {
        Self {
            outlet: Outlet::new(limits),
            pulse: Pulse::new(limits),
            began: Instant::now(),
            answer: AtomicU16::new(0),
            ping: Mutex::default(),
            busy: AtomicBool::new(false),
        }
    }

    /// How long the connection has lasted, by a clock that only moves forward.
    pub(super) fn elapsed(&self) -> Duration {
        self.began.elapsed()
    }

    pub(super) fn began(&self) -> Instant {
        self.began
    }

    /// Something has come from the client.
    pub(super) fn heard(&self) {
        self.pulse.heard(self.elapsed());
    }

    /// A frame of the client begins to be handled, or has been.
    pub(super) fn busy(&self, busy: bool) {
        self.busy.store(busy, Ordering::Relaxed);
        self.heard();
    }

    /// Whether it is our own doing that nothing is heard from the client.
    pub(super) fn is_busy(&self) -> bool {
        self.busy.load(Ordering::Relaxed)
    }

    /// The client has sent a ping, which is answered. Of those that come faster than they can be answered the last one is, which
    /// is allowed (RFC 6455, 5.5.3).
    pub(super) fn pinged(&self, payload: Bytes) {
        self.heard();
        *self.ping.lock().unwrap_or_else(PoisonError::into_inner) = Some(payload);
        self.outlet.wake();
    }

    /// What is to be sent back to the client.
    pub(super) fn take_pong(&self) -> Option<Bytes> {
        self.ping.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// The client has broken RFC 6455, or has said goodbye.
    pub(super) fn answer_with(&self, code: CloseCode) {
        self.answer.store(code.into(), Ordering::Relaxed);
    }

    pub(super) fn answer(&self) -> Option<CloseCode> {
        Some(self.answer.load(Ordering::Relaxed)).filter(|code| *code != 0).map(CloseCode::from)
    }
}

#[async_trait]
impl Transport for Line {
    fn try_send(&self, frame: Frame) -> Result<(), Refused> {
        self.outlet.try_send(frame)
    }

    async fn send(&self, frame: Frame) -> Result<(), Refused> {
        self.outlet.send(frame).await
    }

    fn close(&self, reason: Close) {
        self.outlet.close(reason);
    }

    fn withdraw(&self, reason: Close) {
        self.outlet.withdraw(reason);
    }
}
