//! A call that is dropped at any point has happened whole or not at all, and leaves nothing open and nothing set.

use std::pin::pin;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;
use std::time::Duration;

use convor::ids::TenantId;
use convor::ports::Storage;
use convor_postgres::{Batching, PostgresStorage};
use convor_tests::database::{APPLICATION, Database};
use convor_tests::{environment, patience};
use sqlx::postgres::{PgConnectOptions, PgConnection, PgPoolOptions};
use sqlx::{PgPool, Row};
use tokio::time::timeout;
use uuid::Uuid;

use crate::methods::{Method, READS, SWEEPS, WRITES};
use crate::schema::{connect, count, run, texts};
use crate::tenant::Tenant;

/// Fewer connections than tasks, so that some wait for one.
const CONNECTIONS: u32 = 4;
const TASKS: usize = 8;

/// After so many polls a call that need not wait for a connection is done, more or less.
const POLLS_MAX: u64 = 14;

/// After so many milliseconds a call is done, more or less, even if it has to wait for one.
const MILLIS_MAX: u64 = 200;

/// How many transactions of the client's own are begun before it counts as known that none is left open.
const BEGUN_MAX: usize = 100_000;

/// The append that may share a statement with others.
const BATCHED: &str = "events.append, in a batch";

fn calls_max() -> usize {
    if environment::proving() { 8_000 } else { 600 }
}

/// Every method of every repository, dropped at random points, over a pool that cleans nothing up.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn dropped_calls_leave_nothing_open_and_nothing_half_done() {
    let database = Database::fresh().await;
    let mut superuser = connect(&database.superuser_url()).await;
    run(&mut superuser, &format!("ALTER DATABASE {} SET track_functions = 'all'", database.name())).await;
    let options = PgConnectOptions::from_str(&database.app_url()).expect("a URL");
    let options = options.options([("search_path", "pg_catalog,pg_temp")]);
    let pool = PgPoolOptions::new().max_connections(CONNECTIONS).connect_with(options).await.expect("a pool");
    let storage: Arc<dyn Storage> =
        Arc::new(PostgresStorage::from_pool(pool.clone(), Batching::default()).await.expect("a storage"));
    // The second one is swept meanwhile, and so has not everything any more.
    let [kept, swept] = [1, 2]
        .map(|id| Arc::new(Tenant::new(Arc::clone(&storage), TenantId::from(Uuid::from_u128(id)), "canary")));
    for tenant in [&kept, &swept] {
        tenant.fill().await;
    }
    let all: Vec<Method> = [READS, WRITES, SWEEPS].concat();
    for method in &all {
        (method.call)(&swept).await.unwrap_or_else(|error| panic!("{}: {error:?}", method.name));
    }
    // Messages that come together go together, by a function of their own.
    let together = (0..32).map(|_| {
        let swept = Arc::clone(&swept);
        let append = all.iter().find(|method| method.name == BATCHED).expect("a method").call;
        tokio::spawn(async move { append(&swept).await.expect("stored") })
    });
    for append in together.collect::<Vec<_>>() {
        append.await.expect("stored");
    }
    every_function_was_called(&mut superuser).await;

    let (dropped, done) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let tasks = (0..TASKS).map(|task| {
        let (kept, swept) = (Arc::clone(&kept), Arc::clone(&swept));
        let (dropped, done) = (Arc::clone(&dropped), Arc::clone(&done));
        let for_kept = [WRITES, READS].concat();
        let for_swept = all.clone();
        tokio::spawn(async move {
            let mut dice = Dice(0x9e37_79b9_7f4a_7c15 ^ (task as u64 + 1));
            for call in 0..calls_max() / TASKS {
                let (tenant, methods) = if call % 2 == 0 { (&kept, &for_kept) } else { (&swept, &for_swept) };
                let method = methods[dice.below(methods.len() as u64) as usize];
                let running = (method.call)(tenant);
                let outcome = if dice.below(2) == 0 {
                    cut_off(running, dice.below(POLLS_MAX)).await
                } else {
                    timeout(Duration::from_millis(dice.below(MILLIS_MAX)), running).await.ok()
                };
                match outcome {
                    Some(result) => {
                        result.unwrap_or_else(|error| panic!("{}: {error:?}", method.name));
                        done.fetch_add(1, Ordering::Relaxed);
                    }
                    None => {
                        dropped.fetch_add(1, Ordering::Relaxed);
                    }
                }
            }
        })
    });
    for task in tasks.collect::<Vec<_>>() {
        task.await.expect("no call fails");
    }

    let quiet = async || (busy(&mut superuser, &database).await == 0).then_some(());
    patience::look(quiet).await.expect("what was sent comes to its end");
    let (open, set) = left_behind(&pool).await;
    assert_eq!((open, set), (0, 0), "connections with an open transaction, and with a tenant");
    for (claim, sql) in CLAIMS {
        assert_eq!(count(&mut superuser, sql).await, 0, "{claim}");
    }
    let (dropped, done) = (dropped.load(Ordering::Relaxed), done.load(Ordering::Relaxed));
    assert!(
        dropped > done / 10 && done > dropped / 10,
        "{dropped} dropped, {done} done: both kinds are there"
    );
    println!("proof-columns: Cancelled calls | what | calls | dropped | left open or set | half done");
    println!(
        "proof: Cancelled calls | every method ({} calls of {} functions), {TASKS} tasks on {CONNECTIONS} connections | {} | {dropped} | 0 | 0",
        all.len(),
        texts(&mut superuser, FUNCTIONS).await.len(),
        dropped + done
    );
}

