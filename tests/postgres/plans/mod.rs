//! Every method finds its rows by an index that begins with the tenant, and no more of them than it needs, however large
//! the tables are and whoever else is in them.
//!
//! The plans are those that the server makes for the adapter's own calls, functions included, with default settings.

mod bulk;
mod explained;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use convor::ports::Storage;
use convor_postgres::{Batching, PostgresOptions, PostgresStorage};
use convor_tests::database::Database;
use convor_tests::environment;

use crate::methods::{READS, SWEEPS, WRITES};
use crate::schema::{connect, count, tables, texts};
use bulk::Bulk;
use explained::{Node, Plans};

/// A table of at most so many pages may be read whole: no index would be quicker.
const PAGES_MAX: i64 = 4;

/// How many rows of a table a statement may come by at most: a page has 50, and a few of what belongs to each.
const ROWS_MAX: f64 = 300.0;

/// The same for the search, which counts a word's messages up to a thousand.
const ROWS_MAX_IN_SEARCH: f64 = 1_100.0;

/// So often is each method called: after five times the server may make one plan for whatever arguments.
const CALLS: usize = 7;

/// The tables without a tenant to be found by.
const REGISTRY: [&str; 3] = ["due_work", "migrations", "tenants"];

#[tokio::test]
async fn every_method_uses_indexes_that_begin_with_the_tenant() {
    let plans = Plans::listen();
    let database = Database::fresh().await;
    let mut superuser = connect(&database.superuser_url()).await;
    let bulk = if environment::proving() { Bulk::LARGE } else { Bulk::SMALL };
    bulk.fill(&mut superuser).await;
    explained::switch_on(&mut superuser, database.name()).await;
    let large =
        "SELECT relname::text FROM pg_class WHERE relnamespace = 'convor'::regnamespace AND relkind = 'r'";
    let large: BTreeSet<String> =
        texts(&mut superuser, &format!("{large} AND relpages > {PAGES_MAX}")).await.into_iter().collect();
    let all = tables(&mut superuser).await;

    let options = PostgresOptions::new(&database.app_url())
        .expect("options")
        .connections_max(1)
        .batching(Batching::off());
    let storage: Arc<dyn Storage> = Arc::new(PostgresStorage::connect(options).await.expect("a storage"));
    let mut seen: BTreeMap<&str, (BTreeSet<String>, f64)> = BTreeMap::new();
    let methods = [READS, WRITES, SWEEPS].concat();
    let mut objections = BTreeMap::new();
    let mut number = 0;
    // The tenant with the most, and one with little.
    for tenant in [1, bulk.tenants] {
        let tenant = bulk.tenant(Arc::clone(&storage), tenant);
        for method in &methods {
            plans.take();
            for _ in 0..CALLS {
                (method.call)(&tenant).await.unwrap_or_else(|error| panic!("{}: {error:?}", method.name));
            }
            for plan in plans.take() {
                number += 1;
                for node in plan.nodes.iter().filter(|node| all.contains(&node.table)) {
                    if let Some(objection) = objection(method.name, node, &large) {
                        objections.insert(format!("{}: {objection}", method.name), plan.text.clone());
                    }
                    let (nodes, rows) = seen.entry(method.name).or_default();
                    nodes.insert(node.to_string());
                    *rows = rows.max(node.rows);
                }
            }
        }
    }
    for plan in objections.values() {
        println!("{plan}");
    }
    assert!(objections.is_empty(), "{:#?}", objections.keys());
    let without: Vec<_> =
        READS.iter().map(|read| read.name).filter(|name| !seen.contains_key(name)).collect();
    assert_eq!(without, [""; 0], "reads whose plans have not been seen");

    let messages = count(&mut superuser, "SELECT count(*) FROM convor.events").await;
    println!(
        "proof-columns: Plans | method | in {number} plans over {messages} messages of {} tenants | rows of a table at most",
        bulk.tenants
    );
    for (name, (nodes, rows)) in &seen {
        let nodes: Vec<_> = nodes.iter().map(String::as_str).collect();
        println!("proof: Plans | {name} | {} | {rows}", nodes.join("; "));
    }
}

/// What is wrong with a node: it reads a large table from one end to the other, or finds rows by something else than the
/// tenant, or more of them than a method needs.
fn objection(method: &str, node: &Node, large: &BTreeSet<String>) -> Option<String> {
    if !large.contains(&node.table) {
        return None;
    }
    let rows_max = if method.starts_with("search.") { ROWS_MAX_IN_SEARCH } else { ROWS_MAX };
    let by_tenant = REGISTRY.contains(&node.table.as_str()) || node.condition.contains("tenant_id");
    let objection = if node.kind.contains("Seq Scan") {
        "from one end to the other"
    } else if !by_tenant {
        "not by the tenant"
    } else if node.rows > rows_max {
        "too many rows"
    } else {
        return None;
    };
    Some(format!("{objection}: {} rows of {} by {node} {}", node.rows, node.table, node.condition))
}
