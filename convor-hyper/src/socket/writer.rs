//! From the outlet to the client.

use std::fmt;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use convor::Limits;
use convor::hub::{Batch, Outlet};
use convor::ports::{Close, Transport};
use convor::session::{Beat, closing, heartbeat};
use tokio::io::AsyncWrite;
use tokio::time::{Instant, Sleep};

use super::{Line, Outgoing};
use crate::socket::outgoing::Room;

/// Drains an outlet into the connection.
pub(super) struct Writer<W> {
    outgoing: Outgoing<W>,
    line: Arc<Line>,
    patience: Patience,
    /// When all that is left has had its time; it is begun by the first write that does not come through at once.
    overdue: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
}

/// How long a connection may take.
#[derive(Debug, Clone, Copy)]
struct Patience {
    /// For each write; when it ends, for all that is left.
    stuck: Duration,
    /// For all that is left when its principal may hear nothing more.
    withdrawn: Duration,
}

/// How writing has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Written {
    /// Everything has been written.
    All,
    /// The client has gone, or does not read.
    Cut,
}

/// What there is to do.
enum Work {
    /// As much as there was has been put on its way.
    Begun,
    /// Time has passed.
    Beat,
    /// The end; nothing is left.
    Close(Close),
}

impl<W: AsyncWrite + Unpin> Writer<W> {
    pub(super) fn new(outgoing: Outgoing<W>, line: Arc<Line>, limits: &Limits) -> Self {
        let patience = Patience { stuck: limits.write_timeout, withdrawn: limits.withdrawn_timeout };
        Self { outgoing, line, patience, overdue: None }
    }

    pub(super) fn into_outgoing(self) -> Outgoing<W> {
        self.outgoing
    }

    /// Writes until the connection is to end, and then says so.
    pub(super) async fn run(&mut self) -> Written {
        let written = self.write().await;
        // The reader need not find out by itself that nobody hears its answers.
        self.line.outlet.close(Close::PositionLost);
        if written.is_ok() { Written::All } else { Written::Cut }
    }

    async fn write(&mut self) -> Result<(), Gone> {
        let mut alarm = Alarm::new(self.line.began());
        loop {
            match poll_fn(|context| self.poll_work(context, &mut alarm)).await? {
                Work::Begun => self.finish().await?,
                Work::Beat => {
                    let wait = self.beat().await?;
                    alarm.set(self.line.elapsed() + wait);
                }
                Work::Close(reason) => return self.close(reason).await,
            }
        }
    }

    /// Waits for something to do. All that waits is put into one write: a burst costs few of them.
    fn poll_work(&mut self, context: &mut Context<'_>, alarm: &mut Alarm) -> Poll<Result<Work, Gone>> {
        if alarm.rings(context, self.line.elapsed()) {
            return Poll::Ready(Ok(Work::Beat));
        }
        let line = &self.line;
        let mut waker = Context::from_waker(context.waker());
        let batch = self.outgoing.put(context, |room| {
            let batch = line.outlet.poll_take(&mut waker, |frame| {
                room.text(frame.text);
                room.is_free()
            });
            match line.take_pong() {
                Some(payload) => {
                    room.pong(payload);
                    Poll::Ready(Batch::Frames)
                }
                None => batch,
            }
        })?;
        Poll::Ready(Ok(match ready!(batch) {
            Batch::Frames => Work::Begun,
            Batch::Close(reason) => Work::Close(reason),
        }))
    }

    /// Does what is due now, and says when to look again.
    async fn beat(&mut self) -> Result<Duration, Gone> {
        loop {
            match self.line.pulse.beat(self.line.elapsed()) {
                Beat::Wait(wait) => return Ok(wait),
                Beat::Heartbeat => {
                    let both = |room: &mut Room| {
                        room.ping();
                        room.text(heartbeat());
                    };
                    self.put(both).await?;
                }
                // Its pong waits behind a frame of its own.
                Beat::Close(Close::Idle) if self.line.is_busy() => self.line.heard(),
                Beat::Close(reason) => {
                    self.line.outlet.close(reason);
                    return Ok(self.patience.stuck);
                }
                _ => return Ok(self.patience.stuck),
            }
        }
    }

    /// Says why the connection ends, in the protocol's words and in those of RFC 6455.
    async fn close(&mut self, reason: Close) -> Result<(), Gone> {
        let code = self.line.answer().filter(|_| reason == Close::Normal).unwrap_or(reason.code().into());
        let end = |room: &mut Room| {
            if reason != Close::Normal {
                room.text(closing(reason));
            }
            room.close(code, reason.reason());
        };
        self.put(end).await
    }

