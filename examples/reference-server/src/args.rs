//! What the server is told at its start.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::builder::RangedU64ValueParser;
use clap::{Parser, Subcommand};
use convor::domain::Origin;
use convor::ids::TenantId;

use crate::storage::{Servers, Url};

/// A live-chat server on Convor: visitor page, operator dashboard, HTTP and WebSocket API under /chat.
#[derive(Debug, Parser)]
#[command(name = "convor-server", version, about, args_conflicts_with_subcommands = true)]
pub(crate) struct Args {
    /// What to do instead of serving.
    #[command(subcommand)]
    pub(crate) command: Option<Command>,

    #[command(flatten)]
    pub(crate) serve: Serve,
}

/// What can be done instead of serving.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Migrate(Migrate),
    Copy(Copy),
}

/// How to serve.
#[derive(Debug, clap::Args)]
pub(crate) struct Serve {
    /// The address to listen on; port 0 takes a free one.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8080", value_parser = address)]
    pub(crate) listen: SocketAddr,

    /// Where conversations are kept: `sqlite:PATH`, `postgres://ROLE@HOST/DATABASE`, or `memory` (gone when the server
    /// stops). Servers on one PostgreSQL database are one cluster. Arguments are seen by everybody on the machine:
    /// give a password in CONVOR_STORAGE, PGPASSWORD or ~/.pgpass.
    #[arg(
        long,
        value_name = "STORAGE",
        env = "CONVOR_STORAGE",
        hide_env_values = true,
        default_value = "sqlite:convor.db"
    )]
    pub(crate) storage: Url,

    /// What carries word between servers on one PostgreSQL database: NATS servers, as `nats://HOST:PORT` or `tls://HOST:PORT`,
    /// several with commas between them. Without it the database does (LISTEN/NOTIFY), which is good for up to ten servers.
    /// Whom to sign in as is in CONVOR_NATS_USER and CONVOR_NATS_PASSWORD, CONVOR_NATS_TOKEN, CONVOR_NATS_NKEY (a seed) or
    /// CONVOR_NATS_CREDENTIALS (a file); the cluster's name in CONVOR_NATS_CLUSTER; certificates in CONVOR_NATS_ROOTS,
    /// CONVOR_NATS_CERTIFICATE and CONVOR_NATS_CERTIFICATE_KEY (files). CONVOR_CLUSTER_KEY, 64 hexadecimal digits that all
    /// servers have in common, seals everything, and CONVOR_CLUSTER_KEY_OPENS_TOO is another one while keys are changed.
    #[arg(long, value_name = "SERVERS", env = "CONVOR_BROKER", hide_env_values = true)]
    pub(crate) broker: Option<Servers>,

    /// Make two tenants with a site, an owner and an operator each, or find those of the last time, and print how to
    /// reach them.
    #[arg(long)]
    pub(crate) demo: bool,

    /// How many connections are served at once; the next one is turned away.
    #[arg(long, value_name = "NUMBER", default_value_t = 20_000, value_parser = connections())]
    pub(crate) connections_max: usize,

    /// Other bounds than the defaults, as a TOML file: each key is a field of `convor::Limits`, such as
    /// `queue_frames_max = 512`, `heartbeat = "10s"` or `messages = { per_minute = 60, burst = 20 }`.
    #[arg(long, value_name = "FILE")]
    pub(crate) limits: Option<PathBuf>,

    /// Another origin under which the pages are reached, such as that of a proxy (for the dashboard, and for the
    /// demonstration's sites with --demo); may be repeated.
    #[arg(long = "origin", value_name = "ORIGIN", value_parser = origin)]
    pub(crate) more_origins: Vec<Origin>,
}

/// Brings a PostgreSQL database to the schema of this version. It may be repeated. Servers may go on running.
#[derive(Debug, clap::Args)]
pub(crate) struct Migrate {
    /// The database, with the role that owns the schema: `postgres://OWNER@HOST/DATABASE`.
    #[arg(long, value_name = "STORAGE", env = "CONVOR_STORAGE", hide_env_values = true)]
    pub(crate) storage: Url,

