//! A WebSocket as a client holds it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use convor::ids::ConversationId;
use futures_util::{SinkExt, StreamExt};
use serde_json::Value;
use tokio::time::{Instant, timeout};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;

use crate::clock::now;
use crate::network::End;

/// How long a client waits for anything to be taken.
pub(super) const PATIENCE: Duration = Duration::from_secs(6);

/// How long after a heartbeat should have come a client gives a silent connection up.
const SILENCE: Duration = Duration::from_secs(31);

/// A WebSocket.
#[derive(Debug)]
pub(super) struct Socket {
    stream: WebSocketStream<End>,
    /// Its number, of all connections.
    pub(super) line: u64,
    pub(super) welcomed: bool,
    /// What it brings the events of.
    pub(super) tuned: BTreeSet<ConversationId>,
    /// What was asked for, from which position on.
    pub(super) asked: BTreeMap<String, (ConversationId, Option<u64>)>,
    /// Since when nothing has come.
    pub(super) heard: Instant,
}

/// What comes.
#[derive(Debug)]
pub(super) enum Next {
    Frame(String),
    /// The end, and the code with which it was said.
    End(Option<u16>),
}

impl Socket {
    /// Speaks to a node over this connection; `None` if it does not become a WebSocket.
    pub(super) async fn upgrade(end: End, line: u64) -> Option<Self> {
        let mut request = "ws://node/v1/socket".into_client_request().expect("a request");
        request.headers_mut().insert("sec-websocket-protocol", "convor.v1".parse().expect("a value"));
        let upgraded = timeout(PATIENCE, tokio_tungstenite::client_async(request, end)).await;
        let (stream, _) = upgraded.ok()?.ok()?;
        Some(Self {
            stream,
            line,
            welcomed: false,
            tuned: BTreeSet::new(),
            asked: BTreeMap::new(),
            heard: now(),
        })
    }

    /// Sends a frame; answers whether it could.
    pub(super) async fn say(&mut self, frame: &Value) -> bool {
        let sending = self.stream.send(Message::text(frame.to_string()));
        matches!(timeout(PATIENCE, sending).await, Ok(Ok(())))
    }

    /// What comes next. A call that is dropped while it waits loses nothing.
    pub(super) async fn next(&mut self) -> Next {
        loop {
            match self.stream.next().await {
                Some(Ok(Message::Text(text))) => {
                    self.heard = now();
                    return Next::Frame(text.as_str().to_owned());
                }
                Some(Ok(Message::Close(frame))) => return Next::End(frame.map(|frame| frame.code.into())),
                Some(Ok(_)) => self.heard = now(),
                Some(Err(_)) | None => return Next::End(None),
            }
        }
    }

    /// When the client gives it up if nothing comes.
    pub(super) fn patient_until(&self) -> Instant {
        self.heard + SILENCE
    }
}
