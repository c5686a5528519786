//! What is said over a connection, both ways, is as documented.

use std::collections::BTreeSet;
use std::sync::Arc;

use convor::domain::{Principal, Status};
use convor::hub::Batch;
use convor::ports::{Authenticated, Broker, Close, Storage, Transport};
use convor::protocol::ConversationRequest;
use convor::session::{Session, closing, heartbeat};
use convor_memory::{MemoryBroker, MemoryStorage};
use convor_tests::fixture::{Tenant, chat, node};
use convor_tests::person::PATIENCE;
use serde_json::{Value, json};

use crate::documents::{Documents, Eyes};
use crate::line::{Line, Scene, id, scene, types};

#[tokio::test]
async fn every_frame_is_as_documented() {
    let mut scene = scene().await;
    talk(&mut scene).await;
    change(&mut scene).await;
    come_back(&mut scene).await;
    let Scene { documents, mut vera, mut anna, .. } = scene;
    vera.documented(&heartbeat());
    for reason in [
        Close::Draining { reconnect_after_ms: 700 },
        Close::SlowReader,
        Close::Idle,
        Close::PositionLost,
        Close::Revoked,
        Close::Forbidden,
        Close::ProtocolError,
        Close::Erased,
        Close::TooManyConnections,
    ] {
        let frame = anna.documented(&closing(reason));
        let listed = documents.asyncapi["channels"]["socket"]["x-close-codes"].as_array().expect("codes");
        let listed = listed.iter().find(|close| close["code"] == frame["code"]).expect("a documented code");
        assert_eq!(listed["reason"], frame["reason"]);
        assert_eq!(listed["reconnect"], reason.code() < 4_100, "{reason:?}");
    }
    let documented = documents.asyncapi["components"]["messages"].as_object().expect("messages");
    let seen: BTreeSet<_> = vera.seen.union(&anna.seen).collect();
    assert_eq!(seen, documented.keys().collect(), "each has been seen");
    println!("proof-columns: API documents | what | kinds held against the documents");
    println!("proof: API documents | frames | {}", seen.len());
}

async fn talk(scene: &mut Scene) {
    let Scene { vera, anna, conversation, .. } = scene;
    assert_eq!(types(&anna.hear().await.expect("frames")), ["event"]);
    vera.say(json!({"type": "page", "url": "https://example.org/a?b", "title": "A"})).await;
    vera.say(json!({"type": "typing", "conversation": conversation, "active": true})).await;
    assert_eq!(types(&anna.hear().await.expect("frames")), ["page", "typing"]);
    let subscribe = json!({"type": "subscribe", "ref": "c", "conversation": conversation, "after": 0});
    assert_eq!(types(&anna.say(subscribe).await), ["subscribed", "event"]);
    let client_id = id();
    for kind in ["message", "note", "note"] {
        let client_id = if kind == "note" { client_id } else { id() };
        let typing = json!({"type": "typing", "conversation": conversation, "active": true, "kind": kind});
        anna.say(typing).await;
        let send = json!({"type": "send", "ref": "s", "conversation": conversation, "client_id": client_id,
            "text": "Yes!", "kind": kind});
        let heard = anna.say(send).await;
        assert!(types(&heard).contains(&"ack"));
    }
    let send =
        json!({"type": "send", "ref": "s", "conversation": conversation, "client_id": id(), "text": "Ah!"});
    let heard = vera.say(send).await;
    assert_eq!(types(&heard), ["typing", "event", "event", "ack"]);
    vera.say(json!({"type": "read", "conversation": conversation, "seq": 2})).await;
    anna.say(json!({"type": "typing", "conversation": conversation, "active": true, "kind": "note"})).await;
    let heard = anna.say(json!({"type": "read", "conversation": conversation, "seq": 1})).await;
    assert!(types(&heard).is_empty() && types(&vera.hear().await.expect("frames")) == ["read"], "{heard:?}");
}

