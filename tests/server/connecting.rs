//! Why a database is not reached, in words: codes are for those who know them.

use convor_tests::database::{Database, OWNER};
use convor_tests::server::run;

async fn refused(arguments: &[&str]) -> String {
    let output = run(arguments).await;
    let said = String::from_utf8(output.stderr).expect("UTF-8");
    assert!(!output.status.success() && output.stdout.is_empty(), "{said}");
    said
}

#[tokio::test]
async fn what_stands_between_a_server_and_its_database_is_said_in_words() {
    let database = Database::fresh().await;
    let url = database.app_url();
    let nobody = url.replace("convor_app", "nobody_at_all");
    for (url, expected) in [
        (nobody.as_str(), "there is no such role"),
        (&url.replace(database.name(), "nosuch"), "there is no database \"nosuch\" (3D000)"),
        (
            &format!("{url}?sslmode=verify-full"),
            "its certificate is not accepted: see ?sslmode= and ?sslrootcert= (TLS)",
        ),
        ("postgres://role@no..host/db", "nobody knows this host's name"),
        (
            "postgres://role@127.0.0.1:1/db",
            "nothing listens at this host and port (connection: ConnectionRefused)",
        ),
    ] {
        for arguments in [&["--listen", "127.0.0.1:0", "--storage", url][..], &["migrate", "--storage", url]]
        {
            let said = refused(arguments).await;
            assert!(said.contains(expected), "{arguments:?}: {said}");
        }
    }
}

#[tokio::test]
async fn a_url_that_would_mean_something_else_is_refused() {
    for (url, expected) in [
        ("postgres://", "postgres://ROLE@HOST/DATABASE"),
        ("postgres:canary", "postgres://ROLE@HOST/DATABASE"),
        ("postgres://role@127.0.0.1:1/db?sslmod=canary", "not known here: sslmod"),
        ("postgres://role:can/ary@127.0.0.1:1/db", "percent-encoded"),
        ("postgres://role:can#ary@127.0.0.1:1/db", "better is PGPASSWORD"),
    ] {
        for arguments in [&["--listen", "127.0.0.1:0", "--storage", url][..], &["migrate", "--storage", url]]
        {
            let said = refused(arguments).await;
            assert!(said.contains(expected), "{said}");
            assert!(!said.contains("canary") && !said.contains("ary@"), "{said}");
        }
    }
}

#[tokio::test]
async fn a_migration_that_cannot_be_made_says_what_to_do() {
    let database = Database::empty().await;
    let (owner, superuser) = (database.owner_url(), database.superuser_url());
    for (url, role, expected) in [
        (&owner, "nosuch", "there is no role \"nosuch\"; make it (CREATE ROLE nosuch LOGIN PASSWORD '…')"),
        (&owner, OWNER, "must not be the one that owns the tables"),
        (&superuser, "convor_app", "is a superuser"),
    ] {
        let said = refused(&["migrate", "--storage", url, "--application-role", role]).await;
        assert!(said.contains(expected), "{said}");
    }
    for _ in 0..2 {
        let output = run(&["migrate", "--storage", &owner]).await;
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && said.is_empty(), "{said}");
    }
}
