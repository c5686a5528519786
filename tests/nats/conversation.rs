//! Two nodes that talk to each other over NATS: what is lost on the way costs time, and never a message.

use std::sync::Arc;
use std::time::Duration;

use convor::ports::{Broker, Storage};
use convor::{Chat, Limits};
use convor_memory::MemoryStorage;
use convor_tests::dialogue::Dialogue;
use convor_tests::environment::proving;
use convor_tests::fixture::node;
use convor_tests::host::generous;
use convor_tests::nats::Server;

use super::{Cluster, key};

/// Two nodes of a cluster, in mid-conversation.
async fn dialogue(cluster: &Cluster) -> Dialogue {
    let storage: Arc<dyn Storage> = Arc::new(MemoryStorage::new());
    Dialogue::begin([serving(&storage, cluster).await, serving(&storage, cluster).await]).await
}

async fn serving(storage: &Arc<dyn Storage>, cluster: &Cluster) -> Chat {
    let broker: Arc<dyn Broker> = Arc::new(cluster.connected().await);
    let limits: Limits = generous();
    node(storage, &broker).limits(limits).start()
}

#[tokio::test]
async fn nothing_is_lost_or_said_twice_when_the_server_is_away_for_seconds_in_mid_conversation() {
    for sealed in [false, true] {
        let mut server = Server::new().await;
        let cluster = Cluster { key: sealed.then(|| key(1)), ..Cluster::on(&server.url()) };
        let mut dialogue = dialogue(&cluster).await;
        let rounds = if proving() { 20 } else { 1 };
        for round in 0..rounds {
            let from = dialogue.head;
            for word in 0..20 {
                dialogue.say(word % 2).await;
                match word {
                    5 => server.stop().await,
                    // They go on talking while it is away, and hear each other by rereading.
                    12 => {
                        tokio::time::sleep(Duration::from_millis(1_500 + 100 * round)).await;
                        server.start().await;
                    }
                    _ => {}
                }
            }
            dialogue.all_is_heard(from).await;
        }
        prove("the server is killed, and away for seconds", rounds, sealed, &dialogue);
    }
}

#[tokio::test]
async fn messages_are_found_while_there_is_no_server_at_all() {
    let mut server = Server::new().await;
    let mut dialogue = dialogue(&Cluster::on(&server.url())).await;
    server.stop().await;
    for _ in 0..3 {
        let from = dialogue.head;
        dialogue.say(0).await;
        dialogue.say(1).await;
        dialogue.all_is_heard(from).await;
    }
    prove("there is no server any more", 1, false, &dialogue);
}

#[tokio::test]
async fn messages_are_found_when_the_server_hangs() {
    let mut server = Server::new().await;
    let mut dialogue = dialogue(&Cluster { key: Some(key(1)), ..Cluster::on(&server.url()) }).await;
    server.freeze().await;
    for round in 0..4 {
        let from = dialogue.head;
        dialogue.say(0).await;
        dialogue.say(1).await;
        dialogue.all_is_heard(from).await;
        if round == 2 {
            server.thaw().await;
        }
    }
    prove("the server hangs, and goes on", 1, true, &dialogue);
}

/// Two people have heard everything that was said, which is asserted where it is heard.
fn prove(what: &str, times: u64, sealed: bool, dialogue: &Dialogue) {
    let with = if sealed { "with a key" } else { "without a key" };
    println!(
        "proof-columns: Nodes over NATS | what goes wrong | times | messages heard by both, in order, each once"
    );
    println!("proof: Nodes over NATS | {what}, {with} | {times} | {}", dialogue.head);
}
