//! A visitor and an operator chat, through the library alone.

use std::sync::Arc;

use convor::domain::{Principal, Status};
use convor::ports::storage::Window;
use convor::ports::{Broker, Close, Storage};
use convor::protocol::ConversationRequest;
use convor_memory::{MemoryBroker, MemoryStorage};
use convor_tests::fixture::{Tenant, chat, message, node, note, opening};
use convor_tests::person::Person;
use serde_json::{Value, json};

#[tokio::test]
async fn a_visitor_asks_and_an_operator_answers() {
    let tenant = Tenant::new(&chat(), "Acme").await;
    let mut anna = tenant.anna().await;
    anna.open_inbox().await;
    let mut visitor = Person::connect(&tenant.chat, tenant.visitor().await).await;

    let opened = tenant.chat.open(&visitor.principal, opening("Is this seat taken?")).await.expect("open");
    let conversation = opened.conversation.view.conversation.id;
    let own = visitor.until("event").await;
    assert_eq!(own["message"]["text"], "Is this seat taken?");
    assert_eq!(own["message"]["author"], json!({"kind": "visitor", "name": null}), "no ids for visitors");
    let asked = anna.until("event").await;
    assert_eq!(
        (asked["seq"].as_u64(), asked["message"]["text"].as_str()),
        (Some(1), Some("Is this seat taken?"))
    );

    anna.send(json!({"type": "send", "ref": "1", "conversation": conversation, "text": "No, please!",
        "client_id": "01890a5d-ac96-774b-bcce-b302099a8057"}))
        .await;
    let answered = visitor.until("event").await;
    assert_eq!(answered["message"]["text"], "No, please!");
    assert_eq!(answered["message"]["author"], json!({"kind": "operator", "name": "Anna"}));
    let ack = anna.until("ack").await;
    assert_eq!((ack["seq"].as_u64(), ack["duplicate"].as_bool()), (Some(2), Some(false)));
}

#[tokio::test]
async fn a_note_leaves_no_trace_with_the_visitor() {
    let tenant = Tenant::new(&chat(), "Acme").await;
    let mut visitor = Person::connect(&tenant.chat, tenant.visitor().await).await;
    let opened = tenant.chat.open(&visitor.principal, opening("one")).await.expect("open");
    let conversation = opened.conversation.view.conversation.id;
    let mut anna = tenant.anna().await;
    anna.subscribe(conversation, Some(0)).await;
    let view = async || {
        let viewed = tenant.chat.conversation(&visitor.principal, conversation).await.expect("a view");
        serde_json::to_value(viewed.object()).expect("JSON")
    };
    let before = view().await;

    tenant.chat.post(&anna.principal, conversation, note("secret canary")).await.expect("a note");
    assert_eq!(before, view().await, "nothing of the conversation has changed for the visitor");
    tenant.chat.post(&anna.principal, conversation, message("two")).await.expect("a message");

    visitor.settle().await;
    anna.settle().await;
    assert_eq!(Person::seqs(&visitor.seen, conversation), [1, 2], "the visitor's numbering has no hole");
    assert_eq!(Person::seqs(&anna.seen, conversation), [1, 2, 3]);
    assert!(!format!("{:?}", visitor.seen).contains("canary"));
    let history =
        tenant.chat.history(&visitor.principal, conversation, Window::After(0), None).await.expect("a page");
    let history = serde_json::to_string(&history.object()).expect("JSON");
    assert!(!history.contains("canary") && history.contains("two"));
}

