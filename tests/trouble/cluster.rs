//! Nodes tell each other what happens, over a broker that loses, fails and ends.

use std::sync::Arc;
use std::time::Duration;

use convor::Limits;
use convor::domain::MessageKind;
use convor::ports::{Broker, Received, Signal, SignalBody, Storage};
use convor_memory::{InProcess, MemoryBroker, MemoryNotifier, MemoryStorage};
use convor_tests::fixture::{Tenant, message, new_id, node, opening};
use convor_tests::hooked::Side::Before;
use convor_tests::hooked::every;
use convor_tests::person::Person;
use serde_json::json;

use crate::hearing::heard;
use crate::world::{Cluster, MINUTE, SECOND, World, asked, away, pass};

/// A broker that never has to drop what waits for a node.
fn roomy_broker() -> MemoryBroker {
    MemoryBroker::with_signals_max(1_000_000)
}

fn limits(signals_waiting_max: usize) -> Limits {
    let mut limits = Limits::default();
    limits.signals_waiting_max = signals_waiting_max;
    limits
}

#[tokio::test(start_paused = true)]
async fn a_hint_that_is_lost_is_found() {
    let Cluster { world, here, tenant_here, tenant_there, .. } = Cluster::new().await;
    let (visitor, id) = asked(&tenant_here).await;
    let mut person = Person::connect(&tenant_there.chat, visitor).await;
    pass(SECOND).await;
    world.broker.swallow_next(1);
    here.chat.post(&away(&tenant_here, &tenant_here.anna), id, message("two")).await.expect("a message");
    assert_eq!(heard(&mut person, 5 * SECOND).await.events(), ["2 message"]);
}

/// A newer version may say in another way that something has grown.
#[tokio::test(start_paused = true)]
async fn a_hint_that_only_a_newer_version_knows_is_followed_by_rereading() {
    let Cluster { world, tenant_here, tenant_there, .. } = Cluster::new().await;
    let (visitor, id) = asked(&tenant_here).await;
    let mut person = Person::connect(&tenant_there.chat, visitor).await;
    pass(SECOND).await;
    let newer = world.alone(|builder| builder);
    newer.chat.post(&away(&tenant_here, &tenant_here.anna), id, message("two")).await.expect("a message");
    assert_eq!(heard(&mut person, 5 * SECOND).await.events().len(), 0, "nobody has said so");
    let hint = Signal { node: new_id(), number: 1, body: SignalBody::Unknown };
    world.broker.publish(&hint).await.expect("it is carried");
    assert_eq!(heard(&mut person, 5 * SECOND).await.events(), ["2 message"]);
}

#[tokio::test(start_paused = true)]
async fn a_hint_that_is_lost_while_its_node_is_thought_gone_is_found() {
    let Cluster { world, here, tenant_here, tenant_there, .. } = Cluster::new().await;
    let (visitor, id) = asked(&tenant_here).await;
    let mut person = Person::connect(&tenant_there.chat, visitor).await;
    world.broker.swallow_next(usize::MAX);
    pass(10 * SECOND).await;
    here.chat.post(&away(&tenant_here, &tenant_here.anna), id, message("two")).await.expect("a message");
    pass(SECOND / 2).await;
    world.broker.swallow_next(0);
    assert_eq!(heard(&mut person, MINUTE).await.events(), ["2 message"]);
}

#[tokio::test(start_paused = true)]
async fn what_was_said_while_the_broker_was_away_is_heard_when_it_is_back() {
    let Cluster { world, here, tenant_here, tenant_there, .. } = Cluster::new().await;
    let (visitor, id) = asked(&tenant_here).await;
    let mut person = Person::connect(&tenant_there.chat, visitor).await;
    world.broker.disconnect();
    here.chat.post(&away(&tenant_here, &tenant_here.anna), id, message("two")).await.expect("a message");
    pass(MINUTE).await;
    world.broker.reconnect();
    assert_eq!(heard(&mut person, 5 * SECOND).await.events(), ["2 message"]);
}

/// As many at once as may be, and the next as soon as one of them is read.
#[tokio::test(start_paused = true)]
async fn many_conversations_of_one_tenant_are_read_again_without_pauses() {
    const MANY: usize = 200;
    let Cluster { world, here, there, tenant_here, tenant_there } = Cluster::of(World::new(), |builder| {
        let mut limits = Limits::default();
        (limits.messages_per_tenant, limits.messages) = (convor::Rate::UNLIMITED, convor::Rate::UNLIMITED);
        builder.limits(limits)
    })
    .await;
    let mut people = Vec::new();
    for _ in 0..MANY {
        let (visitor, id) = asked(&tenant_here).await;
        people.push((id, Person::connect(&there.chat, visitor).await));
    }
    pass(SECOND).await;
    world.broker.disconnect();
    for (id, _) in &people {
        let said = here.chat.post(&away(&tenant_here, &tenant_here.anna), *id, message("two")).await;
        said.expect("a message");
    }
    there.storage.delay(every("events.page"), Before, Duration::from_millis(10));
    world.broker.reconnect();
    // Four at a time, 10 ms each.
    pass(2 * SECOND).await;
    assert_eq!(tenant_there.id, tenant_here.id);
    for (_, person) in &mut people {
        assert_eq!(heard(person, Duration::from_millis(1)).await.events(), ["2 message"]);
    }
}

