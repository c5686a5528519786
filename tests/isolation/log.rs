//! What people write, who they are and what they show to be let in is in no line of the log, at no level.

use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};

use convor_tests::fixture::new_id;
use convor_tests::host::{Ask, DASHBOARD};
use convor_tests::line::{Line, Message};
use http::Method;
use serde_json::json;
use tracing::Level;
use tracing_subscriber::fmt::format::FmtSpan;
use uuid::Uuid;

use crate::world::World;

const CANARY: &str = "canary";

/// All that has been logged.
#[derive(Debug, Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn s52_s23_nothing_that_a_client_sends_is_in_the_log_at_any_level() {
    let log = Log::default();
    let writer = log.clone();
    tracing_subscriber::fmt()
        .with_max_level(Level::TRACE)
        .with_span_events(FmtSpan::FULL)
        .with_writer(move || writer.clone())
        .init();
    let world = World::new().await;
    let asked = ask_for_everything(&world).await;
    say_everything(&world).await;

    let log = String::from_utf8_lossy(&log.0.lock().unwrap_or_else(PoisonError::into_inner)).into_owned();
    assert!(
        log.contains("/v1/conversations/{id}") && log.contains("TRACE") | log.contains("DEBUG"),
        "it has been logged"
    );
    let found: Vec<_> = log.lines().filter(|line| line.to_lowercase().contains(CANARY)).collect();
    assert_eq!(found, [""; 0]);
    for secret in ["cvv_", "cvs_", world.acme.member.as_str(), world.acme.owner.as_str()] {
        let found: Vec<_> = log.lines().filter(|line| line.contains(secret)).collect();
        assert_eq!(found, [""; 0], "a credential");
    }
    println!("proof-columns: Canaries | what | places | bytes searched");
    println!("proof: Canaries | the log at its finest | {asked} requests, every frame | {}", log.len());
}

/// Puts a canary wherever a request can carry one, and says into how many requests.
async fn ask_for_everything(world: &World) -> usize {
    let acme = &world.acme;
    let (member, owner) = (Some(acme.member.as_str()), Some(acme.owner.as_str()));
    let path = format!("/v1/conversations/{}", acme.conversation);
    let messages = format!("{path}/messages");
    let text = format!("{CANARY} text");
    let tag = acme.tag(&world.host).await;
    let sign_in = json!({"tenant": acme.key(), "email": "canary@example.org", "password": "canary password"});
    let opening = json!({"client_id": new_id::<Uuid>(), "subject": text,
        "first_message": {"client_id": new_id::<Uuid>(), "text": text}});
    let asks = [
        Ask::post("/v1/visitors", &json!({"site": text})),
        Ask::new(Method::PATCH, "/v1/visitor")
            .by(member)
            .json(&json!({"name": text, "email": "canary@example.org"})),
        Ask::new(Method::PATCH, "/v1/visitor").by(member).json(&json!({"email": text})),
        Ask::post("/v1/sessions", &sign_in),
        Ask::post("/v1/sessions", &json!({"tenant": text, "email": text, "password": text})),
        Ask::post("/v1/conversations", &opening).by(member),
        Ask::post(&messages, &json!({"client_id": new_id::<Uuid>(), "text": text})).by(member),
        Ask::post(&messages, &json!({"client_id": new_id::<Uuid>(), "text": text, "kind": "note"})).by(owner),
        Ask::post(&messages, &json!({"client_id": text, "text": text})).by(member),
        Ask::post(&messages, &json!({"client_id": new_id::<Uuid>(), "text": text, "canary_key": text}))
            .by(member),
        Ask::new(Method::POST, &messages).by(member).text(format!("{{\"text\": \"{text}")),
        Ask::new(Method::PATCH, &path).by(owner).header("if-match", tag).json(&json!({"tags": [text]})),
        Ask::new(Method::PATCH, &path)
            .by(owner)
            .header("if-match", "\"canary\"")
            .json(&json!({"tags": [text]})),
        Ask::get("/v1/conversations?tag=canary").by(owner),
        Ask::get("/v1/conversations?cursor=canary").by(owner),
        Ask::get("/v1/conversations?canary=1").by(owner),
        Ask::get("/v1/conversations/canary").by(owner),
        Ask::get("/v1/canary"),
        Ask::get("/v1/site?site=canary"),
        Ask::get("/v1/visitor").by(Some("canary")),
        Ask::get("/v1/visitor").header("authorization", "Basic canary"),
        Ask::get("/v1/operators")
            .header("cookie", "__Host-convor_session=canary; canary=1")
            .header("origin", DASHBOARD),
        Ask::get("/v1/site").header("origin", "https://canary.example.org"),
        Ask::get("/v1/visitor")
            .by(member)
            .header("user-agent", "canary")
            .header("referer", "https://canary/"),
        Ask::get("/v1/visitor")
            .by(member)
            .header("x-forwarded-for", "canary")
            .header("x-request-id", "canary id"),
        Ask::new(Method::from_bytes(b"CANARY").expect("a method"), "/v1/site"),
        Ask::post("/v1/visitors", &json!({"canary": 1})).header("content-type", "text/canary"),
    ];
    let count = asks.len();
    for ask in asks {
        world.host.ask(ask).await;
    }
    count
}

/// Puts a canary wherever a frame can carry one.
async fn say_everything(world: &World) {
    let listening = world.host.listen().await;
    let conversation = &world.acme.conversation;
    let text = format!("{CANARY} text");
    let mut line = Line::hello(listening.address, &world.acme.member).await;
    for frame in [
        json!({"type": "send", "ref": text, "conversation": conversation, "client_id": new_id::<Uuid>(), "text": text}),
        json!({"type": "send", "ref": text, "conversation": text, "client_id": text, "text": text}),
        json!({"type": "page", "url": "https://example.org/canary?canary#canary", "title": text}),
        json!({"type": "page", "url": text, "title": text}),
        json!({"type": text, "ref": text}),
        json!({"type": "typing", "conversation": conversation, "active": text}),
        json!({"type": "read", "conversation": conversation, "seq": text}),
        json!({"type": "subscribe", "ref": text, "conversation": text}),
    ] {
        line.say(frame).await;
    }
    line.settle().await;
    line.send(Message::text(format!("{{{text}"))).await;
    line.settle().await;
    for first in [json!({"type": "hello", "token": text}), json!({"type": text}), json!(text)] {
        let mut line = Line::open(listening.address).await;
        line.say(first).await;
        line.end().await;
    }
}
