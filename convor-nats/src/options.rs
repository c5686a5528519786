//! [`NatsOptions`]: where the servers are, who one is there, and what the nodes have in common.

use std::fmt;
use std::path::PathBuf;

use async_nats::{ConnectOptions, ServerAddr};
use zeroize::Zeroizing;

use crate::connect::ConnectError;
use crate::key::{ClusterKey, Keys};
use crate::wire::Wire;

/// The cluster of those who name no other.
pub const CLUSTER: &str = "default";

/// How many bytes the name of a cluster has at most.
const CLUSTER_BYTES_MAX: usize = 63;

/// Where the servers are, who one is there, and what the nodes have in common.
///
/// ```
/// use convor_nats::{ClusterKey, NatsOptions};
///
/// # let secret = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
/// let options = NatsOptions::new(["tls://nats-1.example:4222", "tls://nats-2.example:4222"])?
///     .cluster("chat")?
///     .user_and_password("convor", "a long and good one")
///     .cluster_key(ClusterKey::parse(secret)?);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
#[must_use]
pub struct NatsOptions {
    pub(crate) servers: Vec<ServerAddr>,
    pub(crate) cluster: String,
    credentials: Credentials,
    pub(crate) tls: Tls,
    keys: Option<Keys>,
}

/// Who one is.
#[derive(Clone)]
enum Credentials {
    Nobody,
    User(String, Zeroizing<String>),
    Token(Zeroizing<String>),
    #[cfg(feature = "nkeys")]
    Nkey(Zeroizing<String>),
    #[cfg(feature = "nkeys")]
    File(Zeroizing<String>),
}

/// What connections are secured with.
#[derive(Clone, Default)]
pub(crate) struct Tls {
    pub(crate) required: bool,
    pub(crate) roots: Vec<PathBuf>,
    pub(crate) client: Option<(PathBuf, PathBuf)>,
}

impl NatsOptions {
    /// The servers with these addresses, at least one: `nats://HOST:PORT`, or `tls://HOST:PORT` to be content with TLS only; without a
    /// port 4222. A node is connected to one of them, and goes on to the next when that fails. Servers that these tell of
    /// are not asked, so that credentials go nowhere else.
    ///
    /// # Errors
    /// [`ConnectError::Server`] if there is none, or one of them is no address or holds a user or a password.
    pub fn new<'a>(servers: impl IntoIterator<Item = &'a str>) -> Result<Self, ConnectError> {
        let servers = servers.into_iter().map(server).collect::<Result<Vec<_>, _>>()?;
        if servers.is_empty() {
            return Err(ConnectError::Server);
        }
        Ok(Self {
            servers,
            cluster: CLUSTER.to_owned(),
            credentials: Credentials::Nobody,
            tls: Tls::default(),
            keys: None,
        })
    }

    /// The cluster's name, [`CLUSTER`] unless it is said: 1 to 63 letters, digits, hyphens and underscores (ASCII). Nodes hear those
    /// of the same name, and several clusters can share a server.
    ///
    /// # Errors
    /// [`ConnectError::Cluster`] if it is none.
    pub fn cluster(mut self, name: &str) -> Result<Self, ConnectError> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        if !(1..=CLUSTER_BYTES_MAX).contains(&name.len()) || !name.bytes().all(plain) {
            return Err(ConnectError::Cluster);
        }
        self.cluster = name.to_owned();
        Ok(self)
    }

    /// Signs in with a name and a password. The last one of these five methods counts.
    pub fn user_and_password(mut self, user: &str, password: &str) -> Self {
        self.credentials = Credentials::User(user.to_owned(), Zeroizing::new(password.to_owned()));
        self
    }

    /// Signs in with a token.
    pub fn token(mut self, token: &str) -> Self {
        self.credentials = Credentials::Token(Zeroizing::new(token.to_owned()));
        self
    }

    /// Signs in with an nkey, of which this is the seed.
    #[cfg(feature = "nkeys")]
    pub fn nkey(mut self, seed: &str) -> Self {
        self.credentials = Credentials::Nkey(Zeroizing::new(seed.to_owned()));
        self
    }

    /// Signs in with what stands in a file of credentials (`.creds`): a JWT and its seed.
    ///
    /// # Errors
    /// [`ConnectError::Credentials`] if it holds none.
    #[cfg(feature = "nkeys")]
    pub fn credentials(mut self, content: &str) -> Result<Self, ConnectError> {
        ConnectOptions::with_credentials(content).map_err(|_| ConnectError::Credentials)?;
        self.credentials = Credentials::File(Zeroizing::new(content.to_owned()));
        Ok(self)
    }

    /// Is content with TLS only, also where an address does not say so. Without this a server may still ask for it, and whoever
    /// stands in between may keep that from being heard.
    pub fn require_tls(mut self) -> Self {
        self.tls.required = true;
        self
    }

    /// Trusts the certificates in this file (PEM) in the place of the system's, and [requires TLS](Self::require_tls); may be
    /// repeated. It is read when the broker is made.
    pub fn root_certificates(mut self, path: impl Into<PathBuf>) -> Self {
        self.tls.roots.push(path.into());
        self.require_tls()
    }

    /// Shows servers that ask for it the certificate in a file (PEM), to which the key in another one belongs, and [requires
    /// TLS](Self::require_tls).
    pub fn client_certificate(mut self, certificate: impl Into<PathBuf>, key: impl Into<PathBuf>) -> Self {
        self.tls.client = Some((certificate.into(), key.into()));
        self.require_tls()
    }

    /// Seals everything with this key, and opens only what is sealed with it. What is said then goes along, so that other
    /// nodes need not read it from the storage. All nodes need the same.
    pub fn cluster_key(self, key: ClusterKey) -> Self {
        self.cluster_keys(key, None)
    }

    /// The same, and opens what is sealed with another key, too: so keys are changed without losing a signal. First all nodes open with
    /// the new one as well (`cluster_keys(old, Some(new))`), then all seal with it (`cluster_keys(new, Some(old))`), and then
    /// the old one goes (`cluster_key(new)`).
    pub fn cluster_keys(mut self, seals: ClusterKey, opens_too: Option<ClusterKey>) -> Self {
        self.keys = Some(Keys { seals, opens_too });
        self
    }

    pub(crate) fn wire(&self) -> Wire {
        Wire::new(&self.cluster, self.keys.clone())
    }

    /// Options of the driver that say who one is.
    pub(crate) fn signed_in(&self) -> Result<ConnectOptions, ConnectError> {
        Ok(match &self.credentials {
            Credentials::Nobody => ConnectOptions::new(),
            Credentials::User(user, password) => {
                ConnectOptions::with_user_and_password(user.clone(), password.to_string())
            }
            Credentials::Token(token) => ConnectOptions::with_token(token.to_string()),
            #[cfg(feature = "nkeys")]
            Credentials::Nkey(seed) => ConnectOptions::with_nkey(seed.to_string()),
            #[cfg(feature = "nkeys")]
            Credentials::File(content) => {
                ConnectOptions::with_credentials(content).map_err(|_| ConnectError::Credentials)?
            }
        })
    }
}

