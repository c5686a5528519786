//! Reads with row-level security against the same function called by a superuser, whom no policy binds.

use anyhow::{Context, Result};
use convor::ports::Storage;
use convor::time::Timestamp;
use convor_benches::report::Goal::AtLeast;
use convor_benches::report::Row;
use convor_postgres::Batching;
use sqlx::PgPool;
use uuid::Uuid;

use crate::Effort;
use crate::cpu::ServerCpu;
use crate::rounds::{Work, in_turns, rates};
use crate::world::{Place, World, fill};

const HISTORY: &str = "SELECT event FROM convor.events_page($1, $2, false, 2::smallint, 0, 50)";
const INBOX: &str = "SELECT conversation, visitor, page, last_message, read_up_to, other_read, unread
    FROM convor.conversations_page_inbox($1, 2::smallint, $2,
    9223372036854775807, 'ffffffff-ffff-ffff-ffff-ffffffffffff', 50, '{0,1,2}', false, NULL, NULL)";
const SEARCH: &str = "SELECT e AS event FROM convor.search_find(
    $1, '{saddle,pannier}', 9223372036854775807, $2, 9223372036854775807, 50) AS e";

pub(crate) async fn rows(world: &World, of: ServerCpu, effort: &Effort) -> Result<Vec<Row>> {
    let storage = world.storage(4, Batching::off()).await?;
    let mut places = Vec::new();
    for _ in 0..effort.tenants {
        places.extend(fill(&*storage, 40, effort.log, Timestamp::from_millis(1_700_000_000_000)).await?);
    }
    let search = storage.search().context("the storage searches")?;
    for place in places.iter().step_by(40) {
        while search.index(place.tenant, 1_000).await? > 0 {}
    }
    world.settle().await?;
    let application = world.application().await?;
    let mut rows = Vec::new();
    for (what, statement, second) in [
        ("history, the last 50", HISTORY, (|place| place.conversation.uuid()) as fn(&Place) -> Uuid),
        ("inbox, the first 50", INBOX, |_| Uuid::nil()),
        ("search for two words, 50 found", SEARCH, |_| Uuid::max()),
    ] {
        let shapes: [Work<'_>; 2] = [
            Box::new(|| Box::pin(ask(&application, statement, second, &places, effort.reads))),
            Box::new(|| Box::pin(ask(&world.superuser, statement, second, &places, effort.reads))),
        ];
        let taken = in_turns(of, effort.rounds, &shapes).await?;
        rows.push(Row::new(what, "the same without row-level security").figure(
            "rate",
            &rates(&taken[0], &taken[1]),
            Some(AtLeast(0.8)),
        ));
    }
    storage.close().await;
    Ok(rows)
}

async fn ask(
    pool: &PgPool,
    statement: &'static str,
    second: fn(&Place) -> Uuid,
    places: &[Place],
    reads: usize,
) -> Result<()> {
    let mut connection = pool.acquire().await?;
    for place in places.iter().step_by(7).cycle().take(reads) {
        let ask = sqlx::query(statement).bind(place.tenant.uuid()).bind(second(place));
        let rows = ask.fetch_all(&mut *connection).await?;
        anyhow::ensure!(!rows.is_empty(), "something is found by {statement}");
    }
    Ok(())
}
