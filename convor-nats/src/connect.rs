//! Connections, each for one life: what comes after a break is another one, so that it is known which signal is of which.

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_nats::rustls::crypto::ring;
use async_nats::rustls::pki_types::pem::PemObject;
use async_nats::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use async_nats::rustls::{ClientConfig, RootCertStore};
use async_nats::{Client, ConnectErrorKind, Event, ServerAddr, ServerError, Subscriber};
use futures_util::StreamExt;
use tokio::sync::{Notify, Semaphore};
use tokio::time::timeout;

use crate::options::{NatsOptions, Tls};
use crate::wire::{Wire, echo};

/// How long it may take until a server is known to serve.
const PATIENCE: Duration = Duration::from_secs(4);

/// How long each step of it may take.
const STEP: Duration = Duration::from_secs(2);

/// After how much silence a server is asked whether it is there. The third question in a row finds it gone.
const SILENCE_MAX: Duration = Duration::from_millis(1_500);

/// How many signals wait for a connection at most, on each way.
pub(crate) const WAITING_MAX: usize = 2_048;

/// Why there is no broker.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// No server is named, or not by its address.
    #[error("a server is named `nats://HOST:PORT` or `tls://HOST:PORT`, without user and password")]
    Server,
    /// The name of the cluster does not fit into a subject.
    #[error("a cluster's name has 1 to 63 letters, digits, hyphens and underscores")]
    Cluster,
    /// What is to be signed in with is no such thing.
    #[error("the nkey or the file of credentials cannot be read")]
    Credentials,
    /// The servers take somebody else.
    #[error("the server refuses user, password, token or key")]
    Refused,
    /// One is signed in, but not for this cluster.
    #[error("the server does not permit to publish and to subscribe below `convor.{cluster}`")]
    NotPermitted {
        /// The cluster.
        cluster: String,
    },
    /// The certificates or the key in the files cannot be used.
    #[error("the certificates cannot be used")]
    Certificates(#[source] Box<dyn Error + Send + Sync>),
    /// No server can be reached.
    #[error("the server cannot be reached")]
    Unreachable(#[source] Box<dyn Error + Send + Sync>),
    /// A server does not answer, or not in time.
    #[error("the server does not answer in time")]
    TooSlow,
    /// The system has no randomness to give.
    #[error("the system has no randomness to give")]
    Randomness,
}

/// Makes connections.
#[derive(Clone)]
pub(crate) struct Dialer {
    options: NatsOptions,
    tls: ClientConfig,
    pub(crate) wire: Arc<Wire>,
}

/// A connection that is known to carry signals both ways. When it breaks it says so once what has come over it is taken out,
/// and never carries anything again.
pub(crate) struct Line {
    pub(crate) client: Arc<Client>,
    pub(crate) subscriber: Subscriber,
    events: Heard,
}

/// Lets the driver leave off when it is dropped.
struct Heard(Arc<Events>);

/// What the driver tells of a connection.
#[derive(Debug)]
struct Events {
    /// The driver asks for a server each time that it needs a connection: the second time the first one is broken,
    connected: AtomicBool,
    broken: Notify,
    /// and it has to wait until nobody is left who would take another one for the same.
    left: Semaphore,
    overflown: Notify,
    denied: Notify,
    /// What comes again and again is worth one warning.
    warned_of_overflow: AtomicBool,
    warned_of_denial: AtomicBool,
}

impl Dialer {
    pub(crate) async fn new(options: NatsOptions) -> Result<Self, ConnectError> {
        let settings = options.tls.clone();
        let tls = tokio::task::spawn_blocking(move || tls(&settings)).await;
        let tls = tls.map_err(|error| ConnectError::Certificates(error.into()))??;
        let wire = Arc::new(options.wire());
        // What cannot be signed in with is known before anybody is asked.
        options.signed_in()?;
        Ok(Self { options, tls, wire })
    }

    pub(crate) fn servers(&self) -> usize {
        self.options.servers.len()
    }

    /// The host and port of one of the servers, counted round.
    pub(crate) fn name(&self, server: usize) -> String {
        let servers = &self.options.servers;
        servers
            .get(server % servers.len())
            .map_or_else(String::new, |server| format!("{}:{}", server.host(), server.port()))
    }

    /// A connection to one of the servers, counted round.
    pub(crate) async fn dial(&self, server: usize) -> Result<Line, ConnectError> {
        let servers = &self.options.servers;
        let server = servers.get(server % servers.len()).ok_or(ConnectError::Server)?;
        timeout(PATIENCE, self.connect(server)).await.map_err(|_| ConnectError::TooSlow)?
    }

    async fn connect(&self, server: &ServerAddr) -> Result<Line, ConnectError> {
        let events = Heard(Arc::default());
        let (gate, ear) = (Arc::clone(&events.0), Arc::clone(&events.0));
        let options = self.options.signed_in()?;
        let options = options
            .name(format!("convor {}", self.options.cluster))
            .require_tls(self.options.tls.required)
            .tls_client_config(self.tls.clone())
            .ignore_discovered_servers()
            .connection_timeout(STEP)
            .ping_interval(SILENCE_MAX)
            .client_capacity(WAITING_MAX)
            .subscription_capacity(WAITING_MAX)
            // A connection is replaced here. The driver tries once by itself, and then leaves off.
            .max_reconnects(1)
            .reconnect_to_server_callback(move |_, _| {
                let gate = Arc::clone(&gate);
                async move {
                    gate.connecting().await;
                    None
                }
            })
            .event_callback(move |event| {
                ear.hear(&event);
                std::future::ready(())
            });
        let client = options.connect(server.clone()).await.map_err(unreachable)?;
        let subscriber = client.subscribe(self.wire.all()).await;
        let subscriber = subscriber.map_err(|error| ConnectError::Unreachable(error.into()))?;
        let mut line = Line { client: Arc::new(client), subscriber, events };
        self.round_trip(&mut line).await?;
        Ok(line)
    }

    /// Waits until the server has done all that it has been told, and knows then that signals pass both ways.
    pub(crate) async fn round_trip(&self, line: &mut Line) -> Result<(), ConnectError> {
        let echo = echo().ok_or(ConnectError::Randomness)?;
        let sent = line.client.publish(self.wire.of_nodes(), echo.clone()).await;
        sent.map_err(|error| ConnectError::Unreachable(error.into()))?;
        let heard = async {
            while let Some(message) = line.subscriber.next().await {
                if message.payload == echo {
                    return Ok(());
                }
            }
            Err(ConnectError::Unreachable("the connection has ended".into()))
        };
        let denied = || ConnectError::NotPermitted { cluster: self.options.cluster.clone() };
        tokio::select! {
            heard = timeout(STEP, heard) => heard.map_err(|_| ConnectError::TooSlow)?,
            () = line.events.0.denied.notified() => Err(denied()),
        }
    }
}

impl Line {
    /// Waits until the connection is broken.
    pub(crate) fn broken(&self) -> impl Future<Output = ()> + use<> {
        let events = Arc::clone(&self.events.0);
        async move { events.broken.notified().await }
    }

    /// Waits until the server has not permitted something.
    pub(crate) fn denied(&self) -> impl Future<Output = ()> + use<> {
        let events = Arc::clone(&self.events.0);
        async move { events.denied.notified().await }
    }

    /// Waits until something has been dropped because nobody has taken it out.
    pub(crate) fn overflown(&self) -> impl Future<Output = ()> + use<> {
        let events = Arc::clone(&self.events.0);
        async move { events.overflown.notified().await }
    }
}

impl Drop for Heard {
    fn drop(&mut self) {
        self.0.left.close();
    }
}

impl Default for Events {
    fn default() -> Self {
        Self {
            connected: AtomicBool::new(false),
            broken: Notify::new(),
            left: Semaphore::new(0),
            overflown: Notify::new(),
            denied: Notify::new(),
            warned_of_overflow: AtomicBool::new(false),
            warned_of_denial: AtomicBool::new(false),
        }
    }
}

impl Events {
    async fn connecting(&self) {
        if self.connected.swap(true, Ordering::Relaxed) {
            self.broken.notify_one();
            // It ends when the semaphore is closed.
            let _ = self.left.acquire().await;
        }
    }

    fn hear(&self, event: &Event) {
        match event {
            Event::SlowConsumer(_) => {
                if !self.warned_of_overflow.swap(true, Ordering::Relaxed) {
                    tracing::warn!(
                        "signals come faster than they are read; some are dropped, and read from the storage"
                    );
                }
                self.overflown.notify_one();
            }
            Event::ServerError(ServerError::Other(said)) if said.starts_with("Permissions Violation") => {
                if !self.warned_of_denial.swap(true, Ordering::Relaxed) {
                    tracing::warn!("the server does not permit what this node says, or wants to hear");
                }
                self.denied.notify_one();
            }
            Event::LameDuckMode => {
                tracing::info!("the server is about to end; another one is looked for then")
            }
            _ => {}
        }
    }
}

/// What it says names no secret: those are not in the address.
fn unreachable(error: async_nats::ConnectError) -> ConnectError {
    match error.kind() {
        ConnectErrorKind::AuthorizationViolation => ConnectError::Refused,
        ConnectErrorKind::Authentication => ConnectError::Credentials,
        ConnectErrorKind::TimedOut => ConnectError::TooSlow,
        _ => ConnectError::Unreachable(error.into()),
    }
}

/// The driver would take the provider of the process, of which there may be none, or two.
fn tls(settings: &Tls) -> Result<ClientConfig, ConnectError> {
    let unusable = |error: Box<dyn Error + Send + Sync>| ConnectError::Certificates(error);
    let mut roots = RootCertStore::empty();
    if settings.roots.is_empty() {
        // Where there are none, no server is trusted, which is found out only if one has to be.
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    }
    for path in &settings.roots {
        let certificates = CertificateDer::pem_file_iter(path).map_err(|error| unusable(error.into()))?;
        for certificate in certificates {
            let certificate = certificate.map_err(|error| unusable(error.into()))?;
            roots.add(certificate).map_err(|error| unusable(error.into()))?;
        }
    }
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| unusable(error.into()))?
        .with_root_certificates(roots);
    let Some((certificate, key)) = &settings.client else {
        return Ok(builder.with_no_client_auth());
    };
    let chain = CertificateDer::pem_file_iter(certificate).map_err(|error| unusable(error.into()))?;
    let chain = chain.collect::<Result<Vec<_>, _>>().map_err(|error| unusable(error.into()))?;
    let key = PrivateKeyDer::from_pem_file(key).map_err(|error| unusable(error.into()))?;
    builder.with_client_auth_cert(chain, key).map_err(|error| unusable(error.into()))
}
