//! The bounded queue of a connection: the hub and the session put in, the connection's writer takes out.

use std::collections::VecDeque;
use std::fmt;
use std::future::poll_fn;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use async_trait::async_trait;
use tokio::sync::Notify;

use crate::config::Limits;
use crate::ports::{Close, Frame, FrameClass, Refused, Transport};

/// For how many frames a queue keeps room when it is empty: a burst leaves nothing behind that an idle connection pays for.
const FRAMES_KEPT: usize = 4;

/// The bounded queue of a connection.
// What a delivery touches lies together: it finds all of it cold.
#[repr(C)]
pub struct Outlet {
    queue: Mutex<Queue>,
    frames_max: usize,
    bytes_max: usize,
    droppable_max: usize,
    /// Room for [`Transport::send`].
    drained: Notify,
    /// The end. Apart from `drained`, so that a reader which waits for it is not woken by each delivery.
    ended: Notify,
}

#[derive(Debug, Default)]
struct Queue {
    frames: VecDeque<Frame>,
    bytes: usize,
    droppable: usize,
    closing: Option<Close>,
    /// Whether the peer may hear nothing more.
    withdrawn: bool,
    /// Who waits for something to write.
    writer: Option<Waker>,
}

/// What the writer takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a writer must know them all")]
pub enum Batch {
    /// Frames; write them all, then flush once.
    Frames,
    /// The end; nothing is left.
    Close(Close),
}

impl Outlet {
    /// An empty queue with these bounds.
    #[must_use]
    pub fn new(limits: &Limits) -> Self {
        Self {
            queue: Mutex::default(),
            drained: Notify::new(),
            ended: Notify::new(),
            frames_max: limits.queue_frames_max,
            bytes_max: limits.queue_bytes_max,
            droppable_max: limits.queue_droppable_max,
        }
    }

    /// Waits for something to write and moves all of it to `batch`, which is cleared first. There is one writer; a call that is
    /// dropped while it waits has taken nothing. What is in the batch does not count as waiting any more, and is not taken
    /// back: a writer asks [`is_withdrawn`](Self::is_withdrawn) before each frame, or takes little at once by
    /// [`poll_take`](Self::poll_take).
    pub async fn next(&self, batch: &mut Vec<Frame>) -> Batch {
        batch.clear();
        poll_fn(|context| {
            self.poll_take(context, |frame| {
                batch.push(frame);
                true
            })
        })
        .await
    }

    /// Hands what waits to `take`, frame by frame, for as long as that answers that there is room for another one; the rest
    /// goes on waiting, and can still be taken back. Where nothing waits, the writer is woken as soon as something does. `take`
    /// is called under a lock, and must not block.
    pub fn poll_take(&self, context: &mut Context<'_>, mut take: impl FnMut(Frame) -> bool) -> Poll<Batch> {
        let mut queue = self.queue();
        if queue.frames.is_empty() {
            if let Some(reason) = queue.closing {
                return Poll::Ready(Batch::Close(reason));
            }
            queue.writer = Some(context.waker().clone());
            return Poll::Pending;
        }
        while let Some(frame) = queue.pop() {
            if !take(frame) {
                break;
            }
        }
        if queue.frames.is_empty() {
            queue.frames.shrink_to(FRAMES_KEPT);
        }
        drop(queue);
        self.drained.notify_waiters();
        Poll::Ready(Batch::Frames)
    }

    /// Puts back frames that [`poll_take`](Self::poll_take) has handed out last and that have not been begun to be written, before
    /// all that waits and in their order. They count again, and what the peer may not hear any more is forgotten.
    pub fn put_back(&self, frames: impl DoubleEndedIterator<Item = Frame>) {
        let mut queue = self.queue();
        if !queue.withdrawn && queue.closing != Some(Close::SlowReader) {
            frames.rev().for_each(|frame| queue.push_front(frame));
        }
    }

    /// Why the connection ends, if it does.
    #[must_use]
    pub fn closing(&self) -> Option<Close> {
        self.queue().closing
    }

    /// Waits until the connection is to end.
    pub async fn closed(&self) -> Close {
        loop {
            let ended = self.ended.notified();
            if let Some(reason) = self.closing() {
                return reason;
            }
            ended.await;
        }
    }

    /// Whether the peer may hear nothing more, but why.
    #[must_use]
    pub fn is_withdrawn(&self) -> bool {
        self.queue().withdrawn
    }

