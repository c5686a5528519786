//! Nobody is served so badly, or asks so much, that others are not served.

use convor::credentials::TenantKey;
use convor::domain::Principal;
use convor::{Error, Limits, Rate};
use convor_tests::fixture::{PASSWORD, message, new_id, opening};
use convor_tests::hooked::Side::{After, Before};
use convor_tests::hooked::{Side, next};
use convor_tests::person::Person;
use futures_util::FutureExt;

use crate::socket::{Socket, anna_signs_in};
use crate::world::{MINUTE, SECOND, alone, alone_with, asked, away, pass};

/// What an operator's message asks of the storage while nobody else may change its conversation.
const POSTING: [(&str, Side); 3] =
    [("events.append", Before), ("events.append", After), ("operators.find", Before)];

#[tokio::test(start_paused = true)]
async fn a_storage_that_hangs_does_not_hold_a_conversation_for_ever() {
    for (call, side) in POSTING {
        let (node, tenant) = alone().await;
        let (visitor, id) = asked(&tenant).await;
        let _person = Person::connect(&node.chat, visitor).await;
        let held = node.storage.hold(next(call), side);
        let (chat, anna) = (node.chat.clone(), away(&tenant, &tenant.anna));
        let hanging = tokio::spawn(async move { chat.post(&anna, id, message("two")).await });
        held.reached().await;
        // Whoever comes together with it is told to come again.
        pass(SECOND).await;
        let behind = tokio::time::timeout(MINUTE, node.chat.post(&visitor, id, message("three"))).await;
        behind.unwrap_or_else(|_| panic!("{side:?} {call}: its turn comes")).expect("it is stored");
        hanging.abort();
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_that_hangs_is_given_up() {
    let (node, tenant) = alone().await;
    let (visitor, id) = asked(&tenant).await;
    let anna = away(&tenant, &tenant.anna);
    let _held = [
        node.storage.hold(next("events.append"), Before),
        node.storage.hold(next("conversations.update"), Before),
        node.storage.hold(next("conversations.open"), Before),
    ];
    let posted = node.chat.post(&visitor, id, message("two")).await;
    assert_eq!(posted.expect_err("the storage has not answered").code(), "unavailable");
    let closed = node.chat.close(&anna, id, 1).await;
    assert_eq!(closed.expect_err("the storage has not answered").code(), "unavailable");
    let opened = node.chat.open(&visitor, opening("one")).await;
    assert_eq!(opened.expect_err("the storage has not answered").code(), "unavailable");
}

#[tokio::test(start_paused = true)]
async fn connections_are_rate_limited() {
    let mut limits = Limits::default();
    limits.connections = Rate::per_minute(60, 3);
    let (node, tenant) = alone_with(|builder| builder.limits(limits)).await;
    let (_, token) = node.chat.register_visitor(&tenant.site_key(), None).await.expect("a visitor");
    for _ in 0..3 {
        Socket::welcomed(&node.chat, token.reveal()).await;
    }
    let refused = Socket::hello(&node.chat, token.reveal()).await;
    assert_eq!(refused.refusals(), ["rate_limited"]);
    assert!(refused.end().is_some());
    let other = anna_signs_in(&tenant).await;
    Socket::welcomed(&node.chat, other.reveal()).await;
    tokio::time::advance(MINUTE).await;
    Socket::welcomed(&node.chat, token.reveal()).await;
}

#[tokio::test(start_paused = true)]
async fn a_rate_may_be_as_high_and_as_low_as_there_are_numbers() {
    for rate in [Rate::per_minute(u32::MAX, u32::MAX), Rate::per_minute(u32::MAX, 1), Rate::per_minute(0, 0)]
    {
        let mut limits = Limits::default();
        limits.requests = rate;
        let (node, _tenant) = alone_with(|builder| builder.limits(limits)).await;
        let somebody = Principal::system(new_id());
        node.chat.admit(&somebody).expect("the first is admitted");
        tokio::time::advance(MINUTE).await;
        node.chat.admit(&somebody).expect("and one a minute later");
    }
}

#[tokio::test(start_paused = true)]
async fn a_flood_of_sign_ins_locks_nobody_else_out() {
    let mut limits = Limits::default();
    limits.rate_keys_max = 100;
    let (node, tenant) = alone_with(|builder| builder.limits(limits)).await;
    anna_signs_in(&tenant).await;
    let no_tenant = TenantKey::new(new_id()).to_string();
    for number in 0..200 {
        let email = format!("a{number}@example.org");
        // Whoever floods does not wait for the hash.
        let _ = node.chat.sign_in(&no_tenant, &email, "a wrong password", None).now_or_never();
    }
    let key = TenantKey::new(tenant.id).to_string();
    let signed_in = node.chat.sign_in(&key, "ben@example.org", PASSWORD, None).await;
    assert!(!matches!(signed_in, Err(Error::RateLimited { .. })), "{signed_in:?}");
}
