//! What PostgreSQL alone has to be held to: strangers' functions, rights, newer schemas, ids that are taken, locks, purges that
//! meet, and indexing beside both.

use std::sync::Arc;
use std::time::Duration;

use convor::domain::{MessageKind, Notification, OutboxEntry};
use convor::ids::TenantId;
use convor::ports::storage::{AppendOutcome, RecordKind};
use convor::ports::{Change, Storage, StorageErrorKind};
use convor::time::Timestamp;
use convor_postgres::{Batching, ConnectError, PostgresOptions, PostgresStorage};
use convor_tests::database::{APPLICATION, Database};
use convor_tests::patience::{PATIENCE, look};
use sqlx::PgPool;
use tokio::task::JoinSet;
use uuid::Uuid;

use crate::schema::{connect, count, run};
use crate::tenant::Tenant;

async fn storage(database: &Database) -> Result<PostgresStorage, ConnectError> {
    PostgresStorage::connect(PostgresOptions::new(&database.app_url()).expect("options")).await
}

async fn filled(database: &Database) -> Tenant {
    let storage: Arc<dyn Storage> = Arc::new(storage(database).await.expect("a storage"));
    let tenant = Tenant::new(storage, TenantId::from(Uuid::from_u128(1)), "canary");
    tenant.fill().await;
    tenant
}

/// A visitor says something.
async fn append(tenant: &Tenant) {
    let append = tenant.appending(tenant.conversation, tenant.by_visitor(), MessageKind::Message);
    let change = Change::new(tenant.by_visitor(), tenant.now());
    tenant
        .storage
        .events()
        .append(tenant.id, &append, &change)
        .await
        .expect("it is stored, and no lock is in its way");
}

/// A function in `public` that fits better than PostgreSQL's own is not called.
#[tokio::test]
async fn a_strangers_function_is_not_called() {
    let database = Database::fresh().await;
    let mut superuser = connect(&database.superuser_url()).await;
    let functions = "CREATE FUNCTION public.cardinality(text[]) RETURNS integer LANGUAGE plpgsql AS \
                     $$ BEGIN RAISE EXCEPTION 'called'; END $$; \
                     CREATE FUNCTION public.unnest(uuid[]) RETURNS SETOF uuid LANGUAGE plpgsql AS \
                     $$ BEGIN RAISE EXCEPTION 'called'; END $$; \
                     GRANT USAGE ON SCHEMA public TO PUBLIC; \
                     GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA public TO PUBLIC";
    run(&mut superuser, functions).await;
    let mut app = connect(&database.app_url()).await;
    let called = crate::schema::refused(&mut app, "SELECT cardinality('{}'::text[])").await;
    assert_eq!(called.as_deref(), Some("P0001"), "with the server's own path it would be");
    let tenant = filled(&database).await;
    append(&tenant).await;

    let pool = PgPool::connect(&database.app_url()).await.expect("a pool");
    let refused = PostgresStorage::from_pool(pool, Batching::default()).await.err();
    assert!(matches!(refused, Some(ConnectError::SearchPath)), "{refused:?}");
}

/// A role that may change the schema, or what is in it, is not used.
#[tokio::test]
async fn a_role_that_may_change_the_schema_is_refused() {
    let database = Database::fresh().await;
    let mut superuser = connect(&database.superuser_url()).await;
    storage(&database).await.expect("it is used as it is");
    run(&mut superuser, &format!("GRANT CREATE ON SCHEMA convor TO {APPLICATION}")).await;
    let refused = storage(&database).await.err();
    assert!(matches!(refused, Some(ConnectError::MayCreate)), "{refused:?}");
    run(&mut superuser, &format!("REVOKE CREATE ON SCHEMA convor FROM {APPLICATION}")).await;
    run(&mut superuser, &format!("ALTER FUNCTION convor.control_head(uuid) OWNER TO {APPLICATION}")).await;
    let refused = storage(&database).await.err();
    assert!(matches!(refused, Some(ConnectError::OwnsTables)), "a function of its own: {refused:?}");
    run(&mut superuser, "ALTER FUNCTION convor.control_head(uuid) OWNER TO convor_owner").await;
    run(&mut superuser, &format!("ALTER SCHEMA convor OWNER TO {APPLICATION}")).await;
    let refused = storage(&database).await.err();
    assert!(matches!(refused, Some(ConnectError::OwnsTables)), "the schema: {refused:?}");
}

