//! Sockets over pipes that take so much and no more, and the raw client at their other end.

use std::convert::Infallible;
use std::fmt;
use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Buf, Bytes, BytesMut};
use convor::ports::{Frame, Transport};
use convor::session::Entrance;
use convor::{Chat, Limits};
use convor_memory::MemoryStorage;
use http::{Request, Response, StatusCode};
use http_body_util::Empty;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream, ReadBuf};

use super::super::{Line, Socket, Sockets};

/// How long anything may take here: a bound for a broken system, not a measure of a sound one.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);

pub(super) const TEXT: u8 = 0x1;
pub(super) const CLOSE: u8 = 0x8;
pub(super) const PING: u8 = 0x9;
pub(super) const PONG: u8 = 0xa;

/// Limits of connections that need not say `hello`.
pub(super) fn silent() -> Limits {
    let mut limits = Limits::default();
    limits.hello_timeout = Duration::from_secs(24 * 3_600);
    limits
}

/// Sockets, and what they are for.
#[derive(Debug, Clone)]
pub(super) struct Rig {
    pub(super) chat: Chat,
    pub(super) sockets: Arc<Sockets>,
}

impl Rig {
    pub(super) fn new() -> Self {
        Self::with(silent())
    }

    pub(super) fn with(limits: Limits) -> Self {
        let chat = Chat::builder(Arc::new(MemoryStorage::new())).limits(limits).start();
        Self { chat, sockets: Arc::default() }
    }

    pub(super) fn socket(&self) -> Socket {
        Socket::new(&self.chat, &self.sockets, Entrance::default(), (None, None), None)
    }

    /// A connection that has begun, over a pipe that takes so many bytes before they are read.
    pub(super) async fn open(&self, room: usize) -> (Peer, Arc<Line>, Arc<Valve>) {
        let socket = self.socket();
        let line = Arc::clone(socket.line());
        let (peer, valve) = self.connect(socket, room, Duration::ZERO).await;
        (peer, line, valve)
    }

    /// Serves a socket whose upgrade is granted after so long.
    pub(super) async fn connect(
        &self,
        socket: Socket,
        room: usize,
        granted_after: Duration,
    ) -> (Peer, Arc<Valve>) {
        let (near, far) = tokio::io::duplex(room);
        let valve = Arc::new(Valve::default());
        let (once, sockets) = (Mutex::new(Some(socket)), Arc::clone(&self.sockets));
        let service = service_fn(move |request: Request<hyper::body::Incoming>| {
            let socket = once.lock().expect("no panic").take().expect("one request");
            sockets.serve(socket, hyper::upgrade::on(request));
            async move {
                tokio::time::sleep(granted_after).await;
                let response =
                    Response::builder().header("connection", "upgrade").header("upgrade", "websocket");
                let response = response.status(StatusCode::SWITCHING_PROTOCOLS).body(Empty::<Bytes>::new());
                Ok::<_, Infallible>(response.expect("a response"))
            }
        });
        let io = TokioIo::new(Pipe { io: near, valve: Arc::clone(&valve) });
        tokio::spawn(http1::Builder::new().serve_connection(io, service).with_upgrades());
        (Peer::upgraded(far).await, valve)
    }
}

/// A frame of an event.
pub(super) fn event(text: impl Into<String>) -> Frame {
    Frame::event(Bytes::from(text.into()))
}

/// Delivers so many frames of this length that begin with their numbers, the first of which is `from`.
pub(super) fn deliver(line: &Line, from: usize, frames: usize, bytes: usize) {
    for number in from..from + frames {
        line.try_send(event(format!("{number:<bytes$}"))).expect("room");
    }
}

/// Waits until nobody has anything to do; where time is paused, and nowhere else.
pub(super) async fn idle() {
    tokio::time::sleep(Duration::from_millis(1)).await;
}

/// What the server's end of a connection does, apart from what it should.
#[derive(Default)]
pub(super) struct Valve {
    fails: AtomicBool,
    swallows: AtomicBool,
    writes: AtomicUsize,
    written: OnceLock<Box<dyn Fn() + Send + Sync>>,
}

impl Valve {
    /// The next write fails; those after it do not.
    pub(super) fn fail_once(&self) {
        self.fails.store(true, Ordering::SeqCst);
    }

    /// From now on everything that is written is taken, and goes nowhere.
    pub(super) fn swallow(&self) {
        self.swallows.store(true, Ordering::SeqCst);
    }

    /// Whether the write that was to fail has done so.
    pub(super) fn has_failed(&self) -> bool {
        !self.fails.load(Ordering::SeqCst)
    }

    /// How many writes there have been.
    pub(super) fn writes(&self) -> usize {
        self.writes.load(Ordering::SeqCst)
    }

    /// What is done in each write, before it takes anything.
    pub(super) fn on_write(&self, act: impl Fn() + Send + Sync + 'static) {
        assert!(self.written.set(Box::new(act)).is_ok(), "once");
    }
}

impl fmt::Debug for Valve {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Valve").finish_non_exhaustive()
    }
}

