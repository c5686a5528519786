//! Bytes that are too many, or that are no text, no frame and no request.

use std::net::SocketAddr;

use convor_tests::host::Ask;
use convor_tests::line::{Line, Message};
use convor_tests::patience::PATIENCE;
use http::Method;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::protocol::frame::Frame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};

use crate::talk::{Talk, id};

const KIB: usize = 1024;

#[tokio::test]
async fn s29_a_body_that_is_too_large_is_refused_and_nothing_is_lost() {
    let mut talk = Talk::new().await;
    let fits = format!(r#"{{"client_id": "{}", "text": "hello"}}"#, id());
    let padded = |length: usize| format!("{fits}{}", " ".repeat(length - fits.len()));
    let answer = talk.ask(Ask::new(Method::POST, talk.messages()).text(padded(64 * KIB + 1))).await;
    assert_eq!((answer.status, answer.code().as_str()), (413, "payload_too_large"));

    // One that does not say how long it is, is cut where it goes beyond.
    let (path, visitor) = (talk.messages(), talk.visitor.clone());
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {visitor}\r\ncontent-type: application/json\r\n\
         transfer-encoding: chunked\r\n\r\n"
    );
    let mut endless = head.into_bytes();
    for _ in 0..65 {
        endless.extend_from_slice(b"400\r\n");
        endless.extend_from_slice(&[b' '; KIB]);
        endless.extend_from_slice(b"\r\n");
    }
    assert_eq!(status(talk.address(), &endless).await, "413");

    assert_eq!(talk.ask(Ask::new(Method::POST, talk.messages()).text(padded(64 * KIB))).await.status, 201);
    talk.said("hello");
    talk.goes_on().await;
}

#[tokio::test]
async fn s29_a_body_with_two_lengths_is_refused_and_nothing_is_lost() {
    let mut talk = Talk::new().await;
    let (path, visitor) = (talk.messages(), talk.visitor.clone());
    for lengths in ["content-length: 4\r\ncontent-length: 5", "content-length: -1", "transfer-encoding: gzip"]
    {
        let head = format!(
            "POST {path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {visitor}\r\ncontent-type: application/json\r\n\
             {lengths}\r\n\r\n0\r\n\r\n"
        );
        let status = status(talk.address(), head.as_bytes()).await;
        assert!(["400", ""].contains(&status.as_str()), "{lengths}: {status}");
    }
    talk.goes_on().await;
}

