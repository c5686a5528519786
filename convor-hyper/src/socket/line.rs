//! What a connection's reader and writer share.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU16, Ordering};
use std::time::Duration;

use convor::Limits;
use convor::hub::Outlet;
use convor::session::Pulse;
use tokio::time::Instant;

/// What a connection's reader and writer share.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) outlet: Arc<Outlet>,
    pub(super) pulse: Pulse,
    began: Instant,
    /// The close code of RFC 6455 for what the client did wrong; 0 while it has done nothing.
    violation: AtomicU16,
    /// Whether a frame of the client is being handled, so that the next one is not read.
    busy: AtomicBool,
}

impl Line {
    #[expect(clippy::disallowed_methods, reason = "how long a connection lasts is no time that anybody sees")]
    pub(super) fn new(outlet: Arc<Outlet>, limits: &Limits) -> Self {
        Self {
            outlet,
            pulse: Pulse::new(limits),
            began: Instant::now(),
            violation: AtomicU16::new(0),
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

    /// The client has broken RFC 6455.
    pub(super) fn violated(&self, code: u16) {
        self.violation.store(code, Ordering::Relaxed);
    }

    pub(super) fn violation(&self) -> Option<u16> {
        Some(self.violation.load(Ordering::Relaxed)).filter(|code| *code != 0)
    }
}
