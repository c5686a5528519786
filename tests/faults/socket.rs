//! A socket to a server that may be in trouble.

use std::time::Duration;

use convor_tests::patience::PATIENCE;
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{Error, Message};

use crate::retry::Retry;
use crate::way::Way;

#[derive(Debug)]
pub(crate) struct Socket {
    stream: WebSocketStream<TcpStream>,
    way: Way,
    /// When its owner is to come back after its end.
    pause: Option<Duration>,
}

impl Socket {
    /// A socket on which its owner has been welcomed, who holds what `resume` says.
    pub(crate) async fn open(way: &Way, token: &str, resume: Value) -> Result<Self, Retry> {
        let upgraded = timeout(way.patience(), upgrade(way)).await;
        let stream = upgraded.map_err(|_| way.silence("an upgrade"))??;
        let mut socket = Self { stream, way: way.clone(), pause: None };
        socket.say(&json!({"type": "hello", "token": token, "resume": resume})).await;
        let first = socket.next().await?;
        match first["type"].as_str() {
            Some("welcome") => Ok(socket),
            Some("error") => Err(problem(&first)),
            // It may end before it has begun.
            Some("closing") => Err(socket.next().await.expect_err("the end")),
            _ => panic!("a server begins with {first}"),
        }
    }

    /// Sends a frame. Where it ends shows in what comes next.
    pub(crate) async fn say(&mut self, frame: &Value) {
        let said = timeout(PATIENCE, self.stream.send(Message::text(frame.to_string())));
        let _ = said.await.expect("in time");
    }

    /// The next frame, or the end.
    pub(crate) async fn next(&mut self) -> Result<Value, Retry> {
        loop {
            let next = timeout(self.way.patience(), self.stream.next()).await;
            match next.map_err(|_| self.way.silence("a frame"))? {
                Some(Ok(Message::Text(text))) => {
                    let frame: Value = serde_json::from_str(&text).expect("JSON");
                    if frame["type"] == "closing" {
                        self.pause = frame["reconnect_after_ms"].as_u64().map(Duration::from_millis);
                    }
                    return Ok(frame);
                }
                Some(Ok(Message::Close(Some(frame)))) => {
                    self.way.elsewhere();
                    return Err(Retry::close(frame.code.into(), self.pause));
                }
                Some(Ok(Message::Close(None)) | Err(_)) | None => return Err(self.way.broken("a socket")),
                Some(Ok(_)) => {}
            }
        }
    }
}

async fn upgrade(way: &Way) -> Result<WebSocketStream<TcpStream>, Retry> {
    let stream = TcpStream::connect(way.address()).await;
    let stream = stream.map_err(|error| way.nobody(&format!("connecting: {error}")))?;
    stream.set_nodelay(true).expect("a socket");
    let mut request = "ws://localhost/chat/v1/socket".into_client_request().expect("a request");
    request.headers_mut().insert("sec-websocket-protocol", "convor.v1".parse().expect("a value"));
    match tokio_tungstenite::client_async(request, stream).await {
        Ok((stream, _)) => Ok(stream),
        Err(Error::Http(refusal)) => {
            let (status, body) = (refusal.status(), refusal.into_body().unwrap_or_default());
            let problem: Value = serde_json::from_slice(&body).unwrap_or_default();
            let code =
                problem["code"].as_str().unwrap_or_else(|| panic!("an upgrade is refused with {status}"));
            way.elsewhere();
            Err(Retry::problem(code, None))
        }
        Err(error) => Err(way.nobody(&format!("an upgrade: {error}"))),
    }
}

/// When to try again what this frame refuses.
pub(crate) fn problem(frame: &Value) -> Retry {
    let pause = frame["retry_after_ms"].as_u64().map(Duration::from_millis);
    Retry::problem(frame["code"].as_str().expect("a code"), pause)
}
