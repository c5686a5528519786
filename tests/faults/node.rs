//! A server that can be ended in more than one way, and started again where it was.

use std::net::SocketAddr;

use convor_tests::host::Ask;
use convor_tests::patience::look;
use convor_tests::place::Place;
use convor_tests::server::{AnnouncedTenant, Server};

/// Rates that nobody meets who talks as fast as it is answered.
const LIMITS: &str = "messages = \"unlimited\"\nrequests = \"unlimited\"\n";

/// What carries word to other servers.
#[derive(Debug, Clone, Default)]
pub(crate) struct Broker {
    /// NATS, or else the database.
    pub(crate) url: Option<String>,
    /// Whether it carries what is said, sealed, or hints alone.
    pub(crate) sealed: bool,
}

impl Broker {
    /// The database, which tells those who listen.
    pub(crate) fn database() -> Self {
        Self::default()
    }

    /// NATS at this address, which carries what is said.
    pub(crate) fn nats(url: String) -> Self {
        Self { url: Some(url), sealed: true }
    }

    /// NATS at this address, which carries hints.
    pub(crate) fn nats_without_key(url: String) -> Self {
        Self { url: Some(url), sealed: false }
    }
}

#[derive(Debug)]
pub(crate) struct Node {
    place: Place,
    arguments: Vec<String>,
    key: Option<String>,
    /// Whether all of its log is wanted, which takes most of its time.
    talkative: bool,
    server: Option<Server>,
    /// The first of those whom it has made up.
    pub(crate) tenant: Option<AnnouncedTenant>,
}

impl Node {
    /// A server by itself.
    pub(crate) async fn alone(storage: &str) -> Self {
        Self::made(storage, &Broker::default(), true, true).await
    }

    /// One of several, of whom the first makes up whom to talk to. All can be talked to at any speed.
    pub(crate) async fn of_several(storage: &str, broker: &Broker, first: bool) -> Self {
        Self::made(storage, broker, first, false).await
    }

    async fn made(storage: &str, broker: &Broker, demo: bool, talkative: bool) -> Self {
        let place = Place::new();
        let mut arguments = vec!["--listen".to_owned(), place.address().to_string()];
        arguments.extend(["--storage".to_owned(), storage.to_owned()]);
        if let Some(url) = &broker.url {
            arguments.extend(["--broker".to_owned(), url.clone()]);
        }
        if !talkative {
            std::fs::write(place.folder().join("limits.toml"), LIMITS).expect("it is ours");
            arguments.extend(["--limits".to_owned(), "limits.toml".to_owned()]);
        }
        let key = broker.sealed.then(|| "cafe".repeat(16));
        let mut node = Self { place, arguments, key, talkative, server: None, tenant: None };
        node.serve(if demo { &["--demo"] } else { &[] }).await;
        node.tenant = node.server().announced.tenants.first().cloned();
        node
    }

    async fn serve(&mut self, more: &[&str]) {
        let arguments: Vec<_> =
            self.arguments.iter().map(String::as_str).chain(more.iter().copied()).collect();
        let mut variables: Vec<_> = self.key.iter().map(|key| ("CONVOR_CLUSTER_KEY", key.as_str())).collect();
        if !self.talkative {
            variables.push(("RUST_LOG", "info"));
        }
        self.server = Some(Server::start_with(self.place.folder(), &arguments, &variables).await);
    }

    fn server(&self) -> &Server {
        self.server.as_ref().expect("it runs")
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.place.address()
    }

    /// Starts it after its end.
    pub(crate) async fn start(&mut self) {
        self.serve(&[]).await;
    }

    /// Ends it as `kill -9` does.
    pub(crate) async fn kill(&mut self) {
        let server = self.server.take().expect("it runs");
        assert!(!server.log().contains("panicked"), "{}", server.log());
        server.kill().await;
    }

    /// Ends it as a service manager does, and waits until it has done what it had to.
    pub(crate) async fn end(&mut self) {
        let server = self.server.take().expect("it runs");
        server.terminate();
        let ended = server.ended().await;
        assert!(ended.status.success() && !ended.log.contains("panicked"), "{}: {}", ended.status, ended.log);
    }

    pub(crate) fn freeze(&self) {
        self.server().freeze();
    }

    pub(crate) fn thaw(&self) {
        self.server().thaw();
    }

    /// Waits until it serves as well as it can.
    pub(crate) async fn is_sound(&self) {
        self.says("is sound", None).await;
    }

    /// Waits until it knows that nobody tells it what other servers do.
    pub(crate) async fn is_degraded(&self) {
        self.says("has lost its broker", Some(())).await;
    }

    async fn says(&self, what: &str, degraded: Option<()>) {
        let seen = look(async || {
            let answer = self.server().ask(Ask::get("/readyz")).await.json();
            let is = answer["status"] == "ready" && answer["degraded"].is_string() == degraded.is_some();
            is.then_some(())
        });
        seen.await.unwrap_or_else(|_| panic!("a server {what}, in vain: {}", self.server().log()));
    }
}
