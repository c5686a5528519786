//! Signals arrive in their order or are missed, and are never missed in silence.

use convor::domain::Author;
use convor::ports::{Broker, Received, Signal, SignalBody};
use convor_nats::NatsBroker;
use convor_tests::environment::proving;
use convor_tests::nats::Server;
use convor_tests::patience::look;

use super::{Cluster, FEW, hinted, id, key, publish, signal, told};
use convor_tests::ear::{Ear, assert_no_silent_gap, said};

/// How many signals one node says where many are wanted.
fn many() -> u64 {
    if proving() { 100_000 } else { 5_000 }
}

#[tokio::test]
async fn brokers_of_a_cluster_hear_each_other_in_order_sealed_or_not() {
    for cluster in [Cluster::open(), Cluster::sealed()] {
        let (one, two) = (cluster.connected().await, cluster.connected().await);
        let (mut at_one, mut at_two) = (Ear::on(&one).await, Ear::on(&two).await);
        for begun in (0..many()).step_by(FEW as usize / 2) {
            let numbers = begun + 1..=begun + FEW / 2;
            tokio::join!(publish(&one, 1, numbers.clone()), publish(&two, 2, numbers.clone()));
            for ear in [&mut at_one, &mut at_two] {
                let heard = ear.until(FEW).await;
                assert!(!heard.contains(&Received::Lost), "nothing is lost where nothing is too much");
                for node in [1, 2] {
                    assert!(said(&heard, node).eq(numbers.clone()), "{node}: {heard:?}");
                }
            }
        }
    }
}

#[tokio::test]
async fn every_subscription_hears_everything_from_when_it_is_made() {
    let broker = Cluster::open().connected().await;
    let mut ears = [Ear::on(&broker).await, Ear::on(&broker).await];
    publish(&broker, 1, 1..=FEW).await;
    for ear in &mut ears {
        assert!(said(&ear.until(FEW).await, 1).eq(1..=FEW));
    }
    let mut late = Ear::on(&broker).await;
    publish(&broker, 1, FEW + 1..=FEW + 1).await;
    assert_eq!(late.next().await, Received::Signal(signal(1, FEW + 1)));
}

#[tokio::test]
async fn who_joins_is_heard_at_once_and_who_leaves_has_said_all() {
    let cluster = Cluster::sealed();
    let here = cluster.connected().await;
    let mut ear = Ear::on(&here).await;
    for node in 1..=5 {
        let joined = cluster.connected().await;
        publish(&joined, node, 1..=FEW).await;
        drop(joined);
        assert!(said(&ear.until(FEW).await, node).eq(1..=FEW), "what waited was sent");
    }
}

#[tokio::test]
async fn clusters_on_one_server_do_not_hear_each_other() {
    let (one, other) = (Cluster::open().connected().await, Cluster::open().connected().await);
    let mut ears = [Ear::on(&one).await, Ear::on(&other).await];
    publish(&one, 1, 1..=FEW).await;
    publish(&other, 2, 1..=FEW).await;
    for (ear, node) in ears.iter_mut().zip([1, 2]) {
        let heard = ear.until(FEW).await;
        assert!(said(&heard, node).eq(1..=FEW) && heard.len() as u64 == FEW);
    }
}

#[tokio::test]
async fn what_does_not_fit_into_the_queue_is_refused() {
    let broker = Cluster::open().connected().await;
    let mut ear = Ear::on(&broker).await;
    // Nothing goes out in between: this task does not wait.
    let mut taken = 0;
    while broker.publish(&signal(1, taken + 1)).await.is_ok() {
        taken += 1;
    }
    assert_eq!(taken, 2_048);
    let heard = ear.until_said(1, taken).await;
    assert_no_silent_gap(&heard, 1);
}

#[tokio::test]
async fn who_reads_slowly_is_told_what_it_has_missed_and_holds_up_nobody() {
    let broker = Cluster::open().connected().await;
    let (mut slow, mut swift) = (Ear::on(&broker).await, Ear::on(&broker).await);
    for begun in [0, FEW, 2 * FEW, 3 * FEW] {
        publish(&broker, 1, begun + 1..=begun + FEW).await;
        assert!(said(&swift.until(FEW).await, 1).eq(begun + 1..=begun + FEW));
    }
    let heard = slow.until_said(1, 4 * FEW).await;
    assert_eq!(heard[0], Received::Lost, "before anything else");
    assert_no_silent_gap(&heard[1..], 1);
    assert!(said(&heard, 1).count() < 1_500, "what waits is bounded");
}

#[tokio::test]
async fn more_than_a_server_takes_goes_out_as_a_hint_or_is_refused_without_harm() {
    let server = Server::with("max_payload: 2KB").await;
    let cluster = Cluster { key: Some(key(1)), ..Cluster::on(&server.url()) };
    let (here, there) = (cluster.connected().await, cluster.connected().await);
    let mut ear = Ear::on(&there).await;
    let (short, long) = (told(1, 1, 1_000), told(1, 2, 3_000));
    for told in [&short, &long] {
        here.publish(told).await.expect("it goes out in some form");
    }
    assert_eq!(ear.next().await, Received::Signal(short));
    assert_eq!(ear.next().await, Received::Signal(hinted(&long)), "with its number");
    let who = vec![(id(1), Author::Operator(id(1))); 64];
    let online = Signal { body: SignalBody::Online { who }, ..signal(1, 3) };
    here.publish(&online).await.expect_err("it fits in no form");
    publish(&here, 1, 4..=4).await;
    assert_eq!(ear.next().await, Received::Signal(signal(1, 4)), "the connection is as it was");
}

#[tokio::test]
async fn a_connection_ends_with_the_last_that_needs_it() {
    let server = Server::with("max_connections: 1").await;
    let cluster = Cluster::on(&server.url());
    let broker = cluster.connected().await;
    let mut ear = Ear::on(&broker).await;
    let another = async || NatsBroker::connect(cluster.options()).await;
    another().await.expect_err("there is one connection, for both directions");
    publish(&broker, 1, 1..=1).await;
    drop(broker);
    assert!(said(&ear.until(1).await, 1).eq([1]));
    another().await.expect_err("a subscription needs it");
    drop(ear);
    let gone = look(async || another().await.ok()).await;
    gone.expect("nobody needs it any more");
}
