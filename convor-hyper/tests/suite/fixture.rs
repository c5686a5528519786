//! Two tenants behind a service, and a client that calls it without a socket.

use std::collections::HashSet;
use std::sync::Arc;

use bytes::Bytes;
use convor::credentials::SiteKey;
use convor::domain::{Operator, Origin, Role, Site};
use convor::ids::{OperatorId, TenantId};
use convor::ports::{Entropy, SystemEntropy};
use convor::service::{NewOperator, NewSite};
use convor::{Chat, Limits, Rate};
use convor_hyper::{Body, ChatService};
use convor_memory::MemoryStorage;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use serde_json::{Value, json};
use tower_service::Service;

/// The only origin of each tenant's site.
pub(crate) const SITE: &str = "https://www.example.org";

/// The dashboard's origin.
pub(crate) const DESK: &str = "https://desk.example.org";

pub(crate) const PASSWORD: &str = "a long and good one";

/// Two tenants behind a service.
#[derive(Debug, Clone)]
pub(crate) struct World {
    pub(crate) chat: Chat,
    pub(crate) service: ChatService,
    pub(crate) acme: Tenant,
    pub(crate) other: Tenant,
    /// Who has the password.
    pub(crate) given: Arc<tokio::sync::Mutex<HashSet<OperatorId>>>,
}

/// A tenant with a site and an operator.
#[derive(Debug, Clone)]
pub(crate) struct Tenant {
    pub(crate) id: TenantId,
    pub(crate) site: Site,
    pub(crate) anna: Operator,
    pub(crate) ben: Operator,
}

impl Tenant {
    async fn new(chat: &Chat, name: &str) -> Self {
        let id = chat.create_tenant(name, "eu").await.expect("a tenant");
        let new =
            NewSite { name, title: "Talk to us", greeting: "Hello!", color: "#0b6e4f", origins: &[SITE] };
        let site = chat.create_site(id, new).await.expect("a site");
        let operator = |name, email, role| chat.create_operator(id, NewOperator { name, email, role });
        let anna = operator("Anna", "anna@example.org", Role::Owner).await.expect("an operator");
        let ben = operator("Ben", "ben@example.org", Role::Operator).await.expect("an operator");
        Self { id, site, anna, ben }
    }

    pub(crate) fn site_key(&self) -> String {
        SiteKey::new(self.id, self.site.id).to_string()
    }

    pub(crate) fn key(&self) -> String {
        convor::credentials::TenantKey::new(self.id).to_string()
    }
}

/// Limits that no test meets by accident.
pub(crate) fn roomy() -> Limits {
    let mut limits = Limits::default();
    limits.messages = Rate::per_minute(100_000, 100_000);
    limits.requests = Rate::per_minute(100_000, 100_000);
    limits
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::with(roomy()).await
    }

    pub(crate) async fn with(limits: Limits) -> Self {
        Self::of(Chat::builder(Arc::new(MemoryStorage::new())).limits(limits).start()).await
    }

    pub(crate) async fn of(chat: Chat) -> Self {
        let desk = Origin::parse(DESK).expect("an origin");
        let service = ChatService::builder(chat.clone()).dashboard_origins([desk]).build();
        let (acme, other) = (Tenant::new(&chat, "Acme").await, Tenant::new(&chat, "Other").await);
        Self { chat, service, acme, other, given: Arc::default() }
    }

    /// A new visitor's token.
    pub(crate) async fn visitor(&self, tenant: &Tenant) -> String {
        let key = SiteKey::new(tenant.id, tenant.site.id);
        let (_, token) = self.chat.register_visitor(&key, None).await.expect("a visitor");
        token.reveal().to_owned()
    }

    /// Anna's token, after she has signed in.
    pub(crate) async fn anna(&self, tenant: &Tenant) -> String {
        self.sign_in(tenant, &tenant.anna).await
    }

    /// Ben's token, after he has signed in.
    pub(crate) async fn ben(&self, tenant: &Tenant) -> String {
        self.sign_in(tenant, &tenant.ben).await
    }

    /// Gives an operator the password, once: another time would end its sessions.
    pub(crate) async fn give_password(&self, tenant: &Tenant, operator: &Operator) {
        let mut given = self.given.lock().await;
        if given.insert(operator.id) {
            self.chat.set_password(tenant.id, operator.id, PASSWORD).await.expect("a password");
        }
    }

    async fn sign_in(&self, tenant: &Tenant, operator: &Operator) -> String {
        self.give_password(tenant, operator).await;
        let email = operator.email.as_str();
        let signed_in = self.chat.sign_in(&tenant.key(), email, PASSWORD, None).await.expect("a session");
        signed_in.token.reveal().to_owned()
    }

    /// A conversation of this visitor in which so many messages stand.
    pub(crate) async fn conversation(&self, visitor: &str, messages: usize) -> String {
        let opened =
            self.post("/v1/conversations").bearer(visitor).json(&json!({"client_id": new_id()})).await;
        let id = opened.json()["conversation"]["id"].as_str().expect("an id").to_owned();
        for number in 1..=messages {
            let said = json!({"client_id": new_id(), "text": format!("number {number}")});
            let answer =
                self.post(&format!("/v1/conversations/{id}/messages")).bearer(visitor).json(&said).await;
            assert_eq!(answer.status, StatusCode::CREATED);
        }
        id
    }

    pub(crate) fn get(&self, path: &str) -> Asking {
        self.ask(Method::GET, path)
    }

    pub(crate) fn post(&self, path: &str) -> Asking {
        self.ask(Method::POST, path)
    }

    pub(crate) fn patch(&self, path: &str) -> Asking {
        self.ask(Method::PATCH, path)
    }

    pub(crate) fn ask(&self, method: Method, path: &str) -> Asking {
        let mut request = Request::new(());
        *request.method_mut() = method;
        *request.uri_mut() = path.parse().expect("a path");
        Asking { service: self.service.clone(), request }
    }
}