    /// Waits until the peer may hear nothing more.
    pub async fn withdrawn(&self) {
        loop {
            let ended = self.ended.notified();
            if self.is_withdrawn() {
                return;
            }
            ended.await;
        }
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn end(&self, mut queue: MutexGuard<'_, Queue>, reason: Close) {
        if queue.closing.is_none() {
            queue.closing = Some(reason);
            if reason == Close::SlowReader {
                // Nobody reads it, and the client resumes: it need not be held.
                queue.empty();
            }
            wake(queue);
            self.drained.notify_waiters();
            self.ended.notify_waiters();
        }
    }
}

/// Wakes the writer once nobody holds the queue any more.
fn wake(mut queue: MutexGuard<'_, Queue>) {
    let writer = queue.writer.take();
    drop(queue);
    if let Some(writer) = writer {
        writer.wake();
    }
}

#[async_trait]
impl Transport for Outlet {
    fn try_send(&self, frame: Frame) -> Result<(), Refused> {
        let mut queue = self.queue();
        if queue.closing.is_some() {
            return Err(Refused);
        }
        if let FrameClass::Droppable(key) = frame.class {
            queue.drop_droppable(key, self.droppable_max);
        }
        let fits = queue.frames.len() < self.frames_max && queue.bytes + frame.text.len() <= self.bytes_max;
        match frame.class {
            _ if fits => queue.push(frame),
            FrameClass::Droppable(_) => {}
            FrameClass::Event => {
                self.end(queue, Close::SlowReader);
                return Err(Refused);
            }
        }
        wake(queue);
        Ok(())
    }

    async fn send(&self, frame: Frame) -> Result<(), Refused> {
        loop {
            let drained = self.drained.notified();
            {
                let queue = self.queue();
                let room = queue.frames.len() * 2 <= self.frames_max && queue.bytes * 2 <= self.bytes_max;
                if queue.closing.is_some() || room {
                    break;
                }
            }
            drained.await;
        }
        self.try_send(frame)
    }

    fn close(&self, reason: Close) {
        self.end(self.queue(), reason);
    }

    fn withdraw(&self, reason: Close) {
        let mut queue = self.queue();
        queue.empty();
        queue.withdrawn = true;
        self.end(queue, reason);
        // It may have been closing for another reason, with much to say.
        self.ended.notify_waiters();
    }
}

impl Queue {
    fn push(&mut self, frame: Frame) {
        self.count(&frame);
        self.frames.push_back(frame);
    }

    fn push_front(&mut self, frame: Frame) {
        self.count(&frame);
        self.frames.push_front(frame);
    }

    fn count(&mut self, frame: &Frame) {
        self.bytes += frame.text.len();
        self.droppable += usize::from(frame.is_droppable());
    }

    fn pop(&mut self) -> Option<Frame> {
        let frame = self.frames.pop_front()?;
        self.forget(&frame);
        Some(frame)
    }

    fn forget(&mut self, frame: &Frame) {
        self.bytes -= frame.text.len();
        self.droppable -= usize::from(frame.is_droppable());
    }

    /// Forgets the frames, and the room that was for them.
    fn empty(&mut self) {
        self.frames = VecDeque::new();
        (self.bytes, self.droppable) = (0, 0);
    }

