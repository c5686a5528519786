//! What is written to a connection, from frames to bytes.

use std::cell::Cell;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes, BytesMut};
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncWrite, AsyncWriteExt, WriteHalf};
use tokio::net::tcp::OwnedWriteHalf;
use tokio_tungstenite::tungstenite::Utf8Bytes;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::Frame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{CloseCode, Data, OpCode};

/// How much is gathered for one write.
const ROOM_BYTES: usize = 16 * 1024;

thread_local! {
    /// Where frames become bytes. One room for all connections of a thread: an idle one has none of its own, and a delivery
    /// allocates nothing.
    static ROOM: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// The write half of a connection. Of what is known to be a TCP connection it shares nothing with the other half.
#[derive(Debug)]
pub(super) enum Half {
    Tcp(OwnedWriteHalf),
    Any(WriteHalf<TokioIo<Upgraded>>),
}

/// The write half of a connection, with what it has not taken yet.
#[derive(Debug)]
pub(super) struct Outgoing<W> {
    io: W,
    rest: BytesMut,
    flushed: bool,
}

/// Where frames are put, one after the other, to be written at once.
#[derive(Debug)]
pub(super) struct Room(Vec<u8>);

impl Room {
    /// A text frame. A [`convor::ports::Frame`] is UTF-8 by its contract: it is not looked through for each receiver.
    pub(super) fn text(&mut self, text: Bytes) {
        self.put(Frame::message(text, OpCode::Data(Data::Text), true));
    }

    pub(super) fn ping(&mut self) {
        self.put(Frame::ping(Bytes::new()));
    }

    pub(super) fn pong(&mut self, payload: Bytes) {
        self.put(Frame::pong(payload));
    }

    /// The last frame; without a code if that is to say that there was none (RFC 6455, 7.1.5).
    pub(super) fn close(&mut self, code: CloseCode, reason: &'static str) {
        let reason = Utf8Bytes::from_static(reason);
        self.put(Frame::close((code != CloseCode::Status).then_some(CloseFrame { code, reason })));
    }

    /// Whether another frame is to come before all is written.
    pub(super) fn is_free(&self) -> bool {
        self.0.len() < ROOM_BYTES
    }

    fn put(&mut self, frame: Frame) {
        // Only writing to memory is done here, and that does not fail.
        let _ = frame.format(&mut self.0);
    }
}

impl<W: AsyncWrite + Unpin> Outgoing<W> {
    pub(super) fn new(io: W) -> Self {
        Self { io, rest: BytesMut::new(), flushed: true }
    }

    /// Writes what `fill` puts into an empty room, as far as the connection takes it at once. Nothing may be left of what came
    /// before: [`poll_finish`](Self::poll_finish) sees to it.
    pub(super) fn put<T>(
        &mut self,
        context: &mut Context<'_>,
        fill: impl FnOnce(&mut Room) -> T,
    ) -> io::Result<T> {
        let mut room = Room(ROOM.take());
        let filled = fill(&mut room);
        let written = self.write_now(context, &room.0);
        room.0.clear();
        room.0.shrink_to(4 * ROOM_BYTES);
        ROOM.set(room.0);
        written.map(|()| filled)
    }

    fn write_now(&mut self, context: &mut Context<'_>, bytes: &[u8]) -> io::Result<()> {
        if bytes.is_empty() {
            return Ok(());
        }
        self.flushed = false;
        let written = match Pin::new(&mut self.io).poll_write(context, bytes) {
            Poll::Ready(written) => written?,
            Poll::Pending => 0,
        };
        self.rest.extend_from_slice(&bytes[written..]);
        Ok(())
    }

    /// Whether nothing is left, and all has been flushed.
    pub(super) fn is_finished(&self) -> bool {
        self.rest.is_empty() && self.flushed
    }

    /// Writes what is left, and flushes.
    pub(super) fn poll_finish(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.rest.is_empty() {
            match ready!(Pin::new(&mut self.io).poll_write(context, &self.rest))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                written => self.rest.advance(written),
            }
        }
        if !self.flushed {
            // Its room is given back: a burst leaves nothing behind that an idle connection pays for.
            self.rest = BytesMut::new();
            ready!(Pin::new(&mut self.io).poll_flush(context))?;
            self.flushed = true;
        }
        Poll::Ready(Ok(()))
    }

    /// Says that nothing more is written.
    pub(super) async fn shutdown(&mut self) -> io::Result<()> {
        self.io.shutdown().await
    }
}

