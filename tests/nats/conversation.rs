//! Two nodes that talk to each other over NATS: what is lost on the way costs time, and never a message.

use std::sync::Arc;
use std::time::{Duration, Instant};

use convor::ports::{Broker, Storage};
use convor::{Chat, Limits};
use convor_memory::MemoryStorage;
use convor_tests::environment::proving;
use convor_tests::fixture::node;
use convor_tests::host::generous;
use convor_tests::nats::Server;
use convor_tests::talk::Talk;

use super::{Cluster, key};

/// Two nodes of a cluster, in mid-conversation.
async fn talk(cluster: &Cluster) -> Talk {
    let storage: Arc<dyn Storage> = Arc::new(MemoryStorage::new());
    Talk::begin([serving(&storage, cluster).await, serving(&storage, cluster).await]).await
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
        let mut talk = talk(&cluster).await;
        let rounds = if proving() { 20 } else { 1 };
        for round in 0..rounds {
            let from = talk.head;
            for word in 0..20 {
                talk.say(word % 2).await;
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
            talk.all_is_heard(from).await;
        }
        prove("the server is killed, and away for seconds", rounds, sealed, &talk);
    }
}

#[tokio::test]
async fn messages_are_found_while_there_is_no_server_at_all() {
    let mut server = Server::new().await;
    let mut talk = talk(&Cluster::on(&server.url())).await;
    server.stop().await;
    for _ in 0..3 {
        let from = talk.head;
        talk.say(0).await;
        talk.say(1).await;
        talk.all_is_heard(from).await;
    }
    prove("there is no server any more", 1, false, &talk);
}

#[tokio::test]
async fn messages_are_found_when_the_server_hangs() {
    let mut server = Server::new().await;
    let mut talk = talk(&Cluster { key: Some(key(1)), ..Cluster::on(&server.url()) }).await;
    server.freeze().await;
    for round in 0..4 {
        let from = talk.head;
        talk.say(0).await;
        talk.say(1).await;
        talk.all_is_heard(from).await;
        if round == 2 {
            server.thaw().await;
        }
    }
    prove("the server hangs, and goes on", 1, true, &talk);
}

#[tokio::test]
async fn the_hop_to_another_node_is_short() {
    let words = if proving() { 2_000 } else { 200 };
    for sealed in [false, true] {
        let cluster = if sealed { Cluster::sealed() } else { Cluster::open() };
        let mut talk = talk(&cluster).await;
        let mut took = [Vec::new(), Vec::new()];
        for _ in 0..words {
            for (who, took) in took.iter_mut().enumerate() {
                let begun = now();
                // The visitor speaks; it hears itself at its own node, and the operator hears it at the other one.
                talk.say(0).await;
                talk.heard_by(who).await;
                took.push(begun.elapsed());
                talk.heard_by(1 - who).await;
            }
        }
        let [here, there] = took.map(|mut took| {
            took.sort();
            (took[took.len() / 2], took[took.len() * 99 / 100])
        });
        let micros =
            |(median, p99): (Duration, Duration)| format!("{} / {}", median.as_micros(), p99.as_micros());
        println!(
            "proof-columns: The hop over NATS | what travels | words | from sending to hearing at the same node, µs at the median / p99 | at another node"
        );
        println!(
            "proof: The hop over NATS | {} | {words} | {} | {}",
            if sealed { "what is said, sealed" } else { "hints, which the other node rereads" },
            micros(here),
            micros(there)
        );
    }
}

#[expect(clippy::disallowed_methods, reason = "what a clock on the wall shows is the question")]
fn now() -> Instant {
    Instant::now()
}

/// Two people have heard everything that was said, which is asserted where it is heard.
fn prove(what: &str, times: u64, sealed: bool, talk: &Talk) {
    let with = if sealed { "with a key" } else { "without a key" };
    println!(
        "proof-columns: Nodes over NATS | what goes wrong | times | messages heard by both, in order, each once"
    );
    println!("proof: Nodes over NATS | {what}, {with} | {times} | {}", talk.head);
}