    /// Makes room for a droppable frame: an older one with its key goes, or the oldest of all if there are too many.
    fn drop_droppable(&mut self, key: u64, droppable_max: usize) {
        if self.droppable == 0 {
            return;
        }
        let same = self.frames.iter().position(|old| old.class == FrameClass::Droppable(key));
        let oldest = || self.frames.iter().position(Frame::is_droppable);
        let out = same.or_else(|| if self.droppable >= droppable_max { oldest() } else { None });
        if let Some(old) = out.and_then(|index| self.frames.remove(index)) {
            self.forget(&old);
        }
    }
}

impl fmt::Debug for Outlet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outlet").field("queue", &*self.queue()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    fn outlet(frames: usize, bytes: usize, droppable: usize) -> Outlet {
        let limits = Limits {
            queue_frames_max: frames,
            queue_bytes_max: bytes,
            queue_droppable_max: droppable,
            ..Limits::default()
        };
        Outlet::new(&limits)
    }

    fn event(text: &'static str) -> Frame {
        Frame::event(Bytes::from_static(text.as_bytes()))
    }

    fn droppable(text: &'static str, key: u64) -> Frame {
        Frame::droppable(Bytes::from_static(text.as_bytes()), key)
    }

    async fn drain(outlet: &Outlet) -> Vec<Bytes> {
        let mut batch = Vec::new();
        assert_eq!(outlet.next(&mut batch).await, Batch::Frames);
        batch.into_iter().map(|frame| frame.text).collect()
    }

    #[tokio::test]
    async fn frames_come_out_in_one_batch_and_in_order() {
        let outlet = outlet(10, 100, 10);
        for text in ["a", "b", "c"] {
            outlet.try_send(event(text)).expect("room");
        }
        assert_eq!(drain(&outlet).await, ["a", "b", "c"]);
    }

    #[tokio::test]
    async fn s25_a_full_queue_closes_and_never_skips() {
        for full in [outlet(2, 100, 10), outlet(10, 2, 10)] {
            full.try_send(event("a")).expect("room");
            full.try_send(event("b")).expect("room");
            full.try_send(event("c")).expect_err("full");
            full.try_send(event("d")).expect_err("closing");
            assert_eq!(full.next(&mut Vec::new()).await, Batch::Close(Close::SlowReader));
        }
    }

    #[tokio::test]
    async fn a_newer_droppable_frame_replaces_the_older() {
        let outlet = outlet(10, 100, 2);
        outlet.try_send(droppable("old", 1)).expect("room");
        outlet.try_send(event("e")).expect("room");
        outlet.try_send(droppable("new", 1)).expect("room");
        outlet.try_send(droppable("x", 2)).expect("room");
        outlet.try_send(droppable("y", 3)).expect("room");
        assert_eq!(drain(&outlet).await, ["e", "x", "y"], "the oldest droppable one went for the third");
    }

    #[tokio::test]
    async fn a_droppable_frame_never_makes_a_slow_reader() {
        let outlet = outlet(1, 100, 10);
        outlet.try_send(event("a")).expect("room");
        outlet.try_send(droppable("x", 1)).expect("dropped in silence");
        assert_eq!(drain(&outlet).await, ["a"]);
    }

    #[tokio::test]
    async fn of_two_droppable_frames_the_newer_is_kept_also_in_a_full_queue() {
        let outlet = outlet(2, 100, 10);
        outlet.try_send(droppable("old", 1)).expect("room");
        outlet.try_send(event("a")).expect("room");
        outlet.try_send(droppable("new", 1)).expect("room");
        assert_eq!(drain(&outlet).await, ["a", "new"]);
    }

    #[tokio::test]
    async fn what_was_accepted_before_the_end_is_still_written() {
        let outlet = outlet(10, 100, 10);
        outlet.try_send(event("a")).expect("room");
        outlet.close(Close::PositionLost);
        outlet.close(Close::Idle);
        assert_eq!(drain(&outlet).await, ["a"]);
        assert_eq!(
            outlet.next(&mut Vec::new()).await,
            Batch::Close(Close::PositionLost),
            "the first reason holds"
        );
        assert_eq!(outlet.closed().await, Close::PositionLost);
        assert!(!outlet.is_withdrawn());
    }

    #[tokio::test]
    async fn s16_what_waits_is_taken_back_also_from_a_connection_that_is_closing() {
        let draining = Close::Draining { reconnect_after_ms: 0 };
        for before in [None, Some(draining)] {
            let outlet = outlet(10, 100, 10);
            outlet.try_send(event("a")).expect("room");
            if let Some(before) = before {
                outlet.close(before);
            }
            outlet.withdraw(Close::Revoked);
            outlet.withdrawn().await;
            outlet.try_send(event("b")).expect_err("closing");
            assert_eq!(
                outlet.next(&mut Vec::new()).await,
                Batch::Close(before.unwrap_or(Close::Revoked)),
                "nothing comes before the reason"
            );
        }
    }

    #[tokio::test]
    async fn what_is_put_back_comes_first_and_can_be_taken_back() {
        let outlet = outlet(10, 100, 10);
        for text in ["a", "b", "c"] {
            outlet.try_send(event(text)).expect("room");
        }
        let mut taken = Vec::new();
        let two = poll_fn(|context| {
            outlet.poll_take(context, |frame| {
                taken.push(frame);
                taken.len() < 2
            })
        });
        assert_eq!(two.await, Batch::Frames);
        outlet.put_back(taken.drain(..));
        assert_eq!(drain(&outlet).await, ["a", "b", "c"]);

        outlet.try_send(event("a")).expect("room");
        let mut taken = Vec::new();
        assert_eq!(outlet.next(&mut taken).await, Batch::Frames);
        outlet.withdraw(Close::Revoked);
        outlet.put_back(taken.drain(..));
        assert_eq!(outlet.next(&mut taken).await, Batch::Close(Close::Revoked));
    }

    #[tokio::test]
    async fn send_waits_for_room() {
        let outlet = outlet(2, 100, 10);
        outlet.try_send(event("a")).expect("room");
        outlet.try_send(event("b")).expect("room");
        let sending = async { outlet.send(event("c")).await };
        let draining = async { drain(&outlet).await };
        let (sent, drained) = tokio::join!(sending, draining);
        sent.expect("room again");
        assert_eq!(drained, ["a", "b"]);
        assert_eq!(drain(&outlet).await, ["c"]);
    }
}