impl AsyncWrite for Half {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match &mut *self {
            Self::Tcp(io) => Pin::new(io).poll_write(context, bytes),
            Self::Any(io) => Pin::new(io).poll_write(context, bytes),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut *self {
            Self::Tcp(io) => Pin::new(io).poll_flush(context),
            Self::Any(io) => Pin::new(io).poll_flush(context),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut *self {
            Self::Tcp(io) => Pin::new(io).poll_shutdown(context),
            Self::Any(io) => Pin::new(io).poll_shutdown(context),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use tokio::io::AsyncReadExt;

    use super::*;

    /// Counts what it is given, and takes at most so much at once.
    #[derive(Debug, Default)]
    struct Counting {
        writes: usize,
        written: Vec<u8>,
        most: usize,
    }

    impl AsyncWrite for Counting {
        fn poll_write(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
            bytes: &[u8],
        ) -> Poll<io::Result<usize>> {
            let taken = bytes.len().min(self.most);
            self.writes += 1;
            self.written.extend_from_slice(&bytes[..taken]);
            Poll::Ready(Ok(taken))
        }

        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }

        fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
    }

    /// Puts texts of 550 bytes in until there is no room, as often as asked; answers how many.
    async fn write<W: AsyncWrite + Unpin>(outgoing: &mut Outgoing<W>, times: usize) -> usize {
        let mut frames = 0;
        for _ in 0..times {
            let full = |room: &mut Room| {
                while room.is_free() {
                    room.text(Bytes::from_static(&[b'7'; 550]));
                    frames += 1;
                }
            };
            let mut full = Some(full);
            poll_fn(|context| {
                if let Some(full) = full.take() {
                    outgoing.put(context, full)?;
                }
                outgoing.poll_finish(context)
            })
            .await
            .expect("it is written");
        }
        frames
    }

    #[tokio::test]
    async fn a_burst_costs_one_write_and_leaves_no_room_behind() {
        let mut outgoing = Outgoing::new(Counting { most: usize::MAX, ..Counting::default() });
        let frames = write(&mut outgoing, 1).await;
        assert_eq!(
            (outgoing.io.written.len(), outgoing.io.writes),
            (frames * 554, 1),
            "four bytes of header each"
        );
        assert_eq!(outgoing.rest.capacity(), 0);
        assert!(frames >= 29, "{frames} frames in one write");
    }

    #[tokio::test]
    async fn what_is_taken_in_parts_comes_out_whole_and_in_order() {
        let mut outgoing = Outgoing::new(Counting { most: 1_000, ..Counting::default() });
        let frames = write(&mut outgoing, 3).await;
        let mut whole = Room(Vec::new());
        (0..frames).for_each(|_| whole.text(Bytes::from_static(&[b'7'; 550])));
        assert_eq!((outgoing.io.written, outgoing.rest.capacity()), (whole.0, 0));
    }

    #[tokio::test]
    async fn who_reads_slowly_gets_everything() {
        let (io, mut peer) = tokio::io::duplex(1_000);
        let writing = tokio::spawn(async move {
            let mut outgoing = Outgoing::new(io);
            let frames = write(&mut outgoing, 3).await;
            outgoing.shutdown().await.expect("it is said");
            frames
        });
        let mut read = Vec::new();
        peer.read_to_end(&mut read).await.expect("it is read");
        assert_eq!(read.len(), 554 * writing.await.expect("no panic"));
    }

    #[test]
    fn control_frames_are_those_of_the_standard() {
        let mut room = Room(Vec::new());
        room.ping();
        room.pong(Bytes::from_static(b"p"));
        room.close(CloseCode::Normal, "bye");
        room.close(CloseCode::Status, "bye");
        assert_eq!(room.0, b"\x89\x00\x8a\x01p\x88\x05\x03\xe8bye\x88\x00", "RFC 6455, 5.5");
    }
}