/// The server's end of a connection.
#[derive(Debug)]
struct Pipe {
    io: DuplexStream,
    valve: Arc<Valve>,
}

impl AsyncRead for Pipe {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_read(context, buffer)
    }
}

impl AsyncWrite for Pipe {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.valve.writes.fetch_add(1, Ordering::SeqCst);
        if let Some(act) = self.valve.written.get() {
            act();
        }
        if self.valve.fails.swap(false, Ordering::SeqCst) {
            return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
        }
        if self.valve.swallows.load(Ordering::SeqCst) {
            return Poll::Ready(Ok(bytes.len()));
        }
        Pin::new(&mut self.io).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(context)
    }
}

/// A client that reads and writes frames byte by byte.
#[derive(Debug)]
pub(super) struct Peer {
    io: DuplexStream,
    read: BytesMut,
}

impl Peer {
    async fn upgraded(io: DuplexStream) -> Self {
        let mut peer = Self { io, read: BytesMut::new() };
        peer.write(b"GET / HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n").await;
        loop {
            if let Some(end) = peer.read.windows(4).position(|end| end == b"\r\n\r\n") {
                assert!(peer.read.starts_with(b"HTTP/1.1 101"), "{:?}", peer.read);
                peer.read.advance(end + 4);
                return peer;
            }
            // Byte by byte: what comes after it stays in the pipe, and counts.
            assert_ne!((&mut peer.io).take(1).read_buf(&mut peer.read).await.expect("an answer"), 0);
        }
    }

    async fn write(&mut self, bytes: &[u8]) {
        let written = tokio::time::timeout(PATIENCE, self.io.write_all(bytes)).await;
        written.expect("it is read in time").expect("an open connection");
    }

    /// Says these frames, in one write.
    pub(super) async fn say(&mut self, frames: &[(u8, &[u8])]) {
        let mut bytes = Vec::new();
        for (opcode, payload) in frames {
            // Masked with zeros.
            let length = u16::try_from(payload.len()).expect("a short one");
            let short = u8::try_from(length).ok().filter(|length| *length < 126);
            bytes.extend_from_slice(&[0x80 | opcode, 0x80 | short.unwrap_or(126)]);
            if short.is_none() {
                bytes.extend_from_slice(&length.to_be_bytes());
            }
            bytes.extend_from_slice(&[0; 4]);
            bytes.extend_from_slice(payload);
        }
        self.write(&bytes).await;
    }

    /// Makes room for so many bytes in the pipe, and no more.
    pub(super) async fn take(&mut self, bytes: usize) {
        let mut taken = vec![0; bytes];
        let read = tokio::time::timeout(PATIENCE, self.io.read_exact(&mut taken)).await;
        read.expect("bytes in time").expect("an open connection");
        self.read.extend_from_slice(&taken);
    }

    /// What is left up to the end of the connection, be it whole frames or not.
    pub(super) async fn bytes_to_the_end(&mut self) -> Bytes {
        let read = async { while self.io.read_buf(&mut self.read).await.expect("no reset") > 0 {} };
        tokio::time::timeout(PATIENCE, read).await.expect("an end in time");
        self.read.split().freeze()
    }

    /// The next frame, which is whole; `None` where the connection ends.
    pub(super) async fn frame(&mut self) -> Option<(u8, Bytes)> {
        loop {
            if let Some(frame) = whole(&mut self.read) {
                return Some(frame);
            }
            let read = tokio::time::timeout(PATIENCE, self.io.read_buf(&mut self.read)).await;
            if read.expect("a frame in time").expect("no reset") == 0 {
                assert!(self.read.is_empty(), "a frame is never cut: {:?}", self.read);
                return None;
            }
        }
    }

    /// The next frame, as text.
    pub(super) async fn text(&mut self) -> String {
        let (opcode, payload) = self.frame().await.expect("a frame");
        assert_eq!(opcode, TEXT, "{payload:?}");
        String::from_utf8(payload.to_vec()).expect("UTF-8").trim_end().to_owned()
    }

    /// All frames up to the end of the connection.
    pub(super) async fn rest(&mut self) -> Vec<(u8, Bytes)> {
        let mut frames = Vec::new();
        while let Some(frame) = self.frame().await {
            frames.push(frame);
        }
        frames
    }
}

/// Takes a frame from the bytes if they hold it to its end.
fn whole(bytes: &mut BytesMut) -> Option<(u8, Bytes)> {
    let (first, second) = (*bytes.first()?, *bytes.get(1)?);
    assert_eq!((first & 0xf0, second & 0x80), (0x80, 0), "one frame a message, not masked: {bytes:?}");
    let (head, length) = match second {
        126 => (4, usize::from(u16::from_be_bytes(bytes.get(2..4)?.try_into().ok()?))),
        127 => (10, usize::try_from(u64::from_be_bytes(bytes.get(2..10)?.try_into().ok()?)).ok()?),
        short => (2, usize::from(short)),
    };
    if bytes.len() < head + length {
        return None;
    }
    bytes.advance(head);
    Some((first & 0xf, bytes.split_to(length).freeze()))
}
