//! What the server is told at its start.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Parser, Subcommand};
use convor::domain::Origin;
use convor::ids::TenantId;

use crate::storage::Url;

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
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8080")]
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

    /// Make two tenants with a site, an owner and an operator each, or find those of the last time, and print how to
    /// reach them.
    #[arg(long)]
    pub(crate) demo: bool,

    /// How many connections are served at once; the next one is turned away.
    #[arg(long, value_name = "NUMBER", default_value_t = 20_000)]
    pub(crate) connections_max: usize,

    /// Other bounds than the defaults, as a TOML file: each key is a field of `convor::Limits`, such as
    /// `queue_frames_max = 512`, `heartbeat = "10s"` or `messages = { per_minute = 60, burst = 20 }`.
    #[arg(long, value_name = "FILE")]
    pub(crate) limits: Option<PathBuf>,

    /// Another origin under which the pages are reached, such as that of a proxy; may be repeated.
    #[arg(long = "origin", value_name = "ORIGIN", value_parser = origin)]
    pub(crate) more_origins: Vec<Origin>,
}

/// Brings a PostgreSQL database to the schema of this version. It may be repeated; servers need not be stopped for
/// longer than it takes.
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
    /// The source: `sqlite:PATH`, `postgres://ROLE@HOST/DATABASE` or `archive:PATH`.
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

fn origin(text: &str) -> Result<Origin, &'static str> {
    Origin::parse(text).ok_or("must look like https://www.example.org, without a path or a default port")
}

fn tenant(text: &str) -> Result<TenantId, &'static str> {
    let key = convor::credentials::TenantKey::parse(text).map(|key| key.tenant);
    key.or_else(|| text.parse().ok()).ok_or("must be a tenant's id or key")
}
