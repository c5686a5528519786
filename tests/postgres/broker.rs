//! Signals over LISTEN/NOTIFY: in their order or missed, and never missed in silence.

mod cluster;
mod faults;
mod strangers;

use convor::domain::Author;
use convor::ports::{Broker, Received, Signal, SignalBody};
use convor_postgres::PostgresBroker;
use convor_tests::database::Database;
use convor_tests::environment::proving;
use convor_tests::patience;
use sqlx::postgres::PgListener;
use uuid::Uuid;

use convor_tests::ear::{self, Ear, said};

/// How many signals one node says where many are wanted.
fn many() -> u64 {
    if proving() { 100_000 } else { 3_000 }
}

/// Fewer than wait for the notifier, and than wait for a subscription.
const FEW: u64 = 500;

async fn connected(database: &Database) -> PostgresBroker {
    PostgresBroker::connect(&database.app_url()).await.expect("a broker")
}

fn signal(node: u128, number: u64) -> Signal {
    let body = SignalBody::Control { tenant: Uuid::from_u128(number.into()).into() };
    Signal { node: Uuid::from_u128(node).into(), number, body }
}

async fn publish(broker: &PostgresBroker, node: u128, numbers: std::ops::RangeInclusive<u64>) {
    for number in numbers {
        broker.publish(&signal(node, number)).await.expect("there is a connection, and room");
    }
}

#[tokio::test]
async fn brokers_on_one_database_hear_each_other_in_order() {
    let database = Database::empty().await;
    let (one, two) = (connected(&database).await, connected(&database).await);
    let (mut at_one, mut at_two) = (Ear::on(&one).await, Ear::on(&two).await);
    for begun in (0..many()).step_by(usize::try_from(FEW / 2).expect("few")) {
        let numbers = begun + 1..=begun + FEW / 2;
        tokio::join!(publish(&one, 1, numbers.clone()), publish(&two, 2, numbers.clone()));
        for ear in [&mut at_one, &mut at_two] {
            let heard = ear.until(2 * FEW / 2).await;
            assert!(!heard.contains(&Received::Lost), "nothing is lost where nothing is too much");
            for node in [1, 2] {
                assert!(said(&heard, node).eq(numbers.clone()), "{node}: {heard:?}");
            }
        }
    }
}

#[tokio::test]
async fn every_subscription_hears_everything_over_one_connection() {
    let database = Database::empty().await;
    let broker = connected(&database).await;
    let mut ears = [Ear::on(&broker).await, Ear::on(&broker).await, Ear::on(&broker).await];
    publish(&broker, 1, 1..=FEW).await;
    for ear in &mut ears {
        assert!(said(&ear.until(FEW).await, 1).eq(1..=FEW));
    }
    assert_eq!(faults::backends(&database, "convor %").await, 2, "one that speaks, and one that listens");
}

#[tokio::test]
async fn a_subscription_begins_when_it_is_made() {
    let database = Database::empty().await;
    let broker = connected(&database).await;
    let mut early = Ear::on(&broker).await;
    publish(&broker, 1, 1..=1).await;
    early.until(1).await;
    let mut late = Ear::on(&broker).await;
    publish(&broker, 1, 2..=2).await;
    assert_eq!(late.next().await, Received::Signal(signal(1, 2)));
}

#[tokio::test]
async fn clusters_on_channels_of_their_own_do_not_hear_each_other() {
    let database = Database::empty().await;
    let one = PostgresBroker::connect_on(&database.app_url(), "Tom's \"chat\"").await.expect("a broker");
    let other = PostgresBroker::connect_on(&database.app_url(), &"c".repeat(63)).await.expect("a broker");
    let mut ears = [Ear::on(&one).await, Ear::on(&other).await];
    publish(&one, 1, 1..=FEW).await;
    publish(&other, 2, 1..=FEW).await;
    for (ear, node) in ears.iter_mut().zip([1, 2]) {
        assert!(said(&ear.until(FEW).await, node).eq(1..=FEW));
    }
}

