//! A message is stored in memory, in an empty conversation and in a long one.

use std::time::Duration;

use convor::domain::{BodyDigest, MessageKind, Text};
use convor::ports::Change;
use convor::ports::storage::{Append, AppendOutcome, EventRepository, NewMessage};
use convor_benches::{Stage, TEXT, criterion, id, runtime, timed};
use criterion::{BenchmarkId, Throughput};

fn main() {
    let runtime = runtime().expect("a runtime");
    let mut criterion = criterion();
    let mut group = criterion.benchmark_group("append");
    group.throughput(Throughput::Elements(1));
    for stored in [0, 10_000] {
        group.bench_with_input(BenchmarkId::new("in memory, above", stored), &stored, |bencher, stored| {
            bencher.iter_custom(|times| runtime.block_on(sample(*stored, times)));
        });
    }
    group.finish();
    criterion.final_summary();
}

/// How long it takes to store so many messages where so many are already.
async fn sample(stored: u64, times: u64) -> Duration {
    let stage = Stage::new().await.expect("a stage");
    let change = Change::new(stage.visitor.author(), stage.chat.now());
    let before: Vec<_> = (0..stored).map(|number| said(&stage, number)).collect();
    store(&stage, &before, &change).await;
    let messages: Vec<_> = (stored..stored + times).map(|number| said(&stage, number)).collect();
    timed(store(&stage, &messages, &change)).await
}

async fn store(stage: &Stage, messages: &[Append], change: &Change) {
    for message in messages {
        let outcome = stage.storage.append(stage.tenant, message, change).await.expect("an outcome");
        assert!(matches!(outcome, AppendOutcome::Stored { .. }), "a repeat would be measured");
    }
}

fn said(stage: &Stage, number: u64) -> Append {
    let (number, text) = (u128::from(number) + 1, Text::from_stored(TEXT.to_owned()));
    let digest = BodyDigest::new(&[7; 32], &[TEXT.as_bytes()]);
    let (conversation, author, kind) = (stage.conversation, stage.visitor.author(), MessageKind::Message);
    let message = NewMessage { id: id(number), client_id: id(number), digest, kind, text };
    Append { conversation, author, message, reopen: true }
}
