//! The database itself keeps tenants apart: whoever does not say the tenant sees nothing, whatever the statement.

mod predicates;
mod rights;
mod shape;
mod values;

use std::sync::Arc;

use convor::ids::TenantId;
use convor::ports::Storage;
use convor_postgres::{PostgresOptions, PostgresStorage};
use convor_tests::database::Database;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::schema::{connect, count, refused, run, tables};
use crate::tenant::Tenant;

/// The tables without row-level security. They hold ids and times, and nothing that anybody has said.
const EXEMPT: [&str; 2] = ["due_work", "tenants"];

/// The table that says which migrations have run: of no tenant, and only to be read.
const MIGRATIONS: &str = "migrations";

/// What stands in the texts of each tenant.
const SAYS: [&str; 2] = ["canary of the first", "canary of the second"];

/// Two tenants with the same ids, and a row of each in every table.
async fn filled() -> (Database, [Tenant; 2]) {
    let database = Database::fresh().await;
    let options = PostgresOptions::new(&database.app_url()).expect("options");
    let storage: Arc<dyn Storage> = Arc::new(PostgresStorage::connect(options).await.expect("a storage"));
    let tenants = [(1, SAYS[0]), (2, SAYS[1])].map(|(id, says)| {
        let id = TenantId::from(Uuid::from_u128((7 << 76) | (8 << 60) | id));
        Tenant::new(Arc::clone(&storage), id, says)
    });
    for tenant in &tenants {
        tenant.fill().await;
    }
    (database, tenants)
}

/// The tables that have a policy.
async fn guarded(connection: &mut PgConnection) -> Vec<String> {
    let exempt = |table: &String| EXEMPT.contains(&table.as_str()) || table == MIGRATIONS;
    tables(connection).await.into_iter().filter(|table| !exempt(table)).collect()
}

#[tokio::test]
async fn nobody_sees_a_row_without_the_tenant() {
    let (database, tenants) = filled().await;
    let ids = tenants.map(|tenant| tenant.id);
    let mut superuser = connect(&database.superuser_url()).await;
    let mut app = connect(&database.app_url()).await;
    let guarded = guarded(&mut superuser).await;
    let mut rows = 0;
    for table in &guarded {
        for id in ids {
            let of = count(
                &mut superuser,
                &format!("SELECT count(*) FROM convor.{table} WHERE tenant_id = '{id}'"),
            )
            .await;
            assert!(of > 0, "{table} has rows of both tenants");
            rows += of;
        }
    }
    let stranger = Uuid::from_u128(3);
    for (setting, seen) in [("", None), (&*stranger.to_string(), None), (&*ids[0].to_string(), Some(ids[0]))]
    {
        run(&mut app, "BEGIN").await;
        if !setting.is_empty() {
            run(&mut app, &format!("SELECT set_config('convor.tenant', '{setting}', true)")).await;
        }
        for table in &guarded {
            let all = count(&mut app, &format!("SELECT count(*) FROM convor.{table}")).await;
            let expected = match seen {
                Some(id) => {
                    count(
                        &mut superuser,
                        &format!("SELECT count(*) FROM convor.{table} WHERE tenant_id = '{id}'"),
                    )
                    .await
                }
                None => 0,
            };
            assert_eq!(all, expected, "{table} with the tenant `{setting}`");
        }
        run(&mut app, "ROLLBACK").await;
    }
    println!("proof-columns: Row-level security | what | tables | rows");
    println!(
        "proof: Row-level security | filled through the storage for two tenants with the same ids | {} | {rows}",
        guarded.len()
    );
    println!(
        "proof: Row-level security | seen by the application without a tenant, and with one that there is not | {} | 0",
        guarded.len()
    );
}

/// Copies of the other tenant's rows, under its own id and under the present tenant's, and changes of them.
#[tokio::test]
async fn nobody_writes_for_another_tenant() {
    let (database, [own, other]) = filled().await;
    let (own, other) = (own.id, other.id);
    let mut superuser = connect(&database.superuser_url()).await;
    let mut app = connect(&database.app_url()).await;
    let guarded = guarded(&mut superuser).await;
    for table in &guarded {
        let row = format!("SELECT t::text FROM convor.{table} t WHERE tenant_id = '{other}' LIMIT 1");
        let row = crate::schema::texts(&mut superuser, &row).await.remove(0).replace('\'', "''");
        let insert = format!("INSERT INTO convor.{table} SELECT ('{row}'::convor.{table}).*");
        let tenant = format!("SELECT set_config('convor.tenant', '{own}', true)");
        for before in ["SELECT 1", &tenant] {
            // 42501: insufficient_privilege, with which a policy refuses a row.
            let code = refused(&mut app, &format!("{before}; {insert}")).await;
            assert_eq!(code.as_deref(), Some("42501"), "an insert into {table} after `{before}`");
            for change in [
                format!("UPDATE convor.{table} SET tenant_id = tenant_id"),
                format!("DELETE FROM convor.{table}"),
            ] {
                let change = format!("{change} WHERE tenant_id = '{other}'");
                let changed = changed(&mut app, before, &change).await;
                assert!(changed.is_none_or(|rows| rows == 0), "{change}");
            }
        }
    }
    println!("proof-columns: Row-level security | what | tables | rows");
    println!(
        "proof: Row-level security | written for another tenant, and without one | {} | 0",
        guarded.len()
    );
}

/// How many rows a statement changes; `None` if it is refused. Nothing of it stays.
async fn changed(connection: &mut PgConnection, before: &str, change: &str) -> Option<u64> {
    run(connection, "BEGIN").await;
    run(connection, before).await;
    let done = sqlx::raw_sql(sqlx::AssertSqlSafe(change.to_owned())).execute(&mut *connection).await;
    run(connection, "ROLLBACK").await;
    done.ok().map(|done| done.rows_affected())
}
