//! Servers that cannot be used say why at once, and nothing that is secret.

use std::error::Error;

use convor_nats::{ConnectError, NatsBroker, NatsOptions};
use convor_tests::nats::Server;
use tokio::net::TcpListener;

use super::{Cluster, publish};
use convor_tests::ear::{Ear, said};

const SECRET: &str = "s3cret";

/// What is said of a broker that there is not: all of it, from the first to the last cause.
async fn refusal(options: NatsOptions) -> (ConnectError, String) {
    let error = NatsBroker::connect(options).await.expect_err("there is no such server");
    let mut told = format!("{error} {error:?}");
    let mut cause = error.source();
    while let Some(error) = cause {
        told.push_str(&format!(" {error}"));
        cause = error.source();
    }
    assert!(!told.contains(SECRET), "{told}");
    (error, told)
}

fn options(url: &str) -> NatsOptions {
    NatsOptions::new([url]).expect("an address")
}

#[tokio::test]
async fn wrong_credentials_are_told_at_once() {
    let user = Server::with("authorization { user: convor, password: right }").await;
    let token = Server::with("authorization { token: right }").await;
    let broker = NatsBroker::connect(options(&user.url()).user_and_password("convor", "right")).await;
    broker.expect("who it is");
    NatsBroker::connect(options(&token.url()).token("right")).await.expect("who it is");
    let wrong = [
        options(&user.url()),
        options(&user.url()).user_and_password("convor", SECRET),
        options(&user.url()).user_and_password(SECRET, "right"),
        options(&user.url()).token(SECRET),
        options(&token.url()).token(SECRET),
    ];
    for options in wrong {
        let (error, told) = refusal(options).await;
        assert!(matches!(error, ConnectError::Refused), "{told}");
    }
}

#[tokio::test]
async fn nkeys_and_their_files_sign_in_or_are_told_apart() {
    const SEED: &str = "SUACSSL3UAHUDXKFSNVUZRF5UHPMWZ6BFDTJ7M6USDXIEDNPPQYYYCU3VY";
    const PUBLIC: &str = "UDXU4RCSJNZOIQHZNWXHXORDPRTGNJAHAHFRGZNEEJCPQTT2M7NLCNF4";
    let server = Server::with(&format!("authorization {{ users: [{{ nkey: {PUBLIC} }}] }}")).await;
    NatsBroker::connect(options(&server.url()).nkey(SEED)).await.expect("who it is");
    let (error, told) = refusal(options(&server.url())).await;
    assert!(matches!(error, ConnectError::Refused), "{told}");
    let (error, told) = refusal(options(&server.url()).nkey(SECRET)).await;
    assert!(matches!(error, ConnectError::Credentials), "{told}");
    assert!(matches!(options(&server.url()).credentials(SECRET), Err(ConnectError::Credentials)));
}

#[tokio::test]
async fn permissions_that_do_not_reach_are_told_and_those_that_do_are_enough() {
    let user = |name: &str, publish: &str, subscribe: &str| {
        format!(
            "{{ user: {name}, password: p, permissions: {{ publish: \"{publish}\", subscribe: \"{subscribe}\" }} }}"
        )
    };
    let users = [
        user("enough", "convor.chat.>", "convor.chat.>"),
        user("mute", "convor.other.>", "convor.chat.>"),
        user("deaf", "convor.chat.>", "convor.other.>"),
    ];
    let server = Server::with(&format!("authorization {{ users: [{}] }}", users.join(", "))).await;
    let as_user = |name| options(&server.url()).cluster("chat").expect("a name").user_and_password(name, "p");
    let broker = NatsBroker::connect(as_user("enough")).await.expect("it may do what it needs");
    let mut ear = Ear::on(&broker).await;
    publish(&broker, 1, 1..=3).await;
    assert!(said(&ear.until(3).await, 1).eq(1..=3));
    for name in ["mute", "deaf"] {
        let (error, told) = refusal(as_user(name)).await;
        assert!(matches!(error, ConnectError::NotPermitted { .. }), "{name}: {told}");
        assert!(told.contains("convor.chat"), "{told}");
    }
}

#[tokio::test]
async fn a_server_that_is_not_there_or_does_not_answer_is_told() {
    let closed = {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        listener.local_addr().expect("an address")
    };
    let silent = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let silent = silent.local_addr().map(|address| (silent, address)).expect("an address");
    let signed_in = |url: String| options(&url).user_and_password(SECRET, SECRET);
    let (error, told) = refusal(signed_in(format!("nats://{closed}"))).await;
    assert!(matches!(error, ConnectError::Unreachable(_)) && told.contains("refused"), "{told}");
    let (error, told) = refusal(signed_in(format!("nats://{}", silent.1))).await;
    assert!(matches!(error, ConnectError::TooSlow), "{told}");
}

#[tokio::test]
async fn the_next_server_is_asked_if_one_does_not_serve() {
    let server = Server::new().await;
    let closed = {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        format!("nats://{}", listener.local_addr().expect("an address"))
    };
    for _ in 0..8 {
        let options = NatsOptions::new([closed.as_str(), &server.url()]).expect("addresses");
        NatsBroker::connect(options).await.expect("one of them serves");
    }
}

#[tokio::test]
async fn a_server_is_spoken_to_over_tls_if_its_certificate_is_trusted() {
    // The certificate is for localhost, from 2020 to 2119, and certifies itself; everybody knows its key.
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/nats/tls");
    let file = |name: &str| format!("{folder}/{name}.pem");
    let mutual = format!(
        "tls {{ cert_file: \"{0}\", key_file: \"{1}\", ca_file: \"{0}\", verify: true }}",
        file("certificate"),
        file("key")
    );
    let server = Server::with(&mutual).await;
    let cluster = Cluster::on(&server.url().replace("nats:", "tls:"));
    let trusting = || cluster.options().root_certificates(file("certificate"));
    let known = trusting().require_tls().client_certificate(file("certificate"), file("key"));
    let broker = NatsBroker::connect(known).await.expect("it is trusted, and trusts");
    let mut ear = Ear::on(&broker).await;
    publish(&broker, 1, 1..=3).await;
    assert!(said(&ear.until(3).await, 1).eq(1..=3));
    let (_, told) = refusal(cluster.options()).await;
    assert!(told.contains("UnknownIssuer") || told.contains("invalid peer certificate"), "{told}");
    refusal(trusting()).await;
    let (error, told) = refusal(cluster.options().root_certificates(file("none"))).await;
    assert!(matches!(error, ConnectError::Certificates(_)), "{told}");
    let plain = Server::new().await;
    let (error, told) = refusal(options(&plain.url()).require_tls()).await;
    assert!(!matches!(error, ConnectError::Refused), "nothing is said in the clear: {told}");
}
