//! The task that keeps a connection: it hears for all subscriptions of a process, and replaces what breaks.

use std::convert::Infallible;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use async_nats::{Client, Message};
use convor::ports::{BrokerError, Received, Signal};
use futures_util::{FutureExt, StreamExt};
use tokio::sync::{broadcast, oneshot};
use tokio::time::{Sleep, interval, sleep, timeout};

use crate::connect::{Dialer, Line};
use crate::wire::{Heard, Why, Wire};

/// Between two attempts to connect, at first and at most; it doubles in between.
const PAUSE_MIN: Duration = Duration::from_millis(200);
const PAUSE_MAX: Duration = Duration::from_secs(4);

/// How often nodes reread while there is no connection.
const BETWEEN_LOSSES: Duration = Duration::from_secs(4);

/// How often it is said at most that something could not be read.
const BETWEEN_COMPLAINTS: Duration = Duration::from_secs(1);

/// How long the last signals may take to go out.
const FAREWELL: Duration = Duration::from_secs(1);

/// Where signals go out: the present connection, if there is one.
#[derive(Default)]
pub(crate) struct Mouth(Mutex<Option<Arc<Client>>>);

impl Mouth {
    /// Hands a signal to the connection, if there is one, and room before it.
    pub(crate) fn offer(&self, wire: &Wire, signal: &Signal) -> Result<(), BrokerError> {
        let client = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let client = client.ok_or_else(BrokerError::default)?;
        let (subject, message) =
            wire.write(signal, now(), client.max_payload()).ok_or_else(BrokerError::default)?;
        // It does not wait, and is not to fail because the task has done much already.
        let sent = tokio::task::unconstrained(client.publish(subject, message)).now_or_never();
        match sent {
            Some(Ok(())) => Ok(()),
            Some(Err(_)) | None => Err(BrokerError::default()),
        }
    }

    pub(crate) fn set(&self, client: Option<&Arc<Client>>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = client.cloned();
    }
}

/// Keeps a connection until nobody is left who would need it.
pub(crate) struct Ear {
    pub(crate) dialer: Dialer,
    pub(crate) signals: broadcast::Sender<Arc<Received>>,
    pub(crate) mouth: Arc<Mouth>,
}

impl Ear {
    /// It ends when the other end of `needed` is dropped.
    pub(crate) async fn run(self, mut line: Line, mut needed: oneshot::Receiver<Infallible>) {
        loop {
            self.mouth.set(Some(&line.client));
            tokio::select! {
                _ = &mut needed => return self.end(line).await,
                () = self.hear(&mut line) => {}
            }
            self.mouth.set(None);
            drop(line);
            tracing::warn!("other nodes are neither told nor heard until there is a connection again");
            tokio::select! {
                _ = &mut needed => return,
                another = self.reconnect() => line = another,
            }
            // Also what was said between the last attempt and its success.
            self.tell(Received::Lost);
            tracing::info!("other nodes are told and heard again");
        }
    }

    /// Lets what waits go out. At most once does not mean that nobody tries.
    async fn end(&self, mut line: Line) {
        self.mouth.set(None);
        let _ = timeout(FAREWELL, self.dialer.round_trip(&mut line)).await;
    }

    /// Hears until the connection is broken, and then takes out what has come over it.
    async fn hear(&self, line: &mut Line) {
        let mut complaints = Complaints::default();
        loop {
            let (overflown, broken, denied) = (line.overflown(), line.broken(), line.denied());
            tokio::select! {
                biased;
                () = complaints.due() => self.tell(Received::Lost),
                () = overflown => self.tell(Received::Lost),
                message = line.subscriber.next() => match message {
                    Some(message) => self.take(&message, &mut complaints),
                    None => return,
                },
                () = broken => {
                    while let Some(Some(message)) = line.subscriber.next().now_or_never() {
                        self.take(&message, &mut complaints);
                    }
                    return;
                }
                // What was permitted is not any more. Another connection finds out whether it is again, and until then nodes reread.
                () = denied => return,
            }
        }
    }

    fn take(&self, message: &Message, complaints: &mut Complaints) {
        match self.dialer.wire.read(message.subject.as_str(), &message.payload, now()) {
            Heard::Signal(signal) => self.tell(Received::Signal(signal)),
            Heard::Echo => {}
            Heard::Unreadable(why) => {
                if complaints.add(why) {
                    self.tell(Received::Lost);
                }
            }
        }
    }

