//! What the application's role may not do.

use convor_tests::database::{APPLICATION, Database, OWNER};

use super::{MIGRATIONS, guarded};
use crate::schema::{connect, count, refused, tables};

#[tokio::test]
async fn the_application_owns_nothing_and_passes_no_policy() {
    let database = Database::fresh().await;
    let mut superuser = connect(&database.superuser_url()).await;
    let owned = format!(
        "SELECT (SELECT count(*) FROM pg_class WHERE relowner = '{APPLICATION}'::regrole) \
         + (SELECT count(*) FROM pg_proc WHERE proowner = '{APPLICATION}'::regrole) \
         + (SELECT count(*) FROM pg_type WHERE typowner = '{APPLICATION}'::regrole) \
         + (SELECT count(*) FROM pg_namespace WHERE nspowner = '{APPLICATION}'::regrole) \
         + (SELECT count(*) FROM pg_database WHERE datdba = '{APPLICATION}'::regrole AND datname = current_database())"
    );
    assert_eq!(count(&mut superuser, &owned).await, 0, "objects");
    let might = format!(
        "SELECT count(*) FROM pg_roles WHERE rolname = '{APPLICATION}' \
         AND (rolsuper OR rolbypassrls OR rolcreaterole OR rolcreatedb OR rolreplication)"
    );
    assert_eq!(count(&mut superuser, &might).await, 0, "a plain role");
    let member = format!("SELECT count(*) FROM pg_auth_members WHERE member = '{APPLICATION}'::regrole");
    assert_eq!(count(&mut superuser, &member).await, 0, "a member of no other role");
    let definers = "SELECT count(*) FROM pg_proc WHERE pronamespace = 'convor'::regnamespace AND prosecdef";
    assert_eq!(count(&mut superuser, definers).await, 0, "functions with their owner's rights");
    println!("proof-columns: Row-level security | what | tables | rows");
    println!(
        "proof: Row-level security | owned by the application's role: 0 objects; functions with their owner's rights: 0 | | "
    );
}

#[tokio::test]
async fn the_application_cannot_change_the_schema_or_its_role() {
    let database = Database::fresh().await;
    let mut superuser = connect(&database.superuser_url()).await;
    let mut app = connect(&database.app_url()).await;
    let mut attempts = vec![
        format!("SET ROLE {OWNER}"),
        format!("SET SESSION AUTHORIZATION {OWNER}"),
        format!("GRANT {OWNER} TO {APPLICATION}"),
        format!("ALTER ROLE {APPLICATION} BYPASSRLS"),
        "CREATE TABLE convor.mine (id uuid)".to_owned(),
        "CREATE FUNCTION convor.mine() RETURNS void LANGUAGE sql AS ''".to_owned(),
        "CREATE SCHEMA mine".to_owned(),
        "DROP SCHEMA convor CASCADE".to_owned(),
        format!("INSERT INTO convor.{MIGRATIONS} SELECT m.* FROM convor.{MIGRATIONS} m LIMIT 0"),
        format!("UPDATE convor.{MIGRATIONS} SET version = version"),
        format!("DELETE FROM convor.{MIGRATIONS}"),
    ];
    for table in guarded(&mut superuser).await {
        attempts.push(format!("ALTER TABLE convor.{table} DISABLE ROW LEVEL SECURITY"));
        attempts.push(format!("ALTER TABLE convor.{table} NO FORCE ROW LEVEL SECURITY"));
        attempts.push(format!("DROP POLICY tenant ON convor.{table}"));
        attempts.push(format!("CREATE POLICY more ON convor.{table} USING (true)"));
        attempts.push(format!("CREATE TRIGGER t AFTER INSERT ON convor.{table} EXECUTE FUNCTION suppress_redundant_updates_trigger()"));
        // Without the policies a statement that they would change is refused, and not answered in full.
        attempts.push(format!("SET LOCAL row_security = off; SELECT count(*) FROM convor.{table}"));
    }
    for table in tables(&mut superuser).await {
        attempts.push(format!("TRUNCATE convor.{table}"));
        attempts.push(format!("DROP TABLE convor.{table}"));
        attempts.push(format!("ALTER TABLE convor.{table} ADD COLUMN mine uuid"));
    }
    for attempt in &attempts {
        // 42501: insufficient_privilege.
        assert_eq!(refused(&mut app, attempt).await.as_deref(), Some("42501"), "{attempt}");
    }
    println!("proof-columns: Row-level security | what | tables | rows");
    println!(
        "proof: Row-level security | refused to the application's role: {} attempts on schema, policies, rows and roles | | ",
        attempts.len()
    );
}
