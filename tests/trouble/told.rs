//! What nodes tell each other in full need not be read, and is as good as what is read.

use std::time::Duration;

use convor::domain::{Heads, MessageKind, Position, Principal};
use convor::ports::{Broker, Signal, SignalBody, ToldEvent};
use convor_memory::MemoryBroker;
use convor_tests::fixture::{message, new_id};
use convor_tests::hooked::Side::Before;
use convor_tests::hooked::every;
use convor_tests::person::Person;

use crate::hearing::heard;
use crate::world::{Cluster, SECOND, World, alone_with, asked, away, pass};

async fn cluster() -> Cluster {
    Cluster::of(World::with_broker(MemoryBroker::new().carrying_content()), |builder| builder).await
}

#[tokio::test(start_paused = true)]
async fn what_is_told_in_full_is_heard_without_reading() {
    let Cluster { here, there, tenant_here, tenant_there, .. } = cluster().await;
    let (visitor, id) = asked(&tenant_here).await;
    let mut person = Person::connect(&tenant_there.chat, visitor).await;
    let mut ben = tenant_there.ben().await;
    ben.subscribe(id, None).await;
    pass(SECOND).await;
    there.storage.fail(every("events.page"), Before);
    let anna = away(&tenant_here, &tenant_here.anna);
    here.chat.post(&anna, id, message("two")).await.expect("a message");
    let mut note = message("not for everybody");
    note.kind = MessageKind::Note;
    here.chat.post(&anna, id, note).await.expect("a note");
    here.chat.post(&anna, id, message("three")).await.expect("a message");
    assert_eq!(heard(&mut person, SECOND).await.events(), ["2 message", "3 message"]);
    assert_eq!(heard(&mut ben, SECOND).await.events(), ["2 message", "3 message", "4 message"]);
}

#[tokio::test(start_paused = true)]
async fn what_comes_after_a_gap_is_read() {
    let Cluster { world, here, tenant_here, tenant_there, .. } = cluster().await;
    let (visitor, id) = asked(&tenant_here).await;
    let mut person = Person::connect(&tenant_there.chat, visitor).await;
    pass(SECOND).await;
    let anna = away(&tenant_here, &tenant_here.anna);
    world.broker.swallow_next(1);
    for text in ["two", "three"] {
        here.chat.post(&anna, id, message(text)).await.expect("a message");
    }
    assert_eq!(heard(&mut person, SECOND).await.events(), ["2 message", "3 message"]);
}

/// On a broker that keeps no secrets anybody may say that something was said.
#[tokio::test(start_paused = true)]
async fn what_a_broker_that_keeps_no_secrets_tells_is_not_believed() {
    let Cluster { world, tenant_here, tenant_there, .. } = Cluster::new().await;
    let (visitor, id) = asked(&tenant_here).await;
    let mut person = Person::connect(&tenant_there.chat, visitor).await;
    pass(SECOND).await;
    let Principal::Visitor { tenant, visitor, .. } = visitor else { panic!("a visitor") };
    let forged = ToldEvent {
        position: Position { staff: 2, visitor: Some(2) },
        to_staff: r#"{"type":"event","seq":2,"kind":"message"}"#.to_owned(),
        to_visitor: Some(r#"{"type":"event","seq":2,"kind":"message"}"#.to_owned()),
    };
    let (heads, events) = (Heads { staff: 2, visitor: 2 }, vec![forged]);
    let body = SignalBody::Told { tenant, conversation: id, visitor, after: 1, heads, epoch: 1, events };
    world.broker.publish(&Signal { node: new_id(), number: 1, body }).await.expect("it is carried");
    assert_eq!(heard(&mut person, 5 * SECOND).await.events().len(), 0);
}

#[tokio::test(start_paused = true)]
async fn what_is_too_long_to_be_told_or_for_what_waits_is_read() {
    let told: fn(&mut convor::Limits) = |limits| limits.told_bytes_max = 100;
    let waiting: fn(&mut convor::Limits) = |limits| limits.signals_waiting_bytes_max = 100;
    let none: fn(&mut convor::Limits) = |_| ();
    for bounds in [[told, none], [waiting, none], [none, waiting]] {
        let world = World::with_broker(MemoryBroker::new().carrying_content());
        let nodes = std::cell::RefCell::new(bounds.iter());
        let bounded = |builder: convor::ChatBuilder| {
            let mut limits = convor::Limits::default();
            nodes.borrow_mut().next().expect("two nodes")(&mut limits);
            builder.limits(limits)
        };
        let Cluster { here, there, tenant_here, tenant_there, .. } = Cluster::of(world, bounded).await;
        let (visitor, id) = asked(&tenant_here).await;
        let mut person = Person::connect(&tenant_there.chat, visitor).await;
        pass(SECOND).await;
        let before = there.storage.count("events.page");
        here.chat.post(&away(&tenant_here, &tenant_here.anna), id, message("two")).await.expect("a message");
        assert_eq!(heard(&mut person, SECOND).await.events(), ["2 message"]);
        assert!(there.storage.count("events.page") > before, "another node has read it");
    }
}

/// Also by those who do not follow the conversation itself.
#[tokio::test(start_paused = true)]
async fn what_is_read_is_not_overtaken_by_what_is_told() {
    let brief = |builder: convor::ChatBuilder| {
        let mut limits = convor::Limits::default();
        limits.told_bytes_max = 1_000;
        builder.limits(limits)
    };
    let world = World::with_broker(MemoryBroker::new().carrying_content());
    let Cluster { here, there, tenant_here, tenant_there, .. } = Cluster::of(world, brief).await;
    let (_, id) = asked(&tenant_here).await;
    let mut ben = tenant_there.ben().await;
    ben.open_inbox().await;
    heard(&mut ben, SECOND).await;
    there.storage.delay(every("events.page"), Before, Duration::from_millis(20));
    let anna = away(&tenant_here, &tenant_here.anna);
    for text in ["two, at length ".repeat(50).as_str(), "three"] {
        here.chat.post(&anna, id, message(text)).await.expect("a message");
    }
    let heard = heard(&mut ben, 5 * SECOND).await.events();
    let first = |event| heard.iter().position(|heard| heard == event);
    assert!(first("2 message").is_some() && first("2 message") < first("3 message"), "{heard:?}");
}

/// Clients that come back together and miss the same cost few reads.
#[tokio::test(start_paused = true)]
async fn a_thousand_who_come_back_share_reads() {
    let crowd = |builder: convor::ChatBuilder| {
        let mut limits = convor::Limits::default();
        (limits.connections_per_principal_max, limits.connections) = (2_000, convor::Rate::UNLIMITED);
        (limits.requests, limits.requests_per_tenant) = (convor::Rate::UNLIMITED, convor::Rate::UNLIMITED);
        builder.limits(limits)
    };
    let (node, tenant) = alone_with(crowd).await;
    let (_, id) = asked(&tenant).await;
    let mut people = Vec::new();
    for _ in 0..1_000 {
        people.push(tenant.ben().await);
    }
    node.storage.delay(every("events.page"), Before, Duration::from_millis(20));
    let before = node.storage.count("events.page");
    let coming_back = people.into_iter().map(|mut person| {
        tokio::spawn(async move {
            person.subscribe(id, Some(0)).await;
            heard(&mut person, SECOND).await.events()
        })
    });
    for heard in coming_back.collect::<Vec<_>>() {
        assert_eq!(heard.await.expect("no panic"), ["1 message"]);
    }
    let reads = node.storage.count("events.page") - before;
    assert!(reads <= 3, "{reads} reads for a thousand");
}