async fn change(scene: &mut Scene) {
    let Scene { tenant, vera, anna, conversation, .. } = scene;
    let operator = Principal::operator(tenant.id, tenant.anna.id, tenant.anna.role);
    let tomorrow = tenant.chat.now().plus(std::time::Duration::from_secs(86_400));
    let request = |status, snoozed_until, assignee| ConversationRequest {
        status: Some(status),
        snoozed_until,
        assignee: Some(assignee),
        tags: Some(vec![format!("{status:?}")]),
    };
    for (version, request) in [
        (1, request(Status::Closed, None, Some(tenant.ben.id))),
        (2, request(Status::Snoozed, Some(tomorrow), None)),
    ] {
        tenant.chat.change_conversation(&operator, *conversation, version, request).await.expect("changed");
        let heard = anna.hear().await.expect("frames");
        let kinds: Vec<_> = heard.iter().filter_map(|frame| frame["kind"].as_str()).collect();
        assert_eq!(kinds, ["status", "assigned", "tagged"]);
    }
    assert_eq!(types(&vera.hear().await.expect("frames")), ["event", "event"]);
    for topic in [json!({"conversation": conversation}), json!({"inbox": true})] {
        let mut unsubscribe = json!({"type": "unsubscribe", "ref": "u"});
        unsubscribe.as_object_mut().expect("an object").extend(topic.as_object().expect("an object").clone());
        assert_eq!(types(&anna.say(unsubscribe).await), ["unsubscribed"]);
    }
}

async fn come_back(scene: &mut Scene) {
    let Scene { tenant, documents, vera, conversation, visitors_token, .. } = scene;
    for (held, expected) in [
        (json!({"conversation": conversation, "epoch": 1, "after": 3}), ["event", "event"].as_slice()),
        (json!({"conversation": conversation, "epoch": 7, "after": 3}), &["reset"]),
        (json!({"conversation": id(), "epoch": 1, "after": 3}), &["error"]),
    ] {
        let mut back = Line::new(documents, &tenant.chat, Eyes::Visitor);
        let hello = json!({"type": "hello", "token": visitors_token, "resume": [held]});
        assert_eq!(types(&back.say(hello).await)[2..], *expected);
        vera.seen.append(&mut back.seen);
    }
}

#[tokio::test]
async fn every_refusal_of_a_frame_is_as_documented() {
    let Scene { mut vera, mut anna, conversation, tenant, .. } = scene().await;
    let (client_id, nothing) = (id(), id());
    let send = |text: &str, to: &dyn std::fmt::Display| json!({"type": "send", "ref": "s", "conversation": to.to_string(), "client_id": client_id, "text": text});
    let code =
        |heard: Vec<Value>| heard.last().expect("a frame")["code"].as_str().expect("a code").to_owned();
    vera.say(send("once", &conversation)).await;
    assert_eq!(code(vera.say(send("twice", &conversation)).await), "conflict");
    assert_eq!(code(vera.say(send("once", &nothing)).await), "not_found");
    assert_eq!(code(vera.say(send("\0", &conversation)).await), "invalid_request");
    assert_eq!(code(vera.say(json!({"type": "subscribe", "ref": "i", "inbox": true})).await), "forbidden");
    let unsubscribe = json!({"type": "unsubscribe", "ref": "u", "conversation": conversation});
    assert_eq!(code(vera.say(unsubscribe).await), "forbidden");
    assert_eq!(code(anna.say(json!({"type": "page", "url": "https://example.org/"})).await), "forbidden");
    assert_eq!(code(anna.say(json!({"type": "hello"})).await), "invalid_request");
    let limited = loop {
        if let Some(error) =
            vera.say(send("once", &conversation)).await.pop().filter(|last| last["type"] == "error")
        {
            break error;
        }
    };
    assert_eq!(limited["code"], "rate_limited");
    assert!(limited["retry_after_ms"].as_u64().is_some_and(|wait| wait > 0));
    drop(tenant);
}

