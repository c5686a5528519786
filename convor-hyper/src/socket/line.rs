//! What a connection's reader and writer share.

use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};
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
}

impl Line {
    #[expect(clippy::disallowed_methods, reason = "how long a connection lasts is no time that anybody sees")]
    pub(super) fn new(outlet: Arc<Outlet>, limits: &Limits) -> Self {
        Self { outlet, pulse: Pulse::new(limits), began: Instant::now(), violation: AtomicU16::new(0) }
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

    /// The client has broken RFC 6455.
    pub(super) fn violated(&self, code: u16) {
        self.violation.store(code, Ordering::Relaxed);
    }

    pub(super) fn violation(&self) -> Option<u16> {
        Some(self.violation.load(Ordering::Relaxed)).filter(|code| *code != 0)
    }
}
