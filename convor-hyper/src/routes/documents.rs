//! The API in machines' words: OpenAPI for what is asked for, AsyncAPI for what happens.

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, StatusCode};

use crate::call::Call;
use crate::problem::Refusal;
use crate::reply::Reply;

/// `GET /v1/openapi.json`
pub(super) async fn openapi(_: Call) -> Result<Reply, Refusal> {
    Ok(document(include_bytes!("../../api/openapi.json")))
}

/// `GET /v1/asyncapi.json`
pub(super) async fn asyncapi(_: Call) -> Result<Reply, Refusal> {
    Ok(document(include_bytes!("../../api/asyncapi.json")))
}

fn document(json: &'static [u8]) -> Reply {
    let reply = Reply::new(StatusCode::OK, Bytes::from_static(json));
    reply.header(CONTENT_TYPE, HeaderValue::from_static("application/json"))
}
