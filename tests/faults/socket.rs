//! A socket to a server that may be in trouble.

use std::net::SocketAddr;
use std::time::Duration;

use convor_tests::patience::PATIENCE;
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;

use crate::retry::Retry;

#[derive(Debug)]
pub(crate) struct Socket(WebSocketStream<TcpStream>);

impl Socket {
    /// A socket on which its owner has been welcomed, who holds what `resume` says.
    pub(crate) async fn open(address: SocketAddr, token: &str, resume: Value) -> Result<Self, Retry> {
        let stream = TcpStream::connect(address).await.expect("the server listens");
        let mut request = "ws://localhost/chat/v1/socket".into_client_request().expect("a request");
        request.headers_mut().insert("sec-websocket-protocol", "convor.v1".parse().expect("a value"));
        let upgraded = timeout(PATIENCE, tokio_tungstenite::client_async(request, stream)).await;
        let (stream, _) = upgraded.expect("an answer in time").expect("an upgrade");
        let mut socket = Self(stream);
        socket.say(&json!({"type": "hello", "token": token, "resume": resume})).await;
        let first = socket.next().await?;
        match first["type"].as_str() {
            Some("welcome") => Ok(socket),
            Some("error") => Err(problem(&first)),
            _ => panic!("a server begins with {first}"),
        }
    }

    /// Sends a frame. Where it ends shows in what comes next.
    pub(crate) async fn say(&mut self, frame: &Value) {
        let _ = timeout(PATIENCE, self.0.send(Message::text(frame.to_string()))).await.expect("in time");
    }

    /// The next frame, or the end.
    pub(crate) async fn next(&mut self) -> Result<Value, Retry> {
        loop {
            match timeout(PATIENCE, self.0.next()).await.expect("something comes in time") {
                Some(Ok(Message::Text(text))) => return Ok(serde_json::from_str(&text).expect("JSON")),
                Some(Ok(Message::Close(frame))) => {
                    return Err(Retry::close(frame.map(|frame| frame.code.into())));
                }
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return Err(Retry::close(None)),
            }
        }
    }
}

/// When to try again what this frame refuses.
pub(crate) fn problem(frame: &Value) -> Retry {
    let pause = frame["retry_after_ms"].as_u64().map(Duration::from_millis);
    Retry::problem(frame["code"].as_str().expect("a code"), pause)
}