/// What visitors may have opened elsewhere is asked for again, and that by itself.
#[tokio::test(start_paused = true)]
async fn a_storage_that_fails_for_visitors_makes_no_inbox_list_again_and_again() {
    let Cluster { world, there, tenant_here, tenant_there, .. } = Cluster::new().await;
    let (visitor, _) = asked(&tenant_here).await;
    let mut person = Person::connect(&there.chat, visitor).await;
    let mut ben = tenant_there.ben().await;
    ben.open_inbox().await;
    world.broker.disconnect();
    let later = crate::world::open(&tenant_here, &visitor).await;
    heard(&mut ben, SECOND).await;
    there.storage.fail(every("conversations.page"), Before);
    world.broker.reconnect();
    assert!(heard(&mut ben, MINUTE).await.of("reset").count() <= 2);
    there.storage.recover();
    let opened = heard(&mut person, 5 * SECOND).await;
    assert!(opened.of("event").any(|event| event["conversation"] == json!(later)), "{opened:?}");
}

#[tokio::test(start_paused = true)]
async fn an_inbox_is_told_to_list_again_when_hints_may_be_lost() {
    let Cluster { world, here, tenant_here, tenant_there, .. } = Cluster::new().await;
    let (_, id) = asked(&tenant_here).await;
    let mut ben = tenant_there.ben().await;
    heard(&mut ben, SECOND).await;
    ben.open_inbox().await;
    world.broker.disconnect();
    pass(SECOND).await;
    world.broker.reconnect();
    let reset = ben.find(|frame| frame["type"] == "reset").await;
    assert_eq!(reset, json!({"type": "reset", "inbox": true}));
    here.chat.post(&away(&tenant_here, &tenant_here.anna), id, message("two")).await.expect("a message");
    assert_eq!(heard(&mut ben, 5 * SECOND).await.distinct_events(), ["2 message"]);
}

#[tokio::test(start_paused = true)]
async fn an_inbox_that_reads_slowly_is_told_to_list_again_all_the_same() {
    let Cluster { world, there, tenant_there, .. } = Cluster::new().await;
    let mut ben = tenant_there.ben().await;
    ben.open_inbox().await;
    world.broker.disconnect();
    pass(SECOND).await;
    world.broker.reconnect();
    pass(SECOND).await;
    let mut people = Vec::new();
    for _ in 0..=there.chat.limits().queue_droppable_max {
        people.push(Person::connect(&there.chat, tenant_there.visitor().await).await);
    }
    assert!(heard(&mut ben, SECOND).await.of("reset").count() > 0);
}

#[tokio::test(start_paused = true)]
async fn operators_work_on_while_there_is_no_broker() {
    let Cluster { world, here, tenant_here, .. } = Cluster::new().await;
    let (visitor, id) = asked(&tenant_here).await;
    let mut anna = tenant_here.anna().await;
    anna.open_inbox().await;
    world.broker.disconnect();
    world.broker.close_subscriptions();
    pass(MINUTE).await;
    let mut ben = tenant_here.ben().await;
    ben.open_inbox().await;
    here.chat.post(&visitor, id, message("two")).await.expect("a message");
    for person in [&mut anna, &mut ben] {
        assert_eq!(heard(person, MINUTE).await.distinct_events(), ["2 message"]);
    }
}

#[tokio::test(start_paused = true)]
async fn an_orderly_stop_of_a_node_disturbs_nobody_elsewhere() {
    let Cluster { here, there, tenant_here, tenant_there, .. } = Cluster::new().await;
    let (visitor, id) = asked(&tenant_here).await;
    let anna = tenant_here.anna().await;
    let mut ben = tenant_there.ben().await;
    ben.open_inbox().await;
    let mut person = Person::connect(&tenant_there.chat, visitor).await;
    for listener in [&mut ben, &mut person] {
        heard(listener, SECOND).await;
    }
    here.chat.drain();
    drop(anna);
    // It beats until it has drained.
    pass(10 * SECOND).await;
    drop((here, tenant_here));
    let (to_ben, to_visitor) = (heard(&mut ben, MINUTE).await, heard(&mut person, SECOND).await);
    assert_eq!((to_ben.end, to_visitor.end), (None, None));
    assert_eq!(to_ben.of("reset").count() + to_visitor.frames.len(), 0, "{to_ben:?} {to_visitor:?}");
    there.chat.post(&away(&tenant_there, &tenant_there.anna), id, message("two")).await.expect("a message");
    assert_eq!(heard(&mut person, SECOND).await.events(), ["2 message"]);
}

