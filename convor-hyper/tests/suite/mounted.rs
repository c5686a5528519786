//! The service in the houses of others: axum, plain hyper, HTTP/2.

use std::net::SocketAddr;

use bytes::Bytes;
use http::{Method, Request, StatusCode, Version};
use http_body_util::{BodyExt, Empty};
use hyper::ext::Protocol;
use hyper_util::rt::TokioIo;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::Role;

use crate::fixture::{World, new_id};
use crate::served::{Client, PATIENCE, dial, http2, served, upgraded};

/// How much the server may send unasked, in bytes.
const WINDOW: u32 = 65_535;

#[tokio::test]
async fn axum_mounts_it_below_a_prefix() {
    let world = World::new().await;
    let app = axum::Router::new().nest_service("/chat", world.service.clone());
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move { axum::serve(listener, app).await });
    let vera = world.visitor(&world.acme).await;
    let id = world.conversation(&vera, 0).await;
    let asked =
        format!("GET /chat/v1/conversations/{id} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {vera}\r\n");
    let answer = raw(address, &format!("{asked}connection: close\r\n\r\n")).await;
    assert!(answer.starts_with("HTTP/1.1 200 OK") && answer.contains(&id), "{answer}");
    let answer = raw(address, "HEAD /chat/readyz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 200 OK") && answer.ends_with("\r\n\r\n"), "{answer}");
    let mut client = dial(address, "/chat/v1/socket").open().await;
    client.hello(&vera).await;
    client
        .send(json!({"type": "send", "ref": "1", "conversation": id, "client_id": new_id(), "text": "Hello"}))
        .await;
    assert_eq!(client.until("ack").await["seq"], 1);
}

#[tokio::test]
async fn a_websocket_runs_over_http2() {
    let world = World::new().await;
    let address = served(&world).await;
    let vera = world.visitor(&world.acme).await;
    let id = world.conversation(&vera, 1).await;
    let mut sender = http2(address, WINDOW).await;
    let upgraded = upgraded(&mut sender, address).await;
    let mut client =
        Client::over(WebSocketStream::from_raw_socket(TokioIo::new(upgraded), Role::Client, None).await);
    client.hello(&vera).await;
    client
        .send(json!({"type": "send", "ref": "1", "conversation": id, "client_id": new_id(), "text": "Hello"}))
        .await;
    assert_eq!(client.until("ack").await["seq"], 2);

    // Beside it the same connection answers requests.
    let path = format!("http://{address}/v1/conversations/{id}");
    let request = Request::get(path).header("authorization", format!("Bearer {vera}"));
    let response =
        sender.send_request(request.body(Empty::new()).expect("a request")).await.expect("an answer");
    let body = response.into_body().collect().await.expect("a body").to_bytes();
    assert!(String::from_utf8_lossy(&body).contains(&id));
    let (cut, end) = tokio::join!(world.service.drain(), client.end());
    assert_eq!((cut, end), (0, 4001));
}

#[tokio::test]
async fn an_extended_connect_is_for_the_socket_only() {
    let world = World::new().await;
    let mut sender = http2(served(&world).await, WINDOW).await;
    for (path, protocol, status) in [
        ("/v1/visitor", "websocket", StatusCode::METHOD_NOT_ALLOWED),
        ("/v1/socket", "connect-udp", StatusCode::METHOD_NOT_ALLOWED),
        ("/v1/socket", "websocket", StatusCode::BAD_REQUEST),
    ] {
        let request = Request::builder()
            .method(Method::CONNECT)
            .uri(format!("http://localhost{path}"))
            .version(Version::HTTP_2)
            .extension(match protocol {
                "websocket" => Protocol::from_static("websocket"),
                _ => Protocol::from_static("connect-udp"),
            });
        let answer = sender.send_request(request.body(Empty::<Bytes>::new()).expect("a request")).await;
        assert_eq!(answer.expect("an answer").status(), status, "{path} {protocol}");
    }
}

#[tokio::test]
async fn s29_a_request_with_two_lengths_ends_its_connection() {
    let world = World::new().await;
    let address = served(&world).await;
    let body = json!({"site": world.acme.site_key()}).to_string();
    let (chunk, smuggled) =
        (format!("{:x}\r\n{body}\r\n0\r\n\r\n", body.len()), "GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n");
    let head = "POST /v1/visitors HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n";
    for lengths in [
        format!("content-length: {}\r\ntransfer-encoding: chunked\r\n", chunk.len() + smuggled.len()),
        "transfer-encoding: chunked\r\ncontent-length: 3\r\n".to_owned(),
        "content-length: 3\r\ncontent-length: 4\r\n".to_owned(),
    ] {
        let answer = raw(address, &format!("{head}{lengths}\r\n{chunk}{smuggled}")).await;
        assert_eq!(
            answer.matches("HTTP/1.1 ").count(),
            1,
            "what follows is never taken for a request: {answer}"
        );
    }
}

/// What a server answers to these bytes until it closes the connection.
async fn raw(address: SocketAddr, request: &str) -> String {
    let mut stream = TcpStream::connect(address).await.expect("a connection");
    stream.write_all(request.as_bytes()).await.expect("written");
    let mut answer = Vec::new();
    let read = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut answer)).await;
    let _ = read.expect("an end in time");
    String::from_utf8_lossy(&answer).into_owned()
}
