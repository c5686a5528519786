//! An inbox hears every event of its tenant, whatever else is going on.

use convor_tests::fixture::message;
use convor_tests::hooked::Side::{After, Before};
use convor_tests::hooked::next;
use serde_json::json;

use crate::hearing::heard;
use crate::world::{Cluster, MINUTE, SECOND, alone, asked, away};

#[tokio::test(start_paused = true)]
async fn an_inbox_hears_what_is_stored_while_somebody_subscribes() {
    let (node, tenant) = alone().await;
    let (visitor, id) = asked(&tenant).await;
    let mut anna = tenant.anna().await;
    anna.open_inbox().await;
    let mut ben = tenant.ben().await;
    ben.open_inbox().await;
    let held = node.storage.hold(next("events.append"), After);
    let chat = node.chat.clone();
    let posting = tokio::spawn(async move { chat.post(&visitor, id, message("two")).await });
    held.reached().await;
    ben.subscribe(id, None).await;
    held.release();
    posting.await.expect("no panic").expect("it is stored");
    assert_eq!(heard(&mut anna, SECOND).await.distinct_events(), ["2 message"]);
    assert_eq!(heard(&mut ben, SECOND).await.distinct_events(), ["2 message"]);
}

#[tokio::test(start_paused = true)]
async fn an_inbox_hears_what_is_said_while_its_reader_subscribes() {
    for side in [Before, After] {
        let (node, tenant) = alone().await;
        let (visitor, id) = asked(&tenant).await;
        let mut anna = tenant.anna().await;
        anna.open_inbox().await;
        let held = node.storage.hold(next("events.page"), side);
        anna.send(json!({"type": "subscribe", "ref": "s", "conversation": id})).await;
        held.reached().await;
        node.chat.post(&visitor, id, message("two")).await.expect("a message");
        held.release();
        assert_eq!(heard(&mut anna, SECOND).await.distinct_events(), ["2 message"], "{side:?} the reading");
    }
}

#[tokio::test(start_paused = true)]
async fn an_inbox_hears_what_is_said_while_its_reader_fails_to_subscribe() {
    let (node, tenant) = alone().await;
    let (visitor, id) = asked(&tenant).await;
    let mut anna = tenant.anna().await;
    anna.open_inbox().await;
    let held = node.storage.hold(next("events.page"), Before);
    node.storage.fail(next("events.page"), After);
    anna.send(json!({"type": "subscribe", "ref": "s", "conversation": id})).await;
    held.reached().await;
    node.chat.post(&visitor, id, message("two")).await.expect("a message");
    held.release();
    let heard = heard(&mut anna, MINUTE).await;
    assert_eq!(heard.distinct_events(), ["2 message"]);
    assert_eq!(heard.of("error").next().expect("a refusal")["code"], "unavailable");
}

#[tokio::test(start_paused = true)]
async fn an_inbox_hears_both_events_of_a_message_that_reopens() {
    let Cluster { here, tenant_here, tenant_there, .. } = Cluster::new().await;
    let (visitor, id) = asked(&tenant_here).await;
    here.chat.close(&away(&tenant_here, &tenant_here.anna), id, 1).await.expect("it is closed");
    let mut inboxes = [tenant_here.ben().await, tenant_there.ben().await];
    heard(&mut inboxes[1], 3 * SECOND).await;
    for inbox in &mut inboxes {
        inbox.open_inbox().await;
    }
    here.chat.post(&visitor, id, message("three")).await.expect("a message");
    for inbox in &mut inboxes {
        assert_eq!(heard(inbox, 5 * SECOND).await.distinct_events(), ["3 message", "4 status"]);
    }
}
