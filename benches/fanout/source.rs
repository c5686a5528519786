//! Where the server comes from that is measured.

use std::net::{SocketAddr, ToSocketAddrs};

use anyhow::{Context, Result, bail, ensure};

use crate::cores::Cores;
use crate::desk::Credentials;
use crate::postgres::Postgres;
use crate::subject::{Plain, Subject};

/// Where the server comes from that is measured.
#[derive(Debug)]
pub(crate) enum Source {
    /// The reference server, started anew for each part, with its storage in memory,
    Memory,
    /// or in a database of its own.
    Postgres(Box<Postgres>),
    /// A server that runs, whatever it is.
    Target(Target),
}

/// A server that runs.
#[derive(Debug)]
pub(crate) struct Target {
    pub(crate) process: Option<u32>,
    pub(crate) kind: Kind,
}

#[derive(Debug)]
pub(crate) enum Kind {
    Convor(Credentials),
    Plain(Plain),
}

impl Source {
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::Postgres(_) => "postgres",
            Self::Target(_) => "target",
        }
    }

    pub(crate) fn subject(&self, cores: Cores) -> Result<Subject> {
        match self {
            Self::Memory => Subject::convor(None, cores),
            Self::Postgres(postgres) => Subject::convor(Some(postgres.database()), cores),
            Self::Target(target) => match &target.kind {
                Kind::Convor(credentials) => Subject::running_convor(credentials, target.process),
                Kind::Plain(plain) => Ok(Subject::running_plain("target", plain.clone(), target.process)),
            },
        }
    }

    /// One that does no more at once than it does as it is shipped.
    pub(crate) fn shedding(&self, cores: Cores) -> Result<Subject> {
        match self {
            Self::Memory => Subject::shedding(None, cores),
            Self::Postgres(postgres) => Subject::shedding(Some(postgres.database()), cores),
            Self::Target(_) => self.subject(cores),
        }
    }

    /// A server with so many tenants.
    pub(crate) fn house(&self, tenants: usize, cores: Cores) -> Result<Subject> {
        match self {
            Self::Memory => Subject::house(tenants, None, cores),
            Self::Postgres(postgres) => Subject::house(tenants, Some(postgres.database()), cores),
            Self::Target(_) => bail!("a target's tenants are its own"),
        }
    }

    /// Whether what is aimed at is aimed at with it.
    pub(crate) fn has_goals(&self) -> bool {
        !matches!(self, Self::Target(_))
    }

    /// Whether a message waits for a disk.
    pub(crate) fn has_disk(&self) -> bool {
        matches!(self, Self::Postgres(_))
    }
}

/// The address and the path of `ws://HOST:PORT/PATH`.
pub(crate) fn place(url: &str) -> Result<(SocketAddr, String)> {
    let rest = url.strip_prefix("ws://").context("a target is ws://HOST:PORT/PATH, without TLS")?;
    let (host, path) =
        rest.split_once('/').map_or((rest, String::new()), |(host, path)| (host, format!("/{path}")));
    let mut addresses = host.to_socket_addrs().with_context(|| format!("{host} is no HOST:PORT"))?;
    let address = addresses.next().context("the target has no address")?;
    ensure!(!path.contains(char::is_whitespace), "a path has no spaces");
    Ok((address, path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_named_by_its_address_and_path() {
        let (address, path) = place("ws://127.0.0.1:9001/room/{room}?x=1").expect("a target");
        assert_eq!((address.port(), path.as_str()), (9001, "/room/{room}?x=1"));
        assert_eq!(place("ws://127.0.0.1:9001").expect("a target").1, "");
        assert!(place("wss://127.0.0.1:9001/").is_err() && place("ws://127.0.0.1").is_err());
    }
}
