//! Why a request is refused, and how that reads: problem details (RFC 9457).

use std::time::Duration;

use convor::protocol::encode;
use convor::{Chat, Error};
use http::header::{ALLOW, CONNECTION, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, StatusCode};
use serde::Serialize;

use crate::reply::Reply;

/// Why a request is refused: by the core, or by what only this transport knows of.
#[derive(Debug)]
pub(crate) enum Refusal {
    Core(Error),
    MethodNotAllowed { allow: HeaderValue },
    BodyTooLate,
    PayloadTooLarge,
    UnsupportedMediaType,
    PreconditionRequired,
    CsrfRequired,
    OriginForbidden,
    Panicked,
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self::Core(error)
    }
}

impl Refusal {
    /// A request whose `field` is not as it must be.
    pub(crate) fn invalid(field: &'static str, problem: &'static str) -> Self {
        Self::Core(Error::invalid(field, problem))
    }

    /// The answer.
    pub(crate) fn reply(&self, chat: &Chat) -> Reply {
        let (status, code, title) = self.describe();
        let detail = match self {
            Self::Core(invalid @ Error::Invalid { .. }) => Some(invalid.to_string()),
            _ => None,
        };
        let problem = Problem { r#type: "about:blank", status: status.as_u16(), code, title, detail };
        let reply = Reply::new(status, encode(&problem));
        let mut reply = reply.header(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Some(seconds) = self.retry_after(chat) {
            reply = reply.header(RETRY_AFTER, HeaderValue::from(seconds));
        }
        match self {
            Self::MethodNotAllowed { allow } => reply.header(ALLOW, allow.clone()),
            Self::BodyTooLate => reply.header(CONNECTION, HeaderValue::from_static("close")),
            Self::Core(Error::Unauthenticated) => {
                reply.header(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"))
            }
            _ => reply,
        }
    }

    /// Status, code and title, as the table of errors in `docs/protocol.md` has them.
    fn describe(&self) -> (StatusCode, &'static str, &'static str) {
        let error = match self {
            Self::Core(error) => error,
            Self::MethodNotAllowed { .. } => {
                let title = "This cannot be done here.";
                return (StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", title);
            }
            Self::BodyTooLate => {
                return (StatusCode::REQUEST_TIMEOUT, "request_timeout", "The body took too long.");
            }
            Self::PayloadTooLarge => {
                return (StatusCode::PAYLOAD_TOO_LARGE, "payload_too_large", "The body is too large.");
            }
            Self::UnsupportedMediaType => {
                let title = "The body must be application/json.";
                return (StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", title);
            }
            Self::PreconditionRequired => {
                let title = "If-Match must name the state that is to be changed.";
                return (StatusCode::PRECONDITION_REQUIRED, "precondition_required", title);
            }
            Self::CsrfRequired => {
                let title = "With a cookie the right x-csrf-token is needed.";
                return (StatusCode::FORBIDDEN, "csrf_required", title);
            }
            Self::OriginForbidden => {
                return (StatusCode::FORBIDDEN, "origin_forbidden", "This origin is not allowed here.");
            }
            Self::Panicked => return INTERNAL,
        };
        let (status, title) = match error {
            Error::Invalid { .. } => (StatusCode::BAD_REQUEST, "The request is not as it must be."),
            Error::InvalidCursor => (StatusCode::BAD_REQUEST, "The cursor is not one of this list."),
            Error::Unauthenticated => (StatusCode::UNAUTHORIZED, "A valid credential is needed."),
            Error::Forbidden => (StatusCode::FORBIDDEN, "This is not allowed."),
            // What this deployment does not do is not there.
            Error::NotFound | Error::Unsupported => return NOT_FOUND,
            Error::Conflict => (StatusCode::CONFLICT, "The client_id was used before with another body."),
            Error::PreconditionFailed => (StatusCode::PRECONDITION_FAILED, "It has changed since."),
            Error::RateLimited { .. } => (StatusCode::TOO_MANY_REQUESTS, "Too many requests."),
            Error::Unavailable => (StatusCode::SERVICE_UNAVAILABLE, "Not available at the moment."),
            _ => return INTERNAL,
        };
        (status, error.code(), title)
    }

    /// After how many seconds it is worth trying again.
    fn retry_after(&self, chat: &Chat) -> Option<u64> {
        match self {
            Self::Core(Error::RateLimited { retry_after }) => Some(whole_seconds(*retry_after).max(1)),
            Self::Core(Error::Unavailable) => Some(whole_seconds(chat.retry_after())),
            _ => None,
        }
    }
}

const NOT_FOUND: (StatusCode, &str, &str) =
    (StatusCode::NOT_FOUND, "not_found", "There is no such thing here.");
const INTERNAL: (StatusCode, &str, &str) =
    (StatusCode::INTERNAL_SERVER_ERROR, "internal", "An error of ours; x-request-id finds it.");

#[derive(Serialize)]
struct Problem {
    r#type: &'static str,
    status: u16,
    code: &'static str,
    title: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
}

/// A duration in seconds, rounded up: who comes back then does not come too early.
pub(crate) fn whole_seconds(duration: Duration) -> u64 {
    duration.as_secs() + u64::from(duration.subsec_nanos() > 0)
}
