//! The shape of the schema: every table has its policy, and every key, index and reference begins with the tenant.

use convor_tests::database::Database;

use super::{EXEMPT, MIGRATIONS, guarded};
use crate::schema::{connect, count, tables, texts};

#[tokio::test]
async fn every_table_has_its_policy() {
    let database = Database::fresh().await;
    let mut superuser = connect(&database.superuser_url()).await;
    let all = tables(&mut superuser).await;
    let guarded = guarded(&mut superuser).await;
    assert_eq!(all.len(), guarded.len() + EXEMPT.len() + 1, "each exception is for a table that there is");
    assert!(all.iter().any(|table| table == MIGRATIONS));

    let on = "SELECT c.relname::text FROM pg_class c WHERE c.relnamespace = 'convor'::regnamespace \
              AND c.relkind IN ('r', 'p') AND c.relrowsecurity AND c.relforcerowsecurity ORDER BY c.relname";
    assert_eq!(texts(&mut superuser, on).await, guarded, "enabled and forced");
    let condition = "(tenant_id = ( SELECT (NULLIF(current_setting(''convor.tenant''::text, true), ''''::text))::uuid AS \"nullif\"))";
    let policies = format!(
        "SELECT p.tablename::text FROM pg_policies p WHERE p.schemaname = 'convor' AND p.cmd = 'ALL' \
         AND p.permissive = 'PERMISSIVE' AND p.roles = '{{public}}' AND p.qual = '{condition}' \
         AND p.with_check = '{condition}' ORDER BY p.tablename"
    );
    assert_eq!(texts(&mut superuser, &policies).await, guarded, "one policy for every command and everybody");
    let policies =
        count(&mut superuser, "SELECT count(*) FROM pg_policies WHERE schemaname = 'convor'").await;
    assert_eq!(
        policies,
        i64::try_from(guarded.len()).expect("few"),
        "and no other, which would let more through"
    );
    println!("proof-columns: Row-level security | what | tables | rows");
    println!(
        "proof: Row-level security | enabled, forced, and with one policy for every command | {} | ",
        guarded.len()
    );
    println!(
        "proof: Row-level security | without it: {}, and {MIGRATIONS} | {} | ",
        EXEMPT.join(", "),
        EXEMPT.len() + 1
    );
}

/// The index by which the registry finds what is due, of whichever tenant.
const BY_TIME: &str = "due_work_due";

/// A name for each index, key or reference that does not begin as it should.
#[tokio::test]
async fn every_key_and_index_begins_with_the_tenant() {
    let database = Database::fresh().await;
    let mut superuser = connect(&database.superuser_url()).await;
    let first =
        "(SELECT a.attname FROM pg_attribute a WHERE a.attrelid = i.indrelid AND a.attnum = i.indkey[0])";
    let indexes = format!(
        "FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid \
         WHERE c.relnamespace = 'convor'::regnamespace AND c.relname <> '{MIGRATIONS}' \
         AND i.indexrelid <> 'convor.{BY_TIME}'::regclass"
    );
    let astray =
        format!("SELECT i.indexrelid::regclass::text {indexes} AND {first} IS DISTINCT FROM 'tenant_id'");
    assert_eq!(texts(&mut superuser, &astray).await, [""; 0], "indexes and keys");
    let indexed = count(&mut superuser, &format!("SELECT count(*) {indexes}")).await;
    let without = format!(
        "SELECT c.relname::text FROM pg_class c WHERE c.relnamespace = 'convor'::regnamespace AND c.relkind = 'r' \
         AND c.relname <> '{MIGRATIONS}' AND NOT EXISTS (SELECT FROM pg_index i WHERE i.indrelid = c.oid AND i.indisprimary)"
    );
    assert_eq!(texts(&mut superuser, &without).await, [""; 0], "every table has a primary key");

    // On both sides of a reference the tenant comes first, and means the same.
    let references = "FROM pg_constraint k WHERE k.connamespace = 'convor'::regnamespace AND k.contype = 'f'";
    let name = |side: &str, key: &str| {
        format!(
            "(SELECT a.attname FROM pg_attribute a WHERE a.attrelid = k.{side} AND a.attnum = k.{key}[1])"
        )
    };
    let astray = format!(
        "SELECT k.conname::text {references} AND ({} <> 'tenant_id' OR {} <> 'tenant_id')",
        name("conrelid", "conkey"),
        name("confrelid", "confkey")
    );
    assert_eq!(texts(&mut superuser, &astray).await, [""; 0], "references");
    let referring = count(&mut superuser, &format!("SELECT count(*) {references}")).await;

    // An index serves a reference if its first columns are those of the reference, in whatever order.
    let unindexed = format!(
        "SELECT k.conname::text {references} AND NOT EXISTS (SELECT FROM pg_index i WHERE i.indrelid = k.conrelid \
         AND i.indpred IS NULL AND (i.indkey::smallint[])[0:cardinality(k.conkey) - 1] @> k.conkey)"
    );
    assert_eq!(texts(&mut superuser, &unindexed).await, [""; 0], "references without an index");
    assert!(indexed > 0 && referring > 0, "there is something to look at");

    let sequences =
        "SELECT count(*) FROM pg_class WHERE relnamespace = 'convor'::regnamespace AND relkind = 'S'";
    assert_eq!(count(&mut superuser, sequences).await, 0, "sequences");
    let views = "SELECT count(*) FROM pg_class WHERE relnamespace = 'convor'::regnamespace AND relkind IN ('v', 'm', 'f')";
    assert_eq!(count(&mut superuser, views).await, 0, "views");
    println!("proof-columns: Row-level security | what | tables | rows");
    println!("proof: Row-level security | keys and indexes, every one with the tenant first: {indexed} | | ");
    println!(
        "proof: Row-level security | foreign keys, every one with the tenant first and an index of its own: {referring} | | "
    );
    println!("proof: Row-level security | sequences and views: 0 | | ");
}
