//! A WebSocket to a host, as a program holds it: frame by frame, and without manners where a test wants none.

use std::net::SocketAddr;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;

use crate::patience::PATIENCE;

pub use tokio_tungstenite::tungstenite::Message;

/// A WebSocket to a host.
#[derive(Debug)]
pub struct Line {
    stream: WebSocketStream<TcpStream>,
}

/// What has come over a line.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "nothing else can come")]
pub enum Heard {
    /// A frame's text.
    Frame(String),
    /// The end, with the code of the close frame if there was one.
    End(Option<u16>),
}

impl Line {
    /// A line on which nobody has said who is there.
    pub async fn open(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.expect("somebody listens");
        Self::over(stream, "/v1/socket").await
    }

    /// A line over this connection, to where the service has its socket.
    pub async fn over(stream: TcpStream, path: &str) -> Self {
        let mut request = format!("ws://localhost{path}").into_client_request().expect("a request");
        request.headers_mut().insert("sec-websocket-protocol", "convor.v1".parse().expect("a value"));
        let upgraded = timeout(PATIENCE, tokio_tungstenite::client_async(request, stream)).await;
        let (stream, _) = upgraded.expect("an answer in time").expect("an upgrade");
        Self { stream }
    }

    /// A line on which somebody has been welcomed; what follows the welcome has not been read.
    pub async fn hello(address: SocketAddr, token: &str) -> Self {
        Self::resume(address, token, json!([])).await
    }

    /// A line on which somebody has been welcomed who holds something.
    pub async fn resume(address: SocketAddr, token: &str, held: Value) -> Self {
        let mut line = Self::open(address).await;
        line.say(json!({"type": "hello", "token": token, "resume": held})).await;
        let first = line.frame().await;
        assert_eq!(first["type"], "welcome", "{first}");
        line
    }

    /// Sends a frame.
    pub async fn say(&mut self, frame: Value) {
        self.send(Message::text(frame.to_string())).await;
    }

    /// Sends a frame, whatever is in it. A line that has ended does not mind.
    pub async fn send(&mut self, message: Message) {
        let _ = timeout(PATIENCE, self.stream.send(message)).await.expect("it is taken in time");
    }

    /// What comes next.
    pub async fn next(&mut self) -> Heard {
        loop {
            match timeout(PATIENCE, self.stream.next()).await.expect("something comes in time") {
                Some(Ok(Message::Text(text))) => return Heard::Frame(text.to_string()),
                Some(Ok(Message::Close(frame))) => return Heard::End(frame.map(|frame| frame.code.into())),
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return Heard::End(None),
            }
        }
    }

    /// The next frame.
    pub async fn frame(&mut self) -> Value {
        match self.next().await {
            Heard::Frame(text) => serde_json::from_str(&text).expect("JSON"),
            Heard::End(code) => panic!("the line has ended with {code:?}"),
        }
    }

    /// The next frame of this type.
    pub async fn until(&mut self, kind: &str) -> Value {
        let found = timeout(PATIENCE, async {
            loop {
                let frame = self.frame().await;
                if frame["type"] == kind {
                    return frame;
                }
            }
        });
        found.await.unwrap_or_else(|_| panic!("a frame of type {kind} comes in time"))
    }

    /// The texts of all frames up to the answer to one that is sent now; the frames of a socket are handled in their
    /// order.
    pub async fn settle(&mut self) -> Vec<String> {
        self.say(json!({"type": "no such type", "ref": "settle"})).await;
        let mut seen = Vec::new();
        let settled = timeout(PATIENCE, async {
            loop {
                match self.next().await {
                    Heard::Frame(text) if text.contains(r#""ref":"settle""#) => return,
                    Heard::Frame(text) => seen.push(text),
                    Heard::End(code) => panic!("the line has ended with {code:?} after {seen:?}"),
                }
            }
        });
        settled.await.expect("an answer in time");
        seen
    }

    /// The code with which the other side ends.
    pub async fn end(&mut self) -> Option<u16> {
        let ended = timeout(PATIENCE, async {
            loop {
                if let Heard::End(code) = self.next().await {
                    return code;
                }
            }
        });
        ended.await.expect("it ends in time")
    }
}
