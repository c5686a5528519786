//! A conversation is opened by HTTP while its visitor's socket is about to connect.

use convor::protocol::OpenRequest;
use convor_tests::fixture::{message, opening};
use convor_tests::hooked::Side::{After, Before};
use convor_tests::hooked::{Side, next};
use convor_tests::person::Person;

use crate::hearing::heard;
use crate::world::{Cluster, MINUTE, SECOND, alone, asked, away, open};

/// Where a connection may stand when the conversation is opened.
const CONNECTING: [(&str, Side); 4] = [
    ("visitors.find", Before),
    ("visitors.find", After),
    ("conversations.page", Before),
    ("conversations.page", After),
];

/// Where an opening may stand when the visitor connects.
const OPENING: [(&str, Side); 4] = [
    ("tenants.find", Before),
    ("conversations.open", Before),
    ("conversations.open", After),
    ("conversations.view", Before),
];

#[tokio::test(start_paused = true)]
async fn a_connection_hears_what_is_opened_while_it_is_made() {
    for (call, side) in CONNECTING {
        let (node, tenant) = alone().await;
        let visitor = tenant.visitor().await;
        let held = node.storage.hold(next(call), side);
        let chat = node.chat.clone();
        let connecting = tokio::spawn(async move { Person::connect(&chat, visitor).await });
        held.reached().await;
        let id = open(&tenant, &visitor).await;
        held.release();
        let mut person = connecting.await.expect("it connects");
        node.chat.post(&away(&tenant, &tenant.anna), id, message("two")).await.expect("a message");
        let events = heard(&mut person, SECOND).await.events();
        assert!(events.ends_with(&["2 message".to_owned()]), "{side:?} {call}: {events:?}");
    }
}

/// What is opened without a word is no event: there is nothing to tell other nodes.
#[tokio::test(start_paused = true)]
async fn what_was_opened_in_silence_through_another_node_is_heard_with_its_first_word() {
    let Cluster { here, there, tenant_here, tenant_there, .. } = Cluster::new().await;
    let visitor = tenant_here.visitor().await;
    let mut person = Person::connect(&there.chat, visitor).await;
    let silent = OpenRequest { first_message: None, ..opening("one") };
    let opened = here.chat.open(&visitor, silent).await.expect("it is opened");
    let id = opened.conversation.view.conversation.id;
    let anna = away(&tenant_there, &tenant_there.anna);
    for word in ["one", "two"] {
        there.chat.post(&anna, id, message(word)).await.expect("a message");
    }
    assert_eq!(heard(&mut person, SECOND).await.events(), ["1 message", "2 message"]);
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_is_made_while_a_conversation_is_opened_hears_it() {
    for (call, side) in OPENING {
        let (node, tenant) = alone().await;
        let visitor = tenant.visitor().await;
        let held = node.storage.hold(next(call), side);
        let chat = node.chat.clone();
        let opens = tokio::spawn(async move { chat.open(&visitor, opening("one")).await });
        held.reached().await;
        let mut person = Person::connect(&node.chat, visitor).await;
        held.release();
        let opened = opens.await.expect("no panic").expect("it is opened");
        let id = opened.conversation.view.conversation.id;
        node.chat.post(&away(&tenant, &tenant.anna), id, message("two")).await.expect("a message");
        let events = heard(&mut person, SECOND).await.events();
        assert!(events.ends_with(&["2 message".to_owned()]), "{side:?} {call}: {events:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_second_window_hears_what_the_first_one_opens() {
    let (node, tenant) = alone().await;
    let (visitor, first) = asked(&tenant).await;
    let held = node.storage.hold(next("events.page"), After);
    let chat = node.chat.clone();
    let connecting = tokio::spawn(async move { Person::connect(&chat, visitor).await });
    held.reached().await;
    let second = open(&tenant, &visitor).await;
    held.release();
    let mut person = connecting.await.expect("it connects");
    for id in [first, second] {
        node.chat.post(&away(&tenant, &tenant.anna), id, message("two")).await.expect("a message");
    }
    let frames = heard(&mut person, SECOND).await.frames;
    assert_eq!(Person::seqs(&frames, first), [2]);
    assert!(Person::seqs(&frames, second).ends_with(&[2]), "{frames:?}");
}

#[tokio::test(start_paused = true)]
async fn an_opening_with_unknown_outcome_is_heard_everywhere() {
    let Cluster { here, tenant_here, tenant_there, .. } = Cluster::new().await;
    let visitor = tenant_here.visitor().await;
    let mut windows = [
        Person::connect(&tenant_here.chat, visitor).await,
        Person::connect(&tenant_there.chat, visitor).await,
    ];
    let mut inboxes = [tenant_here.ben().await, tenant_there.ben().await];
    for inbox in &mut inboxes {
        inbox.open_inbox().await;
    }
    here.storage.fail(next("conversations.open"), After);
    let refused = here.chat.open(&visitor, opening("one")).await.expect_err("the storage has not answered");
    assert_eq!(refused.code(), "unavailable");
    for window in &mut windows {
        assert_eq!(heard(window, MINUTE).await.events(), ["1 message"]);
    }
    for inbox in &mut inboxes {
        assert_eq!(heard(inbox, SECOND).await.distinct_events(), ["1 message"]);
    }
}
