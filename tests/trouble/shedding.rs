//! What is too much is refused at once, and what has been begun is finished.

use std::collections::HashSet;
use std::time::Duration;

use convor::credentials::TenantKey;
use convor::ports::Close;
use convor::{Limits, Rate};
use convor_tests::fixture::{Tenant, new_id};
use convor_tests::hooked::Side::Before;
use convor_tests::hooked::every;
use convor_tests::host::{Ask, Host};
use convor_tests::person::Person;
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
    assert_eq!(refused.status, 503);
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

fn of_strangers(all: usize, per_tenant: usize) -> Limits {
    let mut limits = Limits::default();
    (limits.work_of_strangers_max, limits.work_of_strangers_per_tenant_max) = (all, per_tenant);
    limits
}

/// What somebody asks whom nobody knows yet, and the call of the storage that it needs.
async fn asked_by_strangers(node: &Node, tenant: &Tenant) -> [(&'static str, Ask); 5] {
    let key = tenant.site_key().to_string();
    let (_, token) = node.chat.register_visitor(&tenant.site_key(), None).await.expect("a visitor");
    let account = json!({"tenant": TenantKey::new(tenant.id).to_string(), "email": "anna@example.org", "password": "x"});
    [
        ("visitors.find_by_token", Ask::get("/v1/visitor").by(Some(token.reveal()))),
        ("sites.find", Ask::get(format!("/v1/site?site={key}"))),
        (
            "sites.find",
            Ask::get(format!("/v1/site?site={key}")).header("origin", "https://nowhere.example.org"),
        ),
        ("visitors.register", Ask::post("/v1/visitors", &json!({"site": key}))),
        ("accounts.find_login", Ask::post("/v1/sessions", &account)),
    ]
}

#[tokio::test(start_paused = true)]
async fn a_tenant_that_hangs_before_anybody_is_known_leaves_room_for_the_others() {
    let (node, slow) = alone_with(|builder| builder.limits(of_strangers(2, 1))).await;
    let other = Tenant::new(&node.chat, "Other").await;
    let host = Host::new(node.chat.clone());
    let of_slow = asked_by_strangers(&node, &slow).await;
    let of_other = asked_by_strangers(&node, &other).await;
    for ((call, ask), (_, of_other)) in of_slow.into_iter().zip(of_other) {
        let held = node.storage.hold(every(call).of(slow.id), Before);
        let hanging = tokio::spawn(said(host.clone(), ask.clone()));
        held.reached().await;
        let at_once = |ask| timeout(SECOND, host.ask(ask));
        let refused = at_once(ask.clone()).await.unwrap_or_else(|_| panic!("{call}: it is not refused"));
        assert_eq!(refused.status, 503, "{call}: there is one place");
        let of_other = at_once(of_other).await.unwrap_or_else(|_| panic!("{call}: it waits for another"));
        assert_ne!(of_other.status, 503, "{call}: the other tenant has its own");
        assert_eq!(hanging.await.expect("no panic"), 503, "{call}: it is not waited for for ever");
        node.storage.recover();
        assert_ne!(host.ask(ask).await.status, 503, "{call}: the place is free again");
    }
}

#[tokio::test(start_paused = true)]
async fn who_only_claims_to_be_a_tenants_takes_nothing_from_who_is() {
    let mut limits = of_strangers(8, 4);
    (limits.arrival_reads_max, limits.arrival_reads_per_tenant_max) = (4, 2);
    let (node, tenant) = alone_with(|builder| builder.limits(limits)).await;
    let (visitor, id) = asked(&tenant).await;
    let (_, token) = node.chat.register_visitor(&tenant.site_key(), None).await.expect("a visitor");
    let mut socket = Socket::welcomed(&node.chat, token.reveal()).await;
    let host = Host::new(node.chat.clone());
    let held = node.storage.hold(every("visitors.find_by_token"), Before);
    for digit in 0..50_u128 {
        let forged = format!("cvv_{}_{digit:064x}", tenant.id.uuid().as_simple());
        tokio::spawn(said(host.clone(), Ask::get("/v1/visitor").by(Some(&forged))));
        let chat = node.chat.clone();
        tokio::spawn(async move { Socket::hello(&chat, &forged).await.end() });
    }
    held.reached().await;
    socket.say(json!({"type": "read", "conversation": id, "seq": 1})).await;
    assert_eq!(socket.refusals(), ["not_found"], "it is done, and is another visitor's");
    let person = timeout(SECOND, Person::connect(&node.chat, visitor)).await;
    assert!(person.is_ok(), "who is known is welcomed and brought up to date");
}

#[tokio::test(start_paused = true)]
async fn who_is_refused_together_is_not_asked_to_come_back_together() {
    let (node, tenant) = alone_with(|builder| builder.limits(at_once(0, 1))).await;
    let host = Host::new(node.chat.clone());
    let mut pauses = HashSet::new();
    for _ in 0..100 {
        let refused = host.ask(Ask::get(format!("/v1/site?site={}", tenant.site_key()))).await;
        assert_eq!(refused.status, 503);
        pauses.insert(refused.header("retry-after").expect("a pause"));
    }
    assert!(pauses.len() > 1 && pauses.iter().all(|pause| ["1", "2", "3"].contains(&pause.as_str())));
    let (_, token) = node.chat.register_visitor(&tenant.site_key(), None).await.expect("a visitor");
    let mut socket = Socket::welcomed(&node.chat, token.reveal()).await;
    for _ in 0..20 {
        socket.say(json!({"type": "page", "url": "https://example.org"})).await;
    }
    let refusals = socket.frames();
    let pauses =
        refusals.iter().filter(|frame| frame["type"] == "error").map(|e| e["retry_after_ms"].as_u64());
    assert!(pauses.collect::<HashSet<_>>().len() > 10, "{refusals:?}");
}

#[tokio::test(start_paused = true)]
async fn a_frame_that_is_too_much_is_refused_and_the_connection_stays() {
    let (node, tenant) = alone_with(|builder| builder.limits(at_once(1, 1))).await;
    let (visitor, token) = node.chat.register_visitor(&tenant.site_key(), None).await.expect("a visitor");
    let principal = convor::domain::Principal::visitor(tenant.id, tenant.site.id, visitor.id);
    let id = open(&tenant, &principal).await;
    let mut socket = Socket::welcomed(&node.chat, token.reveal()).await;
    let full = node.chat.begin(tenant.id).expect("the first");
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
    for call in ["visitors.find_by_token", "visitors.find", "conversations.page", "control.after"] {
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
    assert!(
        matches!(behind.end(), Some(Close::Draining { reconnect_after_ms: 500.. })),
        "{:?}",
        behind.end()
    );
    hanging.abort();
}

#[tokio::test(start_paused = true)]
async fn who_would_wait_behind_too_many_is_sent_away_at_once() {
    let mut limits = Limits::default();
    (limits.arrivals_waiting_max, limits.arrivals_waiting_per_tenant_max) = (5, 3);
    let (node, crowded) = alone_with(|builder| builder.limits(limits)).await;
    let calm = Tenant::new(&node.chat, "Calm").await;
    let (_, calm) = node.chat.register_visitor(&calm.site_key(), None).await.expect("a visitor");
    let (_, token) = node.chat.register_visitor(&crowded.site_key(), None).await.expect("a visitor");
    // Whether they wait to be recognised or, known already, to be welcomed.
    for call in ["visitors.find_by_token", "visitors.find"] {
        let held = node.storage.hold(every(call).of(crowded.id), Before);
        let waiting = [(); 3].map(|()| {
            let (chat, token) = (node.chat.clone(), token.reveal().to_owned());
            tokio::spawn(async move { Socket::hello(&chat, &token).await.end() })
        });
        pass(SECOND).await;
        let turned_away = timeout(SECOND, Socket::hello(&node.chat, token.reveal())).await.expect("at once");
        let end = turned_away.end();
        assert!(matches!(end, Some(Close::Draining { reconnect_after_ms: 500.. })), "{call}: {end:?}");
        Socket::welcomed(&node.chat, calm.reveal()).await;
        held.release();
        node.storage.recover();
        for one in waiting {
            assert_eq!(one.await.expect("no panic"), None, "{call}: those who waited are served");
        }
    }
}
