//! The service that a host mounts.

use std::convert::Infallible;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use convor::Chat;
use convor::domain::Origin;
use http::{Request, Response};

use crate::body::Body;
use crate::credential::CookieName;
use crate::gate;
use crate::intake::{self, BoxError};
use crate::peer::Places;
use crate::routes::Table;
use crate::socket::Sockets;

/// Convor over HTTP and WebSocket: a tower service that can be cloned, mounted anywhere and called without a socket. It is
/// always ready.
#[derive(Clone)]
pub struct ChatService {
    inner: Arc<Inner>,
}

/// What all clones of a service share.
pub(crate) struct Inner {
    pub(crate) chat: Chat,
    pub(crate) dashboards: Vec<Origin>,
    pub(crate) cookie: CookieName,
    pub(crate) table: Table,
    pub(crate) sockets: Arc<Sockets>,
    /// Connections of each network.
    pub(crate) open: Arc<Places>,
    /// Those of them that have not said who they are.
    pub(crate) pending: Arc<Places>,
    peers_are_missing: AtomicBool,
}

impl ChatService {
    /// A service without a dashboard: pages of sites and programs can use it, cookies cannot.
    #[must_use]
    pub fn new(chat: Chat) -> Self {
        Self::builder(chat).build()
    }

    /// A service with more than that.
    #[must_use]
    pub fn builder(chat: Chat) -> ChatServiceBuilder {
        ChatServiceBuilder { chat, dashboards: Vec::new(), cookie: None }
    }

    /// Goes away in good order: this node is not ready any more and takes no new WebSocket, the open ones are told to come
    /// back elsewhere, and what is left after [`Limits::drain_timeout`](convor::Limits::drain_timeout) is cut. Answers how
    /// many that were.
    ///
    /// A server's own graceful shutdown does not see connections that have become WebSockets; a host waits for both.
    pub async fn drain(&self) -> usize {
        let Inner { chat, sockets, .. } = &*self.inner;
        chat.drain();
        sockets.close_all(chat);
        if tokio::time::timeout(chat.limits().drain_timeout, sockets.emptied()).await.is_ok() {
            return 0;
        }
        sockets.cut_all()
    }
}

/// Puts a [`ChatService`] together.
#[derive(Debug)]
pub struct ChatServiceBuilder {
    chat: Chat,
    dashboards: Vec<Origin>,
    cookie: Option<CookieName>,
}

impl ChatServiceBuilder {
    /// The origins of the dashboard's pages, compared exactly: only these pages may use operators' credentials. A page that
    /// is served from the same origin as this service is no exception.
    #[must_use]
    pub fn dashboard_origins(mut self, origins: impl IntoIterator<Item = Origin>) -> Self {
        self.dashboards.extend(origins);
        self
    }

    /// The name of the session cookie after `__Host-`, which browsers demand of a cookie that no other host may plant.
    /// Without it: `convor_session`.
    ///
    /// # Errors
    /// [`InvalidCookieName`] unless it is 1 to 64 letters, digits, `-`, `_` and `.`.
    pub fn cookie_name(mut self, name: &str) -> Result<Self, InvalidCookieName> {
        self.cookie = Some(CookieName::new(name).ok_or(InvalidCookieName)?);
        Ok(self)
    }

    /// The service.
    #[must_use]
    pub fn build(self) -> ChatService {
        let Self { chat, dashboards, cookie } = self;
        let inner = Inner {
            chat,
            dashboards,
            cookie: cookie.unwrap_or_default(),
            table: Table::new(),
            sockets: Arc::default(),
            open: Arc::default(),
            pending: Arc::default(),
            peers_are_missing: AtomicBool::new(false),
        };
        ChatService { inner: Arc::new(inner) }
    }
}

/// The name cannot be a cookie's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct InvalidCookieName;

impl fmt::Display for InvalidCookieName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not 1 to 64 letters, digits, `-`, `_` and `.`")
    }
}

impl std::error::Error for InvalidCookieName {}

impl Inner {
    /// Says once that the host does not tell from where clients speak.
    pub(crate) fn say_that_peers_are_missing(&self) {
        if !self.peers_are_missing.swap(true, Ordering::Relaxed) {
            tracing::warn!("requests come without `convor_hyper::Peer`: limits by address are off");
        }
    }
}

impl<B> tower_service::Service<Request<B>> for ChatService
where
    B: http_body::Body + Send + 'static,
    B::Error: Into<BoxError>,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = ResponseFuture;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> ResponseFuture {
        let serving = gate::serve(Arc::clone(&self.inner), request.map(intake::boxed));
        ResponseFuture(Box::pin(serving))
    }
}

impl fmt::Debug for ChatService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChatService").field("chat", &self.inner.chat).finish_non_exhaustive()
    }
}

/// An answer that is being made.
pub struct ResponseFuture(Pin<Box<dyn Future<Output = Response<Body>> + Send>>);

impl Future for ResponseFuture {
    type Output = Result<Response<Body>, Infallible>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.0.as_mut().poll(cx).map(Ok)
    }
}

impl fmt::Debug for ResponseFuture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture").finish_non_exhaustive()
    }
}
