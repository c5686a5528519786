//! Every column is classified, and what the classification says of erasing holds.

use std::collections::BTreeSet;
use std::sync::Arc;

use convor::ids::TenantId;
use convor::ports::Storage;
use convor_postgres::{COLUMNS, Erasure, PostgresOptions, PostgresStorage};
use convor_tests::database::Database;
use uuid::Uuid;

use crate::schema::{connect, count, tables, texts};
use crate::tenant::Tenant;

#[tokio::test]
async fn every_column_is_classified_and_every_class_has_its_column() {
    let database = Database::fresh().await;
    let mut superuser = connect(&database.superuser_url()).await;
    let columns = "SELECT table_name || '.' || column_name FROM information_schema.columns \
                   WHERE table_schema = 'convor' AND table_name IN \
                   (SELECT table_name FROM information_schema.tables WHERE table_schema = 'convor')";
    let there: BTreeSet<String> = texts(&mut superuser, columns).await.into_iter().collect();
    let classified: BTreeSet<_> =
        COLUMNS.iter().map(|column| format!("{}.{}", column.table, column.name)).collect();
    assert_eq!(there, classified);
    println!("proof-columns: Row-level security | what | tables | rows");
    println!(
        "proof: Row-level security | columns, every one classified: {} | {} | ",
        there.len(),
        tables(&mut superuser).await.len()
    );
}

#[tokio::test]
async fn erasing_the_only_visitor_empties_what_goes_with_it_and_leaves_the_rest() {
    let database = Database::fresh().await;
    let options = PostgresOptions::new(&database.app_url()).expect("options");
    let storage: Arc<dyn Storage> = Arc::new(PostgresStorage::connect(options).await.expect("a storage"));
    let tenant = Tenant::new(storage, TenantId::from(Uuid::from_u128(1)), "canary");
    tenant.fill().await;
    let mut superuser = connect(&database.superuser_url()).await;
    let notifications =
        tenant.storage.outbox().claim(tenant.id, tenant.now(), tenant.now(), 1_000).await.expect("claimed");
    assert!(!notifications.is_empty());
    let change = convor::ports::Change::new(convor::domain::Author::System, tenant.now());
    assert!(tenant.storage.visitors().erase(tenant.id, tenant.visitor, &change).await.expect("erased"));
    for table in tables(&mut superuser).await {
        let classes: Vec<_> =
            COLUMNS.iter().filter(|column| column.table == table).map(|column| column.erasure).collect();
        let rows = count(&mut superuser, &format!("SELECT count(*) FROM convor.{table}")).await;
        assert_eq!(rows == 0, classes.contains(&Erasure::Goes), "{table} has {rows} rows");
    }
}
