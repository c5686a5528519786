//! What a connection hears, it hears without a hole, or it ends and comes back.

use convor::ports::{Close, Storage};
use convor::time::Timestamp;
use convor_memory::InProcess;
use convor_tests::fixture::{message, new_id, opening};
use convor_tests::hooked::Side::{After, Before};
use convor_tests::hooked::{Side, every, next};
use convor_tests::person::Person;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::hearing::heard;
use crate::socket::{Socket, anna_signs_in};
use crate::world::{Cluster, MINUTE, SECOND, alone, alone_with, asked, away, open, pass};

#[tokio::test(start_paused = true)]
async fn a_subscription_that_cannot_be_renewed_ends_its_connection() {
    let (node, tenant) = alone().await;
    let (visitor, id) = asked(&tenant).await;
    let mut person = Person::connect(&node.chat, visitor).await;
    heard(&mut person, SECOND).await;
    node.storage.fail(next("events.page"), Before);
    person.send(json!({"type": "subscribe", "ref": "s", "conversation": id, "after": 1})).await;
    assert_eq!(heard(&mut person, MINUTE).await.end, Some(Close::PositionLost));
    let mut person = person.reconnect().await;
    node.chat.post(&away(&tenant, &tenant.anna), id, message("two")).await.expect("a message");
    assert_eq!(heard(&mut person, SECOND).await.events(), ["2 message"]);
}

#[tokio::test(start_paused = true)]
async fn a_subscription_that_fails_can_be_asked_for_again() {
    let (node, tenant) = alone().await;
    let (visitor, id) = asked(&tenant).await;
    let mut anna = tenant.anna().await;
    node.storage.fail(next("events.page"), Before);
    anna.send(json!({"type": "subscribe", "ref": "s", "conversation": id})).await;
    let refusal = anna.until("error").await;
    assert_eq!((&refusal["ref"], &refusal["code"]), (&json!("s"), &json!("unavailable")));
    anna.subscribe(id, Some(0)).await;
    node.chat.post(&visitor, id, message("two")).await.expect("a message");
    assert_eq!(heard(&mut anna, SECOND).await.events(), ["1 message", "2 message"]);
}

/// All that is missing, or an explicit `reset`: never a part.
#[tokio::test(start_paused = true)]
async fn what_is_purged_while_a_client_resumes_resets_it() {
    let (node, tenant) = alone_with(|builder| {
        let mut limits = convor::Limits::default();
        limits.messages = convor::Rate::UNLIMITED;
        builder.limits(limits)
    })
    .await;
    let (visitor, id) = asked(&tenant).await;
    for number in 2..=130 {
        node.chat.post(&visitor, id, message(&number.to_string())).await.expect("a message");
    }
    let mut anna = tenant.anna().await;
    let second_page = node.storage.hold(next("events.page").but(1), Before);
    anna.send(json!({"type": "subscribe", "ref": "s", "conversation": id, "after": 0})).await;
    second_page.reached().await;
    let purged = node.storage.events().purge(tenant.id, Timestamp::MAX, 120).await;
    assert_eq!(purged.expect("it is purged"), 120);
    second_page.release();
    let resumed = heard(&mut anna, SECOND).await;
    let reset = resumed.of("reset").next().expect("a reset");
    assert_eq!(
        (&reset["conversation"], &reset["seq"], &reset["epoch"]),
        (&json!(id), &json!(130), &json!(1))
    );
    assert_eq!(resumed.events().len(), 100, "what was read before the purge, and nothing behind the hole");
    node.chat.post(&visitor, id, message("more")).await.expect("a message");
    assert_eq!(heard(&mut anna, SECOND).await.events(), ["131 message"]);
}

