//! The storage has not answered, and nobody knows what it has done.

use std::time::Duration;

use convor::domain::Principal;
use convor::ids::ConversationId;
use convor_tests::fixture::message;
use convor_tests::hooked::Side::After;
use convor_tests::hooked::next;
use convor_tests::person::Person;

use crate::hearing::heard;
use crate::world::{Cluster, MINUTE, SECOND, again, asked, away, pass};

/// Everybody who is to hear of a conversation: its visitor and Ben's inbox, on both nodes.
struct Audience {
    cluster: Cluster,
    conversation: ConversationId,
    anna: Principal,
    windows: Vec<Person>,
    inboxes: Vec<Person>,
}

impl Audience {
    async fn new() -> Self {
        let cluster = Cluster::new().await;
        let (visitor, conversation) = asked(&cluster.tenant_here).await;
        let anna = away(&cluster.tenant_here, &cluster.tenant_here.anna);
        let (mut windows, mut inboxes) = (Vec::new(), Vec::new());
        for tenant in [&cluster.tenant_here, &cluster.tenant_there] {
            windows.push(Person::connect(&tenant.chat, visitor).await);
            let mut ben = tenant.ben().await;
            ben.open_inbox().await;
            inboxes.push(ben);
        }
        Self { cluster, conversation, anna, windows, inboxes }
    }

    /// Each of them hears these within a time, and nothing else.
    async fn hears(&mut self, within: Duration, events: &[&str]) {
        pass(within).await;
        for window in &mut self.windows {
            assert_eq!(heard(window, SECOND).await.events(), events);
        }
        for inbox in &mut self.inboxes {
            assert_eq!(heard(inbox, SECOND).await.distinct_events(), events);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_message_with_unknown_outcome_is_heard_everywhere() {
    let mut audience = Audience::new().await;
    let here = &audience.cluster.here;
    here.storage.fail(next("events.append"), After);
    let refused = here.chat.post(&audience.anna, audience.conversation, message("two")).await;
    assert_eq!(refused.expect_err("nobody knows").code(), "unavailable");
    audience.hears(MINUTE, &["2 message"]).await;
}

#[tokio::test(start_paused = true)]
async fn a_message_whose_sender_did_not_wait_is_heard_everywhere() {
    let mut audience = Audience::new().await;
    let here = &audience.cluster.here;
    let held = here.storage.hold(next("events.append"), After);
    let (chat, anna, conversation) = (here.chat.clone(), audience.anna, audience.conversation);
    let sending = tokio::spawn(async move { chat.post(&anna, conversation, message("two")).await });
    held.reached().await;
    sending.abort();
    audience.hears(MINUTE, &["2 message"]).await;
}

#[tokio::test(start_paused = true)]
async fn a_message_that_is_committed_late_is_heard_everywhere() {
    for late in [Duration::from_millis(200), 3 * SECOND, 20 * SECOND] {
        let mut audience = Audience::new().await;
        let here = &audience.cluster.here;
        here.storage.append_later(late);
        let refused = here.chat.post(&audience.anna, audience.conversation, message("two")).await;
        assert_eq!(refused.expect_err("nobody knows").code(), "unavailable");
        audience.hears(MINUTE, &["2 message"]).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_message_that_is_committed_after_the_next_one_is_heard_everywhere() {
    let mut audience = Audience::new().await;
    let here = &audience.cluster.here;
    here.storage.append_later(20 * SECOND);
    let refused = here.chat.post(&audience.anna, audience.conversation, message("two")).await;
    assert_eq!(refused.expect_err("nobody knows").code(), "unavailable");
    pass(3 * SECOND).await;
    here.chat.post(&audience.anna, audience.conversation, message("three")).await.expect("it is stored");
    audience.hears(MINUTE, &["2 message", "3 message"]).await;
}

#[tokio::test(start_paused = true)]
async fn the_repeat_of_a_message_makes_it_heard_everywhere() {
    let mut audience = Audience::new().await;
    let here = &audience.cluster.here;
    here.storage.append_later(10 * MINUTE);
    let request = message("two");
    let refused = here.chat.post(&audience.anna, audience.conversation, again(&request)).await;
    assert_eq!(refused.expect_err("nobody knows").code(), "unavailable");
    // Whoever has waited for it has given it up long ago.
    pass(11 * MINUTE).await;
    let repeated = here.chat.post(&audience.anna, audience.conversation, request).await.expect("stored");
    assert!(repeated.duplicate);
    audience.hears(5 * SECOND, &["2 message"]).await;
}

#[tokio::test(start_paused = true)]
async fn a_repeat_to_another_node_makes_a_message_heard_there() {
    let mut audience = Audience::new().await;
    let Cluster { world, here, there, .. } = &audience.cluster;
    let request = message("two");
    // The first node dies before it can tell.
    world.broker.disconnect();
    here.storage.fail(next("events.append"), After);
    let refused = here.chat.post(&audience.anna, audience.conversation, again(&request)).await;
    assert_eq!(refused.expect_err("nobody knows").code(), "unavailable");
    let repeated = there.chat.post(&audience.anna, audience.conversation, request).await.expect("stored");
    assert!(repeated.duplicate);
    pass(5 * SECOND).await;
    assert_eq!(heard(&mut audience.windows[1], SECOND).await.events(), ["2 message"]);
    assert_eq!(heard(&mut audience.inboxes[1], SECOND).await.distinct_events(), ["2 message"]);
}

#[tokio::test(start_paused = true)]
async fn a_change_with_unknown_outcome_is_heard_everywhere() {
    let mut audience = Audience::new().await;
    let here = &audience.cluster.here;
    here.storage.fail(next("conversations.update"), After);
    let refused = here.chat.close(&audience.anna, audience.conversation, 1).await;
    assert_eq!(refused.expect_err("nobody knows").code(), "unavailable");
    audience.hears(MINUTE, &["2 status"]).await;
}
