//! What can be asked for: the table of routes, and the handlers, one resource a file.

mod conversations;
mod documents;
mod events;
mod health;
mod messages;
mod operators;
mod search;
#[cfg(feature = "accounts")]
mod sessions;
mod site;
mod socket;
mod table;
mod visitors;

use std::fmt;
use std::pin::Pin;

use http::Method;

use crate::call::Call;
use crate::problem::Refusal;
use crate::reply::Reply;

pub(crate) use table::{Found, Table};

/// What can be asked for, and by whom: the one place where that stands.
static ROUTES: &[Route] = &[
    Route::new(Method::GET, "/v1/site", Access::Public, &[], |call| Box::pin(site::show(call))),
    Route::new(Method::POST, "/v1/visitors", Access::Public, &[], |call| Box::pin(visitors::register(call))),
    Route::new(Method::GET, "/v1/visitor", Access::Visitor, &[], |call| Box::pin(visitors::show(call))),
    Route::new(Method::PATCH, "/v1/visitor", Access::Visitor, &[], |call| Box::pin(visitors::update(call))),
    #[cfg(feature = "accounts")]
    Route::new(Method::POST, "/v1/sessions", Access::Public, &[], |call| Box::pin(sessions::create(call))),
    #[cfg(feature = "accounts")]
    Route::new(Method::GET, "/v1/sessions/current", Access::Operator, &[], |call| {
        Box::pin(sessions::show(call))
    }),
    #[cfg(feature = "accounts")]
    Route::new(Method::DELETE, "/v1/sessions/current", Access::Operator, &[], |call| {
        Box::pin(sessions::end(call))
    }),
    Route::new(Method::GET, "/v1/operators", Access::Operator, PAGED, |call| Box::pin(operators::list(call))),
    Route::new(Method::POST, "/v1/conversations", Access::Visitor, &[], |call| {
        Box::pin(conversations::open(call))
    }),
    Route::new(Method::GET, "/v1/conversations", Access::Member, conversations::FILTERS, |call| {
        Box::pin(conversations::list(call))
    }),
    Route::new(Method::GET, "/v1/conversations/{id}", Access::Member, &[], |call| {
        Box::pin(conversations::show(call))
    }),
    Route::new(Method::PATCH, "/v1/conversations/{id}", Access::Operator, &[], |call| {
        Box::pin(conversations::change(call))
    }),
    Route::new(Method::GET, "/v1/conversations/{id}/events", Access::Member, events::WINDOW, |call| {
        Box::pin(events::page(call))
    }),
    Route::new(Method::POST, "/v1/conversations/{id}/messages", Access::Member, &[], |call| {
        Box::pin(messages::post(call))
    }),
    Route::new(Method::POST, "/v1/search", Access::Operator, &[], |call| Box::pin(search::find(call))),
    Route::new(Method::GET, "/v1/socket", Access::Hello, &[], |call| Box::pin(socket::upgrade(call))),
    Route::new(Method::GET, "/v1/openapi.json", Access::Public, &[], |call| {
        Box::pin(documents::openapi(call))
    }),
    Route::new(Method::GET, "/v1/asyncapi.json", Access::Public, &[], |call| {
        Box::pin(documents::asyncapi(call))
    }),
    Route::new(Method::GET, "/healthz", Access::Public, &[], |call| Box::pin(health::alive(call))),
    Route::new(Method::GET, "/readyz", Access::Public, &[], |call| Box::pin(health::ready(call))),
];

/// The keys of a list's query.
const PAGED: &[&str] = &["limit", "cursor"];

/// All routes, so that a test can go through every one of them.
///
/// ```
/// use convor_hyper::Access;
///
/// let public = convor_hyper::routes().filter(|route| route.access() == Access::Public);
/// assert!(public.map(|route| route.path()).any(|path| path == "/healthz"));
/// ```
pub fn routes() -> impl Iterator<Item = &'static Route> {
    ROUTES.iter()
}

/// Something that can be asked for.
pub struct Route {
    method: Method,
    path: &'static str,
    access: Access,
    keys: &'static [&'static str],
    handler: Handler,
}

type Handler = fn(Call) -> Pin<Box<dyn Future<Output = Result<Reply, Refusal>> + Send>>;

impl Route {
    const fn new(
        method: Method,
        path: &'static str,
        access: Access,
        keys: &'static [&'static str],
        handler: Handler,
    ) -> Self {
        Self { method, path, access, keys, handler }
    }

    /// The method; what answers `GET` answers `HEAD` too.
    #[must_use]
    pub const fn method(&self) -> &Method {
        &self.method
    }

    /// The path, with `{id}` in the place of a conversation's id.
    #[must_use]
    pub const fn path(&self) -> &'static str {
        self.path
    }

    /// Who may ask.
    #[must_use]
    pub const fn access(&self) -> Access {
        self.access
    }

    /// The keys of its query, besides those that every route takes.
    pub(crate) const fn keys(&self) -> &'static [&'static str] {
        self.keys
    }

    /// Whether it is answered however much there is to do: it costs next to nothing, and tells whether the node lives.
    pub(crate) fn is_light(&self) -> bool {
        matches!(self.path, "/healthz" | "/readyz")
    }

    /// Whether it takes a body.
    pub(crate) fn takes_body(&self) -> bool {
        matches!(self.method, Method::POST | Method::PATCH)
    }

    pub(crate) fn handle(&self, call: Call) -> Pin<Box<dyn Future<Output = Result<Reply, Refusal>> + Send>> {
        (self.handler)(call)
    }
}

impl fmt::Debug for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} ({:?})", self.method, self.path, self.access)
    }
}

/// Who may ask for something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Access {
    /// Everybody.
    Public,
    /// A visitor.
    Visitor,
    /// An operator.
    Operator,
    /// A visitor or an operator; of conversations only those of which it is a member.
    Member,
    /// Whoever says `hello` on the WebSocket: the credential comes with the first frame, or with the cookie.
    Hello,
}