/// What was said elsewhere and purged before this node has heard of it is not to be had any more.
#[tokio::test(start_paused = true)]
async fn who_listens_to_a_conversation_that_is_purged_beyond_it_is_sent_away() {
    let Cluster { world, here, there, tenant_here, tenant_there } = Cluster::new().await;
    let (visitor, id) = asked(&tenant_here).await;
    let mut person = Person::connect(&tenant_there.chat, visitor).await;
    heard(&mut person, SECOND).await;
    let held = there.storage.hold(next("events.page"), Before);
    world.broker.swallow_next(2);
    let anna = away(&tenant_here, &tenant_here.anna);
    for text in ["two", "three"] {
        here.chat.post(&anna, id, message(text)).await.expect("a message");
    }
    held.reached().await;
    let purged = here.storage.events().purge(tenant_here.id, Timestamp::MAX, 2).await;
    assert_eq!(purged.expect("it is purged"), 2);
    held.release();
    assert_eq!(heard(&mut person, SECOND).await.end, Some(Close::PositionLost));
    let mut person = person.reconnect().await;
    here.chat.post(&anna, id, message("four")).await.expect("a message");
    assert_eq!(heard(&mut person, SECOND).await.events(), ["4 message"]);
}

/// Wherever a read fails, the conversation is heard, or the visitor comes back and lists it.
#[tokio::test(start_paused = true)]
async fn a_conversation_from_another_node_is_not_lost_by_a_failed_read() {
    for reads_before in 0..3 {
        let Cluster { here, there, tenant_here, tenant_there, .. } = Cluster::new().await;
        let visitor = tenant_here.visitor().await;
        let mut person = Person::connect(&tenant_there.chat, visitor).await;
        heard(&mut person, SECOND).await;
        there.storage.fail(next("events.page").but(reads_before), Before);
        let id = open(&tenant_here, &visitor).await;
        let first = heard(&mut person, MINUTE).await;
        if first.end.is_none() {
            assert_eq!(first.events(), ["1 message"], "with {reads_before} reads before the failure");
        } else {
            assert_eq!(first.end, Some(Close::PositionLost));
            person = person.reconnect().await;
        }
        here.chat.post(&away(&tenant_here, &tenant_here.anna), id, message("two")).await.expect("a message");
        assert_eq!(heard(&mut person, MINUTE).await.events(), ["2 message"]);
    }
}