/// A newer schema is used and stays ready; an older one is not.
#[tokio::test]
async fn a_newer_schema_is_used_and_an_older_one_is_not() {
    let database = Database::fresh().await;
    let mut superuser = connect(&database.superuser_url()).await;
    let running = storage(&database).await.expect("the version it knows");
    let newer = "INSERT INTO convor.migrations (version, description, success, checksum, execution_time) \
                 VALUES (9999, 'newer', true, '', 0)";
    run(&mut superuser, newer).await;
    running.ping().await.expect("a node stays ready while others are newer");
    storage(&database).await.expect("and may start again");
    run(&mut superuser, "DELETE FROM convor.migrations WHERE version > 1").await;
    running.ping().await.expect_err("an older schema lacks what it uses");
    let refused = storage(&database).await.err();
    assert!(matches!(refused, Some(ConnectError::Version { found: 1, .. })), "{refused:?}");
}

/// A notification's id that is taken fails the change, and nothing of it is stored.
#[tokio::test]
async fn a_notifications_id_that_is_taken_changes_nothing() {
    let database = Database::fresh().await;
    let tenant = filled(&database).await;
    let mut superuser = connect(&database.superuser_url()).await;
    let notification = Notification::MessageWaiting { conversation: tenant.conversation };
    let mut change = Change::new(tenant.by_visitor(), tenant.now());
    change.outbox.push(OutboxEntry::Notify { id: tenant.id(), notification });
    let mut outcomes = Vec::new();
    for _ in 0..2 {
        let append = tenant.appending(tenant.conversation, tenant.by_visitor(), MessageKind::Message);
        let before = count(&mut superuser, "SELECT count(*) FROM convor.events").await;
        let outcome = tenant.storage.events().append(tenant.id, &append, &change).await;
        let after = count(&mut superuser, "SELECT count(*) FROM convor.events").await;
        outcomes.push((outcome.err().map(|error| error.kind()), after > before));
    }
    assert_eq!(outcomes, [(None, true), (Some(StorageErrorKind::Other), false)]);
}

/// An append locks no visitor, neither one that reopens nor two of one conversation that come together: an erasure, which holds
/// the visitor and wants the conversations, would wait for it in a ring.
#[tokio::test]
async fn an_append_waits_for_no_lock_on_a_visitor() {
    let database = Database::fresh().await;
    let tenant = filled(&database).await;
    let options = PostgresOptions::new(&database.app_url()).expect("options");
    let batching = Batching::default().in_flight_max(1).wait_max(Duration::MAX);
    let options = options.lock_timeout(None).batching(batching);
    let storage = Arc::new(PostgresStorage::connect(options).await.expect("a storage"));

    let mut on_visitors = connect(&database.superuser_url()).await;
    run(&mut on_visitors, "BEGIN; SELECT id FROM convor.visitors FOR UPDATE").await;
    let mut on_snoozed = connect(&database.superuser_url()).await;
    run(&mut on_snoozed, "BEGIN; SELECT id FROM convor.conversations WHERE status = 1 FOR UPDATE").await;
    let mut appends = JoinSet::new();
    for conversation in [tenant.snoozed, tenant.conversation, tenant.conversation] {
        let append = tenant.appending(conversation, tenant.by_visitor(), MessageKind::Message);
        let change = Change::new(tenant.by_visitor(), tenant.now());
        let (storage, id) = (Arc::clone(&storage), tenant.id);
        appends.spawn(async move { storage.events().append(id, &append, &change).await });
        // Each has begun: the first waits for its conversation, the others for the first.
        tokio::task::yield_now().await;
    }
    run(&mut on_snoozed, "COMMIT").await;
    let done = tokio::time::timeout(PATIENCE, appends.join_all()).await.expect("none waits for a visitor");
    for outcome in done {
        assert!(matches!(outcome, Ok(AppendOutcome::Stored { .. })), "{outcome:?}");
    }
    run(&mut on_visitors, "COMMIT").await;
}

/// Of two purges at the same time each answers 0 only once there is nothing left.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn purges_that_meet_leave_nothing() {
    let database = Database::fresh().await;
    let tenant = filled(&database).await;
    let mut superuser = connect(&database.superuser_url()).await;
    for _ in 0..40 {
        append(&tenant).await;
    }
    let all = count(&mut superuser, "SELECT count(*) FROM convor.events").await;
    let purging = (0..4).map(|_| {
        let (storage, id) = (Arc::clone(&tenant.storage), tenant.id);
        tokio::spawn(async move {
            let mut removed = 0;
            loop {
                let more = storage.events().purge(id, Timestamp::MAX, 1).await.expect("purged");
                if more == 0 {
                    return removed;
                }
                removed += i64::try_from(more).expect("few");
            }
        })
    });
    let purging: Vec<_> = purging.collect();
    let mut removed = 0;
    for purge in purging {
        removed += purge.await.expect("no panic");
        // Whoever has come to its end has left nothing, whatever the others still do.
        assert_eq!(count(&mut superuser, "SELECT count(*) FROM convor.events").await, 0);
    }
    assert_eq!(removed, all);
}

