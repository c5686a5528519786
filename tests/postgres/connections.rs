//! Calls that follow each other share connections, everybody has a turn, and the pool has them back.

use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use convor::ids::TenantId;
use convor::ports::{Storage, StorageErrorKind};
use convor_postgres::{Batching, PostgresStorage};
use convor_tests::database::Database;
use convor_tests::fixture::new_id;
use convor_tests::patience::{self, PATIENCE};
use sqlx::PgPool;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use tokio::time::timeout;

/// How many calls a connection serves before it goes back, as `PostgresStorage::from_pool` says.
const CALLS_MAX: usize = 64;

/// A storage over a pool, and how often a connection has come back to that.
async fn counted(
    database: &Database,
    connections: u32,
    patience: Duration,
) -> (Arc<PostgresStorage>, PgPool, Arc<AtomicUsize>) {
    let back = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&back);
    let options = PgConnectOptions::from_str(&database.app_url()).expect("a URL");
    let options = options.options([("search_path", "pg_catalog,pg_temp")]);
    let pool = PgPoolOptions::new().max_connections(connections).acquire_timeout(patience);
    let pool = pool.after_release(move |_, _| {
        counted.fetch_add(1, Ordering::Relaxed);
        Box::pin(async { Ok(true) })
    });
    let pool = pool.connect_with(options).await.expect("a pool");
    let storage = PostgresStorage::from_pool(pool.clone(), Batching::off()).await.expect("a storage");
    (Arc::new(storage), pool, back)
}

async fn call(storage: &PostgresStorage) {
    assert_eq!(storage.tenants().find(new_id::<TenantId>()).await.expect("an answer"), None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_that_follow_each_other_share_a_connection() {
    let database = Database::fresh().await;
    let (storage, pool, back) = counted(&database, 4, Duration::from_secs(30)).await;
    let calls = 20 * CALLS_MAX;
    let before = back.load(Ordering::Relaxed);
    for _ in 0..calls {
        call(&storage).await;
    }
    let times = back.load(Ordering::Relaxed) - before;
    assert!(times >= calls / CALLS_MAX - 1, "after {CALLS_MAX} calls at the latest it goes back: {times}");
    // A call may take longer than a connection waits, on a machine that is busy.
    assert!(times < calls / 4, "{calls} calls, {times} times back");
    let all_back = async || (pool.num_idle() == pool.size() as usize).then_some(());
    patience::look(all_back).await.expect("the pool has all of them back");
}

/// More callers than connections, and none of them starves; nor does the host, which uses the pool beside them.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn everybody_has_a_turn() {
    let database = Database::fresh().await;
    let (storage, pool, _) = counted(&database, 2, Duration::from_secs(60)).await;
    let callers = (0..32).map(|_| {
        let storage = Arc::clone(&storage);
        tokio::spawn(async move {
            for _ in 0..50 {
                call(&storage).await;
            }
        })
    });
    let callers: Vec<_> = callers.collect();
    for _ in 0..10 {
        let one: i32 = sqlx::query_scalar("SELECT 1").fetch_one(&pool).await.expect("the host's turn");
        assert_eq!(one, 1);
    }
    for caller in callers {
        caller.await.expect("answered");
    }
}

#[tokio::test]
async fn a_call_that_finds_no_connection_says_so_in_time() {
    let database = Database::fresh().await;
    let (storage, pool, _) = counted(&database, 1, Duration::from_millis(300)).await;
    let all_back = async || (pool.num_idle() == 1).then_some(());
    patience::look(all_back).await.expect("the pool has it back");
    let held = pool.acquire().await.expect("a connection");
    let failure = storage.tenants().find(new_id()).await.expect_err("no connection");
    assert_eq!(failure.kind(), StorageErrorKind::Unavailable);
    drop(held);
    call(&storage).await;
}

#[tokio::test]
async fn a_storage_that_is_closed_answers_nobody() {
    let database = Database::fresh().await;
    let (storage, pool, _) = counted(&database, 2, Duration::from_secs(30)).await;
    call(&storage).await;
    storage.close().await;
    assert_eq!(pool.size(), 0, "none is left open");
    storage.tenants().find(new_id()).await.expect_err("closed");
}

/// Whoever waits for a connection is told when the host closes the pool, and does not wait out the time.
#[tokio::test]
async fn a_pool_that_is_closed_ends_the_waiting() {
    let database = Database::fresh().await;
    let (storage, pool, _) = counted(&database, 1, Duration::from_secs(3_600)).await;
    let all_back = async || (pool.num_idle() == 1).then_some(());
    patience::look(all_back).await.expect("the pool has it back");
    let held = pool.acquire().await.expect("a connection");
    let waiting = tokio::spawn({
        let storage = Arc::clone(&storage);
        async move { storage.tenants().find(new_id()).await }
    });
    tokio::task::yield_now().await;
    let closing = tokio::spawn(async move { pool.close().await });
    let failure = timeout(PATIENCE, waiting).await.expect("it ends").expect("no panic").expect_err("closed");
    assert_eq!(failure.kind(), StorageErrorKind::Unavailable);
    drop(held);
    closing.await.expect("closed");
}