#[tokio::test(start_paused = true)]
async fn renewing_presence_loses_no_hints() {
    let world = World::with_broker(roomy_broker());
    let cluster = Cluster::of(world, |builder| builder.limits(limits(100))).await;
    let (tenant_here, tenant_there) = (&cluster.tenant_here, &cluster.tenant_there);
    let transport = InProcess::new(&tenant_here.chat);
    let mut visitors = Vec::new();
    for _ in 0..150 {
        visitors.push(transport.connect(tenant_here.visitor().await).await.expect("welcome"));
        tokio::task::yield_now().await;
    }
    pass(5 * SECOND).await;
    let mut ben = tenant_there.ben().await;
    ben.open_inbox().await;
    let heard = heard(&mut ben, 2 * tenant_there.chat.limits().presence_lease).await;
    assert_eq!((heard.end, heard.of("reset").count()), (None, 0));
}

#[tokio::test(start_paused = true)]
async fn a_lost_hint_and_a_slow_storage_make_no_reading_without_end() {
    let cluster =
        Cluster::of(World::with_broker(MemoryBroker::with_signals_max(50)), |builder| builder).await;
    let Cluster { world, here, there, tenant_here, tenant_there } = &cluster;
    let mut people = Vec::new();
    for _ in 0..20 {
        people.push(Person::connect(&there.chat, tenant_there.visitor().await).await);
    }
    let (visitor, id) = asked(tenant_here).await;
    let chat = here.chat.clone();
    let typing = tokio::spawn(async move {
        for round in 0.. {
            chat.typing(&visitor, id, round % 2 == 0, MessageKind::Message).await.expect("typing");
            pass(Duration::from_millis(10)).await;
        }
    });
    there.storage.delay(every("conversations.page"), Before, Duration::from_millis(100));
    pass(SECOND).await;
    world.broker.swallow_next(3);
    pass(MINUTE).await;
    let read = there.storage.count("conversations.page");
    pass(2 * MINUTE).await;
    typing.abort();
    let read = there.storage.count("conversations.page") - read;
    assert!(read < 60, "{read} reads in two minutes, one minute after the last loss");
}

#[tokio::test(start_paused = true)]
async fn a_node_that_starts_learns_who_is_there() {
    let world = World::new();
    let here = world.node(|builder| builder);
    let tenant = Tenant::new(&here.chat, "Acme").await;
    let _anna = tenant.anna().await;
    pass(SECOND).await;
    let notifier = Arc::new(MemoryNotifier::new());
    let there = world.node(|builder| builder.notifier(notifier.clone()));
    pass(5 * SECOND).await;
    assert!(there.chat.is_staffed(tenant.id));
    there.chat.open(&tenant.visitor().await, opening("one")).await.expect("it is opened");
    pass(MINUTE).await;
    assert!(notifier.take().is_empty(), "nobody is told by mail what somebody sees");
}

/// Who was there is forgotten with a node that vanishes, and asked for when it comes back.
#[tokio::test(start_paused = true)]
async fn who_is_on_a_node_that_had_vanished_is_seen_as_soon_as_it_is_back() {
    let Cluster { world, there, tenant_here, tenant_there, .. } = Cluster::new().await;
    let _anna = tenant_here.anna().await;
    pass(SECOND).await;
    assert!(there.chat.is_staffed(tenant_there.id));
    world.broker.disconnect();
    pass(10 * SECOND).await;
    assert!(!there.chat.is_staffed(tenant_there.id));
    world.broker.reconnect();
    pass(4 * SECOND).await;
    assert!(there.chat.is_staffed(tenant_there.id), "not only when presence is renewed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn signals_leave_a_node_in_their_order() {
    const WRITERS: usize = 8;
    const SIGNALS: usize = 5_000;
    let storage: Arc<dyn Storage> = Arc::new(MemoryStorage::new());
    let broker: Arc<dyn Broker> = Arc::new(roomy_broker());
    let chat = node(&storage, &broker).limits(limits(1_000_000)).start();
    let tenant = Tenant::new(&chat, "Acme").await;
    let mut subscription = broker.subscribe().await.expect("a subscription");
    let mut writers = Vec::new();
    for _ in 0..WRITERS {
        let (visitor, id) = asked(&tenant).await;
        let chat = chat.clone();
        writers.push(tokio::spawn(async move {
            for round in 0..SIGNALS {
                chat.typing(&visitor, id, round % 2 == 0, MessageKind::Message).await.expect("typing");
            }
        }));
    }
    for writer in writers {
        writer.await.expect("no panic");
    }
    let mut last = None;
    for _ in 0..WRITERS * SIGNALS {
        let Received::Signal(signal) = subscription.next().await else { panic!("nothing is lost") };
        assert!(last.is_none_or(|last| signal.number == last + 1), "{} follows {last:?}", signal.number);
        last = Some(signal.number);
    }
}