#[tokio::test]
async fn a_connection_that_comes_back_misses_nothing_and_sees_nothing_twice() {
    let tenant = Tenant::new(&chat(), "Acme").await;
    let visitor = tenant.visitor().await;
    let opened = tenant.chat.open(&visitor, opening("1")).await.expect("open");
    let conversation = opened.conversation.view.conversation.id;
    let mut anna = tenant.anna().await;
    anna.subscribe(conversation, Some(0)).await;
    let mut seen = vec![anna.until("event").await];
    for round in 0..5 {
        let mut anna_back = anna.reconnect().await;
        for i in 0..7 {
            tenant
                .chat
                .post(&visitor, conversation, message(&format!("{round}.{i}")))
                .await
                .expect("a message");
            if i == 3 {
                anna_back.subscribe(conversation, Some(seen.len() as u64)).await;
            }
        }
        anna_back.settle().await;
        seen.append(&mut anna_back.seen);
        anna = anna_back;
    }
    let seqs = Person::seqs(&seen, conversation);
    assert_eq!(seqs, (1..=36).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn everybody_sees_the_same_order_while_many_write() {
    let tenant = Tenant::new(&chat(), "Acme").await;
    let principal = tenant.visitor().await;
    let mut visitor = Person::connect(&tenant.chat, principal).await;
    let opened = tenant.chat.open(&principal, opening("first")).await.expect("open");
    let conversation = opened.conversation.view.conversation.id;
    let (mut anna, mut ben) = (tenant.anna().await, tenant.ben().await);
    anna.subscribe(conversation, Some(0)).await;
    ben.open_inbox().await;

    let writers = (0..8).map(|writer| {
        let (chat, anna) = (tenant.chat.clone(), anna.principal);
        tokio::spawn(async move {
            for i in 0..4 {
                let text = format!("{writer}.{i}");
                let request = if i % 2 == 0 { note(&text) } else { message(&text) };
                let who = if i % 2 == 1 && writer % 2 == 0 { principal } else { anna };
                chat.post(&who, conversation, request).await.expect("stored");
            }
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await.expect("no panic");
    }
    for person in [&mut visitor, &mut anna, &mut ben] {
        person.settle().await;
    }
    assert_eq!(Person::seqs(&anna.seen, conversation), (1..=33).collect::<Vec<_>>());
    assert_eq!(
        Person::seqs(&ben.seen, conversation),
        (2..=33).collect::<Vec<_>>(),
        "the inbox sees all, in order"
    );
    assert_eq!(Person::seqs(&visitor.seen, conversation), (1..=17).collect::<Vec<_>>());
}

#[tokio::test]
async fn an_operator_who_hears_a_conversation_twice_gets_it_once() {
    let tenant = Tenant::new(&chat(), "Acme").await;
    let visitor = tenant.visitor().await;
    let opened = tenant.chat.open(&visitor, opening("1")).await.expect("open");
    let conversation = opened.conversation.view.conversation.id;
    let mut anna = tenant.anna().await;
    anna.open_inbox().await;
    anna.subscribe(conversation, None).await;
    tenant.chat.post(&visitor, conversation, message("2")).await.expect("a message");
    anna.settle().await;
    assert_eq!(Person::seqs(&anna.seen, conversation), [2]);
    anna.send(json!({"type": "unsubscribe", "ref": "u", "conversation": conversation})).await;
    anna.until("unsubscribed").await;
    tenant.chat.post(&visitor, conversation, message("3")).await.expect("a message");
    anna.settle().await;
    assert_eq!(Person::seqs(&anna.seen, conversation), [2, 3], "the inbox goes on");
}

#[tokio::test]
async fn a_closed_conversation_opens_when_its_visitor_writes() {
    let tenant = Tenant::new(&chat(), "Acme").await;
    let visitor = tenant.visitor().await;
    let anna = tenant.anna().await;
    let opened = tenant.chat.open(&visitor, opening("1")).await.expect("open");
    let id = opened.conversation.view.conversation.id;
    let closed = tenant.chat.close(&anna.principal, id, 1).await.expect("closed");
    assert_eq!(closed.view.conversation.status, Status::Closed);
    tenant.chat.post(&visitor, id, message("2")).await.expect("a message");
    let view = tenant.chat.conversation(&visitor, id).await.expect("a view").view;
    assert_eq!((view.conversation.status, view.conversation.heads.visitor), (Status::Open, 4));
    let stale = tenant.chat.close(&anna.principal, id, 2).await.expect_err("it has changed since");
    assert_eq!(stale.code(), "precondition_failed");
}

#[tokio::test]
async fn several_changes_are_one() {
    let tenant = Tenant::new(&chat(), "Acme").await;
    let visitor = tenant.visitor().await;
    let mut anna = tenant.anna().await;
    let opened = tenant.chat.open(&visitor, opening("1")).await.expect("open");
    let id = opened.conversation.view.conversation.id;
    anna.subscribe(id, None).await;
    let request = ConversationRequest {
        status: Some(Status::Closed),
        snoozed_until: None,
        assignee: Some(Some(tenant.ben.id)),
        tags: Some(vec!["b".into(), "a".into(), "b".into()]),
    };
    let changed = tenant.chat.change_conversation(&anna.principal, id, 1, request).await.expect("changed");
    assert_eq!(changed.view.conversation.version, 2);
    anna.settle().await;
    let kinds: Vec<_> =
        anna.seen.iter().filter(|f| f["type"] == "event").map(|f| f["kind"].clone()).collect();
    assert_eq!(kinds, ["status", "assigned", "tagged"]);
    let assigned = anna.seen.iter().find(|frame| frame["kind"] == "assigned").expect("assigned");
    assert_eq!(assigned["assignee"]["name"], "Ben");
}

#[tokio::test]
async fn typing_reading_presence_and_pages_reach_the_others() {
    let tenant = Tenant::new(&chat(), "Acme").await;
    let mut anna = tenant.anna().await;
    anna.open_inbox().await;
    let mut visitor = Person::connect(&tenant.chat, tenant.visitor().await).await;
    assert_eq!(visitor.until("presence").await["online"], true);
    let presence = anna.until("presence").await;
    assert_eq!((&presence["online"], &presence["author"]["kind"]), (&json!(true), &json!("visitor")));
    let opened = tenant.chat.open(&visitor.principal, opening("1")).await.expect("open");
    let id = opened.conversation.view.conversation.id;

    visitor.send(json!({"type": "typing", "conversation": id, "active": true})).await;
    assert_eq!(anna.until("typing").await["active"], true);
    anna.send(json!({"type": "typing", "conversation": id, "active": true, "kind": "note"})).await;
    anna.send(json!({"type": "typing", "conversation": id, "active": true})).await;
    assert_eq!(visitor.until("typing").await["kind"], "message", "typing a note is for staff");

    visitor
        .send(json!({"type": "page", "url": "https://example.org/shop?mail=a@b.c#x", "title": "Shop"}))
        .await;
    let page = anna.until("page").await;
    assert_eq!(
        (&page["page"]["url"], &page["page"]["title"]),
        (&json!("https://example.org/shop"), &json!("Shop"))
    );

    tenant.chat.post(&anna.principal, id, note("n")).await.expect("a note");
    tenant.chat.post(&anna.principal, id, message("2")).await.expect("a message");
    visitor.send(json!({"type": "read", "conversation": id, "seq": 2})).await;
    assert_eq!(anna.until("read").await["seq"], 3, "the visitor's second event is the staff's third");
    let mut read = async |seq: u64| {
        anna.send(json!({"type": "read", "conversation": id, "seq": seq})).await;
        anna.settle().await;
        visitor.settle().await;
        let reads: Vec<_> = visitor.seen.drain(..).filter(|frame| frame["type"] == "read").collect();
        reads.iter().map(|frame| frame["seq"].as_u64().expect("a position")).collect::<Vec<_>>()
    };
    assert_eq!(read(1).await, [1]);
    assert!(read(2).await.is_empty(), "that a note was read, the visitor may not know");
    assert_eq!(read(3).await, [2]);

    drop(visitor);
    let gone = anna.until("presence").await;
    assert_eq!(gone["online"], false);
}

#[tokio::test]
async fn what_a_client_does_not_hold_whole_is_reset() {
    let tenant = Tenant::new(&chat(), "Acme").await;
    let visitor = tenant.visitor().await;
    let opened = tenant.chat.open(&visitor, opening("1")).await.expect("open");
    let id = opened.conversation.view.conversation.id;
    let mut anna = tenant.anna().await;
    anna.subscribe(id, Some(99)).await;
    let reset = anna.until("reset").await;
    assert_eq!((reset["seq"].as_u64(), reset["epoch"].as_u64()), (Some(1), Some(1)));
    tenant.chat.post(&visitor, id, message("2")).await.expect("a message");
    assert_eq!(anna.until("event").await["seq"], 2, "what follows the reset is heard");
}

#[tokio::test]
async fn s16_a_drained_node_sends_everybody_away_to_come_back() {
    let tenant = Tenant::new(&chat(), "Acme").await;
    let mut anna = tenant.anna().await;
    tenant.chat.drain();
    assert!(matches!(anna.end().await, Close::Draining { reconnect_after_ms: 500.. }));
    assert!(!tenant.chat.is_ready().await);
}

#[tokio::test]
async fn too_many_connections_of_one_principal_are_refused() {
    let tenant = Tenant::new(&chat(), "Acme").await;
    let mut people = Vec::new();
    for _ in 0..tenant.chat.limits().connections_per_principal_max {
        people.push(tenant.anna().await);
    }
    let principal = people[0].principal;
    let mut client = convor_memory::InProcess::new(&tenant.chat).connect(principal).await.expect("a client");
    assert_eq!(client.next().await, Err(Close::TooManyConnections));
    drop(people.pop());
    tokio::task::yield_now().await;
}

#[tokio::test]
async fn two_nodes_serve_one_conversation() {
    let storage: Arc<dyn Storage> = Arc::new(MemoryStorage::new());
    let broker: Arc<dyn Broker> = Arc::new(MemoryBroker::new());
    let (one, two) = (node(&storage, &broker).start(), node(&storage, &broker).start());
    let here = Tenant::new(&one, "Acme").await;
    let there = here.on(&two);
    let mut anna = here.anna().await;
    anna.open_inbox().await;
    let mut visitor = Person::connect(&two, there.visitor().await).await;
    // The second node has listened when it has heard that Anna is there.
    let opened = two.open(&visitor.principal, opening("1")).await.expect("open");
    let id = opened.conversation.view.conversation.id;
    assert_eq!(anna.until("event").await["message"]["text"], "1");
    one.post(&anna.principal, id, message("2")).await.expect("a message");
    let seen = visitor.find(|frame| frame["seq"] == 2).await;
    assert_eq!(seen["message"]["text"], "2");
    visitor.send(json!({"type": "typing", "conversation": id, "active": true})).await;
    assert_eq!(anna.until("typing").await["conversation"], id.to_string());
}

#[tokio::test]
async fn a_conversation_opened_on_one_node_is_heard_by_its_visitor_on_another() {
    let storage: Arc<dyn Storage> = Arc::new(MemoryStorage::new());
    let broker: Arc<dyn Broker> = Arc::new(MemoryBroker::new());
    let (one, two) = (node(&storage, &broker).start(), node(&storage, &broker).start());
    let here = Tenant::new(&one, "Acme").await;
    let principal = here.visitor().await;
    let mut elsewhere = Person::connect(&two, principal).await;
    let opened = one.open(&principal, opening("1")).await.expect("open");
    let event: Value = elsewhere.until("event").await;
    assert_eq!(event["conversation"], opened.conversation.view.conversation.id.to_string());
    let Principal::Visitor { .. } = principal else { unreachable!("a visitor") };
}
