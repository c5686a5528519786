//! Clients that do not say who they are, and clients that do not listen.

use std::net::SocketAddr;
use std::time::Duration;

use convor_tests::host::{Ask, generous};
use convor_tests::line::{Heard, Line, Message};
use serde_json::{Value, json};
use tokio::net::{TcpSocket, TcpStream};

use crate::talk::{Talk, id};

#[tokio::test]
async fn s25_a_hello_that_never_comes_ends_the_socket_with_4102_and_nothing_is_lost() {
    let mut limits = generous();
    limits.hello_timeout = Duration::from_millis(200);
    let mut talk = Talk::with(limits).await;
    let mut silent = Line::open(talk.address()).await;
    assert_eq!(silent.end().await, Some(4102));
    // A ping is no hello.
    let mut chatty = Line::open(talk.address()).await;
    chatty.send(Message::Ping(Vec::new().into())).await;
    assert_eq!(chatty.end().await, Some(4102));
    talk.goes_on().await;
}

#[tokio::test]
async fn a_first_frame_that_is_no_hello_ends_the_socket_with_4102_and_nothing_is_lost() {
    let mut talk = Talk::new().await;
    let send = json!({"type": "send", "ref": "r", "conversation": talk.conversation, "client_id": id(), "text": "hello"});
    for first in [send, json!({"type": "subscribe", "ref": "i", "inbox": true}), json!({}), json!("hello")] {
        let mut line = Line::open(talk.address()).await;
        line.say(first.clone()).await;
        assert_eq!(line.end().await, Some(4102), "{first}");
    }
    let (head, _) = talk.visitor.rsplit_once('_').expect("a token");
    for token in ["", "nonsense", &format!("{head}_{:064x}", 7), &format!("{} ", talk.visitor)] {
        let mut line = Line::open(talk.address()).await;
        line.say(json!({"type": "hello", "token": token})).await;
        assert_eq!(line.end().await, Some(4100), "{token}");
    }
    let held: Vec<_> = (0..101).map(|_| json!({"conversation": id(), "epoch": 1, "after": 0})).collect();
    let mut line = Line::open(talk.address()).await;
    line.say(json!({"type": "hello", "token": talk.visitor, "resume": held})).await;
    assert_eq!(line.until("error").await["code"], "invalid_request", "it holds more than it may resume");
    assert_eq!(line.end().await, Some(4102));
    talk.goes_on().await;
}

#[tokio::test]
async fn a_second_hello_is_refused_and_nothing_is_lost() {
    let mut talk = Talk::new().await;
    let hello = json!({"type": "hello", "token": talk.operator});
    talk.refused(&hello, "invalid_request").await;
    talk.goes_on().await;
}

#[tokio::test]
async fn s25_an_address_has_so_many_sockets_that_say_nothing() {
    let mut limits = generous();
    limits.connections_pending_per_address_max = 2;
    let mut talk = Talk::with(limits).await;
    let first = Line::open(talk.address()).await;
    let _second = Line::open(talk.address()).await;
    assert_eq!(upgrade(talk.address()).await, 429);
    drop(first);
    convor_tests::patience::look(async || (upgrade(talk.address()).await == 101).then_some(()))
        .await
        .expect("a place");
    talk.goes_on().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn s25_a_socket_that_stops_reading_is_cut_and_finds_all_that_it_has_missed() {
    let mut limits = generous();
    (limits.queue_frames_max, limits.queue_bytes_max) = (32, 256 * 1024);
    limits.write_timeout = Duration::from_millis(300);
    let talk = Talk::with(limits).await;
    let mut deaf = Line::over(narrow(talk.address()).await, "/v1/socket").await;
    let held = json!([{"conversation": talk.conversation, "epoch": 1, "after": 0}]);
    deaf.say(json!({"type": "hello", "token": talk.operator, "resume": held})).await;
    deaf.until("event").await;

    // More than what lies between: the queue, and the buffers of both ends.
    let texts: Vec<_> = (0..400).map(|number| format!("{number} {}", "x".repeat(7_900))).collect();
    for text in &texts {
        let answer = talk.ask(Ask::post(talk.messages(), &json!({"client_id": id(), "text": text}))).await;
        assert_eq!(answer.status, 201, "who writes does not wait for who does not read");
    }

    let mut seqs = vec![1];
    let code = loop {
        match deaf.next().await {
            Heard::Frame(text) => seqs.extend(seq(&text)),
            Heard::End(code) => break code,
        }
    };
    assert!(code.is_none() || code == Some(4002), "{code:?}");
    assert!(seqs.len() < texts.len(), "it has been cut");
    let after = seqs.len() as u64;
    assert_eq!(seqs, (1..=after).collect::<Vec<_>>(), "what it has heard has no hole");

    let held = json!([{"conversation": talk.conversation, "epoch": 1, "after": after}]);
    let mut back = Line::resume(talk.address(), &talk.operator, held).await;
    let missed: Vec<_> = back.settle().await.iter().filter_map(|text| seq(text)).collect();
    assert_eq!(missed, (after + 1..=1 + texts.len() as u64).collect::<Vec<_>>());
}

/// The position in a frame, if it is an event.
fn seq(text: &str) -> Option<u64> {
    let frame: Value = serde_json::from_str(text).expect("JSON");
    frame["seq"].as_u64().filter(|_| frame["type"] == "event")
}

/// A connection that has little room for what has not been read.
async fn narrow(address: SocketAddr) -> TcpStream {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.set_recv_buffer_size(4096).expect("a small buffer");
    socket.connect(address).await.expect("somebody listens")
}

/// The status with which an upgrade is answered.
async fn upgrade(address: SocketAddr) -> u16 {
    use tokio_tungstenite::tungstenite::Error;
    use tokio_tungstenite::tungstenite::client::IntoClientRequest;
    let stream = TcpStream::connect(address).await.expect("somebody listens");
    let mut request = "ws://localhost/v1/socket".into_client_request().expect("a request");
    request.headers_mut().insert("sec-websocket-protocol", "convor.v1".parse().expect("a value"));
    match tokio_tungstenite::client_async(request, stream).await {
        Ok((_, answer)) => answer.status().as_u16(),
        Err(Error::Http(answer)) => answer.status().as_u16(),
        Err(error) => panic!("no answer: {error}"),
    }
}
