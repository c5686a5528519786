//! What the server is told at its start.

use std::net::SocketAddr;
use std::str::FromStr;

use clap::Parser;
use convor::domain::Origin;

/// A live-chat server on Convor: visitor page, operator dashboard, HTTP and WebSocket API under /chat.
#[derive(Debug, Parser)]
#[command(name = "convor-server", version, about)]
pub(crate) struct Args {
    /// The address to listen on; port 0 takes a free one.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8080")]
    pub(crate) listen: SocketAddr,

    /// Where conversations are kept: `memory` (gone when the server stops).
    #[arg(long, value_name = "STORAGE", default_value = "memory")]
    pub(crate) storage: StorageUrl,

    /// Make two tenants with a site, an owner and an operator each, and print how to reach them.
    #[arg(long)]
    pub(crate) demo: bool,

    /// How many connections are served at once; the next one is turned away.
    #[arg(long, value_name = "NUMBER", default_value_t = 20_000)]
    pub(crate) connections_max: usize,

    /// Another origin under which the pages are reached, such as that of a proxy; may be repeated.
    #[arg(long = "origin", value_name = "ORIGIN", value_parser = origin)]
    pub(crate) more_origins: Vec<Origin>,
}

/// Where conversations are kept.
#[derive(Debug, Clone, Copy)]
pub(crate) enum StorageUrl {
    Memory,
}

impl FromStr for StorageUrl {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "memory" => Ok(Self::Memory),
            _ => Err("the only storage so far is `memory`"),
        }
    }
}

impl Args {
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