#[tokio::test]
async fn what_waits_goes_out_together() {
    let database = Database::empty().await;
    let broker = connected(&database).await;
    let mut stranger = PgListener::connect(&database.app_url()).await.expect("a connection");
    stranger.listen(convor_postgres::CHANNEL).await.expect("anyone may listen");
    // Nothing goes out in between: this task does not wait.
    publish(&broker, 1, 1..=FEW).await;
    let (mut payloads, mut signals, mut sessions) = (0, 0, Vec::new());
    while signals < FEW {
        let notification = stranger.recv().await.expect("a notification");
        payloads += 1;
        signals += u64::try_from(notification.payload().matches("\"number\"").count()).expect("few");
        sessions.push(notification.process_id());
    }
    sessions.dedup();
    assert_eq!((signals, sessions.len()), (FEW, 1));
    assert!(payloads <= FEW / 25, "{payloads} payloads");
}

#[tokio::test]
async fn a_signal_as_long_as_a_payload_passes_and_a_longer_one_is_refused_without_harm() {
    let database = Database::empty().await;
    let broker = connected(&database).await;
    let mut ear = Ear::on(&broker).await;
    let online = |people: usize| {
        let who = (0..people).map(|_| (Uuid::max().into(), Author::Operator(Uuid::max().into()))).collect();
        Signal { body: SignalBody::Online { who }, ..signal(1, 1) }
    };
    let mut people = 1;
    while broker.publish(&online(people)).await.is_ok() {
        assert_eq!(ear.next().await, Received::Signal(online(people)));
        people += 1;
    }
    let bytes = serde_json::to_vec(&online(people)).expect("it is serializable").len();
    assert!((7_900..8_100).contains(&bytes), "{bytes} bytes are refused");
    publish(&broker, 1, 2..=2).await;
    assert_eq!(ear.next().await, Received::Signal(signal(1, 2)));
}

#[tokio::test]
async fn what_does_not_fit_into_the_queue_is_refused() {
    let database = Database::empty().await;
    let broker = connected(&database).await;
    let mut ear = Ear::on(&broker).await;
    // Nothing goes out in between: this task does not wait.
    let mut taken = 0;
    while broker.publish(&signal(1, taken + 1)).await.is_ok() {
        taken += 1;
    }
    assert_eq!(taken, 2_048);
    let heard = ear.until_said(1, taken).await;
    ear::assert_no_silent_gap(&heard, 1);
    publish(&broker, 1, taken + 2..=taken + 2).await;
    let after = ear.until_said(1, taken + 2).await;
    assert!(said(&after, 1).eq([taken + 2]), "a refused signal shows by its number alone: {after:?}");
}

#[tokio::test]
async fn who_reads_slowly_is_told_what_it_has_missed_and_holds_up_nobody() {
    let database = Database::empty().await;
    let broker = connected(&database).await;
    let (mut slow, mut swift) = (Ear::on(&broker).await, Ear::on(&broker).await);
    for begun in [0, FEW, 2 * FEW, 3 * FEW] {
        publish(&broker, 1, begun + 1..=begun + FEW).await;
        assert!(said(&swift.until(FEW).await, 1).eq(begun + 1..=begun + FEW));
    }
    let heard = slow.until_said(1, 4 * FEW).await;
    assert_eq!(heard[0], Received::Lost, "before anything else");
    ear::assert_no_silent_gap(&heard[1..], 1);
    assert!(said(&heard, 1).count() < 1_500, "what waits is bounded");
}

#[tokio::test]
async fn the_connections_end_with_the_last_that_needs_them_and_what_waits_is_sent() {
    let database = Database::empty().await;
    let (broker, other) = (connected(&database).await, connected(&database).await);
    let (ear, mut elsewhere) = (Ear::on(&broker).await, Ear::on(&other).await);
    publish(&broker, 1, 1..=FEW).await;
    drop(broker);
    assert!(said(&elsewhere.until(FEW).await, 1).eq(1..=FEW));
    let gone = async |application: &str, left| {
        let seen =
            patience::look(async || (faults::backends(&database, application).await == left).then_some(()));
        seen.await.unwrap_or_else(|_| panic!("{application}: more than {left} are left"));
    };
    gone("convor notifier", 1).await;
    assert_eq!(faults::backends(&database, "convor listener").await, 2, "a subscription needs it");
    drop(ear);
    gone("convor listener", 1).await;
    drop((other, elsewhere));
    gone("convor %", 0).await;
}