/// A transaction of the client's own, begun and dropped: what sqlx 0.9.0 leaves open, and a hook of the pool's finds.
#[tokio::test]
async fn a_transaction_of_the_clients_own_would_be_left_open() {
    let database = Database::fresh().await;
    let calls = calls_max() / 2;
    let pool = || PgPoolOptions::new().max_connections(1);
    let bare = pool().connect(&database.app_url()).await.expect("a pool");
    let guarded = pool().after_release(|connection, _| Box::pin(is_clean(connection)));
    let guarded = guarded.connect(&database.app_url()).await.expect("a pool");
    // It takes a race to leave one open.
    let (mut tried, mut without) = (0, 0);
    while without == 0 && tried < BEGUN_MAX {
        without = leaks(&bare, calls).await;
        tried += calls;
    }
    let with = leaks(&guarded, calls).await;
    assert!(without > 0, "sqlx leaves none open any more: the rule that no transaction is begun here can go");
    assert_eq!(with, 0);
    println!("proof-columns: Cancelled calls | what | calls | dropped | left open or set | half done");
    println!(
        "proof: Cancelled calls | `begin` on the client's side, which no method has, without a hook | {tried} | {tried} | {without} | "
    );
    println!(
        "proof: Cancelled calls | the same with a hook that looks at each connection that comes back | {calls} | {calls} | {with} | "
    );
}

/// How many of so many transactions that are begun, and dropped before they are there, the next borrower finds open.
async fn leaks(pool: &PgPool, calls: usize) -> usize {
    let mut dice = Dice(7);
    let mut leaks = 0;
    for _ in 0..calls {
        let begun = async {
            let mut transaction = pool.begin().await.expect("a transaction");
            let set = sqlx::query("SELECT set_config('convor.tenant', gen_random_uuid()::text, true)");
            set.execute(&mut *transaction).await.expect("set");
            transaction.rollback().await.expect("an end");
        };
        cut_off(begun, 1 + dice.below(POLLS_MAX)).await;
        let mut connection = pool.acquire().await.expect("a connection");
        if !is_clean(&mut connection).await.unwrap_or(false) {
            leaks += 1;
            connection.close().await.expect("an end");
        }
    }
    leaks
}

/// Whether no transaction is open, which would have begun before this statement, and no tenant set.
async fn is_clean(connection: &mut PgConnection) -> Result<bool, sqlx::Error> {
    let clean =
        "SELECT now() = statement_timestamp() AND coalesce(current_setting('convor.tenant', true), '') = ''";
    // As one message of the simple protocol: a transaction of its own would begin with the statement, to the microsecond.
    sqlx::raw_sql(clean).fetch_one(connection).await?.try_get(0)
}

/// How many of the pool's connections, all taken at once, have a transaction open, and how many a tenant set.
async fn left_behind(pool: &PgPool) -> (usize, usize) {
    let mut taken = Vec::new();
    for _ in 0..CONNECTIONS {
        taken.push(pool.acquire().await.expect("a connection"));
    }
    let (mut open, mut set) = (0, 0);
    for connection in &mut taken {
        let state = "SELECT now() <> statement_timestamp(), coalesce(current_setting('convor.tenant', true), '') <> ''";
        let state = sqlx::raw_sql(state).fetch_one(&mut **connection).await.expect("it answers");
        open += usize::from(state.get::<bool, _>(0));
        set += usize::from(state.get::<bool, _>(1));
    }
    (open, set)
}

