//! From the client to the session.

use std::pin::pin;
use std::sync::Arc;

use convor::ports::{Close, Transport};
use convor::session::Session;
use futures_util::StreamExt;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::{Error, Message};

use super::{Incoming, Line};
use crate::peer::Place;

/// Feeds a session with the client's frames, one after the other.
#[derive(Debug)]
pub(super) struct Reader {
    stream: WebSocketStream<Incoming>,
    /// Until nothing is read any more: then the principal has left, whatever is still to be written.
    session: Option<Session>,
    line: Arc<Line>,
    place: Option<Place>,
}

impl Reader {
    pub(super) fn new(
        stream: WebSocketStream<Incoming>,
        session: Session,
        line: Arc<Line>,
        place: Option<Place>,
    ) -> Self {
        Self { stream, session: Some(session), line, place }
    }

    /// What is left to be read.
    pub(super) fn into_stream(self) -> WebSocketStream<Incoming> {
        self.stream
    }

    /// Reads until the client has gone or is to go.
    pub(super) async fn run(&mut self) {
        let line = Arc::clone(&self.line);
        let _end = End(&line);
        let mut closed = pin!(line.outlet.closed());
        loop {
            let message = tokio::select! {
                biased;
                _ = &mut closed => break,
                message = self.stream.next() => message,
            };
            match message {
                Some(Ok(Message::Text(text))) => self.receive(&text).await,
                Some(Ok(Message::Ping(payload))) => line.pinged(payload),
                Some(Ok(Message::Pong(_))) => line.heard(),
                Some(Ok(Message::Binary(_))) => {
                    line.answer_with(CloseCode::Unsupported);
                    break;
                }
                Some(Err(error)) => {
                    if let Some(code) = violation(&error) {
                        line.answer_with(code);
                    }
                    break;
                }
                Some(Ok(Message::Close(goodbye))) => {
                    // It is answered in kind, and at once: what else waits is for nobody.
                    line.answer_with(goodbye.map_or(CloseCode::Status, |goodbye| goodbye.code));
                    line.withdraw(Close::Normal);
                    break;
                }
                Some(Ok(Message::Frame(_))) | None => break,
            }
            // What is answered from memory never waits, and others have a turn, too.
            tokio::task::consume_budget().await;
        }
        self.session = None;
    }

    async fn receive(&mut self, text: &str) {
        self.line.busy(true);
        // Whatever the first frame is, a silent connection it is not: if it is no `hello`, the session closes it.
        self.line.pulse.welcomed();
        self.place = None;
        if let Some(session) = &mut self.session {
            // What a frame sets in motion is large, and most connections are idle most of the time.
            Box::pin(session.receive(text)).await;
        }
        self.line.busy(false);
    }
}

/// Ends the connection with its reader, also where that panics.
struct End<'a>(&'a Line);

impl Drop for End<'_> {
    fn drop(&mut self) {
        let reason = if std::thread::panicking() { Close::PositionLost } else { Close::Normal };
        self.0.close(reason);
    }
}

/// What of RFC 6455, 7.4.1, an error is; `None` if the connection is gone.
const fn violation(error: &Error) -> Option<CloseCode> {
    match error {
        Error::Capacity(_) => Some(CloseCode::Size),
        Error::Utf8(_) => Some(CloseCode::Invalid),
        Error::Protocol(_) | Error::AttackAttempt => Some(CloseCode::Protocol),
        _ => None,
    }
}
