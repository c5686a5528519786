//! PostgreSQL keeps the storage contract: the suite that any adapter runs, each case on a database of its own.

use std::sync::Arc;

use convor::conformance::{Harness, Report};
use convor::ports::Storage;
use convor_postgres::{PostgresOptions, PostgresStorage};
use convor_tests::database::Database;

struct Postgres;

impl Harness for Postgres {
    type Guard = (PostgresStorage, Database);

    async fn fresh(&self) -> (Arc<dyn Storage>, Self::Guard) {
        let database = Database::fresh().await;
        let options = PostgresOptions::new(&database.app_url()).expect("a URL").connections_max(8);
        let storage = PostgresStorage::connect(options).await.expect("a migrated database");
        (Arc::new(storage.clone()), (storage, database))
    }

    async fn clean_up(&self, (storage, database): Self::Guard) {
        storage.close().await;
        drop(database);
    }
}

convor::storage_conformance!(Postgres);

/// The cases once more, counted: what a proof says of them.
#[test]
fn the_whole_suite_is_counted() {
    if std::env::var_os("CONVOR_PROVE").is_none() {
        return;
    }
    let report = Report::of(&Postgres);
    assert!(report.failed.is_empty(), "{report}");
    println!("proof-columns: Conformance | storage | cases passed | groups left out");
    println!("proof: Conformance | postgres | {} | {}", report.passed, report.left_out.len());
}