/// A server that can only be read is not ready, and refuses for as long as it is; what was connected to it is connected anew.
#[tokio::test]
async fn a_read_only_server_is_not_ready_and_is_left() {
    let database = Database::fresh().await;
    let tenant = filled(&database).await;
    let mut superuser = connect(&database.superuser_url()).await;
    let name = sqlx::query_scalar::<_, String>("SELECT current_database()");
    let name = name.fetch_one(&mut superuser).await.expect("its name");
    let append = async || {
        let append = tenant.appending(tenant.conversation, tenant.by_visitor(), MessageKind::Message);
        let change = Change::new(tenant.by_visitor(), tenant.now());
        tenant.storage.events().append(tenant.id, &append, &change).await.map(drop)
    };
    let disconnect =
        format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '{APPLICATION}'");
    run(&mut superuser, &format!("ALTER DATABASE {name} SET default_transaction_read_only = on")).await;
    run(&mut superuser, &disconnect).await;
    let kind = |outcome: Result<(), convor::ports::StorageError>| outcome.err().map(|error| error.kind());
    assert_eq!(kind(tenant.storage.ping().await), Some(StorageErrorKind::Unavailable), "not ready");
    assert_eq!(kind(append().await), Some(StorageErrorKind::Unavailable), "and the client sends again");

    // The connections that are there stay read-only: only new ones are of the server that can be written to.
    run(&mut superuser, "SET default_transaction_read_only = off").await;
    run(&mut superuser, &format!("ALTER DATABASE {name} RESET default_transaction_read_only")).await;
    let mut failed = 0;
    while append().await.is_err() {
        failed += 1;
        assert!(failed < 20, "it leaves the connections that can only read");
    }
    tenant.storage.ping().await.expect("ready again");
}

/// Events that are imported below what has been indexed are indexed, too.
#[tokio::test]
async fn what_is_imported_late_is_indexed() {
    let database = Database::fresh().await;
    let tenant = filled(&database).await;
    let mut superuser = connect(&database.superuser_url()).await;
    let transfer = tenant.storage.transfer().expect("it moves what is stored");
    let events = transfer.export(tenant.id, RecordKind::Event, None, 1_000).await.expect("exported");
    let search = tenant.storage.search().expect("it searches");
    run(
        &mut superuser,
        "DELETE FROM convor.words; DELETE FROM convor.events; DELETE FROM convor.unindexed; \
         UPDATE convor.conversations SET indexed_staff = head_staff",
    )
    .await;
    assert_eq!(search.index(tenant.id, 1_000).await.expect("indexed"), 0, "nothing is pending");
    transfer.import(tenant.id, &events).await.expect("imported");
    assert_eq!(search.index(tenant.id, 1_000).await.expect("indexed"), events.len(), "each of them");
}

/// Indexes a tenant's messages, and does something while the words are being stored.
async fn while_indexing(database: &Database, tenant: &Tenant, meanwhile: impl AsyncFnOnce()) {
    let options = PostgresOptions::new(&database.app_url()).expect("options").lock_timeout(None);
    let indexer = PostgresStorage::connect(options).await.expect("a storage");
    let mut ahead = connect(&database.superuser_url()).await;
    run(
        &mut ahead,
        "BEGIN; INSERT INTO convor.words (tenant_id, word, at, conversation_id, staff_seq) \
         SELECT DISTINCT e.tenant_id, w.word, e.at, e.conversation_id, e.staff_seq \
         FROM convor.events e, regexp_split_to_table(lower(e.text), '[^a-z0-9]+') AS w (word) WHERE w.word <> '' \
         ON CONFLICT DO NOTHING",
    )
    .await;
    let id = tenant.id;
    let indexing = tokio::spawn(async move { indexer.search().expect("it searches").index(id, 1_000).await });
    let mut superuser = connect(&database.superuser_url()).await;
    let waiting = "SELECT count(*) FROM pg_stat_activity \
                   WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE '%search_store%'";
    let waits = look(async || (count(&mut superuser, waiting).await > 0).then_some(())).await;
    assert!(waits.is_ok(), "it waits for what becomes of the same word");
    meanwhile().await;
    run(&mut ahead, "ROLLBACK").await;
    assert!(indexing.await.expect("no panic").expect("indexed") > 0);
}

const NOT_INDEXED: &str = "DELETE FROM convor.words; UPDATE convor.conversations SET indexed_staff = 0; \
     INSERT INTO convor.unindexed SELECT tenant_id, id FROM convor.conversations ON CONFLICT DO NOTHING";
