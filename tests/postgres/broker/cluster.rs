//! Two nodes that dialogue to each other over a database: what is lost on the way costs time, and never a message.

use std::sync::Arc;

use convor::Chat;
use convor::ports::{Broker, Storage};
use convor_postgres::{PostgresBroker, PostgresOptions, PostgresStorage};
use convor_tests::database::Database;
use convor_tests::dialogue::Dialogue;
use convor_tests::environment::proving;
use convor_tests::fixture::node;
use convor_tests::patience::look;
use convor_tests::proxy::Proxy;

use super::faults::{kill, way_to};

/// Two nodes in mid-conversation, each with its own way to the database.
struct Cluster {
    database: Database,
    ways: [Proxy; 2],
    dialogue: Dialogue,
}

impl Cluster {
    async fn begin() -> Self {
        let database = Database::fresh().await;
        let ((way_here, here), (way_there, there)) = (serving(&database).await, serving(&database).await);
        Self { database, ways: [way_here, way_there], dialogue: Dialogue::begin([here, there]).await }
    }
}

/// A node, and its broker's way to the database; its storage has another one, on which nothing goes wrong.
async fn serving(database: &Database) -> (Proxy, Chat) {
    let options = PostgresOptions::new(&database.app_url()).expect("a URL").connections_max(4);
    let storage: Arc<dyn Storage> = Arc::new(PostgresStorage::connect(options).await.expect("a storage"));
    let (way, url) = way_to(database).await;
    let broker: Arc<dyn Broker> = Arc::new(PostgresBroker::connect(&url).await.expect("a broker"));
    (way, node(&storage, &broker).start())
}

#[tokio::test]
async fn nothing_is_lost_or_said_twice_when_listeners_and_notifiers_die_in_mid_conversation() {
    let Cluster { database, ways: _ways, mut dialogue } = Cluster::begin().await;
    let rounds = if proving() { 20 } else { 6 };
    for round in 0..rounds {
        let from = dialogue.head;
        for word in 0..20 {
            dialogue.say(word % 2).await;
            if word == 7 {
                let victim = if round % 3 == 2 { "convor notifier" } else { "convor listener" };
                // It may not be back yet.
                let killed = look(async || (kill(&database, victim).await > 0).then_some(()));
                killed.await.unwrap_or_else(|_| panic!("no {victim} comes back"));
            }
        }
        dialogue.all_is_heard(from).await;
    }
    prove("the connection that listens or notifies is killed", rounds, &dialogue);
}

#[tokio::test]
async fn messages_are_found_when_no_notification_passes_any_more() {
    let Cluster { database: _database, ways, mut dialogue } = Cluster::begin().await;
    ways.iter().for_each(Proxy::cut);
    for _ in 0..3 {
        let from = dialogue.head;
        dialogue.say(0).await;
        dialogue.say(1).await;
        dialogue.all_is_heard(from).await;
    }
    prove("no notification passes any more", 1, &dialogue);
}

#[tokio::test]
async fn messages_are_found_when_connections_hang() {
    let Cluster { database: _database, ways, mut dialogue } = Cluster::begin().await;
    ways.iter().for_each(Proxy::stall);
    for round in 0..4 {
        let from = dialogue.head;
        dialogue.say(0).await;
        dialogue.say(1).await;
        dialogue.all_is_heard(from).await;
        if round == 2 {
            ways.iter().for_each(Proxy::mend);
        }
    }
    prove("connections hang, and go on", 1, &dialogue);
}

/// Two people have heard everything that was said, which is asserted where it is heard.
fn prove(what: &str, times: usize, dialogue: &Dialogue) {
    println!(
        "proof-columns: Nodes over PostgreSQL | what goes wrong | times | messages heard by both, in order, each once"
    );
    println!("proof: Nodes over PostgreSQL | {what} | {times} | {}", dialogue.head);
}