    async fn put(&mut self, fill: impl FnOnce(&mut Room)) -> Result<(), Gone> {
        let mut fill = Some(fill);
        poll_fn(|context| Poll::Ready(fill.take().map_or(Ok(()), |fill| self.outgoing.put(context, fill))))
            .await?;
        self.finish().await
    }

    /// Almost all writing is done at once, and only what is not needs timers.
    async fn finish(&mut self) -> Result<(), Gone> {
        match poll_fn(|context| Poll::Ready(self.outgoing.poll_finish(context))).await {
            Poll::Ready(written) => Ok(written?),
            Poll::Pending => Box::pin(self.finish_later()).await,
        }
    }

    async fn finish_later(&mut self) -> Result<(), Gone> {
        let Self { outgoing, line, patience, overdue: ending } = self;
        let (line, patience) = (Arc::clone(line), *patience);
        let ending =
            ending.get_or_insert_with(|| Box::pin(async move { overdue(&line.outlet, patience).await }));
        tokio::select! {
            biased;
            written = poll_fn(|context| outgoing.poll_finish(context)) => Ok(written?),
            () = ending => Err(Gone),
            () = tokio::time::sleep(patience.stuck) => Err(Gone),
        }
    }
}

impl<W: fmt::Debug> fmt::Debug for Writer<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Writer").field("outgoing", &self.outgoing).finish_non_exhaustive()
    }
}

/// When to look what is due. A timer that is looked at with each delivery costs more than to know what time it is.
struct Alarm {
    timer: Pin<Box<Sleep>>,
    began: Instant,
    /// When the timer is looked at next: once after it has been set, so that it wakes the writer, and when it is over.
    look: Duration,
    due: Duration,
}

impl Alarm {
    fn new(began: Instant) -> Self {
        let timer = Box::pin(tokio::time::sleep_until(began));
        Self { timer, began, look: Duration::ZERO, due: Duration::ZERO }
    }

    fn set(&mut self, due: Duration) {
        self.timer.as_mut().reset(self.began + due);
        (self.look, self.due) = (Duration::ZERO, due);
    }

    fn rings(&mut self, context: &mut Context<'_>, now: Duration) -> bool {
        if now < self.look {
            return false;
        }
        self.look = self.due;
        self.timer.as_mut().poll(context).is_ready()
    }
}

/// Waits until a connection that ends has had its time.
async fn overdue(outlet: &Outlet, patience: Patience) {
    outlet.closed().await;
    let _ = tokio::time::timeout(patience.stuck, async {
        outlet.withdrawn().await;
        tokio::time::sleep(patience.withdrawn).await;
    })
    .await;
}

/// Nothing more can be written: the client has gone, or does not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Gone;

impl From<io::Error> for Gone {
    fn from(_: io::Error) -> Self {
        Self
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use super::*;

    const PATIENCE: Patience =
        Patience { stuck: Duration::from_secs(3_600), withdrawn: Duration::from_millis(1) };

    #[tokio::test]
    async fn s16_a_write_that_is_stuck_is_given_up_when_nothing_more_may_be_heard() {
        let outlet = Outlet::new(&Limits::default());
        let mut overdue = pin!(overdue(&outlet, PATIENCE));
        outlet.close(Close::PositionLost);
        let waiting = tokio::time::timeout(50 * PATIENCE.withdrawn, &mut overdue).await;
        assert!(waiting.is_err(), "who comes back may still hear what waits");
        outlet.withdraw(Close::Revoked);
        let given_up = tokio::time::timeout(Duration::from_secs(10), overdue).await;
        given_up.expect("it does not wait for who does not read");
    }

    #[tokio::test]
    async fn all_that_is_left_of_a_connection_that_ends_has_one_patience() {
        let outlet = Outlet::new(&Limits::default());
        let patience = Patience { stuck: Duration::from_millis(1), ..PATIENCE };
        let mut overdue = pin!(overdue(&outlet, patience));
        let waiting = tokio::time::timeout(50 * patience.stuck, &mut overdue).await;
        assert!(waiting.is_err(), "one that lasts may be slow for as long as it likes");
        outlet.close(Close::SlowReader);
        tokio::time::timeout(Duration::from_secs(10), overdue).await.expect("it is given up");
    }
}
