//! The same for every frame that a client can send, and for every subscription.

use std::collections::BTreeSet;
use std::net::SocketAddr;

use convor::protocol::{ClientFrame, decode_frame};
use convor_tests::fixture::new_id;
use convor_tests::host::Ask;
use convor_tests::line::{Heard, Line};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::world::{Outsider, World};

/// The protocol's page: a type of which it does not speak is nobody's to use.
const PROTOCOL: &str = include_str!("../../docs/protocol.md");

const CANARY: &str = "canary for members alone";

#[tokio::test]
async fn s02_s05_every_frame_answers_an_id_of_somebody_elses_as_one_that_was_made_up() {
    let world = World::new().await;
    let listening = world.host.listen().await;
    let mut member = Line::hello(listening.address, &world.acme.member).await;
    let mut owner = Line::hello(listening.address, &world.acme.owner).await;
    owner.say(json!({"type": "subscribe", "ref": "i", "inbox": true})).await;
    owner.until("subscribed").await;
    member.settle().await;
    let before = world.truth().await;

    let kinds = types();
    let mut compared = 0;
    for outsider in world.outsiders() {
        for kind in &kinds {
            for (what, foreign) in world.foreign_ids() {
                let made_up = new_id::<Uuid>().to_string();
                for (frame, nothing) in samples(kind, &foreign).into_iter().zip(samples(kind, &made_up)) {
                    let theirs = answers(listening.address, outsider, &frame, &foreign).await;
                    let nothing = answers(listening.address, outsider, &nothing, &made_up).await;
                    assert_eq!(theirs, nothing, "{kind}, {}, {what}", outsider.role);
                    compared += 1;
                }
            }
        }
    }

    assert_eq!(before, world.truth().await, "nothing has come of it");
    let heard: Vec<_> = [member.settle().await, owner.settle().await].concat();
    // Who comes and where it is, of a tenant's own visitors, its operators hear.
    let own = |frame: &&String| frame.contains(r#""type":"presence""#) || frame.contains(r#""type":"page""#);
    let news: Vec<_> = heard.iter().filter(|frame| !own(frame)).collect();
    assert_eq!(news, [""; 0], "members have heard nothing of it");
    let roles = world.outsiders().len();
    println!("proof-columns: Isolation | what | how many | roles | answers compared, byte by byte");
    println!("proof: Isolation | frames | {} | {roles} | {compared}", kinds.len());
}

#[tokio::test]
async fn s02_s27_whoever_has_tried_to_listen_hears_nothing() {
    let world = World::new().await;
    let listening = world.host.listen().await;
    let mut lines = Vec::new();
    for outsider in world.outsiders() {
        let Some(token) = outsider.token else { continue };
        let held = json!([{"conversation": world.acme.conversation, "epoch": 1, "after": 0}]);
        let mut line = Line::resume(listening.address, token, held).await;
        for kind in types().iter().filter(|kind| *kind != "unsubscribe") {
            for frame in samples(kind, &world.acme.conversation) {
                line.say(frame).await;
            }
        }
        line.say(json!({"type": "subscribe", "ref": "i", "inbox": true})).await;
        line.settle().await;
        lines.push((outsider.role, line));
    }

    let path = format!("/v1/conversations/{}/messages", world.acme.conversation);
    for kind in ["message", "note"] {
        let body = json!({"client_id": new_id::<Uuid>(), "text": CANARY, "kind": kind});
        let posted = world.host.ask(Ask::post(&path, &body).by(Some(&world.acme.owner))).await;
        assert_eq!(posted.status, 201);
    }
    world.acme.change(&world.host, &json!({"tags": [CANARY]})).await;

    for (role, mut line) in lines {
        let heard = line.settle().await.concat();
        assert!(!heard.contains(CANARY) && !heard.contains(&world.acme.conversation), "{role}: {heard}");
    }
}

/// What the server says to a frame, without the id that it may repeat.
async fn answers(address: SocketAddr, outsider: Outsider<'_>, frame: &Value, id: &str) -> Vec<Heard> {
    let mut line = Line::open(address).await;
    let says_hello = frame["type"] == "hello";
    let Some(token) = outsider.token else {
        line.say(frame.clone()).await;
        return vec![Heard::End(line.end().await)];
    };
    let mut hello = json!({"type": "hello", "token": token});
    if says_hello {
        hello["resume"] = frame["resume"].clone();
    }
    line.say(hello).await;
    line.until("welcome").await;
    if !says_hello {
        line.say(frame.clone()).await;
    }
    let heard = line.settle().await.into_iter();
    // Who is there is another matter, and so is what happens in one's own conversations.
    let heard = heard.filter(|text| !text.contains(r#""type":"presence""#));
    heard.map(|text| Heard::Frame(text.replace(id, "ID"))).collect()
}

/// Frames of a type, with this id wherever one can stand.
fn samples(kind: &str, id: &str) -> Vec<Value> {
    let other = Uuid::from_u128(7);
    match kind {
        "hello" => vec![
            json!({"type": kind, "resume": [{"conversation": id, "epoch": 1, "after": 0}]}),
            json!({"type": kind, "resume": [{"conversation": id, "epoch": 9, "after": 9}]}),
        ],
        "subscribe" => vec![
            json!({"type": kind, "ref": "r", "conversation": id}),
            json!({"type": kind, "ref": "r", "conversation": id, "after": 0}),
        ],
        "unsubscribe" => vec![json!({"type": kind, "ref": "r", "conversation": id})],
        "send" => vec![
            json!({"type": kind, "ref": "r", "conversation": id, "client_id": other, "text": "hello"}),
            json!({"type": kind, "ref": "r", "conversation": id, "client_id": other, "text": "hello", "kind": "note"}),
            json!({"type": kind, "ref": "r", "conversation": id, "client_id": other, "text": ""}),
        ],
        "typing" => vec![
            json!({"type": kind, "conversation": id, "active": true}),
            json!({"type": kind, "conversation": id, "active": true, "kind": "note"}),
        ],
        "read" => vec![
            json!({"type": kind, "conversation": id, "seq": 1}),
            json!({"type": kind, "conversation": id, "seq": 0}),
        ],
        // It names nothing that is stored.
        "page" => vec![json!({"type": kind, "url": format!("https://example.org/{id}")})],
        _ => panic!("frames of type {kind} are not in the matrix: say how an id could be put into them"),
    }
}

/// The types that the decoder knows, of all words of the protocol's page.
fn types() -> BTreeSet<String> {
    let words = PROTOCOL.split(|c: char| !c.is_ascii_lowercase() && c != '_').filter(|word| !word.is_empty());
    let types: BTreeSet<_> = words.filter(|word| is_known(word)).map(str::to_owned).collect();
    for kind in &types {
        let frame = samples(kind, &Uuid::from_u128(1).to_string()).remove(0);
        let decoded = decode_frame(&frame.to_string());
        assert!(!matches!(decoded, Err(_) | Ok(ClientFrame::Unknown)), "{frame} is a frame: {decoded:?}");
    }
    assert!(types.len() >= 7, "{types:?}");
    types
}

/// An unknown type is refused by that name, a known one that lacks its fields by those.
fn is_known(kind: &str) -> bool {
    match decode_frame(&json!({"type": kind}).to_string()) {
        Ok(frame) => !matches!(frame, ClientFrame::Unknown),
        Err((_, error)) => !error.to_string().starts_with("type:"),
    }
}
