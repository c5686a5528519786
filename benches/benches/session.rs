//! A `send` frame goes through a session, is stored, and its `ack` comes out.

use std::sync::Arc;
use std::time::Duration;

use convor::hub::{Batch, Outlet};
use convor::ports::{Authenticated, Frame, Transport};
use convor::session::Session;
use convor_benches::{Stage, TEXT, criterion, id, runtime, timed};
use criterion::Throughput;
use uuid::Uuid;

fn main() {
    let runtime = runtime().expect("a runtime");
    let mut criterion = criterion();
    let mut group = criterion.benchmark_group("session");
    group.throughput(Throughput::Elements(1));
    group.bench_function("from send to ack", |bencher| {
        bencher.iter_custom(|times| runtime.block_on(sample(times)));
    });
    group.finish();
    criterion.final_summary();
}

/// How long it takes until so many frames have been acknowledged, one after the other.
async fn sample(times: u64) -> Duration {
    let stage = Stage::new().await.expect("a stage");
    let outlet = Arc::new(Outlet::new(stage.chat.limits()));
    let transport: Arc<dyn Transport> = Arc::clone(&outlet) as _;
    let visitor = Authenticated::new(stage.visitor);
    let session = Session::welcomed(&stage.chat, transport, visitor).await.expect("a welcome");
    let conversation = stage.conversation;
    let send = |number: u64| {
        let client_id: Uuid = id(u128::from(number) + 1);
        format!(
            r#"{{"type":"send","ref":"{number}","conversation":"{conversation}","client_id":"{client_id}","text":"{TEXT}"}}"#
        )
    };
    let frames: Vec<_> = (0..times).map(send).collect();
    timed(say(session, &outlet, &frames)).await
}

async fn say(mut session: Session, outlet: &Outlet, frames: &[String]) {
    let mut batch = Vec::new();
    for frame in frames {
        session.receive(frame).await;
        while !batch.iter().any(is_ack) {
            assert_eq!(outlet.next(&mut batch).await, Batch::Frames, "the connection has ended");
        }
        batch.clear();
    }
}

fn is_ack(frame: &Frame) -> bool {
    frame.text.starts_with(br#"{"type":"ack""#)
}
