//! From the outlet to the client.

use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use convor::Limits;
use convor::hub::{Batch, Outlet};
use convor::ports::{Close, Frame, Transport};
use convor::session::{Beat, closing, heartbeat};
use futures_util::SinkExt;
use futures_util::stream::SplitSink;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::Frame as WireFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};
use tokio_tungstenite::tungstenite::{Error, Message, Utf8Bytes};

use super::{Line, Stream};

/// How many frames a writer keeps room for between two bursts.
const FRAMES_KEPT: usize = 16;

/// Drains an outlet into the connection.
#[derive(Debug)]
pub(super) struct Writer {
    sink: SplitSink<Stream, Message>,
    line: Arc<Line>,
    patience: Patience,
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
    /// Everything has been written, as far as the client had not said goodbye.
    All,
    /// The client has gone, or does not read.
    Cut,
}

impl Writer {
    pub(super) fn new(sink: SplitSink<Stream, Message>, line: Arc<Line>, limits: &Limits) -> Self {
        let patience = Patience { stuck: limits.write_timeout, withdrawn: limits.withdrawn_timeout };
        Self { sink, line, patience }
    }

    pub(super) fn into_sink(self) -> SplitSink<Stream, Message> {
        self.sink
    }

    /// Writes until the connection is to end, and then says so.
    pub(super) async fn run(&mut self) -> Written {
        let (line, patience) = (Arc::clone(&self.line), self.patience);
        let written = tokio::select! {
            biased;
            written = self.write(&line) => written,
            () = overdue(&line.outlet, patience) => Err(Stuck::Gone),
        };
        let written = match written {
            Ok(()) => Written::All,
            // The client has said goodbye; what is left is the answer to that, which tungstenite has ready.
            Err(Stuck::Over) => Written::All,
            Err(Stuck::Gone) => Written::Cut,
        };
        // The reader need not find out by itself that nobody hears its answers.
        line.outlet.close(Close::PositionLost);
        written
    }

    async fn write(&mut self, line: &Line) -> Result<(), Stuck> {
        let mut batch = Vec::new();
        let mut beat = pin!(tokio::time::sleep_until(line.began()));
        loop {
            tokio::select! {
                biased;
                () = &mut beat => {
                    let wait = self.beat(line).await?;
                    beat.as_mut().reset(line.began() + line.elapsed() + wait);
                }
                next = line.outlet.next(&mut batch) => match next {
                    Batch::Frames => self.write_all(&mut batch).await?,
                    Batch::Close(reason) => return self.close(line, reason).await,
                },
            }
        }
    }

    /// Feeds everything, then flushes once: a burst costs few writes. What the client may not hear any more is left out.
    async fn write_all(&mut self, batch: &mut Vec<Frame>) -> Result<(), Stuck> {
        for frame in batch.drain(..) {
            if self.line.outlet.is_withdrawn() {
                break;
            }
            self.feed(text(frame.text)).await?;
        }
        batch.shrink_to(FRAMES_KEPT);
        self.flush().await
    }

    /// Does what is due now, and says when to look again.
    async fn beat(&mut self, line: &Line) -> Result<Duration, Stuck> {
        loop {
            match line.pulse.beat(line.elapsed()) {
                Beat::Wait(wait) => return Ok(wait),
                Beat::Heartbeat => {
                    self.feed(Message::Ping(Bytes::new())).await?;
                    self.feed(text(heartbeat())).await?;
                    self.flush().await?;
                }
                // Its pong waits behind a frame of its own.
                Beat::Close(Close::Idle) if line.is_busy() => line.heard(),
                Beat::Close(reason) => {
                    line.outlet.close(reason);
                    return Ok(self.patience.stuck);
                }
                _ => return Ok(self.patience.stuck),
            }
        }
    }

    /// Says why the connection ends, in the protocol's words and in those of RFC 6455.
    async fn close(&mut self, line: &Line, reason: Close) -> Result<(), Stuck> {
        if reason != Close::Normal {
            self.feed(text(closing(reason))).await?;
        }
        let code = line.violation().filter(|_| reason == Close::Normal).unwrap_or(reason.code());
        let frame = CloseFrame { code: code.into(), reason: Utf8Bytes::from_static(reason.reason()) };
        self.feed(Message::Close(Some(frame))).await?;
        self.flush().await
    }

    async fn feed(&mut self, message: Message) -> Result<(), Stuck> {
        within(self.patience.stuck, self.sink.feed(message)).await
    }

    async fn flush(&mut self) -> Result<(), Stuck> {
        within(self.patience.stuck, self.sink.flush()).await
    }
}

/// Waits until a connection that ends has had its time.
async fn overdue(outlet: &Outlet, patience: Patience) {
    outlet.closed().await;
    // Boxed, so that only a connection that ends has room for its end.
    let _ = Box::pin(tokio::time::timeout(patience.stuck, async {
        outlet.withdrawn().await;
        tokio::time::sleep(patience.withdrawn).await;
    }))
    .await;
}

/// Almost all writing is done at once, and only what is not needs a timer.
async fn within(patience: Duration, writing: impl Future<Output = Result<(), Error>>) -> Result<(), Stuck> {
    let mut writing = pin!(writing);
    let first = std::future::poll_fn(|context| Poll::Ready(writing.as_mut().poll(context))).await;
    match first {
        Poll::Ready(written) => Ok(written?),
        Poll::Pending => Ok(tokio::time::timeout(patience, writing).await??),
    }
}

/// Why nothing more can be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stuck {
    /// The closing handshake has begun.
    Over,
    /// The client has gone, or does not read.
    Gone,
}

impl From<Error> for Stuck {
    fn from(error: Error) -> Self {
        match error {
            Error::ConnectionClosed | Error::AlreadyClosed | Error::Protocol(_) => Self::Over,
            _ => Self::Gone,
        }
    }
}

impl From<tokio::time::error::Elapsed> for Stuck {
    fn from(_: tokio::time::error::Elapsed) -> Self {
        Self::Gone
    }
}

/// A text frame that shares its bytes. A [`Frame`] is UTF-8 by its contract: it is not looked through for each receiver.
fn text(bytes: Bytes) -> Message {
    Message::Frame(WireFrame::message(bytes, OpCode::Data(Data::Text), true))
}

#[cfg(test)]
mod tests {
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
