//! The one way of a request: what it asks for, from which page, who asks, how often, and only then what for.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use bytes::Bytes;
use convor::domain::{Audience, Principal};
use convor::{Error, Quota};
use futures_util::FutureExt;
use http::request::Parts;
use http::{HeaderValue, Method, Request, Response, StatusCode};
use tracing::Instrument;

use crate::body::Body;
use crate::call::{Call, Caller};
use crate::credential::{Credential, has_csrf_token};
use crate::finish;
use crate::intake::{self, RequestBody};
use crate::origin::Source;
use crate::problem::Refusal;
use crate::query::Query;
use crate::reply::Reply;
use crate::request_id::RequestId;
use crate::routes::{Access, Found, Route};
use crate::service::Inner;

/// What every answer tells, whatever becomes of the request.
#[derive(Debug, Default)]
pub(crate) struct Notes {
    /// The page that may read the answer.
    pub(crate) page: Option<HeaderValue>,
    /// Whether that page's cookies may come along.
    pub(crate) credentials: bool,
    /// What the principal has left.
    pub(crate) quota: Option<Left>,
}

/// What a principal has left.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Left {
    pub(crate) limit: u32,
    pub(crate) remaining: u32,
    pub(crate) reset: std::time::Duration,
}

impl From<Quota> for Left {
    fn from(quota: Quota) -> Self {
        Self { limit: quota.limit, remaining: quota.remaining, reset: quota.reset }
    }
}

/// Answers a request, whatever happens.
pub(crate) async fn serve(service: Arc<Inner>, request: Request<RequestBody>) -> Response<Body> {
    let id = RequestId::of(request.headers(), &service.chat);
    let found = service.table.find(&request);
    // The address itself stays out of the log: a client may have put anything there.
    let (method, route) = match &found {
        Ok(Found::Route(route, _)) => (route.method().as_str(), route.path()),
        Ok(Found::Options(_)) => ("OPTIONS", "-"),
        Err(_) => ("-", "-"),
    };
    let span = tracing::info_span!("request", method, route, id = %id);
    let head = request.method() == Method::HEAD;
    let mut notes = Notes::default();
    let answering = answer(&service, found, request, &mut notes);
    let answered = AssertUnwindSafe(answering).catch_unwind().instrument(span.clone()).await;
    let _entered = span.enter();
    let reply = match answered.unwrap_or(Err(Refusal::Panicked)) {
        Ok(reply) => reply,
        Err(refusal) => {
            if let Refusal::Panicked = refusal {
                tracing::error!("a handler panicked");
            }
            refusal.reply(&service.chat)
        }
    };
    tracing::debug!(status = reply.status.as_u16(), "answered");
    finish::finish(reply, id, &notes, head)
}

async fn answer(
    service: &Arc<Inner>,
    found: Result<Found, Refusal>,
    request: Request<RequestBody>,
    notes: &mut Notes,
) -> Result<Reply, Refusal> {
    let (parts, body) = request.into_parts();
    let found = found?;
    let light = matches!(&found, Found::Route(route, _) if route.is_light());
    let query = Query::parse(parts.uri.query())?;
    // Nothing is read for what is light: a site that it names is looked at no further.
    let site = query.site().filter(|site| !light || site.is_err());
    let mut source = Source::of(&service.chat, &service.dashboards, &parts.headers, site).await?;
    notes.page = source.readable().cloned();
    notes.credentials = source.is_dashboard();
    let (route, id) = match found {
        Found::Route(route, id) => (route, id),
        Found::Options(allowed) => return finish::preflight(&source, &parts.headers, allowed),
    };
    query.only(route.keys())?;
    let caller = match route.access() {
        Access::Public | Access::Hello => None,
        _ => Some(recognise(service, &parts, &mut source).await?),
    };
    if let Some(caller) = &caller {
        notes.page = source.readable().cloned();
        let admitted = service.chat.admit(&caller.principal);
        notes.quota = Some(left(service, &admitted));
        admitted?;
        permit(route, &caller.principal)?;
    }
    // However slowly a body comes, it takes no room.
    let body = if route.takes_body() {
        intake::read(&parts.headers, body, service.chat.limits()).await?
    } else {
        Bytes::new()
    };
    // What is public begins by itself, once it knows of which tenant it is.
    let begin = |caller: &Caller| service.chat.begin(caller.principal.tenant());
    let _work = caller.as_ref().map(begin).transpose()?;
    route.handle(Call { service: Arc::clone(service), parts, query, source, caller, id, body }).await
}

/// Who asks, if the page that asks may speak for whom.
async fn recognise(service: &Inner, parts: &Parts, source: &mut Source) -> Result<Caller, Refusal> {
    let credential = Credential::of(&parts.headers, &service.cookie)?.ok_or(Error::Unauthenticated)?;
    let by_cookie = matches!(credential, Credential::Cookie(_));
    let safe = matches!(parts.method, Method::GET | Method::HEAD);
    // A browser sends a cookie whichever page asks: only a page of our own may change something with it.
    if by_cookie && !safe && !source.is_dashboard() {
        return Err(Refusal::OriginForbidden);
    }
    let principal = service.chat.recognise(credential.secret()).await?.principal;
    if by_cookie && principal.audience() != Audience::Staff {
        return Err(Error::Unauthenticated.into());
    }
    if by_cookie && !safe && !has_csrf_token(&parts.headers, credential.secret()) {
        return Err(Refusal::CsrfRequired);
    }
    source.for_principal(&service.chat, &principal).await?;
    source.vouched();
    Ok(Caller { principal, credential })
}

fn permit(route: &Route, principal: &Principal) -> Result<(), Refusal> {
    let permitted = match (route.access(), principal.audience()) {
        (Access::Visitor, audience) => audience == Audience::Visitor,
        (Access::Operator, audience) => audience == Audience::Staff,
        (Access::Public | Access::Member | Access::Hello, _) => true,
    };
    if permitted { Ok(()) } else { Err(Error::Forbidden.into()) }
}

fn left(service: &Inner, admitted: &Result<Quota, Error>) -> Left {
    match admitted {
        Ok(quota) => (*quota).into(),
        Err(error) => {
            let reset = match error {
                Error::RateLimited { retry_after } => *retry_after,
                _ => std::time::Duration::ZERO,
            };
            Left { limit: service.chat.limits().requests.burst(), remaining: 0, reset }
        }
    }
}

/// A status on its own, for what has no body.
pub(crate) fn no_content() -> Reply {
    Reply::bare(StatusCode::NO_CONTENT)
}
