//! The reference server with `--broker`.

use std::process::Stdio;

use convor_tests::database::Database;
use convor_tests::host::Ask;
use convor_tests::nats::Server as Nats;
use convor_tests::patience::{PATIENCE, look};
use convor_tests::server::{Server, command, run_with};
use futures_util::StreamExt;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::time::timeout;

/// Why it does not start with these arguments and variables.
async fn refusal(arguments: &[&str], variables: &[(&str, &str)]) -> String {
    let arguments = [&["--listen", "127.0.0.1:0"], arguments].concat();
    let variables = [&[("RUST_LOG", "trace")], variables].concat();
    let output = run_with(&arguments, &variables).await;
    assert!(!output.status.success() && output.stdout.is_empty(), "{arguments:?}");
    let said = String::from_utf8(output.stderr).expect("UTF-8");
    assert!(!said.contains("canary") && !said.contains("cafe"), "{said}");
    said
}

#[tokio::test]
async fn without_its_broker_it_stays_ready_and_says_what_is_worse() {
    let (mut nats, database) = (Nats::new().await, Database::fresh().await);
    let server = Server::start(&["--storage", &database.app_url(), "--broker", &nats.url()]).await;
    let degraded = async || {
        let answer = server.ask(Ask::get("/readyz")).await.json();
        (answer["status"] == "ready").then(|| answer["degraded"].as_str().map(str::to_owned))
    };
    assert_eq!(degraded().await, Some(None));
    nats.stop().await;
    let said = look(async || degraded().await.flatten()).await.expect("it says so");
    assert!(said.contains("broker"), "{said}");
    nats.start().await;
    let again = look(async || (degraded().await == Some(None)).then_some(())).await;
    again.unwrap_or_else(|_| panic!("it does not recover: {}", server.log()));
}

#[tokio::test]
async fn what_it_signs_in_and_seals_with_comes_from_its_environment() {
    let nats = Nats::with("authorization { user: convor, password: canary }").await;
    let database = Database::fresh().await;
    let variables = [
        ("CONVOR_NATS_USER", "convor"),
        ("CONVOR_NATS_PASSWORD", "canary"),
        ("CONVOR_NATS_CLUSTER", "ours"),
        ("CONVOR_CLUSTER_KEY", &"cafe".repeat(16)),
    ];
    let mut server = command()
        .args(["--listen", "127.0.0.1:0", "--storage", &database.app_url(), "--broker", &nats.url()])
        .envs(variables)
        .kill_on_drop(true)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .expect("it starts");
    let mut lines = BufReader::new(server.stdout.take().expect("piped")).lines();
    let line = timeout(PATIENCE, lines.next_line()).await.expect("it serves in time").expect("a line");
    assert!(line.is_some_and(|line| line.contains("listen")));
    let options = async_nats::ConnectOptions::with_user_and_password("convor".into(), "canary".into());
    let stranger = options.connect(nats.url()).await.expect("a connection");
    let mut heard = stranger.subscribe("convor.ours.>").await.expect("a subscription");
    let heartbeat = timeout(PATIENCE, heard.next()).await.expect("in time").expect("a message");
    assert_eq!(heartbeat.payload[0], 1, "it is sealed");
}

#[tokio::test]
async fn what_it_cannot_use_it_refuses_in_a_sentence_that_says_what_to_do() {
    let nats = Nats::with("authorization { user: convor, password: right }").await;
    let (url, database) = (nats.url(), Database::fresh().await);
    let storage = database.app_url();
    for alone in ["memory", "sqlite:never.db"] {
        let said = refusal(&["--storage", alone, "--broker", &url], &[]).await;
        assert!(said.contains("share a PostgreSQL database"), "{said}");
    }
    let refused = async |broker: &str, variables: &[(&str, &str)]| {
        refusal(&["--storage", &storage, "--broker", broker], variables).await
    };
    for (broker, variables, expected) in [
        (url.as_str(), &[][..], "refuses user, password, token or key"),
        (&url, &[("CONVOR_NATS_USER", "convor"), ("CONVOR_NATS_PASSWORD", "canary")], "see the variables"),
        (&url, &[("CONVOR_NATS_USER", "convor")], "CONVOR_NATS_PASSWORD need each other"),
        (&url, &[("CONVOR_NATS_PASSWORD", "canary")], "CONVOR_NATS_USER and"),
        (&url, &[("CONVOR_NATS_TOKEN", "canary"), ("CONVOR_NATS_NKEY", "canary")], "and not several"),
        (&url, &[("CONVOR_NATS_CREDENTIALS", "/nowhere")], "cannot be read"),
        (&url, &[("CONVOR_NATS_CLUSTER", "a.canary")], "CONVOR_NATS_CLUSTER"),
        (&url, &[("CONVOR_CLUSTER_KEY", "cafe")], "64 hexadecimal digits"),
        ("nats://convor:canary@127.0.0.1", &[], "without user and password"),
        ("canary://127.0.0.1", &[], "`nats://HOST:PORT`"),
    ] {
        let said = refused(broker, variables).await;
        assert!(said.contains(expected), "{variables:?}: {said}");
    }
}