    fn tell(&self, received: Received) {
        // Nobody may be subscribed.
        let _ = self.signals.send(Arc::new(received));
    }

    /// Another connection. Until then something may be missed at any time.
    async fn reconnect(&self) -> Line {
        let mut losses = interval(BETWEEN_LOSSES);
        let mut attempts = pin!(self.attempts());
        loop {
            tokio::select! {
                line = &mut attempts => return line,
                _ = losses.tick() => self.tell(Received::Lost),
            }
        }
    }

    /// As many attempts as it takes.
    async fn attempts(&self) -> Line {
        let first = any();
        let mut known = None;
        for failed in 0.. {
            // Each server is asked once before anyone is waited for longer.
            sleep(pause(failed / self.dialer.servers())).await;
            match self.dialer.dial(first.wrapping_add(failed)).await {
                Ok(line) => return line,
                Err(error) => {
                    let reason = error.to_string();
                    if known.as_ref() == Some(&reason) {
                        tracing::debug!(?error, "no connection yet");
                    } else {
                        tracing::warn!(reason, "no connection yet");
                        known = Some(reason);
                    }
                }
            }
        }
        // Nobody counts so far.
        std::future::pending().await
    }
}

/// What could not be read counts as missed, once in a while however much it is.
#[derive(Default)]
struct Complaints {
    quiet: Option<Pin<Box<Sleep>>>,
    owed: bool,
}

impl Complaints {
    /// Whether it is to be said now; if not, it is later.
    fn add(&mut self, why: Why) -> bool {
        self.owed = self.quiet.is_some();
        if !self.owed {
            tracing::warn!(reason = why.reason(), "what came as a signal cannot be read");
            self.quiet = Some(Box::pin(sleep(BETWEEN_COMPLAINTS)));
        }
        !self.owed
    }

    /// Waits until something is to be said that was not said at once.
    async fn due(&mut self) {
        loop {
            match &mut self.quiet {
                None => std::future::pending().await,
                Some(quiet) => quiet.await,
            }
            self.quiet = None;
            if std::mem::take(&mut self.owed) {
                self.quiet = Some(Box::pin(sleep(BETWEEN_COMPLAINTS)));
                return;
            }
        }
    }
}

/// How long to wait before the attempt that follows so many failed rounds: not as long as others who have lost the same server.
fn pause(failed: usize) -> Duration {
    let longest = PAUSE_MIN.saturating_mul(1 << failed.min(16)).min(PAUSE_MAX);
    let part = u32::try_from(any() % 1_000).unwrap_or(0);
    longest / 2 + longest / 2 * part / 1_000
}

/// By the clock of the machine, in milliseconds since 1970.
#[expect(clippy::disallowed_methods, reason = "it bounds for how long a recorded message is worth anything")]
fn now() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// Each state is seeded anew, by the standard library's generator.
pub(crate) fn any() -> usize {
    usize::try_from(RandomState::new().build_hasher().finish() >> 33).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_their_bound_and_differ() {
        for failed in 0..40 {
            let most = (200_u128 << failed.min(10)).min(4_000);
            let pauses: Vec<_> = (0..20).map(|_| pause(failed).as_millis()).collect();
            assert!(pauses.iter().all(|pause| (most / 2..=most).contains(pause)), "{pauses:?}");
            assert!(pauses.iter().any(|pause| *pause != pauses[0]), "{pauses:?}");
        }
        assert!(pause(usize::MAX) >= PAUSE_MAX / 2);
    }

    #[tokio::test(start_paused = true)]
    async fn what_cannot_be_read_is_told_at_once_and_then_once_a_second_and_never_not_at_all() {
        let mut complaints = Complaints::default();
        assert!(complaints.add(Why::Foreign));
        assert!((0..100).all(|_| !complaints.add(Why::Foreign)));
        let due = timeout(BETWEEN_COMPLAINTS * 2, complaints.due()).await;
        assert!(due.is_ok(), "what came meanwhile is told when the second is over");
        assert!(timeout(BETWEEN_COMPLAINTS * 9, complaints.due()).await.is_err(), "and nothing else");
        assert!(complaints.add(Why::Foreign), "after a pause at once");
    }
}
