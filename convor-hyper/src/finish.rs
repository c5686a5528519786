//! The headers that every answer has, and the answer to a browser that asks beforehand.

use http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ALLOW, CACHE_CONTROL,
    CONTENT_LENGTH, CONTENT_SECURITY_POLICY, REFERRER_POLICY, VARY, X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderMap, HeaderName, HeaderValue, Response};

use crate::body::Body;
use crate::gate::{Notes, no_content};
use crate::origin::{Source, Standing};
use crate::problem::{Refusal, whole_seconds};
use crate::reply::Reply;
use crate::request_id::{RequestId, X_REQUEST_ID};

/// What every answer says. An answer is data: it runs nothing, frames nothing and is kept nowhere.
const ALWAYS: [(HeaderName, &str); 5] = [
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (REFERRER_POLICY, "no-referrer"),
    (CACHE_CONTROL, "no-store"),
    (CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
    (VARY, "origin"),
];

/// What a page of another origin may read besides the body.
const EXPOSED: &str =
    "etag, x-request-id, retry-after, ratelimit-limit, ratelimit-remaining, ratelimit-reset";

/// What a page of a site may send, and what a page of the dashboard may send besides.
const SENT_BY_SITES: &str = "content-type, authorization, if-match, x-request-id";
const SENT_BY_DASHBOARDS: &str = "content-type, authorization, if-match, x-request-id, x-csrf-token";

/// For how many seconds a browser remembers what a preflight said.
const PREFLIGHT_SECONDS: &str = "600";

/// Makes an answer of a reply.
pub(crate) fn finish(reply: Reply, id: RequestId, notes: &Notes, head: bool) -> Response<Body> {
    let Reply { status, mut headers, body } = reply;
    for (name, value) in ALWAYS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.insert(X_REQUEST_ID, id.into_value());
    if let Some(page) = &notes.page {
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, page.clone());
        headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static(EXPOSED));
        if notes.credentials {
            headers.insert(ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
        }
    }
    if let Some(left) = &notes.quota {
        headers.insert("ratelimit-limit", left.limit.into());
        headers.insert("ratelimit-remaining", left.remaining.into());
        headers.insert("ratelimit-reset", whole_seconds(left.reset).into());
    }
    let body = if head {
        headers.insert(CONTENT_LENGTH, body.len().into());
        Body::empty()
    } else {
        Body::full(body)
    };
    let mut response = Response::new(body);
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response
}

/// Answers a browser that asks whether a page may ask.
pub(crate) fn preflight(
    source: &Source,
    headers: &HeaderMap,
    allowed: HeaderValue,
) -> Result<Reply, Refusal> {
    let sent = match source.standing {
        Standing::Site => SENT_BY_SITES,
        Standing::Dashboard => SENT_BY_DASHBOARDS,
        Standing::Unknown => return Err(Refusal::OriginForbidden),
        Standing::Program => return Ok(no_content().header(ALLOW, allowed)),
    };
    let reply = no_content().header(ALLOW, allowed.clone());
    if !headers.contains_key(http::header::ACCESS_CONTROL_REQUEST_METHOD) {
        return Ok(reply);
    }
    Ok(reply
        .header(ACCESS_CONTROL_ALLOW_METHODS, allowed)
        .header(ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static(sent))
        .header(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static(PREFLIGHT_SECONDS)))
}
