//! What is too much is refused at once, and what has been begun is finished.

use std::time::Duration;

use convor::{Limits, Rate};
use convor_tests::fixture::{Tenant, new_id};
use convor_tests::hooked::Side::Before;
use convor_tests::hooked::every;
use convor_tests::host::{Ask, Host};
use serde_json::json;
use tokio::time::timeout;

use crate::socket::Socket;
use crate::world::{Node, SECOND, alone_with, asked, open, pass};

fn at_once(all: usize, per_tenant: usize) -> Limits {
    let mut limits = Limits::default();
    (limits.work_max, limits.work_per_tenant_max) = (all, per_tenant);
    limits
}

/// A visitor's way to say something over HTTP, in a conversation of its own.
async fn saying(node: &Node, tenant: &Tenant) -> Ask {
    let (visitor, token) = node.chat.register_visitor(&tenant.site_key(), None).await.expect("a visitor");
    let principal = convor::domain::Principal::visitor(tenant.id, tenant.site.id, visitor.id);
    let id = open(tenant, &principal).await;
    let body = json!({"client_id": new_id::<convor::ids::ClientId>(), "text": "and another thing"});
    Ask::post(format!("/v1/conversations/{id}/messages"), &body).by(Some(token.reveal()))
}

#[tokio::test(start_paused = true)]
async fn what_is_too_much_is_refused_and_whether_the_node_lives_is_answered() {
    let (node, tenant) = alone_with(|builder| builder.limits(at_once(2, 2))).await;
    let host = Host::new(node.chat.clone());
    let mut asks = Vec::new();
    for _ in 0..3 {
        asks.push(saying(&node, &tenant).await);
    }
    let (third, first_two) = asks.split_last().expect("three");
    let held = node.storage.hold(every("events.append"), Before);
    let begun: Vec<_> = first_two.iter().map(|ask| tokio::spawn(said(host.clone(), ask.clone()))).collect();
    pass(SECOND).await;
    let refused = host.ask(third.clone()).await;
    assert_eq!((refused.status, refused.header("retry-after").as_deref()), (503, Some("1")));
    for light in ["/healthz", "/readyz"] {
        assert_eq!(host.ask(Ask::get(light)).await.status, 200, "{light}");
    }
    held.release();
    node.storage.recover();
    for begun in begun {
        assert_eq!(begun.await.expect("no panic"), 201, "what was begun is finished");
    }
    assert_eq!(host.ask(third.clone()).await.status, 201, "there is room again");
}

async fn said(host: Host, ask: Ask) -> u16 {
    host.ask(ask).await.status
}

#[tokio::test(start_paused = true)]
async fn a_tenant_whose_storage_hangs_leaves_room_for_the_others() {
    let (node, slow) = alone_with(|builder| builder.limits(at_once(100, 1))).await;
    let other = Tenant::new(&node.chat, "Other").await;
    let host = Host::new(node.chat.clone());
    let asks = [saying(&node, &slow).await, saying(&node, &slow).await];
    let of_other = saying(&node, &other).await;
    let _held = node.storage.hold(every("events.append").of(slow.id), Before);
    let [first, second] = asks;
    let hanging = tokio::spawn(said(host.clone(), first));
    pass(SECOND).await;
    assert_eq!(host.ask(second).await.status, 503);
    assert_eq!(host.ask(of_other).await.status, 201);
    hanging.abort();
}

#[tokio::test(start_paused = true)]
async fn a_frame_that_is_too_much_is_refused_and_the_connection_stays() {
    let (node, tenant) = alone_with(|builder| builder.limits(at_once(1, 1))).await;
    let (visitor, token) = node.chat.register_visitor(&tenant.site_key(), None).await.expect("a visitor");
    let principal = convor::domain::Principal::visitor(tenant.id, tenant.site.id, visitor.id);
    let id = open(&tenant, &principal).await;
    let mut socket = Socket::welcomed(&node.chat, token.reveal()).await;
    let full = node.chat.begin(None).expect("the first");
    let send = json!({"type": "send", "ref": "1", "conversation": id, "text": "one",
        "client_id": new_id::<convor::ids::ClientId>()});
    socket.say(send.clone()).await;
    assert_eq!(socket.refusals(), ["unavailable"]);
    drop(full);
    socket.say(send).await;
    assert!(socket.frames().iter().any(|frame| frame["type"] == "ack"), "the same once more");
}

#[tokio::test(start_paused = true)]
async fn a_storm_of_one_tenant_does_not_keep_the_others_outside() {
    let mut limits = Limits::default();
    (limits.arrival_reads_max, limits.arrival_reads_per_tenant_max) = (4, 2);
    limits.connections = Rate::UNLIMITED;
    let (node, stormy) = alone_with(|builder| builder.limits(limits)).await;
    let calm = Tenant::new(&node.chat, "Calm").await;
    let (_, token) = node.chat.register_visitor(&calm.site_key(), None).await.expect("a visitor");
    let mut tokens = Vec::new();
    for _ in 0..40 {
        let visitor = node.chat.register_visitor(&stormy.site_key(), None).await.expect("a visitor");
        tokens.push(visitor.1.reveal().to_owned());
    }
    for call in ["visitors.find", "conversations.page", "control.after"] {
        node.storage.delay(every(call).of(stormy.id), Before, Duration::from_millis(250));
    }
    let storm = tokens.into_iter().map(|token| {
        let chat = node.chat.clone();
        tokio::spawn(async move { Socket::hello(&chat, &token).await.end().is_none() })
    });
    let storm: Vec<_> = storm.collect();
    pass(SECOND).await;
    let welcomed = timeout(SECOND, Socket::welcomed(&node.chat, token.reveal())).await;
    welcomed.unwrap_or_else(|_| panic!("it still waits"));
    let mut served = 0;
    for one in storm {
        served += usize::from(one.await.expect("no panic"));
    }
    assert_eq!(served, 40, "and all of the storm are served");
}

#[tokio::test(start_paused = true)]
async fn who_waits_for_too_long_is_sent_away_to_come_back() {
    let mut limits = Limits::default();
    limits.arrival_reads_max = 1;
    let (node, tenant) = alone_with(|builder| builder.limits(limits)).await;
    let (_visitor, _id) = asked(&tenant).await;
    let (_, token) = node.chat.register_visitor(&tenant.site_key(), None).await.expect("a visitor");
    let held = node.storage.hold(every("visitors.find"), Before);
    let (chat, first) = (node.chat.clone(), token.reveal().to_owned());
    let hanging = tokio::spawn(async move { Socket::hello(&chat, &first).await.end() });
    held.reached().await;
    let behind = Socket::hello(&node.chat, token.reveal()).await;
    assert!(behind.end().is_some_and(|close| (4000..4100).contains(&close.code())), "{:?}", behind.end());
    hanging.abort();
}
