//! WebSockets (RFC 6455; over HTTP/2, RFC 8441): from the upgrade to the close.

mod config;
mod gathering;
mod handshake;
mod line;
mod open;
mod reader;
mod writer;

use std::sync::Arc;

use convor::Chat;
use convor::hub::Outlet;
use convor::ports::Transport;
use convor::session::{Entrance, Session};
use futures_util::StreamExt;
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::Role;

use crate::peer::Place;
use gathering::Gathering;
pub(crate) use handshake::Handshake;
use line::Line;
pub(crate) use open::Sockets;
use reader::Reader;
use writer::{Writer, Written};

/// A connection as tungstenite speaks over it.
type Stream = WebSocketStream<Gathering<TokioIo<Upgraded>>>;

/// How long a peer that has been told to go may take to hang up.
const LINGER: std::time::Duration = std::time::Duration::from_secs(2);

/// A WebSocket that has been granted and not begun.
#[derive(Debug)]
pub(crate) struct Socket {
    chat: Chat,
    outlet: Arc<Outlet>,
    session: Session,
    /// Held as long as the connection lasts.
    _open: Option<Place>,
    /// Held until the client has said something.
    pending: Option<Place>,
}

impl Socket {
    pub(crate) fn new(chat: &Chat, entrance: Entrance, open: Option<Place>, pending: Option<Place>) -> Self {
        let outlet = Arc::new(Outlet::new(chat.limits()));
        let transport: Arc<dyn Transport> = Arc::<Outlet>::clone(&outlet);
        let session = Session::new(chat, transport, entrance);
        Self { chat: chat.clone(), outlet, session, _open: open, pending }
    }

    fn outlet(&self) -> &Arc<Outlet> {
        &self.outlet
    }

    /// Serves the connection from its upgrade to its end.
    async fn serve(self, upgrade: OnUpgrade) {
        let deadline = self.chat.limits().hello_timeout;
        match tokio::time::timeout(deadline, upgrade).await {
            Ok(Ok(upgraded)) => self.speak(TokioIo::new(upgraded)).await,
            Ok(Err(_)) | Err(_) => tracing::debug!("a client did not wait for its upgrade"),
        }
    }

    /// The reader runs as a task of its own, so that a delivery does not poll the socket for something to read.
    async fn speak(self, io: TokioIo<Upgraded>) {
        let Self { chat, outlet, session, _open, pending } = self;
        let limits = chat.limits();
        let io = Gathering::new(io);
        let stream = WebSocketStream::from_raw_socket(io, Role::Server, Some(config::config(limits))).await;
        let (sink, stream) = stream.split();
        let line = Arc::new(Line::new(outlet, limits));
        let mut reading = Task(tokio::spawn(Reader::new(stream, session, Arc::clone(&line), pending).run()));
        let mut writer = Writer::new(sink, line, limits);
        let written = writer.run().await;
        // What the client has asked for and is being done is finished; nothing more is begun.
        let read = tokio::time::timeout(limits.write_timeout, &mut reading.0).await;
        if let (Written::All, Ok(Ok(stream))) = (written, read)
            && let Ok(stream) = writer.into_sink().reunite(stream)
        {
            // Boxed, so that only a connection that ends has room for its end.
            let _ = tokio::time::timeout(LINGER, Box::pin(hang_up(stream))).await;
        }
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
async fn hang_up(mut stream: Stream) {
    while let Some(Ok(_)) = stream.next().await {}
    let mut io = stream.into_inner();
    let mut unread = [0; 4096];
    if io.shutdown().await.is_ok() {
        while matches!(io.read(&mut unread).await, Ok(read) if read > 0) {}
    }
}
