//! Others on the channel: nodes of other versions, and whoever else may connect to the database.

use convor::ports::{Received, Signal, SignalBody};
use convor_postgres::CHANNEL;
use convor_tests::database::Database;
use convor_tests::environment::proving;
use sqlx::{Connection, PgConnection};

use super::{FEW, connected, publish, signal};
use convor_tests::ear::{Ear, said};

async fn say(stranger: &mut PgConnection, payloads: &[String]) {
    let notify = "SELECT pg_notify($1, payload) FROM unnest($2::text[]) AS payload";
    let notify = sqlx::query(notify).bind(CHANNEL).bind(payloads);
    notify.execute(stranger).await.expect("anyone may notify");
}

async fn stranger(database: &Database) -> PgConnection {
    PgConnection::connect(&database.app_url()).await.expect("a connection")
}

#[tokio::test]
async fn what_a_newer_node_says_is_heard_as_unknown_or_told_as_lost() {
    let database = Database::empty().await;
    let broker = connected(&database).await;
    let (mut ear, mut newer) = (Ear::on(&broker).await, stranger(&database).await);
    let node = "00000000-0000-0000-0000-000000000009";
    let unknown = format!(
        r#"{{"convor":1,"signals":[{{"node":"{node}","number":1,"body":{{"moved":{{"to":[1,2]}}}}}},
           {{"node":"{node}","number":2,"body":"heartbeat","load":0.5}}]}}"#
    );
    say(&mut newer, &[unknown, r#"{"convor":2,"words":[]}"#.to_owned()]).await;
    let body = |number, body| Received::Signal(Signal { body, ..signal(9, number) });
    assert_eq!(ear.next().await, body(1, SignalBody::Unknown));
    assert_eq!(ear.next().await, body(2, SignalBody::Heartbeat));
    assert_eq!(ear.next().await, Received::Lost);
}

#[tokio::test]
async fn a_flood_of_what_is_no_signal_disturbs_nobody() {
    let database = Database::empty().await;
    let broker = connected(&database).await;
    let (mut ear, mut stranger) = (Ear::on(&broker).await, stranger(&database).await);
    let rounds = if proving() { 100 } else { 4 };
    let flood = |round: u64| -> Vec<String> {
        let noise = (0..1_000).map(|place| {
            let filling = |filling: &str, bytes: usize| filling.repeat(bytes / filling.len());
            match place % 8 {
                0 => filling("x", 7_990),
                1 => filling("[", 7_990),
                2 => filling("{\"convor\":", 7_990),
                3 => filling("\u{1F98A}", 7_000),
                4 => "{\"signals\":[]}".to_owned(),
                5 => "null".to_owned(),
                6 => "\u{7}\\u0000\"".to_owned(),
                _ => String::new(),
            }
        });
        // PostgreSQL says the same twice in one transaction only once.
        noise.enumerate().map(|(place, noise)| format!("{noise}{round}{place}")).collect()
    };
    for round in 0..rounds {
        let numbers = round * FEW + 1..=(round + 1) * FEW;
        let noise = flood(round);
        tokio::join!(say(&mut stranger, &noise), publish(&broker, 1, numbers.clone()));
        let heard = ear.until(FEW).await;
        assert_eq!(heard.len() as u64, FEW, "strangers make nobody reread");
        assert!(said(&heard, 1).eq(numbers));
    }
}

#[tokio::test]
async fn signals_that_a_stranger_makes_up_are_heard_like_others_whatever_their_numbers() {
    let database = Database::empty().await;
    let broker = connected(&database).await;
    let (mut ear, mut stranger) = (Ear::on(&broker).await, stranger(&database).await);
    let forged = |number: u64| {
        let signal = serde_json::to_string(&signal(1, number)).expect("it is serializable");
        format!(r#"{{"convor":1,"signals":[{signal}]}}"#)
    };
    say(&mut stranger, &[forged(u64::MAX), forged(0)]).await;
    publish(&broker, 1, 1..=1).await;
    assert!(said(&ear.until(3).await, 1).eq([u64::MAX, 0, 1]));
}
