//! A chat behind its HTTP service, in this process: asked without a socket, or listening on one.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use bytes::Bytes;
use convor::credentials::{SiteKey, TenantKey};
use convor::domain::Origin;
use convor::{Chat, Limits, Rate};
use convor_hyper::{ChatService, Peer};
use http::{Method, Request};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tower_service::Service;

use crate::fixture::{PASSWORD, Tenant};

/// The origin of the dashboard's pages.
pub const DASHBOARD: &str = "https://desk.example.org";

/// Headers that differ between two answers to the same question.
const VOLATILE: [&str; 5] =
    ["date", "x-request-id", "ratelimit-limit", "ratelimit-remaining", "ratelimit-reset"];

/// A chat behind its HTTP service.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Host {
    /// The chat.
    pub chat: Chat,
    service: ChatService,
}

/// A question.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Ask {
    /// The method.
    pub method: Method,
    /// Path and query.
    pub target: String,
    /// Names and values.
    pub headers: Vec<(&'static str, String)>,
    /// The body.
    pub body: Bytes,
}

/// An answer, without the headers that differ each time.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The headers in the order of their names.
    pub headers: BTreeMap<String, Vec<u8>>,
    /// The body.
    pub body: Bytes,
}

/// A host that listens until this is dropped.
#[derive(Debug)]
pub struct Listening {
    /// Where.
    pub address: SocketAddr,
    /// The connections end with it.
    _accepting: JoinSet<()>,
}

impl Host {
    /// A service for this chat.
    #[must_use]
    pub fn new(chat: Chat) -> Self {
        let dashboard = Origin::parse(DASHBOARD).expect("an origin");
        let service = ChatService::builder(chat.clone()).dashboard_origins([dashboard]).build();
        Self { chat, service }
    }

    /// Asks without a socket.
    pub async fn ask(&self, ask: Ask) -> Answer {
        let mut request = Request::builder().method(ask.method).uri(ask.target);
        for (name, value) in ask.headers {
            request = request.header(name, value);
        }
        let request = request.body(Full::new(ask.body)).expect("a request");
        let response = self.service.clone().call(request).await.expect("an answer");
        let (parts, body) = response.into_parts();
        let headers = parts.headers.iter();
        let headers = headers.map(|(name, value)| (name.as_str().to_owned(), value.as_bytes().to_vec()));
        Answer {
            status: parts.status.as_u16(),
            headers: headers.filter(|(name, _)| !VOLATILE.contains(&name.as_str())).collect(),
            body: body.collect().await.expect("a body").to_bytes(),
        }
    }

    /// Makes a visitor, and gives its id and its token.
    pub async fn register(&self, site: SiteKey) -> (String, String) {
        let made = self.ask(Ask::post("/v1/visitors", &json!({"site": site.to_string()}))).await.json();
        (text(&made["visitor"]["id"]), text(&made["token"]))
    }

    /// Signs an operator in, and gives the token.
    pub async fn sign_in(&self, tenant: &Tenant, email: &str) -> String {
        let key = TenantKey::new(tenant.id).to_string();
        let body = json!({"tenant": key, "email": email, "password": PASSWORD});
        text(&self.ask(Ask::post("/v1/sessions", &body)).await.json()["token"])
    }

    /// Listens on a free port.
    pub async fn listen(&self) -> Listening {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let mut accepting = JoinSet::new();
        accepting.spawn(accept(listener, self.service.clone()));
        Listening { address, _accepting: accepting }
    }
}

/// Limits that nobody reaches by asking often.
#[must_use]
pub fn generous() -> Limits {
    let often = Rate::per_minute(1_000_000, 1_000_000);
    let mut limits = Limits::default();
    (limits.requests, limits.requests_per_tenant) = (often, often);
    (limits.messages, limits.messages_per_tenant) = (often, often);
    (limits.registrations, limits.connections) = (often, often);
    (limits.sign_ins, limits.sign_ins_per_account, limits.sign_ins_per_address) = (often, often, often);
    limits.connections_per_principal_max = 1_000;
    limits.visitor_conversations_max = 10_000;
    limits
}

fn text(value: &Value) -> String {
    value.as_str().expect("a text").to_owned()
}

async fn accept(listener: TcpListener, service: ChatService) {
    let mut builder = Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new());
    builder.http2().timer(TokioTimer::new()).enable_connect_protocol();
    let mut connections = JoinSet::new();
    while let Ok((stream, peer)) = listener.accept().await {
        let (builder, service) = (builder.clone(), service.clone());
        connections.spawn(async move {
            let requests = hyper::service::service_fn(move |mut request: Request<Incoming>| {
                request.extensions_mut().insert(Peer(peer.ip()));
                service.clone().call(request)
            });
            // How a connection ends is for the tests to see at its other end.
            let _ = builder.serve_connection_with_upgrades(TokioIo::new(stream), requests).await;
        });
    }
}

impl Ask {
    /// A question without a body.
    #[must_use]
    pub fn new(method: Method, target: impl Into<String>) -> Self {
        Self { method, target: target.into(), headers: Vec::new(), body: Bytes::new() }
    }

    /// A `GET`.
    #[must_use]
    pub fn get(target: impl Into<String>) -> Self {
        Self::new(Method::GET, target)
    }

    /// A `POST` of this object.
    #[must_use]
    pub fn post(target: impl Into<String>, body: &Value) -> Self {
        Self::new(Method::POST, target).json(body)
    }

    /// The same question by this method.
    #[must_use]
    pub fn method(self, method: Method) -> Self {
        Self { method, ..self }
    }

    /// The same question with this header.
    #[must_use]
    pub fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// The same question by the one with this token; `None` is nobody.
    #[must_use]
    pub fn by(self, token: Option<&str>) -> Self {
        match token {
            Some(token) => self.header("authorization", format!("Bearer {token}")),
            None => self,
        }
    }

    /// The same question with this object.
    #[must_use]
    pub fn json(self, body: &Value) -> Self {
        self.text(body.to_string())
    }

    /// The same question with this as what should be JSON.
    #[must_use]
    pub fn text(mut self, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self.header("content-type", "application/json")
    }
}

impl Answer {
    /// The body, as JSON.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("JSON")
    }

    /// The stable code of a refusal, or nothing.
    #[must_use]
    pub fn code(&self) -> String {
        let problem: Value = serde_json::from_slice(&self.body).unwrap_or_default();
        problem["code"].as_str().unwrap_or_default().to_owned()
    }

    /// A header's value.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<String> {
        let value = self.headers.get(name)?;
        Some(String::from_utf8_lossy(value).into_owned())
    }
}
