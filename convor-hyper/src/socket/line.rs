//! What the hub, the sweeper and the task of a connection share.

use std::cell::Cell;
use std::fmt;
use std::io;
use std::sync::atomic::{AtomicBool, AtomicU16, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::task::{Context, Poll, Wake, Waker, ready};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use convor::Limits;
use convor::hub::{Batch, Outlet};
use convor::ports::{Close, Frame, Refused, Transport};
use convor::session::Pulse;
use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

use super::outgoing::{Half, Outgoing, ROOM_BYTES, Room};
use super::sweeper::Sweeper;

/// How much is written to one connection before others have a turn, in rooms.
const ROOMS: usize = 4;

thread_local! {
    /// What has been taken from an outlet and not been written.
    static FRAMES: Cell<Vec<Frame>> = const { Cell::new(Vec::new()) };
}

/// What the hub, the sweeper and the task of a connection share: one piece of memory, and what a delivery touches of it lies
/// together, because it finds all of it cold.
#[repr(C)]
pub(super) struct Line {
    sweeper: Arc<Sweeper>,
    /// Whoever writes holds it: the sweeper what is written at once, the connection's task all the rest. `None` before the
    /// connection has been upgraded, and at its end.
    outgoing: Mutex<Option<Outgoing<Half>>>,
    /// Whether there is a ping to answer.
    pinged: AtomicBool,
    pub(super) outlet: Outlet,
    /// The connection's task has something to write.
    left: Notify,
    pub(super) pulse: Pulse,
    /// When the connection was opened.
    began: OnceLock<Instant>,
    /// The close code of RFC 6455 for what the client did wrong, or for its goodbye; 0 while there was neither.
    answer: AtomicU16,
    /// The payload of the client's last ping that has not been answered.
    ping: Mutex<Option<Bytes>>,
    /// Whether a frame of the client is being handled, so that the next one is not read.
    busy: AtomicBool,
}

impl Line {
    pub(super) fn new(limits: &Limits, sweeper: Arc<Sweeper>) -> Self {
        Self {
            sweeper,
            outgoing: Mutex::default(),
            pinged: AtomicBool::new(false),
            outlet: Outlet::new(limits),
            left: Notify::new(),
            pulse: Pulse::new(limits),
            began: OnceLock::new(),
            answer: AtomicU16::new(0),
            ping: Mutex::default(),
            busy: AtomicBool::new(false),
        }
    }

    /// How long the connection has lasted, by a clock that only moves forward.
    pub(super) fn elapsed(&self) -> Duration {
        self.began().elapsed()
    }

    #[expect(clippy::disallowed_methods, reason = "how long a connection lasts is no time that anybody sees")]
    pub(super) fn began(&self) -> Instant {
        *self.began.get_or_init(Instant::now)
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

    /// The connection has been upgraded and can be written to.
    pub(super) fn open(&self, outgoing: Outgoing<Half>) {
        self.began();
        *self.outgoing() = Some(outgoing);
    }

    /// Nobody but the caller writes to the connection any more.
    pub(super) fn take_outgoing(&self) -> Option<Outgoing<Half>> {
        self.outgoing().take()
    }

    /// Writes what has not come through at once, and then what `fill` puts into the room: frames that are not delivered through
    /// the outlet.
    pub(super) fn poll_put(
        &self,
        context: &mut Context<'_>,
        fill: &mut Option<impl FnOnce(&mut Room)>,
    ) -> Poll<io::Result<()>> {
        let mut outgoing = self.outgoing();
        let Some(outgoing) = outgoing.as_mut() else { return Poll::Ready(Err(gone())) };
        ready!(outgoing.poll_finish(context))?;
        if let Some(fill) = fill.take() {
            outgoing.put_all(context, fill)?;
        }
        outgoing.poll_finish(context)
    }

    /// Writes what waits, as far as it comes through at once. What has been delivered together is put into one write: a burst
    /// costs few of them.
    pub(super) fn sweep(self: &Arc<Self>) -> io::Result<Swept> {
        let mut outgoing = self.outgoing();
        let Some(outgoing) = outgoing.as_mut() else { return Err(gone()) };
        for _ in 0..ROOMS {
            if !outgoing.is_finished() {
                return Ok(Swept::Part);
            }
            match self.write_room(outgoing)? {
                Poll::Ready(Batch::Close(reason)) if outgoing.is_finished() => {
                    return Ok(Swept::Close(reason));
                }
                Poll::Pending if outgoing.is_finished() => return Ok(Swept::All),
                _ => {}
            }
        }
        Ok(Swept::More)
    }

    /// Writes as much as is gathered for one write; what has not been begun waits on, and can still be taken back.
    fn write_room(self: &Arc<Self>, outgoing: &mut Outgoing<Half>) -> io::Result<Poll<Batch>> {
        let waker = Waker::from(Arc::clone(self));
        let mut frames = FRAMES.take();
        let mut bytes = 0;
        let batch = self.outlet.poll_take(&mut Context::from_waker(&waker), |frame| {
            bytes += frame.text.len();
            frames.push(frame);
            bytes < ROOM_BYTES
        });
        let ping = self.take_ping();
        // What does not come through at once is polled again, by the connection's task.
        let mut now = Context::from_waker(Waker::noop());
        let begun = outgoing.put(&mut now, |room| {
            frames.iter().for_each(|frame| room.text(&frame.text));
            if let Some(payload) = &ping {
                room.pong(payload.clone());
            }
        });
        if let Ok(begun) = begun {
            if let Some(payload) = ping
                && begun <= frames.len()
            {
                self.ping().get_or_insert(payload);
                self.pinged.store(true, Ordering::Release);
            }
            if begun < frames.len() {
                self.outlet.put_back(frames.drain(begun..));
            }
        }
        frames.clear();
        FRAMES.set(frames);
        begun?;
        if let Poll::Ready(finished) = outgoing.poll_finish(&mut now) {
            finished?;
        }
        Ok(batch)
    }

    /// The same for the sweeper, which leaves to the connection's task whatever takes longer.
    pub(super) fn sweep_or_leave(self: &Arc<Self>) {
        match self.sweep() {
            Ok(Swept::All) => {}
            Ok(Swept::More) => self.sweeper.push(Arc::clone(self)),
            Ok(Swept::Part | Swept::Close(_)) => self.leave(),
            Err(_) => self.fail(),
        }
    }

    /// The connection's task has something to write.
    pub(super) fn leave(&self) {
        self.left.notify_one();
    }

    /// Waits until something is left to the connection's task.
    pub(super) async fn left(&self) {
        self.left.notified().await;
    }

    /// Nobody knows what has been written: the client has to come back.
    pub(super) fn fail(&self) {
        drop(self.take_outgoing());
        self.close(Close::PositionLost);
    }

    fn outgoing(&self) -> MutexGuard<'_, Option<Outgoing<Half>>> {
        self.outgoing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The client has sent a ping, which is answered. Of those that come faster than they can be answered the last one is, which
    /// is allowed (RFC 6455, 5.5.3).
    pub(super) fn pinged(&self, payload: Bytes) {
        self.heard();
        *self.ping() = Some(payload);
        self.pinged.store(true, Ordering::Release);
        self.leave();
    }

    /// What is to be sent back to the client.
    fn take_ping(&self) -> Option<Bytes> {
        if self.pinged.load(Ordering::Acquire) && self.pinged.swap(false, Ordering::AcqRel) {
            self.ping().take()
        } else {
            None
        }
    }

    fn ping(&self) -> MutexGuard<'_, Option<Bytes>> {
        self.ping.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The client has broken RFC 6455, or has said goodbye.
    pub(super) fn answer_with(&self, code: CloseCode) {
        self.answer.store(code.into(), Ordering::Relaxed);
    }

    pub(super) fn answer(&self) -> Option<CloseCode> {
        Some(self.answer.load(Ordering::Relaxed)).filter(|code| *code != 0).map(CloseCode::from)
    }
}

/// Nobody writes any more.
fn gone() -> io::Error {
    io::ErrorKind::NotConnected.into()
}

/// Something has been delivered.
impl Wake for Line {
    fn wake(self: Arc<Self>) {
        self.sweeper.push(Arc::clone(&self));
    }
}

/// How far what waited has been written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Swept {
    /// All of it; the sweeper is told of what comes.
    All,
    /// As much as one connection may at once.
    More,
    /// As much as came through at once.
    Part,
    /// All of it, and the connection is to end.
    Close(Close),
}

#[async_trait]
impl Transport for Line {
    fn try_send(&self, frame: Frame) -> Result<(), Refused> {
        self.outlet.try_send(frame)
    }

    async fn send(&self, frame: Frame) -> Result<(), Refused> {
        self.outlet.send(frame).await
    }

    /// The end is its own task's: it does not wait for the sweeper.
    fn close(&self, reason: Close) {
        self.outlet.close(reason);
        self.leave();
    }

    fn withdraw(&self, reason: Close) {
        self.outlet.withdraw(reason);
        self.leave();
    }
}

impl fmt::Debug for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Line").field("outlet", &self.outlet).finish_non_exhaustive()
    }
}
