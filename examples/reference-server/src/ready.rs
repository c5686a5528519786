//! Whether this server may be sent requests, and if not, why. It is asked each time, so that it recovers by itself.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use convor::ports::Storage;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderValue, Response, StatusCode};
use serde::Serialize;

use crate::storage::Watched;

/// How long the storage may take to answer.
const PATIENCE: Duration = Duration::from_secs(3);

/// What this server needs.
#[derive(Debug, Clone)]
pub(crate) struct Readiness {
    storage: Arc<dyn Storage>,
    broker: Option<Arc<Watched>>,
}

impl Readiness {
    pub(crate) fn new(storage: Arc<dyn Storage>, broker: Option<Arc<Watched>>) -> Self {
        Self { storage, broker }
    }

    /// What is missing, in words that name neither places nor secrets.
    pub(crate) async fn missing(&self) -> Option<&'static str> {
        match tokio::time::timeout(PATIENCE, self.storage.ping()).await {
            Ok(Ok(())) if self.broker.as_ref().is_none_or(|broker| broker.is_reached()) => None,
            Ok(Ok(())) => Some("The broker cannot be reached: what other servers do is not seen here."),
            Err(_) => Some("The storage does not answer."),
            Ok(Err(error)) => {
                // An error of a storage holds codes at most.
                tracing::warn!(reason = error.source().map(ToString::to_string), "not ready: {error}");
                Some(if error.is_transient() {
                    "The storage does not answer."
                } else {
                    "The storage is not as this version needs it: its schema, its role or its content is another one."
                })
            }
        }
    }
}

#[derive(Serialize)]
struct Problem {
    r#type: &'static str,
    status: u16,
    code: &'static str,
    title: &'static str,
    detail: &'static str,
}

/// The answer that says so: problem details (RFC 9457), as the API has them.
pub(crate) fn refusal(missing: &'static str) -> Response<Bytes> {
    let problem = Problem {
        r#type: "about:blank",
        status: StatusCode::SERVICE_UNAVAILABLE.as_u16(),
        code: "unavailable",
        title: "Not available at the moment.",
        detail: missing,
    };
    let body = serde_json::to_vec(&problem).unwrap_or_default();
    let mut response = Response::new(Bytes::from(body));
    *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
    response
}
