//! What others on the server see, and what they can do.

use std::time::Duration;

use async_nats::{Client, Subscriber};
use convor::ports::{Broker, Received};
use convor_nats::NatsBroker;
use futures_util::StreamExt;
use tokio::time::timeout;

use super::{Cluster, FEW, hinted, id, key, publish, signal, told};
use convor_tests::ear::{Ear, said};

/// Somebody who is no node, and hears everything.
async fn stranger(cluster: &Cluster) -> (Client, Subscriber) {
    let client = async_nats::connect(&cluster.url).await.expect("anyone may come in");
    let everything = client.subscribe(">").await.expect("anyone may listen");
    client.flush().await.expect("it is sent");
    // The server has heard it once it answers what comes after it.
    let answer = client.new_inbox();
    let mut answers = client.subscribe(answer.clone()).await.expect("anyone may listen");
    client.publish(answer, "?".into()).await.expect("anyone may publish");
    timeout(Duration::from_secs(10), answers.next()).await.expect("an answer in time");
    (client, everything)
}

/// The messages of a cluster on their way, without the echoes of nodes that try their connections.
async fn overheard(
    everything: &mut Subscriber,
    cluster: &Cluster,
    messages: usize,
) -> Vec<(String, Vec<u8>)> {
    let of_cluster = format!("convor.{}.", cluster.name);
    let mut overheard = Vec::new();
    while overheard.len() < messages {
        let message = timeout(Duration::from_secs(10), everything.next()).await;
        let message = message.expect("it comes by in time").expect("a connection");
        if message.subject.starts_with(&of_cluster) && message.payload.first() != Some(&0) {
            overheard.push((message.subject.to_string(), message.payload.to_vec()));
        }
    }
    overheard
}

fn contains(payload: &[u8], text: &str) -> bool {
    payload.windows(text.len()).any(|window| window == text.as_bytes())
}

#[tokio::test]
async fn of_what_is_sealed_others_see_whose_it_is_and_neither_an_id_nor_a_word() {
    let cluster = Cluster::sealed();
    let broker = cluster.connected().await;
    assert!(broker.carries_content());
    let (_client, mut everything) = stranger(&cluster).await;
    let mut ear = Ear::on(&broker).await;
    let told = told(1, 1, 500);
    broker.publish(&told).await.expect("taken");
    broker.publish(&signal(1, 2)).await.expect("taken");
    broker.publish(&signal(1, 3)).await.expect("taken");
    assert_eq!(ear.next().await, Received::Signal(told), "nodes hear all of it");
    let seen = overheard(&mut everything, &cluster, 3).await;
    let (tenant, other): (uuid::Uuid, uuid::Uuid) = (id(0xA), id(2));
    let subject = |last: &str| format!("convor.{}.{last}", cluster.name);
    let subjects: Vec<_> = seen.iter().map(|(subject, _)| subject.clone()).collect();
    assert_eq!(subjects, [subject(&tenant.to_string()), subject(&other.to_string()), subject("node")]);
    for (_, payload) in &seen {
        assert_eq!(payload[0], 1);
        for text in ["canary", "00000000-0000", "node", "told", "heartbeat", "{\"convor"] {
            assert!(!contains(payload, text), "{text}");
        }
    }
}

#[tokio::test]
async fn without_a_key_only_hints_travel() {
    let cluster = Cluster::open();
    let broker = cluster.connected().await;
    assert!(!broker.carries_content());
    let (_client, mut everything) = stranger(&cluster).await;
    let mut ear = Ear::on(&broker).await;
    let told = told(1, 1, 500);
    broker.publish(&told).await.expect("it goes out as a hint");
    assert_eq!(ear.next().await, Received::Signal(hinted(&told)));
    let seen = overheard(&mut everything, &cluster, 1).await;
    assert!(contains(&seen[0].1, "grown") && !contains(&seen[0].1, "canary"));
}

