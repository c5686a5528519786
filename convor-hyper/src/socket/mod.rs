//! WebSockets (RFC 6455; over HTTP/2, RFC 8441): from the upgrade to the close.

mod config;
mod handshake;
mod incoming;
mod line;
mod open;
mod outgoing;
mod reader;
mod writer;

use std::sync::Arc;

use bytes::Bytes;
use convor::Chat;
use convor::ports::Transport;
use convor::session::{Entrance, Session};
use futures_util::StreamExt;
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use hyper_util::server::conn::auto;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite};
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::Role;

use crate::peer::Place;
pub(crate) use handshake::Handshake;
use incoming::Incoming;
use line::Line;
pub(crate) use open::Sockets;
use outgoing::Outgoing;
use reader::Reader;
use writer::{Writer, Written};

/// How long a peer that has been told to go may take to hang up.
const LINGER: std::time::Duration = std::time::Duration::from_secs(2);

/// A WebSocket that has been granted and not begun.
#[derive(Debug)]
pub(crate) struct Socket {
    chat: Chat,
    line: Arc<Line>,
    session: Session,
    /// Held as long as the connection lasts.
    _open: Option<Place>,
    /// Held until the client has said something.
    pending: Option<Place>,
}

impl Socket {
    pub(crate) fn new(chat: &Chat, entrance: Entrance, open: Option<Place>, pending: Option<Place>) -> Self {
        let line = Arc::new(Line::new(chat.limits()));
        let transport: Arc<dyn Transport> = Arc::<Line>::clone(&line);
        let session = Session::new(chat, transport, entrance);
        Self { chat: chat.clone(), line, session, _open: open, pending }
    }

    fn line(&self) -> &Arc<Line> {
        &self.line
    }

    /// Serves the connection from its upgrade to its end.
    async fn serve(self, upgrade: OnUpgrade) {
        let deadline = self.chat.limits().hello_timeout;
        match tokio::time::timeout(deadline, upgrade).await {
            Ok(Ok(upgraded)) => Box::pin(self.speak(upgraded)).await,
            Ok(Err(_)) | Err(_) => tracing::debug!("a client did not wait for its upgrade"),
        }
    }

    /// What is known to be a TCP connection has two halves that share nothing.
    async fn speak(self, upgraded: Upgraded) {
        match tcp(upgraded) {
            Ok((stream, begun)) => {
                let (read, write) = stream.into_split();
                self.speak_over(read, write, begun).await;
            }
            Err(upgraded) => {
                let (read, write) = tokio::io::split(TokioIo::new(upgraded));
                self.speak_over(read, write, Bytes::new()).await;
            }
        }
    }

    /// The reader runs as a task of its own, so that a delivery does not poll the socket for something to read.
    async fn speak_over<R, W>(self, read: R, write: W, begun: Bytes)
    where
        R: AsyncRead + Unpin + Send + 'static,
        W: AsyncWrite + Unpin,
    {
        let Self { chat, line, session, _open, pending } = self;
        let limits = chat.limits();
        let config = Some(config::config(limits));
        let stream =
            WebSocketStream::from_partially_read(Incoming(read), begun.to_vec(), Role::Server, config).await;
        let mut reading = Task(tokio::spawn(Reader::new(stream, session, Arc::clone(&line), pending).run()));
        let mut writer = Writer::new(Outgoing::new(write), line, limits);
        let written = writer.run().await;
        // What the client has asked for and is being done is finished; nothing more is begun.
        let read = tokio::time::timeout(limits.write_timeout, &mut reading.0).await;
        if let (Written::All, Ok(Ok(stream))) = (written, read) {
            let end = hang_up(stream, writer.into_outgoing());
            // Boxed, so that only a connection that ends has room for its end.
            let _ = tokio::time::timeout(LINGER, Box::pin(end)).await;
        }
    }
}

/// The TCP connection beneath, with what has been read from it: of hyper's own server, or of the one in `hyper-util`.
fn tcp(upgraded: Upgraded) -> Result<(TcpStream, Bytes), Upgraded> {
    type Io = TokioIo<TcpStream>;
    match auto::upgrade::downcast::<Io>(upgraded) {
        Ok(parts) => Ok((parts.io.into_inner(), parts.read_buf)),
        Err(upgraded) => upgraded.downcast::<Io>().map(|parts| (parts.io.into_inner(), parts.read_buf)),
    }
}

/// A task that ends with its owner.
struct Task<T>(tokio::task::JoinHandle<T>);

impl<T> Drop for Task<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Waits for the peer's own close frame, then for its end of the connection. Without that a peer that is still sending when
/// it is told to go would get a reset, and might never read why (RFC 6455, 7.1.1).
async fn hang_up<R, W>(mut stream: WebSocketStream<Incoming<R>>, mut outgoing: Outgoing<W>)
where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin,
{
    while let Some(Ok(_)) = stream.next().await {}
    let Incoming(mut io) = stream.into_inner();
    let mut unread = [0; 4096];
    if outgoing.shutdown().await.is_ok() {
        while matches!(io.read(&mut unread).await, Ok(read) if read > 0) {}
    }
}