#[tokio::test]
async fn a_body_that_is_no_json_is_refused_and_nothing_is_lost() {
    let mut talk = Talk::new().await;
    let client = id();
    let bodies: [&[u8]; 9] = [
        b"",
        b"{",
        b"null",
        b"[]",
        b"\"text\"",
        b"{\"client_id\": 1} {}",
        b"\xff\xfe{\x00}\x00",
        b"{\"text\": \"\xff\"}",
        b"\xef\xbb\xbf{}",
    ];
    for body in bodies {
        let answer = talk.ask(Ask::new(Method::POST, talk.messages()).text(body.to_vec())).await;
        assert_eq!((answer.status, answer.code().as_str()), (400, "invalid_request"), "{body:?}");
    }
    let deep =
        format!(r#"{{"client_id": "{client}", "text": {}1{}}}"#, "[".repeat(10_000), "]".repeat(10_000));
    assert_eq!(talk.ask(Ask::new(Method::POST, talk.messages()).text(deep)).await.status, 400);
    let twice = format!(r#"{{"client_id": "{client}", "text": "a", "text": "b"}}"#);
    assert_eq!(talk.ask(Ask::new(Method::POST, talk.messages()).text(twice)).await.status, 400);
    talk.goes_on().await;
}

#[tokio::test]
async fn s24_a_frame_that_is_too_large_ends_the_socket_with_1009_and_nothing_is_lost() {
    let mut talk = Talk::new().await;
    let frame = |length: usize| {
        let empty = json!({"type": "nothing", "ref": "r", "padding": ""}).to_string();
        json!({"type": "nothing", "ref": "r", "padding": "x".repeat(length - empty.len())}).to_string()
    };
    let mut line = Line::hello(talk.address(), &talk.visitor).await;
    line.send(Message::text(frame(64 * KIB))).await;
    assert_eq!(line.until("error").await["code"], "invalid_request", "it is read, to its last byte");
    line.send(Message::text(frame(64 * KIB + 1))).await;
    assert_eq!(line.end().await, Some(1009));

    // The same in pieces.
    let mut line = Line::hello(talk.address(), &talk.visitor).await;
    let text = frame(96 * KIB);
    let (first, second) = text.as_bytes().split_at(48 * KIB);
    for (piece, kind, ends) in [(first, Data::Text, false), (second, Data::Continue, true)] {
        line.send(Message::Frame(Frame::message(piece.to_vec(), OpCode::Data(kind), ends))).await;
    }
    assert_eq!(line.end().await, Some(1009));
    talk.goes_on().await;
}

#[tokio::test]
async fn s24_what_is_no_text_frame_ends_the_socket_and_nothing_is_lost() {
    let mut talk = Talk::new().await;
    let mut large_ping = vec![0x89, 0xfe, 0x00, 0x7e];
    large_ping.resize(large_ping.len() + 4 + 0x7e, 0);
    let cases: [(&str, &[u8], u16); 7] = [
        ("binary", &[0x82, 0x81, 0, 0, 0, 0, b'x'], 1003),
        ("no UTF-8", &[0x81, 0x82, 0, 0, 0, 0, 0xff, 0xff], 1007),
        ("not masked", &[0x81, 0x02, b'{', b'}'], 1002),
        ("an opcode that is reserved", &[0x83, 0x80, 0, 0, 0, 0], 1002),
        ("a bit that is reserved", &[0xc1, 0x80, 0, 0, 0, 0], 1002),
        ("a ping in pieces", &[0x09, 0x80, 0, 0, 0, 0], 1002),
        ("a ping of 126 bytes", &large_ping, 1002),
    ];
    for (what, bytes, code) in cases {
        assert_eq!(end_after(talk.address(), &talk.visitor, bytes).await, Some(code), "{what}");
    }
    talk.goes_on().await;
}

#[tokio::test]
async fn a_text_that_is_no_frame_is_refused_and_nothing_is_lost() {
    let mut talk = Talk::new().await;
    for text in [
        "",
        " ",
        "null",
        "[]",
        "7",
        "{}",
        "{",
        r#"{"type":7}"#,
        r#"{"type":"nope"}"#,
        r#"{"type":"send","type":"send"}"#,
    ] {
        talk.refused_text(text, "invalid_request").await;
    }
    let deep = format!(r#"{{"type":"send","ref":{}1{}}}"#, "[".repeat(10_000), "]".repeat(10_000));
    talk.refused_text(&deep, "invalid_request").await;
    talk.goes_on().await;
}

/// Sends a request as it is, and gives the status of the answer; nothing, if there is none.
async fn status(address: SocketAddr, request: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).await.expect("somebody listens");
    // The answer may come before all has been sent.
    let _ = stream.write_all(request).await;
    let mut answer = vec![0; 12];
    match timeout(PATIENCE, stream.read_exact(&mut answer)).await.expect("an answer in time") {
        Ok(_) => String::from_utf8_lossy(&answer[9..12]).into_owned(),
        Err(_) => String::new(),
    }
}

/// Says hello, then sends bytes that no library sends, and gives the code of the close frame.
async fn end_after(address: SocketAddr, token: &str, bytes: &[u8]) -> Option<u16> {
    let mut stream = TcpStream::connect(address).await.expect("somebody listens");
    let upgrade = "GET /v1/socket HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
        sec-websocket-version: 13\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\nsec-websocket-protocol: convor.v1\r\n\r\n";
    stream.write_all(upgrade.as_bytes()).await.expect("it is taken");
    let hello = json!({"type": "hello", "token": token}).to_string();
    let mut frame = vec![0x81, 0xfe];
    frame.extend_from_slice(&u16::try_from(hello.len()).expect("short").to_be_bytes());
    frame.extend_from_slice(&[0; 4]);
    frame.extend_from_slice(hello.as_bytes());
    frame.extend_from_slice(bytes);
    stream.write_all(&frame).await.expect("it is taken");
    let mut all = Vec::new();
    let r = timeout(PATIENCE, stream.read_to_end(&mut all)).await;
    println!("{}", String::from_utf8_lossy(&all));
    let _ = r.expect("it ends in time");
    close_code(&all)
}

/// The code of the last frame, if that is a close frame: opcode, length, code, reason.
fn close_code(bytes: &[u8]) -> Option<u16> {
    let start = (0..bytes.len().checked_sub(3)?)
        .rev()
        .find(|start| bytes[*start] == 0x88 && usize::from(bytes[start + 1]) == bytes.len() - start - 2)?;
    Some(u16::from_be_bytes([bytes[start + 2], bytes[start + 3]]))
}
