//! NATS: another broker between servers that share a database.

use std::convert::Infallible;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;

use anyhow::{Context, anyhow, bail};
use convor::ports::Broker;
use convor_nats::{ClusterKey, ConnectError, NatsBroker, NatsOptions};

const CLUSTER: &str = "CONVOR_NATS_CLUSTER";
const USER: &str = "CONVOR_NATS_USER";
const PASSWORD: &str = "CONVOR_NATS_PASSWORD";
const TOKEN: &str = "CONVOR_NATS_TOKEN";
const NKEY: &str = "CONVOR_NATS_NKEY";
const CREDENTIALS: &str = "CONVOR_NATS_CREDENTIALS";
const ROOTS: &str = "CONVOR_NATS_ROOTS";
const CERTIFICATE: &str = "CONVOR_NATS_CERTIFICATE";
const CERTIFICATE_KEY: &str = "CONVOR_NATS_CERTIFICATE_KEY";
const KEY: &str = "CONVOR_CLUSTER_KEY";
const OTHER_KEY: &str = "CONVOR_CLUSTER_KEY_OPENS_TOO";

/// Addresses as they were given. Somebody may have put a password in, and so they are shown nowhere, not even in an error.
#[derive(Clone)]
pub(crate) struct Servers(String);

impl FromStr for Servers {
    type Err = Infallible;

    /// It is looked at later: what the command line refuses, it repeats.
    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Debug for Servers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Servers(…)")
    }
}

pub(super) async fn broker(servers: &Servers) -> anyhow::Result<Arc<dyn Broker>> {
    let options = NatsOptions::new(servers.0.split(',')).map_err(explain)?;
    let options = secured(sealed(signed_in(options)?)?)?;
    let broker = NatsBroker::connect(options).await.map_err(explain)?;
    let cluster = variable(CLUSTER)?.unwrap_or_else(|| convor_nats::CLUSTER.to_owned());
    let sealed = broker.carries_content();
    tracing::info!(cluster, sealed, "servers of this cluster hear of each other over NATS");
    Ok(Arc::new(broker))
}

/// What is said to servers that are not asked is a mistake: somebody may believe that it is heeded.
pub(super) fn not_asked() -> anyhow::Result<()> {
    for name in [KEY, OTHER_KEY] {
        if variable(name)?.is_some() {
            bail!("{name} needs --broker: without it nothing is sealed");
        }
    }
    Ok(())
}

fn signed_in(mut options: NatsOptions) -> anyhow::Result<NatsOptions> {
    if let Some(cluster) = variable(CLUSTER)? {
        options = options.cluster(&cluster).map_err(explain)?;
    }
    let (user, password) = (variable(USER)?, variable(PASSWORD)?);
    let ways = [
        user.is_some(),
        variable(TOKEN)?.is_some(),
        variable(NKEY)?.is_some(),
        variable(CREDENTIALS)?.is_some(),
    ];
    if ways.into_iter().filter(|given| *given).count() > 1 {
        bail!("set one of {USER}, {TOKEN}, {NKEY} and {CREDENTIALS}, and not several");
    }
    match (user, password) {
        (Some(user), Some(password)) => return Ok(options.user_and_password(&user, &password)),
        (None, None) => {}
        _ => bail!("{USER} and {PASSWORD} need each other"),
    }
    if let Some(token) = variable(TOKEN)? {
        return Ok(options.token(&token));
    }
    if let Some(seed) = variable(NKEY)? {
        return Ok(options.nkey(&seed));
    }
    if let Some(path) = variable(CREDENTIALS)? {
        let content = std::fs::read_to_string(&path);
        let content = content.with_context(|| format!("the file that {CREDENTIALS} names cannot be read"))?;
        return options.credentials(&content).map_err(explain);
    }
    Ok(options)
}

fn sealed(options: NatsOptions) -> anyhow::Result<NatsOptions> {
    let key = |name| {
        let digits = variable(name)?;
        let key = digits.map(|digits| ClusterKey::parse(digits.trim())).transpose();
        key.with_context(|| format!("{name} holds no key"))
    };
    match (key(KEY)?, key(OTHER_KEY)?) {
        (Some(seals), opens_too) => Ok(options.cluster_keys(seals, opens_too)),
        (None, None) => Ok(options),
        (None, Some(_)) => bail!("{OTHER_KEY} needs {KEY}"),
    }
}

fn secured(mut options: NatsOptions) -> anyhow::Result<NatsOptions> {
    if let Some(path) = variable(ROOTS)? {
        options = options.root_certificates(path);
    }
    match (variable(CERTIFICATE)?, variable(CERTIFICATE_KEY)?) {
        (Some(certificate), Some(key)) => Ok(options.client_certificate(certificate, PathBuf::from(key))),
        (None, None) => Ok(options),
        _ => bail!("{CERTIFICATE} and {CERTIFICATE_KEY} need each other"),
    }
}

/// What a variable holds, which an error does not repeat; one that is empty counts as not set.
fn variable(name: &str) -> anyhow::Result<Option<String>> {
    let value = std::env::var_os(name).filter(|value| !value.is_empty());
    let value = value.map(|value| value.into_string().map_err(|_| anyhow!("{name} is not UTF-8")));
    value.transpose()
}

/// Why the server cannot be used, and what to do.
fn explain(error: ConnectError) -> anyhow::Error {
    let advice = match &error {
        ConnectError::Server => {
            "write it as `--broker nats://HOST:4222`, and give user and password in CONVOR_NATS_USER and CONVOR_NATS_PASSWORD"
        }
        ConnectError::Cluster => "see CONVOR_NATS_CLUSTER",
        ConnectError::Credentials => "see CONVOR_NATS_NKEY and CONVOR_NATS_CREDENTIALS",
        ConnectError::Refused => "see the variables that begin with CONVOR_NATS_",
        ConnectError::NotPermitted { .. } => "let this user publish and subscribe there",
        ConnectError::Certificates(_) => {
            "see CONVOR_NATS_ROOTS, CONVOR_NATS_CERTIFICATE and CONVOR_NATS_CERTIFICATE_KEY"
        }
        _ => "see whether the server runs, and whether it is reached and trusted from here",
    };
    anyhow!(error).context(format!("NATS cannot be used; {advice}"))
}