/// However long a storage is away, nobody stays with a hole: what was said meanwhile is heard, or they come back.
#[tokio::test(start_paused = true)]
async fn a_storage_that_was_away_leaves_no_hole() {
    for outage in [SECOND, MINUTE, 10 * MINUTE] {
        let Cluster { here, there, tenant_here, tenant_there, .. } = Cluster::new().await;
        let (visitor, old) = asked(&tenant_here).await;
        let mut person = Person::connect(&tenant_there.chat, visitor).await;
        let mut ben = tenant_there.ben().await;
        ben.open_inbox().await;
        for listener in [&mut person, &mut ben] {
            heard(listener, SECOND).await;
        }
        there.storage.fail(every("events.page"), Before);
        here.chat.post(&visitor, old, message("two")).await.expect("a message");
        pass(outage).await;
        there.storage.recover();
        let (heard_by_visitor, heard_by_ben) =
            (heard(&mut person, MINUTE).await, heard(&mut ben, MINUTE).await);
        assert!(
            heard_by_visitor.end == Some(Close::PositionLost) || heard_by_visitor.events() == ["2 message"],
            "{outage:?}: {heard_by_visitor:?}"
        );
        assert!(
            heard_by_ben.end == Some(Close::PositionLost)
                || heard_by_ben.distinct_events() == ["2 message"]
                || heard_by_ben.of("reset").count() > 0,
            "{outage:?}: {heard_by_ben:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_conversation_that_was_opened_elsewhere_while_the_storage_was_away_is_heard() {
    for outage in [SECOND, MINUTE, 10 * MINUTE] {
        let Cluster { there, tenant_here, tenant_there, .. } = Cluster::new().await;
        let visitor = tenant_here.visitor().await;
        let mut person = Person::connect(&tenant_there.chat, visitor).await;
        heard(&mut person, SECOND).await;
        there.storage.fail(every("events.page"), Before);
        open(&tenant_here, &visitor).await;
        pass(outage).await;
        there.storage.recover();
        let heard = heard(&mut person, MINUTE).await;
        assert!(
            heard.end == Some(Close::PositionLost) || heard.events() == ["1 message"],
            "{outage:?}: {heard:?}"
        );
    }
}

/// Without names nothing can be shown.
#[tokio::test(start_paused = true)]
async fn a_lookup_of_names_that_hangs_leaves_no_hole() {
    for lookups_before in 0..3 {
        let Cluster { world, here, there, tenant_here, tenant_there } = Cluster::new().await;
        let visitor = tenant_here.visitor().await;
        let mut person = Person::connect(&tenant_there.chat, visitor).await;
        heard(&mut person, SECOND).await;
        world.broker.disconnect();
        let id = open(&tenant_here, &visitor).await;
        here.chat.post(&away(&tenant_here, &tenant_here.anna), id, message("two")).await.expect("a message");
        let _held = there.storage.hold(next("operators.find").but(lookups_before), Before);
        world.broker.reconnect();
        let heard = heard(&mut person, 10 * MINUTE).await;
        assert!(
            heard.end == Some(Close::PositionLost) || heard.events() == ["1 message", "2 message"],
            "with {lookups_before} lookups before: {heard:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_hello_names_a_conversation_once() {
    let (node, tenant) = alone().await;
    let (_, id) = asked(&tenant).await;
    let token = anna_signs_in(&tenant).await;
    let mut socket = Socket::new(&node.chat);
    let held = json!({"conversation": id, "epoch": 1, "after": 0});
    socket.say(json!({"type": "hello", "token": token.reveal(), "resume": [held, held]})).await;
    assert_eq!(socket.refusals(), ["invalid_request"]);
    assert_eq!(socket.end(), Some(Close::ProtocolError));
}

#[tokio::test(start_paused = true)]
async fn a_hello_that_resumes_too_much_is_told_so() {
    let (node, tenant) = alone().await;
    let token = anna_signs_in(&tenant).await;
    let mut socket = Socket::new(&node.chat);
    let held = |_| json!({"conversation": new_id::<Uuid>(), "epoch": 1, "after": 0});
    let resume: Vec<Value> = (0..=node.chat.limits().resume_conversations_max).map(held).collect();
    socket.say(json!({"type": "hello", "token": token.reveal(), "resume": resume})).await;
    assert_eq!(socket.refusals(), ["invalid_request"]);
    assert_eq!(socket.end(), Some(Close::ProtocolError));
}

#[tokio::test(start_paused = true)]
async fn a_hello_that_is_refused_is_told_why() {
    let (node, _tenant) = alone().await;
    let unknown = Socket::hello(&node.chat, "cvs_nobody").await;
    assert_eq!(
        (unknown.refusals(), unknown.end()),
        (vec!["unauthenticated".to_owned()], Some(Close::Revoked))
    );
}

/// What a visitor's connection waits for before it is welcomed.
const BEFORE_WELCOME: [(&str, Side); 2] = [("visitors.find", Before), ("visitors.find", After)];

#[tokio::test(start_paused = true)]
async fn welcome_is_the_first_frame() {
    for (call, side) in BEFORE_WELCOME {
        let (node, tenant) = alone().await;
        let (visitor, id) = asked(&tenant).await;
        let held = node.storage.hold(next(call), side);
        let chat = node.chat.clone();
        let connecting = tokio::spawn(async move { InProcess::new(&chat).connect(visitor).await });
        held.reached().await;
        let anna = tenant.anna().await;
        anna.send(json!({"type": "typing", "conversation": id, "active": true})).await;
        node.chat.post(&anna.principal, id, message("two")).await.expect("a message");
        node.chat.open(&visitor, opening("another window opens this")).await.expect("it is opened");
        held.release();
        let mut client = connecting.await.expect("no panic").expect("welcome");
        let first: Value = serde_json::from_slice(&client.next().await.expect("a frame")).expect("JSON");
        assert_eq!(first["type"], "welcome", "{side:?} {call}");
    }
}
