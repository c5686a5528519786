//! Appends through the core: with another node that listens to every conversation over LISTEN/NOTIFY, against alone.

use std::sync::Arc;

use anyhow::{Context, Result};
use convor::domain::Principal;
use convor::ports::{Broker, Storage};
use convor::protocol::MessageRequest;
use convor::time::Timestamp;
use convor::{Chat, Limits, Rate};
use convor_benches::report::Goal::AtLeast;
use convor_benches::report::Row;
use convor_memory::InProcess;
use convor_postgres::{Batching, PostgresBroker};
use convor_tests::fixture::new_id;
use futures_util::future::try_join_all;

use crate::Effort;
use crate::cpu::ServerCpu;
use crate::rounds::{Work, cpu, in_turns, rates};
use crate::world::{Place, World, fill};

const CALLERS: usize = 16;

pub(crate) async fn rows(world: &World, of: ServerCpu, effort: &Effort) -> Result<Vec<Row>> {
    let storage: Arc<dyn Storage> = world.storage(16, Batching::default()).await?;
    let mut places = Vec::new();
    for _ in 0..effort.tenants {
        places.extend(fill(&*storage, 32, 0, Timestamp::from_millis(1_700_000_000_000)).await?);
    }
    for place in places.iter().step_by(32) {
        profile(&*storage, place).await?;
    }
    let broker = || async { anyhow::Ok(Arc::new(PostgresBroker::connect(&world.database.app_url()).await?)) };
    let alone = Chat::builder(Arc::clone(&storage)).limits(limits()).start();
    let one = Chat::builder(Arc::clone(&storage))
        .broker(broker().await? as Arc<dyn Broker>)
        .limits(limits())
        .start();
    let other = Chat::builder(Arc::clone(&storage))
        .broker(broker().await? as Arc<dyn Broker>)
        .limits(limits())
        .start();
    let listening = listen(&other, &places).await?;
    let each = effort.appends / CALLERS;
    let shapes: [Work<'_>; 2] = [
        Box::new(|| Box::pin(post_all(&one, &places, each))),
        Box::new(|| Box::pin(post_all(&alone, &places, each))),
    ];
    let taken = in_turns(of, effort.rounds, &shapes).await?;
    listening.iter().for_each(tokio::task::JoinHandle::abort);
    Ok(vec![
        Row::new(format!("post with fan-out to another node, {CALLERS} callers"), "post without")
            .figure("rate", &rates(&taken[0], &taken[1]), Some(AtLeast(0.9)))
            // Both nodes and all listeners share this machine with the server, which the rate shows and this does not.
            .figure("server CPU", &cpu(&taken[0], &taken[1]), None),
    ])
}

/// The core needs the key of a tenant's digests.
async fn profile(storage: &dyn Storage, place: &Place) -> Result<()> {
    let profile = convor::domain::TenantProfile {
        name: convor::domain::Text::from_stored("Shop".into()),
        digest_key: [7; 32],
    };
    let record = convor::ports::storage::Record::Profile(profile);
    Ok(storage.transfer().context("the storage takes records")?.import(place.tenant, &[record]).await?)
}

fn limits() -> Limits {
    let mut limits = Limits::default();
    limits.messages = Rate::UNLIMITED;
    limits.messages_per_tenant = Rate::UNLIMITED;
    limits.requests = Rate::UNLIMITED;
    limits.requests_per_tenant = Rate::UNLIMITED;
    limits
}

/// Every visitor is connected to this node and hears what happens in its conversation.
async fn listen(chat: &Chat, places: &[Place]) -> Result<Vec<tokio::task::JoinHandle<()>>> {
    let mut listening = Vec::new();
    for place in places {
        let visitor = Principal::visitor(place.tenant, place.site, place.visitor);
        let mut client = InProcess::new(chat).connect(visitor).await?;
        let subscribe =
            format!(r#"{{"type":"subscribe","ref":"1","conversation":"{}"}}"#, place.conversation);
        client.send(subscribe).await.map_err(|_| anyhow::anyhow!("the line was closed"))?;
        listening.push(tokio::spawn(async move { while client.next().await.is_ok() {} }));
    }
    Ok(listening)
}

async fn post_all(chat: &Chat, places: &[Place], each: usize) -> Result<()> {
    let callers = (0..CALLERS).map(|caller| async move {
        let own: Vec<&Place> = places.iter().skip(caller).step_by(CALLERS).collect();
        for place in own.iter().cycle().take(each) {
            let visitor = Principal::visitor(place.tenant, place.site, place.visitor);
            let text = "Is this the one with the leather saddle?".to_owned();
            let request = MessageRequest { client_id: new_id(), text, kind: Default::default() };
            chat.post(&visitor, place.conversation, request).await?;
        }
        anyhow::Ok(())
    });
    try_join_all(callers).await.map(drop)
}
