//! Whether it may be sent requests: it says the truth, and recovers by itself.

use convor_tests::host::{Answer, Ask};
use convor_tests::patience::look;
use convor_tests::postgres::Instance;
use convor_tests::server::{Server, run};

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
async fn served() -> (Instance, Server) {
    let instance = Instance::new().await;
    let migrated = run(&["migrate", "--storage", &instance.url()]).await;
    assert!(migrated.status.success(), "{}", String::from_utf8_lossy(&migrated.stderr));
    let url = instance.url().replace("postgres@", "convor_app@");
    let server = Server::start(&["--storage", &url]).await;
    until(&server, None).await;
    (instance, server)
}

async fn execute(instance: &Instance, statement: &'static str) {
    use sqlx::Connection;
    let mut connection = sqlx::PgConnection::connect(&instance.url()).await.expect("it answers");
    sqlx::raw_sql(statement).execute(&mut connection).await.expect("it is done");
}

#[tokio::test]
async fn it_is_not_ready_while_the_database_is_away() {
    let (mut instance, server) = served().await;
    for _ in 0..2 {
        instance.stop().await;
        until(&server, Some("The storage does not answer.")).await;
        instance.start().await;
        until(&server, None).await;
    }
}

#[tokio::test]
async fn it_is_not_ready_while_the_schema_is_another_one() {
    let (instance, server) = served().await;
    execute(&instance, "UPDATE convor.migrations SET version = version + 1000 WHERE version = 1").await;
    until(&server, Some("schema")).await;
    execute(&instance, "UPDATE convor.migrations SET version = 1 WHERE version = 1001").await;
    until(&server, None).await;
}

#[tokio::test]
async fn a_probe_without_a_body_is_answered_too() {
    let server = Server::start(&[]).await;
    until(&server, None).await;
    let head = server.ask(Ask::get("/readyz").method(http::Method::HEAD)).await;
    assert_eq!((head.status, head.body.len()), (200, 0));
}
