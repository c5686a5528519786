//! From adapter to adapter and back.

use convor::ports::Storage;
use convor::transfer::digest;
use convor_postgres::{PostgresOptions, PostgresStorage};
use convor_sqlite::{SqliteOptions, SqliteStorage};
use convor_tests::database::Database;
use convor_tests::folder::Folder;

use super::world::{World, copied, empty};

/// Copies everything, and compares what came with what was read.
async fn move_on(from: &dyn Storage, to: &dyn Storage) -> u64 {
    let mut records = 0;
    for report in copied(from, to, None).await.expect("a copy") {
        assert!(report.is_exact(), "{report:?}");
        assert_eq!(report.present, 0, "nothing was there");
        assert_eq!(digest(to, report.digest.tenant).await.expect("a digest"), report.digest);
        records += report.written;
    }
    records
}

#[tokio::test(flavor = "multi_thread")]
async fn what_goes_through_every_adapter_comes_back_as_it_was() {
    let (world, folder, database) = (World::large().await, Folder::new(), Database::fresh().await);
    let sqlite = SqliteStorage::open(folder.path("a.db"), SqliteOptions::default()).await.expect("a file");
    let options = PostgresOptions::new(&database.app_url()).expect("a URL");
    let postgres = PostgresStorage::connect(options).await.expect("a database");
    let memory = empty();
    println!("proof-columns: Copies | from | to | records | digests");
    let storages: [(&str, &dyn Storage); 4] = [
        ("memory", world.storage.as_ref()),
        ("SQLite", &sqlite),
        ("PostgreSQL", &postgres),
        ("memory", memory.as_ref()),
    ];
    for [(from_name, from), (to_name, to)] in storages.array_windows() {
        let records = move_on(*from, *to).await;
        println!("proof: Copies | {from_name} | {to_name} | {records} | equal");
    }
    world.assert_copied_to(memory.as_ref()).await;
    let head = memory.registry().control_heads(&[world.tenants[0].id]).await.expect("heads");
    let was = world.storage.registry().control_heads(&[world.tenants[0].id]).await.expect("heads");
    assert_eq!(head, was, "what is derived is derived anew");
}
