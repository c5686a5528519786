//! Who is there.

use convor_memory::InProcess;
use convor_tests::hooked::Side::Before;
use convor_tests::hooked::next;
use convor_tests::person::Person;
use serde_json::{Value, json};

use crate::hearing::{Heard, heard};
use crate::world::{Cluster, MINUTE, SECOND, alone};

/// What was said of who is there: in order, and without repeats.
fn presence(heard: &Heard) -> Vec<bool> {
    let mut online: Vec<_> = heard.of("presence").map(|frame| frame["online"] == true).collect();
    online.dedup();
    online
}

#[tokio::test(start_paused = true)]
async fn a_visitor_hears_of_the_team_and_not_of_each_operator() {
    let (node, tenant) = alone().await;
    let mut person = Person::connect(&node.chat, tenant.visitor().await).await;
    let mut news = async || {
        let heard = heard(&mut person, SECOND).await;
        heard.of("presence").cloned().collect::<Vec<Value>>()
    };
    assert_eq!(news().await, [json!({"type": "presence", "online": false})]);
    let anna = tenant.anna().await;
    assert_eq!(news().await, [json!({"type": "presence", "online": true})]);
    let ben = tenant.ben().await;
    assert!(news().await.is_empty());
    drop(anna);
    assert!(news().await.is_empty());
    drop(ben);
    assert_eq!(news().await, [json!({"type": "presence", "online": false})]);
}

#[tokio::test(start_paused = true)]
async fn a_window_that_goes_before_its_welcome_takes_nobody_along() {
    let Cluster { here, tenant_here, tenant_there, .. } = Cluster::new().await;
    let mut inboxes = [tenant_here.ben().await, tenant_there.ben().await];
    for inbox in &mut inboxes {
        inbox.open_inbox().await;
        heard(inbox, 3 * SECOND).await;
    }
    let visitor = tenant_here.visitor().await;
    let held = here.storage.hold(next("visitors.find"), Before);
    let chat = here.chat.clone();
    let first = tokio::spawn(async move { InProcess::new(&chat).connect(visitor).await });
    held.reached().await;
    let second = Person::connect(&here.chat, visitor).await;
    first.abort();
    for inbox in &mut inboxes {
        let heard = heard(inbox, MINUTE).await;
        assert_eq!(presence(&heard).last(), Some(&true), "{heard:?}");
    }
    drop(second);
    for inbox in &mut inboxes {
        assert_eq!(presence(&heard(inbox, MINUTE).await), [false]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_second_window_is_neither_a_coming_nor_a_going() {
    let Cluster { tenant_here, tenant_there, .. } = Cluster::new().await;
    let visitor = tenant_here.visitor().await;
    let _first = Person::connect(&tenant_here.chat, visitor).await;
    let mut inboxes = [tenant_here.ben().await, tenant_there.ben().await];
    for inbox in &mut inboxes {
        heard(inbox, 3 * SECOND).await;
        inbox.open_inbox().await;
    }
    for tenant in [&tenant_here, &tenant_there] {
        let second = Person::connect(&tenant.chat, visitor).await;
        for inbox in &mut inboxes {
            assert!(!presence(&heard(inbox, SECOND).await).contains(&false));
        }
        drop(second);
        for inbox in &mut inboxes {
            assert!(!presence(&heard(inbox, SECOND).await).contains(&false));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn people_of_a_node_that_falls_silent_are_away_until_it_is_back() {
    let Cluster { world, here, tenant_here, tenant_there, .. } = Cluster::new().await;
    let mut inbox = tenant_there.ben().await;
    inbox.open_inbox().await;
    let _person = Person::connect(&here.chat, tenant_here.visitor().await).await;
    assert_eq!(presence(&heard(&mut inbox, SECOND).await).last(), Some(&true));
    world.broker.disconnect();
    assert_eq!(presence(&heard(&mut inbox, MINUTE).await), [false]);
    world.broker.reconnect();
    assert_eq!(presence(&heard(&mut inbox, MINUTE).await), [true]);
}
