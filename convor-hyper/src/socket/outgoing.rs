//! What is written to a connection, from frames to bytes.

use std::cell::Cell;
use std::fmt;
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
use tokio_tungstenite::tungstenite::protocol::frame::coding::{CloseCode, Data, OpCode};
use tokio_tungstenite::tungstenite::protocol::frame::{Frame, FrameHeader};

/// From how many bytes on no more is gathered for one write.
pub(super) const ROOM_BYTES: usize = 16 * 1024;

thread_local! {
    /// Where frames become bytes. One room for all connections of a thread: an idle one has none of its own, and what is written
    /// at once is copied once.
    static ROOM: Cell<Room> = const { Cell::new(Room { bytes: Vec::new(), ends: Vec::new() }) };
}

/// The write half of a connection. Of what is known to be a TCP connection it shares nothing with the other half.
#[derive(Debug)]
pub(super) enum Half {
    Tcp(OwnedWriteHalf),
    Any(WriteHalf<TokioIo<Upgraded>>),
}

/// The write half of a connection, with what it has not taken yet of the frames that have been begun.
pub(super) struct Outgoing<W> {
    io: W,
    rest: BytesMut,
    flushed: bool,
}

/// Where frames are put, one after the other, to be written at once.
#[derive(Default)]
pub(super) struct Room {
    bytes: Vec<u8>,
    /// Where each frame ends.
    ends: Vec<usize>,
}

impl Room {
    /// A text frame. A [`convor::ports::Frame`] is UTF-8 by its contract: it is not looked through for each receiver.
    pub(super) fn text(&mut self, text: &[u8]) {
        let header = FrameHeader { opcode: OpCode::Data(Data::Text), ..FrameHeader::default() };
        // Only writing to memory is done here, and that does not fail.
        let _ = header.format(text.len() as u64, &mut self.bytes);
        self.bytes.extend_from_slice(text);
        self.ends.push(self.bytes.len());
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

    fn put(&mut self, frame: Frame) {
        let _ = frame.format(&mut self.bytes);
        self.ends.push(self.bytes.len());
    }

    /// How many frames have been begun when so many bytes have been written, and where the last of them ends. The first one
    /// always has been: whoever waits for a connection needs something to write.
    fn begun(&self, written: usize) -> (usize, usize) {
        let whole = self.ends.partition_point(|end| *end <= written);
        let begins = whole.checked_sub(1).map_or(0, |last| self.ends[last]);
        match self.ends.get(whole) {
            Some(end) if begins < written || whole == 0 => (whole + 1, *end),
            _ => (whole, written),
        }
    }

    fn clear(&mut self) {
        self.bytes.clear();
        self.bytes.shrink_to(4 * ROOM_BYTES);
        self.ends.clear();
        self.ends.shrink_to(ROOM_BYTES);
    }
}

impl<W: AsyncWrite + Unpin> Outgoing<W> {
    pub(super) fn new(io: W) -> Self {
        Self { io, rest: BytesMut::new(), flushed: true }
    }

    /// Writes what `fill` puts into an empty room, as far as the connection takes it at once, and answers how many frames have
    /// been begun: what of the last of them has not come through is left to [`poll_finish`](Self::poll_finish). The others are as if
    /// they had not been put. Nothing may be left of what came before.
    pub(super) fn put(
        &mut self,
        context: &mut Context<'_>,
        fill: impl FnOnce(&mut Room),
    ) -> io::Result<usize> {
        self.put_as(context, fill, Room::begun)
    }

    /// The same with frames that are all begun.
    pub(super) fn put_all(
        &mut self,
        context: &mut Context<'_>,
        fill: impl FnOnce(&mut Room),
    ) -> io::Result<()> {
        self.put_as(context, fill, |room, _| (room.ends.len(), room.bytes.len())).map(|_| ())
    }

    fn put_as(
        &mut self,
        context: &mut Context<'_>,
        fill: impl FnOnce(&mut Room),
        begun: impl FnOnce(&Room, usize) -> (usize, usize),
    ) -> io::Result<usize> {
        let mut room = ROOM.take();
        fill(&mut room);
        let begun = self.write_now(context, &room.bytes).map(|written| {
            let (frames, end) = begun(&room, written);
            self.rest.extend_from_slice(&room.bytes[written..end]);
            frames
        });
        room.clear();
        ROOM.set(room);
        begun
    }

