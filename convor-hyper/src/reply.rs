//! What a handler answers.

use bytes::Bytes;
use convor::protocol::encode;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use serde::Serialize;

/// What a handler answers, before it gets the headers that every answer has.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Reply {
    pub(crate) fn new(status: StatusCode, body: Bytes) -> Self {
        Self { status, headers: HeaderMap::new(), body }
    }

    /// 200 with an object.
    pub(crate) fn ok<T: Serialize>(object: &T) -> Self {
        Self::object(StatusCode::OK, object)
    }

    /// 201 with an object; 200 if an earlier request has made it.
    pub(crate) fn created<T: Serialize>(object: &T, before: bool) -> Self {
        Self::object(if before { StatusCode::OK } else { StatusCode::CREATED }, object)
    }

    /// A status without a body.
    pub(crate) fn bare(status: StatusCode) -> Self {
        Self::new(status, Bytes::new())
    }

    fn object<T: Serialize>(status: StatusCode, object: &T) -> Self {
        Self::new(status, encode(object)).header(CONTENT_TYPE, HeaderValue::from_static("application/json"))
    }

    pub(crate) fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }
}