impl fmt::Debug for NatsOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Nothing of what one signs in with.
        f.debug_struct("NatsOptions")
            .field("servers", &self.servers.iter().map(ServerAddr::host).collect::<Vec<_>>())
            .field("cluster", &self.cluster)
            .field("tls_required", &self.tls.required)
            .field("sealed", &self.keys.is_some())
            .finish_non_exhaustive()
    }
}

fn server(address: &str) -> Result<ServerAddr, ConnectError> {
    let server: ServerAddr = address.trim().parse().map_err(|_| ConnectError::Server)?;
    let plain = server.username().is_none() && server.password().is_none() && !server.is_websocket();
    if plain && !server.host().is_empty() { Ok(server) } else { Err(ConnectError::Server) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_are_named_by_addresses_without_secrets() {
        for addresses in [&["nats://localhost"][..], &["tls://a.example:4223", "b.example", "nats://[::1]:1"]]
        {
            let options = NatsOptions::new(addresses.iter().copied()).expect("servers");
            assert_eq!(options.servers.len(), addresses.len());
        }
        let wrong =
            ["nats://u:canary@host", "nats://:canary@host", "ws://host", "http://host", "nats://", "a b"];
        for wrong in wrong.map(|address| vec![address]).into_iter().chain([vec![]]) {
            let error = NatsOptions::new(wrong.iter().copied()).expect_err("no server");
            assert!(matches!(error, ConnectError::Server), "{wrong:?}");
        }
    }

    #[test]
    fn a_clusters_name_fits_into_a_subject() {
        let named = |name: &str| NatsOptions::new(["localhost"]).expect("a server").cluster(name).is_ok();
        assert!(named("Chat-1_a") && named(&"c".repeat(63)));
        for wrong in ["", "a.b", "a b", "*", ">", "é", &"c".repeat(64)] {
            assert!(!named(wrong), "{wrong}");
        }
    }

    #[test]
    fn secrets_show_nowhere() {
        let options = NatsOptions::new(["localhost"]).expect("a server");
        let key = ClusterKey::parse(&"cafe".repeat(16)).expect("a key");
        let all =
            [options.clone().user_and_password("canary", "canary"), options.token("canary").cluster_key(key)];
        let shown = format!("{all:?}");
        assert!(["canary", "cafe"].iter().all(|secret| !shown.contains(secret)), "{shown}");
    }
}