    fn write_now(&mut self, context: &mut Context<'_>, bytes: &[u8]) -> io::Result<usize> {
        if bytes.is_empty() {
            return Ok(0);
        }
        self.flushed = false;
        match Pin::new(&mut self.io).poll_write(context, bytes) {
            Poll::Ready(written) => written,
            Poll::Pending => Ok(0),
        }
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

/// What is said is nobody's who looks at a program.
impl<W> fmt::Debug for Outgoing<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outgoing").field("rest", &self.rest.len()).finish_non_exhaustive()
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

    const TEXT: Bytes = Bytes::from_static(&[b'7'; 550]);
    /// With its header.
    const FRAME_BYTES: usize = 554;

    /// Writes so many texts, as often as it takes; answers in how many sweeps.
    async fn write<W: AsyncWrite + Unpin>(outgoing: &mut Outgoing<W>, mut frames: usize) -> usize {
        let mut sweeps = 0;
        while frames > 0 {
            sweeps += 1;
            let mut fill = Some(|room: &mut Room| (0..frames).for_each(|_| room.text(&TEXT)));
            frames -= poll_fn(|context| {
                let begun = fill.take().map_or(Ok(0), |fill| outgoing.put(context, fill));
                Poll::Ready(begun)
            })
            .await
            .expect("it is taken");
            poll_fn(|context| outgoing.poll_finish(context)).await.expect("it is written");
        }
        sweeps
    }

    fn bytes(frames: usize) -> Vec<u8> {
        let mut room = Room::default();
        (0..frames).for_each(|_| room.text(&TEXT));
        room.bytes
    }

    #[tokio::test]
    async fn a_burst_costs_one_write() {
        let mut outgoing = Outgoing::new(Counting { most: usize::MAX, ..Counting::default() });
        assert_eq!(write(&mut outgoing, 30).await, 1);
        assert_eq!((outgoing.io.written.len(), outgoing.io.writes), (30 * FRAME_BYTES, 1));
    }

    #[tokio::test]
    async fn what_is_taken_in_parts_comes_out_whole_and_in_order() {
        for most in [1, 3, 553, 554, 555, 1_000, 1_108] {
            let mut outgoing = Outgoing::new(Counting { most, ..Counting::default() });
            write(&mut outgoing, 10).await;
            assert_eq!((&outgoing.io.written, outgoing.rest.capacity()), (&bytes(10), 0), "{most} at once");
        }
    }

    #[tokio::test]
    async fn only_the_frame_that_has_been_begun_is_kept() {
        for (taken, begun, rest) in
            [(0, 1, 554), (1, 1, 553), (554, 1, 0), (555, 2, 553), (1_107, 2, 1), (1_108, 2, 0)]
        {
            let (io, _peer) = tokio::io::duplex(2_000);
            let mut outgoing = Outgoing::new(io);
            let filler = vec![0; 2_000 - taken];
            outgoing.io.write_all(&filler).await.expect("there is room");
            let put = poll_fn(|context| {
                Poll::Ready(outgoing.put(context, |room| (0..3).for_each(|_| room.text(&TEXT))))
            });
            assert_eq!(
                (put.await.expect("it is taken"), outgoing.rest.len()),
                (begun, rest),
                "{taken} taken"
            );
        }
    }

    #[tokio::test]
    async fn what_ends_a_connection_is_kept_whole() {
        let (io, mut peer) = tokio::io::duplex(3);
        let mut outgoing = Outgoing::new(io);
        let both = |room: &mut Room| {
            room.text(&TEXT);
            room.close(CloseCode::Normal, "bye");
        };
        let mut both = Some(both);
        poll_fn(|context| Poll::Ready(both.take().map_or(Ok(()), |both| outgoing.put_all(context, both))))
            .await
            .expect("it is taken");
        let writing = tokio::spawn(async move {
            poll_fn(|context| outgoing.poll_finish(context)).await.expect("it is written");
            outgoing.shutdown().await.expect("it is said");
        });
        let mut read = Vec::new();
        peer.read_to_end(&mut read).await.expect("it is read");
        writing.await.expect("no panic");
        assert_eq!(read.len(), FRAME_BYTES + 7);
        assert!(read.ends_with(b"\x88\x05\x03\xe8bye"));
    }

    #[test]
    fn control_frames_are_those_of_the_standard() {
        let mut room = Room::default();
        room.ping();
        room.pong(Bytes::from_static(b"p"));
        room.close(CloseCode::Normal, "bye");
        room.close(CloseCode::Status, "bye");
        assert_eq!(room.bytes, b"\x89\x00\x8a\x01p\x88\x05\x03\xe8bye\x88\x00", "RFC 6455, 5.5");
    }
}