    /// The role with which the servers work; it may use the tables, and owns none of them.
    #[arg(long, value_name = "ROLE", default_value = "convor_app")]
    pub(crate) application_role: String,
}

/// Copies everything, or some tenants, from one storage to another, and compares the two. Stop the servers first.
///
/// What the destination has already stays as it is, so that a copy that was cut off can be repeated. An archive is written
/// under another name until it is whole, and begun anew if it was cut off; with a name that ends in `.gz` it is compressed.
/// It holds what the storage holds, hashes of passwords included: keep it as carefully.
#[derive(Debug, clap::Args)]
pub(crate) struct Copy {
    /// The source: `sqlite:PATH`, `postgres://ROLE@HOST/DATABASE` or `archive:PATH`. A file of SQLite and its folder must be
    /// writable, as for a server.
    #[arg(long, value_name = "STORAGE", env = "CONVOR_FROM", hide_env_values = true)]
    pub(crate) from: Url,

    /// The destination, in the same form.
    #[arg(long, value_name = "STORAGE", env = "CONVOR_TO", hide_env_values = true)]
    pub(crate) to: Url,

    /// A tenant by its id or key; may be repeated. Without it: all of them.
    #[arg(long = "tenant", value_name = "ID", value_parser = tenant)]
    pub(crate) tenants: Vec<TenantId>,
}

impl Serve {
    /// The origins of the server's own pages.
    pub(crate) fn origins(&self, listen: SocketAddr) -> Vec<Origin> {
        let port = match listen.port() {
            80 => String::new(),
            port => format!(":{port}"),
        };
        let mut hosts = vec!["127.0.0.1".to_owned(), "localhost".to_owned()];
        if !listen.ip().is_unspecified() {
            hosts.push(match listen {
                SocketAddr::V4(v4) => v4.ip().to_string(),
                SocketAddr::V6(v6) => format!("[{}]", v6.ip()),
            });
        }
        let mut origins: Vec<_> =
            hosts.iter().filter_map(|host| Origin::parse(&format!("http://{host}{port}"))).collect();
        origins.extend(self.more_origins.iter().cloned());
        let mut seen = std::collections::HashSet::new();
        origins.retain(|origin| seen.insert(origin.clone()));
        origins
    }
}

/// An address to listen on; what is often written in its place is answered with how to write it.
fn address(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| {
        let port = text.rsplit(':').next().and_then(|port| port.parse::<u16>().ok()).unwrap_or(8080);
        format!("it is an IP address with a port; write it as 127.0.0.1:{port}")
    })
}

fn connections() -> RangedU64ValueParser<usize> {
    RangedU64ValueParser::new().range(1..=u64::from(u32::MAX))
}

fn origin(text: &str) -> Result<Origin, &'static str> {
    Origin::parse(text).ok_or("must look like https://www.example.org, without a path or a default port")
}

fn tenant(text: &str) -> Result<TenantId, &'static str> {
    let key = convor::credentials::TenantKey::parse(text).map(|key| key.tenant);
    key.or_else(|| text.parse().ok()).ok_or("must be a tenant's id or key")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(arguments: &[&str]) -> String {
        let refused = Args::try_parse_from(["convor-server"].iter().chain(arguments));
        refused.err().map(|error| error.to_string()).unwrap_or_default()
    }

    #[test]
    fn an_address_that_is_none_is_answered_with_how_to_write_it() {
        for (listen, written) in [
            ("localhost:9999", "127.0.0.1:9999"),
            ("8081", "127.0.0.1:8081"),
            (":8081", "127.0.0.1:8081"),
            ("nowhere", "127.0.0.1:8080"),
        ] {
            let said = refusal(&["--listen", listen]);
            assert!(said.contains(&format!("write it as {written}")), "{said}");
        }
        assert_eq!(refusal(&["--listen", "[::1]:0"]), "");
    }

    #[test]
    fn a_server_that_serves_nobody_is_refused() {
        for (number, taken) in [("0", false), ("1", true), ("-1", false), ("99999999999999", false)] {
            assert_eq!(refusal(&["--connections-max", number]).is_empty(), taken, "{number}");
        }
    }
}
