//! What a body may be.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Frame, SizeHint};
use http_body_util::{Empty, Full};
use serde_json::json;

use crate::fixture::{World, roomy};

#[tokio::test]
async fn s29_a_body_that_is_not_json_is_refused() {
    let world = World::new().await;
    let body = json!({"site": world.acme.site_key()}).to_string();
    for kind in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data",
        "application/json; charset=utf-16",
    ] {
        let asking = world.post("/v1/visitors").header("content-type", kind);
        asking.body(Full::<Bytes>::from(body.clone())).await.refused(415, "unsupported_media_type");
    }
    world
        .post("/v1/visitors")
        .body(Full::<Bytes>::from(body.clone()))
        .await
        .refused(415, "unsupported_media_type");
    world.post("/v1/visitors").body(Empty::<Bytes>::new()).await.refused(415, "unsupported_media_type");
    let packed = world.post("/v1/visitors").header("content-encoding", "gzip");
    packed.text(&body).await.refused(415, "unsupported_media_type");
    let asking = world.post("/v1/visitors").header("content-type", "Application/JSON; charset=UTF-8");
    asking.body(Full::<Bytes>::from(body)).await.expect(201);
}

#[tokio::test]
async fn s29_a_body_that_is_too_large_is_refused_whether_it_says_so_or_not() {
    let world = World::new().await;
    let site = json!({"site": world.acme.site_key()}).to_string();
    let padded = |bytes: usize| format!("{site}{}", " ".repeat(bytes - site.len()));
    world.post("/v1/visitors").text(&padded(64 * 1024)).await.expect(201);
    world.post("/v1/visitors").text(&padded(64 * 1024 + 1)).await.refused(413, "payload_too_large");
    let json = || world.post("/v1/visitors").header("content-type", "application/json");
    json().header("content-length", "65537").body(Trickle::Never).await.refused(413, "payload_too_large");
    json().body(Trickle::Endless).await.refused(413, "payload_too_large");
}

#[tokio::test]
async fn s25_a_body_that_does_not_come_is_not_waited_for() {
    let mut limits = roomy();
    limits.body_timeout = Duration::from_millis(20);
    let world = World::with(limits).await;
    let asking = world.post("/v1/visitors").header("content-type", "application/json");
    let refused = asking.body(Trickle::Never).await;
    refused.refused(408, "request_timeout");
    assert_eq!(refused.header("connection"), Some("close"));
}

#[tokio::test]
async fn a_body_that_breaks_off_is_refused() {
    let world = World::new().await;
    let asking = world.post("/v1/visitors").header("content-type", "application/json");
    let broken = http_body_util::StreamBody::new(futures_util::stream::iter([
        Ok(Frame::data(Bytes::from_static(b"{\"si"))),
        Err(std::io::Error::other("the connection is gone")),
    ]));
    let refused = asking.body(broken).await;
    refused.refused(400, "invalid_request");
    assert!(!String::from_utf8_lossy(&refused.body).contains("connection"));
}

#[tokio::test]
async fn a_body_is_not_read_for_somebody_who_may_not_send_one() {
    let world = World::new().await;
    let asking = world.post("/v1/conversations").header("content-type", "application/json");
    asking.body(Trickle::Never).await.refused(401, "unauthenticated");
}

/// A body of unknown length.
enum Trickle {
    /// Not a byte ever comes.
    Never,
    /// It does not end.
    Endless,
}

impl http_body::Body for Trickle {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        match *self {
            Self::Never => Poll::Pending,
            Self::Endless => Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(&[b' '; 1024]))))),
        }
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::default()
    }
}