const WORDS: &str = "SELECT count(*) FROM convor.words";
const WORDS_OF_NOTHING: &str = "SELECT count(*) FROM convor.words w WHERE NOT EXISTS (SELECT FROM convor.events e \
     WHERE (e.tenant_id, e.conversation_id, e.staff_seq) = (w.tenant_id, w.conversation_id, w.staff_seq))";
const WITHOUT_WORDS: &str = "SELECT count(*) FROM convor.events e WHERE e.text <> '' AND NOT EXISTS (SELECT FROM \
     convor.words w WHERE (w.tenant_id, w.conversation_id, w.staff_seq) = (e.tenant_id, e.conversation_id, e.staff_seq))";

#[tokio::test]
async fn an_append_waits_for_no_words() {
    let database = Database::fresh().await;
    let tenant = filled(&database).await;
    append(&tenant).await;
    while_indexing(&database, &tenant, async || append(&tenant).await).await;
    let mut superuser = connect(&database.superuser_url()).await;
    assert_eq!(count(&mut superuser, WITHOUT_WORDS).await, 1, "the one that came meanwhile");
}

#[tokio::test]
async fn indexing_stores_nothing_that_is_purged_meanwhile() {
    let database = Database::fresh().await;
    let tenant = filled(&database).await;
    append(&tenant).await;
    let mut superuser = connect(&database.superuser_url()).await;
    run(&mut superuser, NOT_INDEXED).await;
    let before = count(&mut superuser, "SELECT count(*) FROM convor.events WHERE text <> ''").await;
    while_indexing(&database, &tenant, async || {
        let purged = tenant.storage.events().purge(tenant.id, Timestamp::MAX, 1).await;
        assert_eq!(purged.expect("no lock is in its way"), 1);
    })
    .await;
    let after = count(&mut superuser, "SELECT count(*) FROM convor.events WHERE text <> ''").await;
    assert_eq!(after, before - 1, "it has purged a message");
    assert_eq!(count(&mut superuser, WORDS_OF_NOTHING).await, 0);
    assert_eq!(count(&mut superuser, WITHOUT_WORDS).await, 0, "what is left is found");
}

#[tokio::test]
async fn indexing_stores_nothing_that_is_erased_meanwhile() {
    let database = Database::fresh().await;
    let tenant = filled(&database).await;
    append(&tenant).await;
    while_indexing(&database, &tenant, async || {
        let change = Change::new(tenant.by_operator(), tenant.now());
        let erased = tenant.storage.visitors().erase(tenant.id, tenant.visitor, &change).await;
        assert!(erased.expect("no lock is in its way"));
    })
    .await;
    let mut superuser = connect(&database.superuser_url()).await;
    assert_eq!(count(&mut superuser, WORDS).await, 0);
}

/// Imports what was taken from a log while the rest is indexed, after something else has been done meanwhile.
async fn import_while_indexing(meanwhile: impl AsyncFnOnce(&Tenant)) {
    let database = Database::fresh().await;
    let tenant = filled(&database).await;
    for _ in 0..3 {
        append(&tenant).await;
    }
    let mut superuser = connect(&database.superuser_url()).await;
    let transfer = tenant.storage.transfer().expect("it moves what is stored");
    let events = transfer.export(tenant.id, RecordKind::Event, None, 1_000).await.expect("exported");
    run(&mut superuser, NOT_INDEXED).await;
    run(&mut superuser, "DELETE FROM convor.events WHERE staff_seq = 2").await;
    while_indexing(&database, &tenant, async || {
        meanwhile(&tenant).await;
        transfer.import(tenant.id, &events).await.expect("no lock is in its way");
    })
    .await;
    assert!(count(&mut superuser, WITHOUT_WORDS).await > 0, "they came too late for it");
    let search = tenant.storage.search().expect("it searches");
    for _ in 0..events.len() {
        search.index(tenant.id, 1_000).await.expect("indexed");
    }
    assert_eq!(count(&mut superuser, WITHOUT_WORDS).await, 0);
}

#[tokio::test]
async fn what_is_imported_while_others_are_indexed_is_indexed_after_them() {
    import_while_indexing(async |_| {}).await;
}

/// As many may have been purged as were imported.
#[tokio::test]
async fn what_is_imported_beside_a_purge_is_indexed_after_the_others() {
    import_while_indexing(async |tenant| {
        let purged = tenant.storage.events().purge(tenant.id, Timestamp::MAX, 1).await;
        assert_eq!(purged.expect("no lock is in its way"), 1);
    })
    .await;
}
