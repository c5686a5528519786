//! Every statement, looked at by SQLite's own planner: it keeps to its tenant, and to an index.

use std::path::Path;

use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{AssertSqlSafe, ConnectOptions, Row};

use crate::migrations;

/// The statements of each repository.
const REPOSITORIES: &[(&str, &[(&str, &str)])] = &[
    #[cfg(feature = "accounts")]
    ("account", super::account::STATEMENTS),
    ("audit", super::audit::STATEMENTS),
    ("change", super::change::STATEMENTS),
    ("control", super::control::STATEMENTS),
    ("conversation", super::conversation::STATEMENTS),
    ("event", super::event::STATEMENTS),
    ("inbox", super::inbox::STATEMENTS),
    ("log", super::log::STATEMENTS),
    ("operator", super::operator::STATEMENTS),
    ("outbox", super::outbox::STATEMENTS),
    ("page", super::page::STATEMENTS),
    ("read", super::read::STATEMENTS),
    ("registry", super::registry::STATEMENTS),
    ("search", super::search::STATEMENTS),
    ("site", super::site::STATEMENTS),
    ("tenant", super::tenant::STATEMENTS),
    ("transfer", super::transfer::STATEMENTS),
    ("upload", super::upload::STATEMENTS),
    ("view", super::view::STATEMENTS),
    ("visitor", super::visitor::STATEMENTS),
];

/// What goes with a conversation and with an event when they are removed, as foreign keys have it.
const CASCADES: &[(&str, &str)] = &[
    ("VISITOR", "DELETE FROM visitors WHERE tenant_id = ?1 AND visitor_id = ?2"),
    ("CONVERSATION", "DELETE FROM conversations WHERE tenant_id = ?1 AND conversation_id = ?2"),
    ("EVENT", "DELETE FROM events WHERE tenant_id = ?1 AND conversation_id = ?2 AND staff_seq = ?3"),
];

/// What has one row a tenant, and what holds only work to be done: the tenant alone leads to little.
const SHORT: &[&str] = &["tenants", "profiles", "notifications_fresh", "conversations_unindexed"];

async fn database() -> SqliteConnection {
    let options = SqliteConnectOptions::new().in_memory(true);
    let mut db = options.connect().await.expect("a database in memory");
    migrations::run(&mut db, Path::new("memory")).await.expect("the migrations run");
    db
}

async fn plan(db: &mut SqliteConnection, sql: &str) -> Vec<String> {
    let explain = AssertSqlSafe(format!("EXPLAIN QUERY PLAN {sql}"));
    let rows = sqlx::query(explain).fetch_all(db).await.expect("a statement is understood");
    rows.iter().map(|row| row.get("detail")).collect()
}

#[tokio::test]
async fn every_statement_keeps_to_its_tenant_and_to_an_index() {
    let mut db = database().await;
    let mut wrong = Vec::new();
    for (repository, statements) in REPOSITORIES.iter().chain([&("cascade", CASCADES)]) {
        for (name, sql) in *statements {
            let plan = plan(&mut db, sql).await;
            let faults = plan.into_iter().filter(|step| !is_bounded(step));
            wrong.extend(faults.map(|step| format!("{repository}::{name}: {step}")));
        }
    }
    assert!(wrong.is_empty(), "these look at more than they need:\n{}", wrong.join("\n"));
}

/// Whether a step of a plan looks only at a part of what one tenant has.
fn is_bounded(step: &str) -> bool {
    let Some((_, of)) = step.split_once("SEARCH ") else {
        // What is gone through was bound before: a JSON parameter, or the rows of a subquery that has steps of its own.
        return !step.starts_with("SCAN ")
            || step.contains("VIRTUAL TABLE")
            || step.contains("(subquery-")
            || step == "SCAN CONSTANT ROW";
    };
    if of.starts_with("(subquery-") {
        return true;
    }
    let short = SHORT.iter().any(|name| of.split([' ', '(']).any(|word| word == *name));
    let registry = of.starts_with("tenants USING PRIMARY KEY (tenant_id>?)")
        || of.starts_with("tenants USING COVERING INDEX tenants_due (due_at>? AND due_at<?)");
    registry || of.contains("(tenant_id=? AND ") || short && of.contains("(tenant_id=?")
}

#[test]
fn a_plan_that_goes_through_a_tenant_is_seen() {
    for bounded in [
        "SEARCH e USING PRIMARY KEY (tenant_id=? AND conversation_id=?)",
        "SEARCH tenants USING PRIMARY KEY (tenant_id=?)",
        "SEARCH tenants USING COVERING INDEX tenants_due (due_at>? AND due_at<?)",
        "SCAN other VIRTUAL TABLE INDEX 1:",
    ] {
        assert!(is_bounded(bounded), "{bounded}");
    }
    for unbounded in [
        "SCAN e",
        "SCAN e USING INDEX events_visible",
        "SEARCH e USING PRIMARY KEY (tenant_id=?)",
        "SEARCH e USING PRIMARY KEY (tenant_id>?)",
        "SEARCH e USING INDEX another (conversation_id=?)",
        "SEARCH tenants USING COVERING INDEX tenants_due (tenant_id>?)",
    ] {
        assert!(!is_bounded(unbounded), "{unbounded}");
    }
}

#[tokio::test]
async fn every_table_index_and_foreign_key_begins_with_its_tenant() {
    let mut db = database().await;
    let look = "SELECT m.name AS tab, i.name AS idx, c.name AS col
        FROM sqlite_schema AS m, pragma_index_list(m.name) AS i, pragma_index_info(i.name) AS c
        WHERE m.type = 'table' AND m.name NOT IN ('convor_migrations') AND c.seqno = 0
            -- The registry alone looks across tenants.
            AND i.name <> 'tenants_due'
        UNION ALL
        SELECT m.name, 'foreign key to ' || f.\"table\", f.\"from\"
        FROM sqlite_schema AS m, pragma_foreign_key_list(m.name) AS f
        WHERE m.type = 'table' AND f.seq = 0";
    let rows = sqlx::query(look).fetch_all(&mut db).await.expect("the schema can be read");
    assert!(rows.len() > 40, "the schema has many: {}", rows.len());
    for row in rows {
        let (table, of, column): (String, String, String) = (row.get(0), row.get(1), row.get(2));
        assert_eq!(column, "tenant_id", "{table}: {of}");
    }
}
