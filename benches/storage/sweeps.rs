//! Erasing a visitor, purging what is old, and what appends notice of it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Result;
use convor::domain::Author;
use convor::ports::{Change, Storage};
use convor::time::Timestamp;
use convor_benches::report::Goal::AtMost;
use convor_benches::report::Row;
use convor_postgres::{Batching, PostgresStorage};
use convor_tests::fixture::new_id;
use tokio::sync::watch;

use crate::Effort;
use crate::cpu::ServerCpu;
use crate::rounds::{Taken, measured, ratios};
use crate::world::{Place, World, fill, say, talk};

/// How many messages a conversation has whose visitor is erased.
const LOG: u64 = 1_000;

/// How many events one purge removes.
const BATCH: usize = 1_000;

/// How often somebody appends while a purge goes on.
const PACE: Duration = Duration::from_millis(5);

pub(crate) async fn rows(world: &World, of: ServerCpu, effort: &Effort) -> Result<Vec<Row>> {
    let storage = world.storage(8, Batching::default()).await?;
    let long_ago = Timestamp::from_millis(1_500_000_000_000);
    let now = Timestamp::from_millis(1_800_000_000_000);
    let others = fill(&*storage, 64, 100, now).await?;

    let (mut small, mut large) = (Vec::new(), Vec::new());
    let (mut alone, mut beside) = (Vec::new(), Vec::new());
    let mut purges = Vec::new();
    for _ in 0..effort.rounds {
        small.push(erase(world, &storage, of, 1).await?);
        large.push(erase(world, &storage, of, effort.erased).await?);

        let messages = u64::try_from(effort.purged / 64)?;
        let old = fill(&*storage, 64, messages, long_ago).await?;
        world.settle().await?;
        alone.push(p99(append_until(&storage, &others, now, Duration::from_secs(effort.seconds)).await?));
        let (done, is_done) = watch::channel(false);
        let purging = async {
            let taken = measured(of, purge(&storage, &old[0], now)).await?;
            done.send_replace(true);
            anyhow::Ok(taken)
        };
        let (taken, slow) = tokio::try_join!(purging, append_while(&storage, &others, now, is_done))?;
        purges.push(taken.seconds / (effort.purged as f64) * 1_000.0);
        beside.push(p99(slow));
    }
    storage.close().await;
    let seconds = |taken: &Taken| taken.seconds;
    let many = effort.erased * LOG;
    let latencies: Vec<f64> = beside.iter().zip(&alone).map(|(beside, alone)| beside / alone).collect();
    let purge_against_erase: Vec<f64> =
        purges.iter().zip(&small).map(|(purge, erase)| purge / erase.seconds).collect();
    Ok(vec![
        Row::new(format!("erase a visitor with {many} messages"), "one with 1000").figure(
            "time",
            &ratios(&large, &small, seconds),
            // A quick run erases so few that what every erasure costs weighs more.
            (many == 100_000).then_some(AtMost(15.0)),
        ),
        Row::new("append during a purge", "append without").figure("p99", &latencies, Some(AtMost(3.0))),
        Row::new("purge 1000 messages", "erase a visitor with 1000").figure(
            "time",
            &purge_against_erase,
            None,
        ),
    ])
}

/// A visitor with so many conversations of a thousand messages each is erased.
async fn erase(
    world: &World,
    storage: &Arc<PostgresStorage>,
    of: ServerCpu,
    conversations: u64,
) -> Result<Taken> {
    let since = Timestamp::from_millis(1_600_000_000_000);
    let place = fill(&**storage, 1, LOG, since).await?[0];
    let more: Vec<Place> = (1..conversations).map(|_| Place { conversation: new_id(), ..place }).collect();
    talk(&**storage, &more, LOG, since).await?;
    world.settle().await?;
    measured(of, async {
        let change = Change::new(Author::System, since);
        anyhow::ensure!(
            storage.visitors().erase(place.tenant, place.visitor, &change).await?,
            "it was there"
        );
        Ok(())
    })
    .await
}

async fn purge(storage: &Arc<PostgresStorage>, place: &Place, before: Timestamp) -> Result<()> {
    while storage.events().purge(place.tenant, before, BATCH).await? > 0 {}
    Ok(())
}

async fn append_until(
    storage: &Arc<PostgresStorage>,
    places: &[Place],
    now: Timestamp,
    time: Duration,
) -> Result<Vec<f64>> {
    let (done, is_done) = watch::channel(false);
    let timer = async {
        tokio::time::sleep(time).await;
        done.send_replace(true);
        anyhow::Ok(())
    };
    let ((), latencies) = tokio::try_join!(timer, append_while(storage, places, now, is_done))?;
    Ok(latencies)
}

/// Appends at a steady pace until it is said to be done; how long each took, in seconds.
#[expect(clippy::disallowed_methods, reason = "a bench measures real time")]
async fn append_while(
    storage: &Arc<PostgresStorage>,
    places: &[Place],
    now: Timestamp,
    done: watch::Receiver<bool>,
) -> Result<Vec<f64>> {
    let mut latencies = Vec::new();
    let mut pace = tokio::time::interval(PACE);
    for place in places.iter().cycle() {
        if *done.borrow() && latencies.len() >= 100 {
            break;
        }
        pace.tick().await;
        let began = Instant::now();
        say(&**storage, place, now).await?;
        latencies.push(began.elapsed().as_secs_f64());
    }
    Ok(latencies)
}

fn p99(mut latencies: Vec<f64>) -> f64 {
    latencies.sort_by(f64::total_cmp);
    latencies[(latencies.len() * 99 / 100).min(latencies.len() - 1)]
}