#[tokio::test]
async fn a_key_that_no_frame_names_is_refused_by_schema_and_server() {
    let Scene { documents, mut vera, mut anna, conversation, visitor, tenant, .. } = scene().await;
    for frame in [
        json!({"type": "subscribe", "ref": "r", "inbox": true}),
        json!({"type": "subscribe", "ref": "r", "conversation": conversation}),
        json!({"type": "unsubscribe", "ref": "r", "inbox": true}),
        json!({"type": "send", "ref": "r", "conversation": conversation, "client_id": id(), "text": "x"}),
        json!({"type": "typing", "conversation": conversation, "active": true}),
        json!({"type": "read", "conversation": conversation, "seq": 1}),
        json!({"type": "page", "url": "https://example.org/"}),
    ] {
        let line = if frame.get("inbox").is_some() { &mut anna } else { &mut vera };
        let pointer = line.pointer("client", &frame);
        assert_eq!(documents.findings(Eyes::Staff, "asyncapi.json", &pointer, &frame), [""; 0]);
        for name in ["nothing", "tenant_id"] {
            let mut with_more = frame.clone();
            with_more[name] = json!("x");
            assert!(!documents.findings(Eyes::Staff, "asyncapi.json", &pointer, &with_more).is_empty());
            line.session.receive(&with_more.to_string()).await;
            let heard = line.hear().await.expect("frames");
            let error = heard.last().expect("an answer");
            assert_eq!(
                (&error["code"], error.get("ref")),
                (&json!("invalid_request"), frame.get("ref")),
                "{frame}"
            );
        }
    }
    let view = tenant.chat.conversation(&visitor, conversation).await.expect("a view").view;
    assert_eq!(view.conversation.heads.visitor, 1, "nothing of it was done");
}

#[tokio::test]
async fn what_is_no_hello_ends_the_connection_as_documented() {
    let documents = Arc::new(Documents::read());
    let tenant = Tenant::new(&chat(), "Acme").await;
    let held = json!({"conversation": id(), "epoch": 1, "after": 0});
    let (_, token) = tenant.chat.register_visitor(&tenant.site_key(), None).await.expect("a visitor");
    for (frame, code, expected) in [
        (json!({"type": "read", "conversation": id(), "seq": 1}), None, Close::ProtocolError),
        (json!({"type": "hello", "nothing": 1}), None, Close::ProtocolError),
        (json!({"type": "hello", "token": "cvv_"}), Some("unauthenticated"), Close::Revoked),
        (json!({"type": "hello"}), Some("unauthenticated"), Close::Revoked),
        (
            json!({"type": "hello", "token": token.reveal(), "resume": vec![held; 101]}),
            Some("invalid_request"),
            Close::ProtocolError,
        ),
    ] {
        let mut line = Line::new(&documents, &tenant.chat, Eyes::Visitor);
        line.session.receive(&frame.to_string()).await;
        let mut batch = Vec::new();
        let mut heard = Vec::new();
        let reason = loop {
            match line.outlet.next(&mut batch).await {
                Batch::Frames => heard.extend(batch.drain(..).map(|frame| line.documented(&frame.text))),
                Batch::Close(reason) => break reason,
            }
        };
        let codes: Vec<_> = heard.iter().map(|error| error["code"].as_str()).collect();
        assert_eq!(
            (codes.first().copied().flatten(), codes.len()),
            (code, usize::from(code.is_some())),
            "{frame}"
        );
        assert_eq!(reason, expected, "{frame}");
    }
}

#[tokio::test]
async fn an_inbox_that_may_have_missed_something_is_reset_as_documented() {
    let storage: Arc<dyn Storage> = Arc::new(MemoryStorage::new());
    let broker = Arc::new(MemoryBroker::new());
    let among_others: Arc<dyn Broker> = Arc::clone(&broker) as _;
    let tenant = Tenant::new(&node(&storage, &among_others).start(), "Acme").await;
    let documents = Arc::new(Documents::read());
    let mut anna = Line::new(&documents, &tenant.chat, Eyes::Staff);
    let transport: Arc<dyn Transport> = Arc::clone(&anna.outlet) as _;
    let operator = Authenticated::new(Principal::operator(tenant.id, tenant.anna.id, tenant.anna.role));
    anna.session = Session::welcomed(&tenant.chat, transport, operator).await.expect("a welcome");
    anna.say(json!({"type": "subscribe", "ref": "i", "inbox": true})).await;
    broker.disconnect();
    broker.reconnect();
    let mut batch = Vec::new();
    loop {
        let next = tokio::time::timeout(PATIENCE, anna.outlet.next(&mut batch)).await;
        assert_eq!(next.expect("a frame in time"), Batch::Frames);
        let heard: Vec<_> = batch.drain(..).map(|frame| anna.documented(&frame.text)).collect();
        if heard.contains(&json!({"type": "reset", "inbox": true})) {
            break;
        }
    }
}
