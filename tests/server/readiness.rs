//! Whether it may be sent requests: it says the truth, and recovers by itself.

use convor_tests::database::Database;
use convor_tests::host::{Answer, Ask};
use convor_tests::patience::look;
use convor_tests::postgres::Instance;
use convor_tests::server::Server;

const SECRETS: [&str; 4] = ["postgres", "convor_app", "127.0.0.1", "canary"];

async fn readiness(server: &Server) -> Answer {
    let alive = server.ask(Ask::get("/healthz")).await;
    assert_eq!(alive.status, 200, "it lives, ready or not");
    server.ask(Ask::get("/readyz")).await
}

/// Waits until it says that it is ready, or that it is not for this reason.
async fn until(server: &Server, reason: Option<&str>) {
    let seen = look(async || {
        let answer = readiness(server).await;
        let detail = answer.json()["detail"].as_str().map(str::to_owned);
        for secret in SECRETS {
            assert!(!String::from_utf8_lossy(&answer.body).contains(secret), "{answer:?}");
        }
        match reason {
            None => (answer.status == 200).then_some(()),
            Some(reason) => (answer.status == 503 && detail?.contains(reason)).then_some(()),
        }
    });
    seen.await.unwrap_or_else(|_| panic!("in vain waited for {reason:?}: {}", server.log()));
}

/// A database server of the test's own, with the schema, and a server on it.
async fn served() -> (Instance, Database, Server) {
    let instance = Instance::new().await;
    let database = Database::fresh_on(&instance.url()).await;
    let server = Server::start(&["--storage", &database.app_url()]).await;
    until(&server, None).await;
    (instance, database, server)
}

async fn execute(database: &Database, statement: &'static str) {
    use sqlx::Connection;
    let mut connection = sqlx::PgConnection::connect(&database.superuser_url()).await.expect("it answers");
    sqlx::raw_sql(statement).execute(&mut connection).await.expect("it is done");
}

#[tokio::test]
async fn it_is_not_ready_while_the_database_is_away() {
    let (mut instance, _database, server) = served().await;
    for _ in 0..2 {
        instance.stop().await;
        until(&server, Some("The storage does not answer.")).await;
        instance.start().await;
        until(&server, None).await;
    }
}

/// Hints of other servers may be lost; that nobody can give any is no reason to turn requests away from all of them.
#[tokio::test]
async fn it_is_ready_and_says_what_is_worse_while_other_servers_cannot_be_heard() {
    let (_instance, database, server) = served().await;
    let degraded = async || {
        let answer = readiness(&server).await;
        (answer.json()["status"] == "ready").then(|| answer.json()["degraded"].as_str().map(str::to_owned))
    };
    assert_eq!(degraded().await, Some(None));
    // Its pool keeps what it has, and now and then asks for more in vain; nothing that is cut comes back.
    execute(&database, "ALTER ROLE convor_app CONNECTION LIMIT 0").await;
    execute(
        &database,
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name IN
            ('convor listener', 'convor notifier')",
    )
    .await;
    let said = look(async || degraded().await.flatten())
        .await
        .unwrap_or_else(|_| panic!("it says nothing: {}", server.log()));
    assert!(said.contains("broker"), "{said}");
    execute(&database, "ALTER ROLE convor_app CONNECTION LIMIT -1").await;
    let again = look(async || (degraded().await == Some(None)).then_some(())).await;
    again.unwrap_or_else(|_| panic!("it does not recover: {}", server.log()));
}

#[tokio::test]
async fn it_is_not_ready_while_the_schema_is_an_older_one() {
    let (_instance, database, server) = served().await;
    execute(&database, "UPDATE convor.migrations SET version = -version").await;
    until(&server, Some("schema")).await;
    execute(&database, "UPDATE convor.migrations SET version = -version").await;
    until(&server, None).await;
}

#[tokio::test]
async fn a_probe_without_a_body_is_answered_too() {
    let server = Server::start(&[]).await;
    until(&server, None).await;
    let head = server.ask(Ask::get("/readyz").method(http::Method::HEAD)).await;
    assert_eq!((head.status, head.body.len()), (200, 0));
}
