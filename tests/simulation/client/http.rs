//! What a client asks over HTTP.

use bytes::Bytes;
use http::{Method, Request};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::time::timeout;

use super::Client;
use super::socket::PATIENCE;

/// What is asked.
#[derive(Debug)]
pub(super) struct Ask {
    method: Method,
    path: String,
    body: Option<Value>,
    if_match: Option<String>,
}

/// An answer.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) etag: Option<String>,
    pub(super) body: Value,
}

/// Why there is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Refusal {
    /// It is worth asking again.
    Passing,
    /// It is not.
    Lasting(String),
}

impl Ask {
    pub(super) fn get(path: impl Into<String>) -> Self {
        Self { method: Method::GET, path: path.into(), body: None, if_match: None }
    }

    pub(super) fn post(path: impl Into<String>, body: Value) -> Self {
        Self { method: Method::POST, path: path.into(), body: Some(body), if_match: None }
    }

    pub(super) fn patch(path: impl Into<String>, body: Value, if_match: String) -> Self {
        let (method, if_match) = (Method::PATCH, Some(if_match));
        Self { method, path: path.into(), body: Some(body), if_match }
    }
}

impl Client {
    /// Asks a node, mostly the one to which the socket leads.
    pub(super) async fn ask(&mut self, ask: Ask) -> Result<Answer, Refusal> {
        let node = if self.dice.chance(250) { self.dice.index(self.world.nodes) } else { self.node };
        match timeout(PATIENCE, self.exchange(node, ask)).await {
            Ok(Some(answer)) => answer,
            _ => Err(Refusal::Passing),
        }
    }

    /// Like [`ask`](Self::ask) for what is never refused for good.
    pub(super) async fn ask_rightly(&mut self, ask: Ask) -> Option<Answer> {
        let asked = format!("{} {}", ask.method, ask.path);
        match self.ask(ask).await {
            Ok(answer) => Some(answer),
            Err(Refusal::Passing) => None,
            Err(Refusal::Lasting(code)) => {
                let what = format!("{}: {asked} is answered with {code}", self.person.name);
                self.world.watcher.violated("what is right is not refused for good", None, what);
                None
            }
        }
    }

    async fn exchange(&mut self, node: usize, ask: Ask) -> Option<Result<Answer, Refusal>> {
        let end = self.world.network.connect(self.number, node, &mut self.dice).await.ok()?;
        let (mut requests, connection) = http1::handshake(TokioIo::new(end)).await.ok()?;
        let _connection = Task(tokio::spawn(async move { drop(connection.await) }));
        let mut request = Request::builder()
            .method(ask.method)
            .uri(ask.path)
            .header("host", "node")
            .header("authorization", format!("Bearer {}", self.person.token));
        if ask.body.is_some() {
            request = request.header("content-type", "application/json");
        }
        if let Some(tag) = ask.if_match {
            request = request.header("if-match", tag);
        }
        let body = ask.body.map(|body| Bytes::from(body.to_string())).unwrap_or_default();
        let answer = requests.send_request(request.body(Full::new(body)).expect("a request")).await.ok()?;
        let (head, body) = answer.into_parts();
        let body = body.collect().await.ok()?.to_bytes();
        let text = String::from_utf8_lossy(&body);
        self.world.watcher.overheard(self.person.reader, &text, None);
        let body: Value = serde_json::from_str(&text).unwrap_or_default();
        let etag = head.headers.get("etag").and_then(|tag| tag.to_str().ok()).map(str::to_owned);
        Some(match head.status.as_u16() {
            200..=299 => Ok(Answer { etag, body }),
            408 | 429 | 503 => Err(Refusal::Passing),
            status => Err(Refusal::Lasting(body["code"].as_str().map_or(status.to_string(), str::to_owned))),
        })
    }
}

/// A task that ends with its owner.
struct Task(tokio::task::JoinHandle<()>);

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}
