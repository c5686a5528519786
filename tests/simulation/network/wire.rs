//! A connection: two lanes of bytes that take their time.

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use bytes::{Buf, Bytes};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep_until};

use super::skipping::Skipping;
use crate::clock::now;
use crate::dice::Dice;

/// How long bytes are on their way, in milliseconds.
const LATENCY: (u64, u64) = (1, 30);

/// A connection, as the network knows it.
#[derive(Debug)]
pub(crate) struct Wire(Mutex<Ends>);

/// Both ends of a connection: the client's, and the node's.
#[derive(Debug)]
struct Ends {
    /// What the client, and what the node has written.
    lanes: [Lane; 2],
    /// Whose end is cut.
    cut: [bool; 2],
    /// Whose end has been given up.
    gone: [bool; 2],
    /// Nothing arrives, and nobody notices.
    held: bool,
    window: usize,
    began: Instant,
    seed: u64,
}

/// What one side writes and the other one reads.
#[derive(Debug, Default)]
struct Lane {
    /// From when on what can be read.
    chunks: VecDeque<(Instant, Bytes)>,
    unread: usize,
    ended: bool,
    reader: Option<Waker>,
    writer: Option<Waker>,
    /// Leaves frames out for a slow reader, where that is what is wrong.
    skipping: Option<Skipping>,
}

/// Which end of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    Client = 0,
    Node = 1,
}

/// One end of a connection.
#[derive(Debug)]
pub(crate) struct End {
    wire: Arc<Wire>,
    side: Side,
    sleep: Option<Pin<Box<Sleep>>>,
}

impl Wire {
    /// A new connection, and its two ends. At most `window` bytes are on their way or wait for their reader.
    pub(super) fn new(mut dice: Dice, skips: bool) -> (Arc<Self>, End, End) {
        let mut lanes = [Lane::default(), Lane::default()];
        if skips {
            lanes[Side::Node as usize].skipping = Some(Skipping::default());
        }
        let window = usize::try_from(dice.between(2, 12)).unwrap_or(2) * 1024;
        let (began, seed) = (now(), dice.roll());
        let ends = Ends { lanes, cut: [false; 2], gone: [false; 2], held: false, window, began, seed };
        let wire = Arc::new(Self(Mutex::new(ends)));
        let end = |side| End { wire: Arc::clone(&wire), side, sleep: None };
        let (client, node) = (end(Side::Client), end(Side::Node));
        (wire, client, node)
    }

    /// Cuts one end off, or both: whoever holds it gets an error. What was on its way is lost.
    pub(crate) fn cut(&self, sides: &[Side]) {
        let mut ends = self.ends();
        for side in sides {
            ends.cut[*side as usize] = true;
        }
        // Nobody tells the other one.
        ends.held |= sides.len() == 1;
        ends.wake();
    }

    /// Lets nothing arrive, or everything again.
    pub(crate) fn hold(&self, held: bool) {
        let mut ends = self.ends();
        ends.held = held;
        ends.wake();
    }

    /// Whether anybody still has an end.
    pub(crate) fn is_over(&self) -> bool {
        self.ends().gone.iter().all(|gone| *gone)
    }

    fn ends(&self) -> MutexGuard<'_, Ends> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Ends {
    fn wake(&mut self) {
        for lane in &mut self.lanes {
            lane.reader.take().into_iter().chain(lane.writer.take()).for_each(Waker::wake);
        }
    }

    fn write(&mut self, side: usize, bytes: &[u8], writer: &Waker) -> Poll<io::Result<usize>> {
        if self.cut[side] {
            return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
        }
        if self.gone[1 - side] && !self.held {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        let due = now() + Dice::now(self.seed, self.began, &side).millis(LATENCY.0, LATENCY.1);
        let lane = &mut self.lanes[side];
        let room = self.window.saturating_sub(lane.unread);
        let (taken, sent) = match &mut lane.skipping {
            Some(skipping) => (bytes.len(), skipping.pass(bytes, room)),
            None => (bytes.len().min(room), Bytes::copy_from_slice(&bytes[..bytes.len().min(room)])),
        };
        if taken == 0 && !bytes.is_empty() {
            lane.writer = Some(writer.clone());
            return Poll::Pending;
        }
        if !sent.is_empty() {
            // Bytes do not overtake each other.
            let due = lane.chunks.back().map_or(due, |(last, _)| due.max(*last));
            lane.unread += sent.len();
            lane.chunks.push_back((due, sent));
            lane.reader.take().into_iter().for_each(Waker::wake);
        }
        Poll::Ready(Ok(taken))
    }

    /// What can be read: some bytes, the end, or from when on there is more, if that is known.
    fn read(&mut self, side: usize, into: &mut ReadBuf<'_>) -> Result<Option<Option<Instant>>, io::Error> {
        if self.cut[side] {
            return Err(io::ErrorKind::ConnectionReset.into());
        }
        if self.held {
            return Ok(Some(None));
        }
        let lane = &mut self.lanes[1 - side];
        match lane.chunks.front_mut() {
            Some((due, _)) if *due > now() => Ok(Some(Some(*due))),
            Some((_, bytes)) => {
                let count = bytes.len().min(into.remaining());
                into.put_slice(&bytes[..count]);
                bytes.advance(count);
                if bytes.is_empty() {
                    lane.chunks.pop_front();
                }
                lane.unread -= count;
                lane.writer.take().into_iter().for_each(Waker::wake);
                Ok(None)
            }
            None if lane.ended || self.gone[1 - side] => Ok(None),
            None => Ok(Some(None)),
        }
    }
}

impl AsyncRead for End {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        loop {
            let side = self.side as usize;
            let due = {
                let mut ends = self.wire.ends();
                let Some(due) = ends.read(side, into)? else { return Poll::Ready(Ok(())) };
                ends.lanes[1 - side].reader = Some(context.waker().clone());
                due
            };
            let Some(due) = due else { return Poll::Pending };
            let sleep = self.sleep.get_or_insert_with(|| Box::pin(sleep_until(due)));
            sleep.as_mut().reset(due);
            std::task::ready!(sleep.as_mut().poll(context));
        }
    }
}

impl AsyncWrite for End {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.wire.ends().write(self.side as usize, bytes, context.waker())
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut ends = self.wire.ends();
        ends.lanes[self.side as usize].ended = true;
        ends.wake();
        Poll::Ready(Ok(()))
    }
}

impl Drop for End {
    fn drop(&mut self) {
        let mut ends = self.wire.ends();
        ends.gone[self.side as usize] = true;
        ends.wake();
    }
}
