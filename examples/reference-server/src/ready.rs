//! Whether this server may be sent requests, and if not, why. It is asked each time, so that it recovers by itself.
//!
//! Without its broker it may: hints may be lost, and what other servers do is read all the same, some moments later. It
//! only says so.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use convor::ports::Storage;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderValue, Response, StatusCode};
use serde::Serialize;
use tokio::sync::Mutex;

use crate::storage::Watched;

/// How long the storage may take to answer.
const PATIENCE: Duration = Duration::from_secs(2);

const SILENT: &str = "The storage does not answer.";

/// What this server needs.
#[derive(Debug, Clone)]
pub(crate) struct Readiness {
    storage: Arc<dyn Storage>,
    broker: Option<Arc<Watched>>,
    /// Who looks what is missing. The others need not look, too.
    looking: Arc<Mutex<()>>,
}

impl Readiness {
    pub(crate) fn new(storage: Arc<dyn Storage>, broker: Option<Arc<Watched>>) -> Self {
        Self { storage, broker, looking: Arc::default() }
    }

    /// What is missing where Convor says that something is, as far as nobody else looks just now, in words that name neither places nor secrets.
    pub(crate) async fn missing(&self) -> Option<&'static str> {
        let _looking = self.looking.try_lock().ok()?;
        match tokio::time::timeout(PATIENCE, self.storage.ping()).await {
            Ok(Ok(())) => None,
            Err(_) => Some(SILENT),
            Ok(Err(error)) => {
                // An error of a storage holds codes at most.
                tracing::warn!(reason = error.source().map(ToString::to_string), "not ready: {error}");
                Some(if error.is_transient() {
                    SILENT
                } else {
                    "The storage is not as this version needs it: its schema, its role or its content is another one."
                })
            }
        }
    }

    /// What is worse than it should be, though requests are answered.
    pub(crate) fn degraded(&self) -> Option<&'static str> {
        let lost = self.broker.as_ref().is_some_and(|broker| !broker.is_reached());
        lost.then_some("The broker cannot be reached: what other servers do is seen here later.")
    }
}

#[derive(Serialize)]
struct Ready {
    status: &'static str,
    degraded: &'static str,
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
    let mut response = json(&problem, "application/problem+json");
    *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
    response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
    response
}

/// The answer that it is ready, but not as well as it should be.
pub(crate) fn consent(degraded: &'static str) -> Response<Bytes> {
    json(&Ready { status: "ready", degraded }, "application/json")
}

fn json(content: &impl Serialize, media_type: &'static str) -> Response<Bytes> {
    let body = serde_json::to_vec(content).unwrap_or_default();
    let mut response = Response::new(Bytes::from(body));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
