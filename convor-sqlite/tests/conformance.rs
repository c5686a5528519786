//! The SQLite storage keeps every contract.

mod folder;

use std::sync::Arc;

use convor::conformance::{Harness, Report};
use convor::ports::Storage;
use convor_sqlite::{SqliteOptions, SqliteStorage};
use folder::Folder;

struct Sqlite;

impl Harness for Sqlite {
    type Guard = (Arc<SqliteStorage>, Folder);

    async fn fresh(&self) -> (Arc<dyn Storage>, Self::Guard) {
        let folder = Folder::new();
        let storage = SqliteStorage::open(folder.file(), SqliteOptions::default()).await;
        let storage = Arc::new(storage.expect("a file can be made in a new folder"));
        (Arc::clone(&storage) as Arc<dyn Storage>, (storage, folder))
    }

    async fn clean_up(&self, (storage, folder): Self::Guard) {
        storage.close().await;
        drop(folder);
    }
}

convor::storage_conformance!(Sqlite);

/// The cases once more, counted: what a proof says of them.
#[test]
fn the_whole_suite_is_counted() {
    if std::env::var_os("CONVOR_PROVE").is_none() {
        return;
    }
    let report = Report::of(&Sqlite);
    assert!(report.failed.is_empty(), "{report}");
    println!("proof-columns: Conformance | storage | cases passed | groups left out");
    println!("proof: Conformance | sqlite | {} | {}", report.passed, report.left_out.len());
}
