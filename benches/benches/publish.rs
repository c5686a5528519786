//! A message is posted to a conversation that so many hear: until each of them has taken it. Divided by their number it is
//! the cost of a delivery.

use std::sync::Arc;
use std::time::Duration;

use convor_benches::{Stage, criterion, message, runtime, timed};
use convor_memory::{Client, InProcess};
use criterion::{BenchmarkId, Throughput};
use tokio::sync::Semaphore;

fn main() {
    let runtime = runtime().expect("a runtime");
    let mut criterion = criterion();
    let mut group = criterion.benchmark_group("publish");
    for listeners in [1_u32, 10, 100, 1_000] {
        group.throughput(Throughput::Elements(u64::from(listeners)));
        group.bench_with_input(BenchmarkId::new("listeners", listeners), &listeners, |bencher, listeners| {
            bencher.iter_custom(|times| runtime.block_on(sample(*listeners, times)));
        });
    }
    group.finish();
    criterion.final_summary();
}

/// How long it takes until so many listeners have heard so many messages, one after the other.
async fn sample(listeners: u32, times: u64) -> Duration {
    let stage = Stage::new().await.expect("a stage");
    let heard = Arc::new(Semaphore::new(0));
    let mut listening = tokio::task::JoinSet::new();
    for _ in 0..listeners {
        let client = listener(&stage).await;
        listening.spawn(listen(client, Arc::clone(&heard)));
    }
    timed(post(&stage, listeners, times, &heard)).await
}

async fn post(stage: &Stage, listeners: u32, times: u64, heard: &Semaphore) {
    for number in 0..times {
        let message = message(u128::from(number) + 1);
        stage.chat.post(&stage.operator, stage.conversation, message).await.expect("a message");
        heard.acquire_many(listeners).await.expect("it is open").forget();
    }
}

/// An operator who has subscribed to the conversation.
async fn listener(stage: &Stage) -> Client {
    let mut client = InProcess::new(&stage.chat).connect(stage.operator).await.expect("a welcome");
    let conversation = stage.conversation;
    let subscribe = format!(r#"{{"type":"subscribe","ref":"1","conversation":"{conversation}"}}"#);
    client.send(subscribe).await.expect("an open connection");
    while !client.next().await.expect("an open connection").starts_with(br#"{"type":"subscribed""#) {}
    client
}

/// Takes one event after the other, and says so.
async fn listen(mut client: Client, heard: Arc<Semaphore>) {
    while client.next().await.is_ok() {
        heard.add_permits(1);
    }
}
