//! Appends against the raw insert: a prepared statement that inserts one row into a table with one key and nothing else.

use std::sync::Arc;

use anyhow::Result;
use convor::time::Timestamp;
use convor_benches::report::Goal::{AtLeast, AtMost};
use convor_benches::report::Row;
use convor_postgres::{Batching, PostgresStorage};
use convor_tests::fixture::new_id;
use futures_util::future::try_join_all;
use sqlx::PgPool;
use uuid::Uuid;

use crate::Effort;
use crate::cpu::ServerCpu;
use crate::rounds::{Work, cpu, in_turns, rates};
use crate::world::{Place, World, fill, say};

const RAW: &str = "INSERT INTO raw (id, body) VALUES ($1, $2)";

pub(crate) async fn rows(world: &World, of: ServerCpu, effort: &Effort) -> Result<Vec<Row>> {
    let now = Timestamp::from_millis(1_800_000_000_000);
    sqlx::raw_sql("CREATE TABLE raw (id uuid PRIMARY KEY, body text NOT NULL)")
        .execute(&world.superuser)
        .await?;
    let filler = world.storage(4, Batching::off()).await?;
    let mut places = Vec::new();
    for _ in 0..effort.tenants {
        places.extend(fill(&*filler, 32, 20, now).await?);
    }
    world.settle().await?;
    let mut rows = Vec::new();
    for callers in [1, 8, 32_usize] {
        let connections = u32::try_from(callers)?;
        let single = world.storage(connections, Batching::off()).await?;
        let batched = world.storage(connections.max(2), Batching::default()).await?;
        let each = effort.appends / callers;
        let shapes: [Work<'_>; 3] = [
            Box::new(|| Box::pin(insert_all(&world.superuser, callers, each))),
            Box::new(|| Box::pin(append_all(&single, &places, callers, each, now))),
            Box::new(|| Box::pin(append_all(&batched, &places, callers, each, now))),
        ];
        let taken = in_turns(of, effort.rounds, &shapes).await?;
        let goal = match callers {
            8 => Some(AtLeast(0.40)),
            32 => Some(AtLeast(0.45)),
            _ => None,
        };
        let [raw, one, many] = [0, 1, 2].map(|shape: usize| &taken[shape]);
        rows.push(
            Row::new(format!("append, {callers} callers"), "raw insert")
                .figure("rate", &rates(one, raw), goal)
                .figure("server CPU", &cpu(one, raw), Some(AtMost(3.3))),
        );
        let several = callers > 8;
        rows.push(
            Row::new(format!("append in batches, {callers} callers"), "append")
                .figure("rate", &rates(many, one), several.then_some(AtLeast(2.0)))
                .figure("server CPU", &cpu(many, one), several.then_some(AtMost(0.35))),
        );
        single.close().await;
        batched.close().await;
    }
    Ok(rows)
}

async fn insert_all(pool: &PgPool, callers: usize, each: usize) -> Result<()> {
    let callers = (0..callers).map(|_| async {
        let mut connection = pool.acquire().await?;
        for _ in 0..each {
            let insert =
                sqlx::query(RAW).bind(new_id::<Uuid>()).bind("Is this the one with the leather saddle?");
            insert.execute(&mut *connection).await?;
        }
        anyhow::Ok(())
    });
    try_join_all(callers).await.map(drop)
}

/// Each caller goes through conversations of its own.
async fn append_all(
    storage: &Arc<PostgresStorage>,
    places: &[Place],
    callers: usize,
    each: usize,
    now: Timestamp,
) -> Result<()> {
    let callers = (0..callers).map(|caller| async move {
        let own: Vec<&Place> = places.iter().skip(caller).step_by(callers).collect();
        for place in own.iter().cycle().take(each) {
            say(&**storage, place, now).await?;
        }
        anyhow::Ok(())
    });
    try_join_all(callers).await.map(drop)
}
