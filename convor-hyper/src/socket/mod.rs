//! WebSockets (RFC 6455; over HTTP/2, RFC 8441): from the upgrade to the close.

mod config;
mod handshake;
mod incoming;
mod line;
mod open;
mod outgoing;
mod reader;
mod sweeper;
#[cfg(test)]
mod tests;
mod writer;

use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::Arc;

use convor::Chat;
use convor::ports::{Close, Transport};
use convor::session::{Entrance, Session};
use futures_util::{FutureExt, StreamExt};
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use hyper_util::server::conn::auto;
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::Role;

use crate::peer::{Place, WhileConnected};
pub(crate) use handshake::Handshake;
use incoming::Incoming;
use line::Line;
pub(crate) use open::Sockets;
use outgoing::{Half, Outgoing};
use reader::Reader;
use writer::{Writer, Written};

/// How long a peer that has been told to go may take to hang up.
const LINGER: std::time::Duration = std::time::Duration::from_secs(2);

/// A place of the client's address, and what the host keeps.
type Held = (Option<Place>, Option<WhileConnected>);

/// A WebSocket that has been granted and not begun.
#[derive(Debug)]
pub(crate) struct Socket {
    chat: Chat,
    line: Arc<Line>,
    session: Session,
    /// As long as the connection lasts.
    _held: Held,
    /// Held until the client has said something.
    pending: Option<Place>,
}

impl Socket {
    pub(crate) fn new(
        chat: &Chat,
        sockets: &Sockets,
        entrance: Entrance,
        held: Held,
        pending: Option<Place>,
    ) -> Self {
        let line = Arc::new(Line::new(chat.limits(), sockets.sweeper()));
        let transport: Arc<dyn Transport> = Arc::<Line>::clone(&line);
        let session = Session::new(chat, transport, entrance);
        Self { chat: chat.clone(), line, session, _held: held, pending }
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

    /// Reads, and writes what its sweeper leaves, until the connection ends.
    async fn speak(self, upgraded: Upgraded) {
        let Self { chat, line, session, _held, pending } = self;
        let limits = chat.limits();
        let (incoming, outgoing, begun) = halves(upgraded);
        let config = Some(config::config(limits));
        let stream = WebSocketStream::from_partially_read(incoming, begun, Role::Server, config).await;
        line.open(Outgoing::new(outgoing));
        let _end = End(&line);
        let mut reader = Reader::new(stream, session, Arc::clone(&line), pending);
        let (written, read) = {
            let mut reading = pin!(AssertUnwindSafe(reader.run()).catch_unwind().fuse());
            let mut writing = pin!(Writer::new(Arc::clone(&line), limits).run());
            let mut read = None;
            let written = loop {
                tokio::select! {
                    biased;
                    written = &mut writing => break written,
                    ended = &mut reading, if read.is_none() => read = Some(ended),
                }
            };
            if read.is_none() {
                // What the client has asked for and is being done is finished; nothing more is begun.
                read = tokio::time::timeout(limits.write_timeout, reading).await.ok();
            }
            (written, read)
        };
        if let (Written::All, Some(Ok(())), Some(outgoing)) = (written, read, line.take_outgoing()) {
            // Boxed, so that only a connection that ends has room for its end.
            let _ = tokio::time::timeout(LINGER, Box::pin(hang_up(reader.into_stream(), outgoing))).await;
        }
    }
}

/// The two halves of a connection, and what has been read from it already.
fn halves(upgraded: Upgraded) -> (Incoming, Half, Vec<u8>) {
    type Io = TokioIo<TcpStream>;
    let tcp = |io: Io, begun: &[u8]| {
        let (read, write) = io.into_inner().into_split();
        // Copied, so that hyper's buffer goes.
        (Incoming::Tcp(read), Half::Tcp(write), begun.to_vec())
    };
    // Of the server in `hyper-util`, or of hyper's own.
    match auto::upgrade::downcast::<Io>(upgraded) {
        Ok(parts) => tcp(parts.io, &parts.read_buf),
        Err(upgraded) => match upgraded.downcast::<Io>() {
            Ok(parts) => tcp(parts.io, &parts.read_buf),
            Err(upgraded) => {
                let (read, write) = tokio::io::split(TokioIo::new(upgraded));
                (Incoming::Any(read), Half::Any(write), Vec::new())
            }
        },
    }
}

/// Ends a connection with its task, however that ends.
struct End<'a>(&'a Line);

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.0.close(Close::Normal);
        drop(self.0.take_outgoing());
    }
}

/// Waits for the peer's own close frame, then for its end of the connection. Without that a peer that is still sending when
/// it is told to go would get a reset, and might never read why (RFC 6455, 7.1.1).
async fn hang_up(mut stream: WebSocketStream<Incoming>, mut outgoing: Outgoing<Half>) {
    while let Some(Ok(_)) = stream.next().await {}
    let mut io = stream.into_inner();
    let mut unread = [0; 4096];
    if outgoing.shutdown().await.is_ok() {
        while matches!(io.read(&mut unread).await, Ok(read) if read > 0) {}
    }
}
