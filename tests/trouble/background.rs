//! What is done without being asked for goes on for everybody else when it goes wrong for somebody.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use convor::domain::{Notification, Principal, Status};
use convor::ids::{ConversationId, OutboxId, TenantId};
use convor::ports::{Notifier, NotifyError};
use convor_tests::fixture::{Tenant, message};
use convor_tests::hooked::Side::Before;
use convor_tests::hooked::every;
use convor_tests::person::Person;

use crate::hearing::heard;
use crate::world::{Cluster, MINUTE, Node, SECOND, World, alone, asked, away, pass};

/// A conversation that sleeps for a minute, and somebody who may look at it.
struct Sleeping {
    tenant: Tenant,
    anna: Principal,
    conversation: ConversationId,
}

impl Sleeping {
    async fn new(node: &Node, name: &str) -> Self {
        let tenant = Tenant::new(&node.chat, name).await;
        let (_, conversation) = asked(&tenant).await;
        let anna = away(&tenant, &tenant.anna);
        let until = node.chat.now().plus(MINUTE);
        node.chat.snooze(&anna, conversation, 1, until).await.expect("it sleeps");
        Self { tenant, anna, conversation }
    }

    async fn status(&self) -> Status {
        let viewed = self.tenant.chat.conversation(&self.anna, self.conversation).await.expect("a view");
        viewed.view.conversation.status
    }
}

#[tokio::test(start_paused = true)]
async fn a_tenant_whose_work_fails_does_not_stop_the_others() {
    for broken in 0..2 {
        let node = World::new().alone(|builder| builder);
        let both = [Sleeping::new(&node, "Acme").await, Sleeping::new(&node, "Bolt").await];
        node.storage.fail(every("conversations.due_snoozes").of(both[broken].tenant.id), Before);
        pass(2 * MINUTE).await;
        assert_eq!(both[1 - broken].status().await, Status::Open);
        assert_eq!(both[broken].status().await, Status::Snoozed);
        node.storage.recover();
        pass(2 * MINUTE).await;
        assert_eq!(both[broken].status().await, Status::Open, "it is tried again");
    }
}

/// A notifier that never comes back from a tenant.
#[derive(Debug)]
struct HangsFor(TenantId);

#[async_trait]
impl Notifier for HangsFor {
    async fn notify(&self, tenant: TenantId, _: OutboxId, _: &Notification) -> Result<(), NotifyError> {
        if tenant == self.0 { std::future::pending().await } else { Ok(()) }
    }
}

#[tokio::test(start_paused = true)]
async fn a_notifier_that_hangs_does_not_stop_what_is_due() {
    for hanging in 0..2 {
        let world = World::new();
        let before = world.alone(|builder| builder);
        let both = [Sleeping::new(&before, "Acme").await, Sleeping::new(&before, "Bolt").await];
        let hangs = Arc::new(HangsFor(both[hanging].tenant.id));
        let node = world.alone(|builder| builder.notifier(hangs));
        let tenants = both.map(|sleeping| Sleeping { tenant: sleeping.tenant.on(&node.chat), ..sleeping });
        drop(before);
        for sleeping in &tenants {
            asked(&sleeping.tenant).await;
        }
        pass(10 * MINUTE).await;
        assert_eq!(tenants[1 - hanging].status().await, Status::Open);
        assert_eq!(tenants[hanging].status().await, Status::Open, "nor for the same tenant");
    }
}

#[tokio::test(start_paused = true)]
async fn names_that_cannot_be_read_are_asked_for_with_patience() {
    let (node, tenant) = alone().await;
    let (visitor, id) = asked(&tenant).await;
    let mut person = Person::connect(&node.chat, visitor).await;
    node.storage.delay(every("operators.find"), Before, Duration::from_millis(1));
    node.storage.fail(every("operators.find"), Before);
    node.chat.post(&away(&tenant, &tenant.anna), id, message("two")).await.expect("it is stored");
    pass(MINUTE).await;
    let calls = node.storage.count("operators.find");
    assert!(calls < 60, "{calls} in a minute");
    node.storage.recover();
    assert_eq!(heard(&mut person, MINUTE).await.events(), ["2 message"]);
}

#[tokio::test(start_paused = true)]
async fn conversations_that_are_read_slowly_do_not_hold_up_others() {
    let Cluster { here, there, tenant_here, tenant_there, .. } = Cluster::new().await;
    let slow = Tenant::new(&here.chat, "Bolt").await;
    let mut listeners = Vec::new();
    let mut conversations = Vec::new();
    for _ in 0..100 {
        let (visitor, id) = asked(&slow).await;
        listeners.push(Person::connect(&there.chat, visitor).await);
        conversations.push((visitor, id));
    }
    let (visitor, id) = asked(&tenant_here).await;
    let mut person = Person::connect(&tenant_there.chat, visitor).await;
    heard(&mut person, SECOND).await;
    let _held = there.storage.hold(every("events.page").of(slow.id), Before);
    for (visitor, id) in conversations {
        here.chat.post(&visitor, id, message("two")).await.expect("a message");
    }
    pass(SECOND).await;
    here.chat.post(&away(&tenant_here, &tenant_here.anna), id, message("two")).await.expect("a message");
    assert_eq!(heard(&mut person, 5 * SECOND).await.events(), ["2 message"]);
}