/// A request that is being put together.
pub(crate) struct Asking {
    service: ChatService,
    pub(crate) request: Request<()>,
}

impl Asking {
    pub(crate) fn header(mut self, name: &'static str, value: &str) -> Self {
        let value = HeaderValue::try_from(value).expect("a value");
        self.request.headers_mut().append(HeaderName::from_static(name), value);
        self
    }

    pub(crate) fn bearer(self, token: &str) -> Self {
        self.header("authorization", &format!("Bearer {token}"))
    }

    pub(crate) fn cookie(self, token: &str) -> Self {
        self.header("cookie", &format!("__Host-convor_session={token}"))
    }

    pub(crate) fn origin(self, origin: &str) -> Self {
        self.header("origin", origin)
    }

    pub(crate) fn from(mut self, address: &str) -> Self {
        let peer = convor_hyper::Peer(address.parse().expect("an address"));
        self.request.extensions_mut().insert(peer);
        self
    }

    pub(crate) async fn send(self) -> Answer {
        self.body(Full::<Bytes>::default()).await
    }

    pub(crate) async fn json(self, value: &Value) -> Answer {
        self.text(&value.to_string()).await
    }

    pub(crate) async fn text(self, text: &str) -> Answer {
        let body = Full::new(Bytes::copy_from_slice(text.as_bytes()));
        self.header("content-type", "application/json").body(body).await
    }

    pub(crate) async fn body<B>(mut self, body: B) -> Answer
    where
        B: http_body::Body + Send + 'static,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let Ok(response) = self.service.call(self.request.map(|()| body)).await;
        Answer::of(response).await
    }
}

/// An answer, read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    async fn of(response: Response<Body>) -> Self {
        let (parts, body) = response.into_parts();
        let Ok(body) = body.collect().await;
        Self { status: parts.status, headers: parts.headers, body: body.to_bytes() }
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("JSON")
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().expect("text"))
    }

    /// The status, and the code of the problem if it is one.
    pub(crate) fn problem(&self) -> (u16, String) {
        let code = self.json()["code"].as_str().unwrap_or_default().to_owned();
        assert_eq!(self.header("content-type"), Some("application/problem+json"), "{self:?}");
        assert_eq!(self.json()["status"], self.status.as_u16());
        (self.status.as_u16(), code)
    }

    pub(crate) fn expect(self, status: u16) -> Self {
        assert_eq!(self.status.as_u16(), status, "{}", String::from_utf8_lossy(&self.body));
        self
    }

    pub(crate) fn refused(&self, status: u16, code: &str) {
        assert_eq!(self.problem(), (status, code.to_owned()), "{}", String::from_utf8_lossy(&self.body));
    }
}

/// An id that nothing has.
pub(crate) fn new_id() -> String {
    uuid::Builder::from_random_bytes(SystemEntropy::default().bytes_16()).into_uuid().to_string()
}