/// How many of the application's connections are at work, or wait within a transaction.
async fn busy(superuser: &mut PgConnection, database: &Database) -> i64 {
    let sql = "SELECT count(*) FROM pg_stat_activity WHERE state <> 'idle'";
    count(superuser, &format!("{sql} AND datname = '{}' AND usename = '{APPLICATION}'", database.name()))
        .await
}

/// The functions that the application may call.
const FUNCTIONS: &str =
    "SELECT p.proname::text FROM pg_proc p WHERE p.pronamespace = 'convor'::regnamespace ORDER BY 1";

/// Fails unless the calls so far have come through every function of the schema.
async fn every_function_was_called(superuser: &mut PgConnection) {
    let missed = "SELECT coalesce(string_agg(p.proname, ', ' ORDER BY p.proname), '') FROM pg_proc p \
                  WHERE p.pronamespace = 'convor'::regnamespace \
                  AND NOT EXISTS (SELECT FROM pg_stat_user_functions s WHERE s.funcid = p.oid AND s.calls > 0)";
    let mut last = String::new();
    // A connection reports what it has called a little later.
    let none = patience::look(async || {
        last = texts(superuser, missed).await.remove(0);
        last.is_empty().then_some(())
    });
    assert!(none.await.is_ok(), "no method calls these functions: {last}");
}

/// What must not be there, and a query that counts it. The first tenant's rows have all stayed.
const CLAIMS: &[(&str, &str)] = &[
    (
        "a message without its audit record",
        "SELECT count(*) FROM convor.events e WHERE e.tenant_id = '00000000-0000-0000-0000-000000000001' AND e.kind = 0
         AND e.staff_seq > 1 AND NOT EXISTS (SELECT FROM convor.audit a WHERE a.tenant_id = e.tenant_id
         AND a.target = e.message_id AND a.action = 'conversation.updated')",
    ),
    (
        "an audit record without its message",
        "SELECT count(*) FROM convor.audit a WHERE a.tenant_id = '00000000-0000-0000-0000-000000000001'
         AND a.action = 'conversation.updated' AND NOT EXISTS (SELECT FROM convor.events e
         WHERE e.tenant_id = a.tenant_id AND e.message_id = a.target)",
    ),
    (
        "an audit record without its notification, or the other way round",
        "SELECT count(*) FROM (SELECT id FROM convor.audit WHERE tenant_id = '00000000-0000-0000-0000-000000000001') a
         FULL JOIN (SELECT id FROM convor.notifications WHERE tenant_id = '00000000-0000-0000-0000-000000000001') n USING (id)
         WHERE a.id IS NULL OR n.id IS NULL",
    ),
    (
        "a log with a gap, in either numbering",
        "SELECT count(*) FROM convor.conversations c CROSS JOIN LATERAL (SELECT count(*) AS events,
         count(visitor_seq) AS visible, coalesce(max(staff_seq), c.floor_staff) AS last,
         coalesce(max(visitor_seq), c.floor_visitor) AS last_visible FROM convor.events e
         WHERE e.tenant_id = c.tenant_id AND e.conversation_id = c.id) l
         WHERE c.head_staff <> l.last OR c.head_staff - c.floor_staff <> l.events
         OR c.head_visitor <> l.last_visible OR c.head_visitor - c.floor_visitor <> l.visible",
    ),
    (
        "a control log with a gap",
        "SELECT count(*) FROM convor.tenants t WHERE t.control_head <> (SELECT count(*) FROM convor.control_events e
         WHERE e.tenant_id = t.tenant_id) OR t.control_head <> (SELECT coalesce(max(position), 0)
         FROM convor.control_events e WHERE e.tenant_id = t.tenant_id)",
    ),
    (
        "work that is due and not known to be, or the other way round",
        "SELECT count(*) FROM (SELECT tenant_id, id FROM convor.notifications UNION ALL
         SELECT tenant_id, id FROM convor.conversations WHERE snoozed_until IS NOT NULL) o
         FULL JOIN convor.due_work d USING (tenant_id, id) WHERE o.id IS NULL OR d.id IS NULL",
    ),
];

/// A few numbers in no order that anyone would have thought of, and the same each time (xorshift, Marsaglia 2003).
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }
}

/// Polls a future at most so many times and drops it then. `None` if it was not done.
async fn cut_off<F: Future>(future: F, polls: u64) -> Option<F::Output> {
    let mut future = pin!(future);
    let mut left = polls;
    std::future::poll_fn(|context| {
        if left == 0 {
            return Poll::Ready(None);
        }
        left -= 1;
        future.as_mut().poll(context).map(Some)
    })
    .await
}