#[tokio::test]
async fn what_a_node_with_another_key_or_with_none_says_counts_as_missed() {
    let cluster = Cluster::sealed();
    let broker = cluster.connected().await;
    let other = NatsBroker::connect(cluster.options().cluster_key(key(2))).await.expect("a broker");
    let open = Cluster { key: None, url: cluster.url.clone(), name: cluster.name.clone() };
    let open = open.connected().await;
    let (mut ear, mut deaf) = (Ear::on(&broker).await, Ear::on(&open).await);
    for speaking in [&other, &open] {
        publish(speaking, 2, 1..=1).await;
        assert_eq!(ear.next().await, Received::Lost);
    }
    publish(&broker, 1, 1..=1).await;
    assert_eq!(ear.next().await, Received::Signal(signal(1, 1)), "its own cluster is heard");
    // The others' signals came before, and one of them can be read here.
    let heard = [deaf.next().await, deaf.next().await];
    assert!(heard.contains(&Received::Lost) && heard.contains(&Received::Signal(signal(2, 1))), "{heard:?}");
}

#[tokio::test]
async fn keys_are_changed_node_by_node_without_losing_a_signal() {
    let cluster = Cluster::open();
    let with = async |seals, opens_too: Option<u8>| {
        let options = cluster.options().cluster_keys(key(seals), opens_too.map(key));
        NatsBroker::connect(options).await.expect("a broker")
    };
    // Two nodes that are replaced one after the other: each step beside what may run at the same time.
    let steps = [(1, None), (1, Some(2)), (2, Some(1)), (2, None)];
    for pair in steps.windows(2) {
        let [one, two] = [with(pair[0].0, pair[0].1).await, with(pair[1].0, pair[1].1).await];
        let (mut at_one, mut at_two) = (Ear::on(&one).await, Ear::on(&two).await);
        publish(&one, 1, 1..=FEW).await;
        publish(&two, 2, 1..=FEW).await;
        for ear in [&mut at_one, &mut at_two] {
            let heard = ear.until(2 * FEW).await;
            assert!(!heard.contains(&Received::Lost), "{pair:?}");
            assert!(said(&heard, 1).eq(1..=FEW) && said(&heard, 2).eq(1..=FEW), "{pair:?}");
        }
    }
}

#[tokio::test]
async fn a_flood_of_what_is_no_signal_makes_nobody_reread_more_than_once_a_second() {
    for cluster in [Cluster::open(), Cluster::sealed()] {
        let broker = cluster.connected().await;
        let (client, _everything) = stranger(&cluster).await;
        let mut ear = Ear::on(&broker).await;
        let subject = format!("convor.{}.node", cluster.name);
        for round in 0..20_u64 {
            for place in 0..100 {
                let noise = match place % 5 {
                    0 => "x".repeat(9_000).into_bytes(),
                    1 => "[".repeat(9_000).into_bytes(),
                    2 => Vec::new(),
                    3 => vec![1; 100],
                    _ => b"{\"convor\":2}".to_vec(),
                };
                client.publish(subject.clone(), noise.into()).await.expect("anyone may publish");
            }
            client.flush().await.expect("sent");
            publish(&broker, 1, round + 1..=round + 1).await;
        }
        let flood = async {
            let heard = ear.until_said(1, 20).await;
            let lost = heard.iter().filter(|received| **received == Received::Lost).count();
            assert!(said(&heard, 1).eq(1..=20), "nodes are heard all the same");
            lost
        };
        let lost = timeout(Duration::from_secs(10), flood).await.expect("it is heard in time");
        assert!((1..=10).contains(&lost), "{lost} of 2,000");
    }
}

#[tokio::test]
async fn what_somebody_makes_up_is_never_told() {
    let cluster = Cluster::open();
    let broker = cluster.connected().await;
    let (client, _everything) = stranger(&cluster).await;
    let mut ear = Ear::on(&broker).await;
    let told = told(1, 1, 100);
    let forged = serde_json::json!({"convor": 1, "signal": told}).to_string();
    client.publish(format!("convor.{}.any", cluster.name), forged.into()).await.expect("anyone may publish");
    assert_eq!(
        ear.next().await,
        Received::Signal(hinted(&told)),
        "it is a hint to read, and nothing to pass on"
    );
}
