//! What takes longer than a sweep: the heartbeat, a client that reads slowly, and the end.

use std::future::poll_fn;
use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use convor::Limits;
use convor::hub::Outlet;
use convor::ports::{Close, Transport};
use convor::session::{Beat, closing, heartbeat};

use super::Line;
use super::line::Swept;
use super::outgoing::Room;

/// Writes to a connection what the sweeper leaves.
pub(super) struct Writer {
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

impl Writer {
    pub(super) fn new(line: Arc<Line>, limits: &Limits) -> Self {
        let patience = Patience { stuck: limits.write_timeout, withdrawn: limits.withdrawn_timeout };
        Self { line, patience, overdue: None }
    }

    /// Writes until the connection is to end, and then says so.
    pub(super) async fn run(mut self) -> Written {
        let written = self.write().await;
        // The reader need not find out by itself that nobody hears its answers.
        self.line.outlet.close(Close::PositionLost);
        if written.is_ok() { Written::All } else { Written::Cut }
    }

    async fn write(&mut self) -> Result<(), Gone> {
        let line = Arc::clone(&self.line);
        let mut beat = pin!(tokio::time::sleep_until(line.began()));
        let mut more = false;
        loop {
            tokio::select! {
                biased;
                () = &mut beat => {
                    let wait = self.beat().await?;
                    beat.as_mut().reset(line.began() + line.elapsed() + wait);
                }
                () = tokio::task::consume_budget(), if more => {}
                () = line.left() => {}
            }
            self.finish().await?;
            more = match line.sweep()? {
                Swept::All => false,
                Swept::More | Swept::Part => true,
                Swept::Close(reason) => return self.close(reason).await,
            };
        }
    }

    /// Does what is due now, and says when to look again.
    async fn beat(&mut self) -> Result<Duration, Gone> {
        loop {
            match self.line.pulse.beat(self.line.elapsed()) {
                Beat::Wait(wait) => return Ok(wait),
                Beat::Heartbeat => {
                    let both = |room: &mut Room| {
                        room.ping();
                        room.text(&heartbeat());
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
                room.text(&closing(reason));
            }
            room.close(code, reason.reason());
        };
        self.put(end).await
    }

    /// Finishes what has been begun.
    async fn finish(&mut self) -> Result<(), Gone> {
        self.write_with(None::<fn(&mut Room)>).await
    }

    async fn put(&mut self, fill: impl FnOnce(&mut Room)) -> Result<(), Gone> {
        self.write_with(Some(fill)).await
    }

    /// Almost all writing is done at once, and only what is not needs timers.
    async fn write_with(&mut self, mut fill: Option<impl FnOnce(&mut Room)>) -> Result<(), Gone> {
        match poll_fn(|context| Poll::Ready(self.line.poll_put(context, &mut fill))).await {
            Poll::Ready(written) => Ok(written?),
            Poll::Pending => Box::pin(self.write_later(fill)).await,
        }
    }

    async fn write_later(&mut self, mut fill: Option<impl FnOnce(&mut Room)>) -> Result<(), Gone> {
        let Self { line, patience, overdue: ending } = self;
        let (watched, patience) = (Arc::clone(line), *patience);
        let ending =
            ending.get_or_insert_with(|| Box::pin(async move { overdue(&watched.outlet, patience).await }));
        tokio::select! {
            biased;
            written = poll_fn(|context| line.poll_put(context, &mut fill)) => written?,
            () = ending => return Err(Gone),
            () = tokio::time::sleep(patience.stuck) => return Err(Gone),
        }
        if line.outlet.closing().is_none() {
            self.overdue = None;
        }
        Ok(())
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
