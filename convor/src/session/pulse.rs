//! When a connection has been silent for too long.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::config::Limits;
use crate::ports::Close;

/// When a connection gets a heartbeat, and when it has been silent for too long. It is told the time that has passed
/// since the connection began, by a clock that only moves forward.
#[derive(Debug)]
pub struct Pulse {
    hello_by: u64,
    heartbeat: u64,
    patience: u64,
    /// When something last came from the client, in milliseconds.
    heard: AtomicU64,
    /// When it was last pinged; 0 before.
    pinged: AtomicU64,
    /// When it was pinged first of the pings that it has not answered.
    asked: AtomicU64,
    welcomed: std::sync::atomic::AtomicBool,
}

/// What is to be done now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Beat {
    /// Nothing, for so long.
    Wait(Duration),
    /// Send a ping and a heartbeat, then ask again.
    Heartbeat,
    /// End the connection.
    Close(Close),
}

impl Pulse {
    /// A connection that has just begun.
    #[must_use]
    pub fn new(limits: &Limits) -> Self {
        Self {
            hello_by: millis(limits.hello_timeout),
            heartbeat: millis(limits.heartbeat),
            patience: millis(limits.pong_timeout),
            heard: AtomicU64::new(0),
            pinged: AtomicU64::new(0),
            asked: AtomicU64::new(0),
            welcomed: false.into(),
        }
    }

    /// Something has come from the client, a pong included.
    pub fn heard(&self, elapsed: Duration) {
        self.heard.fetch_max(millis(elapsed), Ordering::Relaxed);
    }

    /// The client has been welcomed.
    pub fn welcomed(&self) {
        self.welcomed.store(true, Ordering::Relaxed);
    }

    /// What is to be done now. One task asks.
    pub fn beat(&self, elapsed: Duration) -> Beat {
        let now = millis(elapsed);
        if !self.welcomed.load(Ordering::Relaxed) && now >= self.hello_by {
            return Beat::Close(Close::ProtocolError);
        }
        let (heard, pinged) = (self.heard.load(Ordering::Relaxed), self.pinged.load(Ordering::Relaxed));
        let asked = self.asked.load(Ordering::Relaxed);
        let unanswered = asked > 0 && heard < asked;
        if unanswered && now >= asked + self.patience {
            return Beat::Close(Close::Idle);
        }
        if now >= pinged + self.heartbeat {
            self.pinged.store(now, Ordering::Relaxed);
            if !unanswered {
                self.asked.store(now, Ordering::Relaxed);
            }
            return Beat::Heartbeat;
        }
        let mut next = pinged + self.heartbeat;
        if unanswered {
            next = next.min(asked + self.patience);
        }
        if !self.welcomed.load(Ordering::Relaxed) {
            next = next.min(self.hello_by);
        }
        Beat::Wait(Duration::from_millis(next - now))
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secs(secs: u64) -> Duration {
        Duration::from_secs(secs)
    }

    #[test]
    fn s25_a_hello_that_never_comes_ends_the_connection() {
        let pulse = Pulse::new(&Limits::default());
        assert_eq!(pulse.beat(secs(0)), Beat::Wait(secs(10)));
        assert_eq!(pulse.beat(secs(10)), Beat::Close(Close::ProtocolError));
    }

    #[test]
    fn a_ping_that_is_answered_keeps_the_connection() {
        let pulse = Pulse::new(&Limits::default());
        pulse.welcomed();
        assert_eq!(pulse.beat(secs(0)), Beat::Wait(secs(25)));
        assert_eq!(pulse.beat(secs(25)), Beat::Heartbeat);
        assert_eq!(pulse.beat(secs(25)), Beat::Wait(secs(10)));
        pulse.heard(secs(26));
        assert_eq!(pulse.beat(secs(35)), Beat::Wait(secs(15)));
        assert_eq!(pulse.beat(secs(50)), Beat::Heartbeat);
        assert_eq!(pulse.beat(secs(60)), Beat::Close(Close::Idle));
    }

    #[test]
    fn more_pings_do_not_buy_a_silent_client_more_time() {
        let limits = Limits { heartbeat: secs(4), ..Limits::default() };
        let pulse = Pulse::new(&limits);
        pulse.welcomed();
        for at in [4, 8, 12] {
            assert_eq!(pulse.beat(secs(at)), Beat::Heartbeat);
        }
        assert_eq!(pulse.beat(secs(13)), Beat::Wait(secs(1)));
        assert_eq!(pulse.beat(secs(14)), Beat::Close(Close::Idle));
    }
}
