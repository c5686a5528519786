//! What the program is told.

use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::bare::Bare;
use crate::desk::Credentials;
use crate::effort::{Effort, FULL, QUICK, SIZES};
use crate::house::House;
use crate::plan::Acknowledged;
use crate::postgres::Postgres;
use crate::source::{Kind, Source, Target, place};
use crate::subject::Plain;

/// What a delivery costs, as ratios to a bare server that is measured beside it.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask bench fanout", args_conflicts_with_subcommands = true)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) role: Option<Role>,

    #[command(flatten)]
    pub(crate) run: Run,
}

/// What this program starts itself as.
#[derive(Debug, Subcommand)]
pub(crate) enum Role {
    /// A bare server, until its standard input ends
    Bare(Bare),
    /// A client, which is told what to do over its standard input
    Client,
    /// Clients that go on when they are refused or cut off, told in the same way
    Crowd,
    /// A Convor server with many tenants, until its standard input ends
    House(House),
}

/// What is measured, and how thoroughly.
#[derive(Debug, Args)]
pub(crate) struct Run {
    /// 1,000 subscribers only, and few and short rounds
    #[arg(long)]
    quick: bool,

    /// Only these parts
    #[arg(long, value_name = "PARTS", value_delimiter = ',')]
    only: Vec<Part>,

    /// Numbers of subscribers [default: 100,1000,5000,10000]
    #[arg(long, value_name = "NUMBERS", value_delimiter = ',')]
    sizes: Vec<usize>,

    /// Where the server keeps conversations [default: memory,postgres]
    #[arg(long, value_name = "STORAGES", value_delimiter = ',')]
    storage: Vec<Storage>,

    /// Writes what was found as JSON
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,

    /// Draws curves into this folder, as SVG
    #[arg(long, value_name = "FOLDER")]
    pub(crate) plots: Option<PathBuf>,

    #[command(flatten)]
    own: Own,
}

/// A server of one's own in place of the reference server.
#[derive(Debug, Args)]
struct Own {
    /// A server that runs: where Convor is mounted (`ws://127.0.0.1:8080/chat`, with the keys below), or a WebSocket that
    /// sends on to everybody what one sends, with `{room}` where the number of a room stands
    #[arg(long, value_name = "URL", conflicts_with = "storage")]
    target: Option<String>,

    /// Its process, for CPU, memory and system calls
    #[arg(long, value_name = "PID", requires = "target")]
    pid: Option<u32>,

    /// It sends a message back to its sender, too, who waits for that
    #[arg(long, requires = "target", conflicts_with = "site")]
    echo: bool,

    /// The key of a site on it, if it is a Convor server
    #[arg(long, value_name = "KEY", requires_all = ["target", "tenant", "email"])]
    site: Option<String>,

    /// The key of the site's tenant
    #[arg(long, value_name = "KEY", requires = "site")]
    tenant: Option<String>,

    /// The e-mail address of one of its operators, whose password stands in `CONVOR_BENCH_PASSWORD`
    #[arg(long, value_name = "ADDRESS", requires = "site")]
    email: Option<String>,
}

/// What can be measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Part {
    /// 20,000 deliveries a second to all subscribers together
    Paced,
    /// 16 posts in flight
    Burst,
    /// 1,000 rooms of two with one message in flight each
    Rooms,
    /// The memory of connections on which nothing happens
    Idle,
    /// Sends and system calls a delivery, counted by strace
    Syscalls,
    /// The paced load beside idle tenants, conversations and connections
    Flat,
    /// What tenants notice of another one that sends ten times what it may
    Noisy,
    /// Thousands of connections that are cut at once, and come back at once
    Storm,
    /// Three times as many posts as can be served
    Overload,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Storage {
    Memory,
    Postgres,
}

impl Run {
    pub(crate) fn effort(&self) -> Effort {
        if self.quick { QUICK } else { FULL }
    }

    pub(crate) fn sizes(&self) -> Vec<usize> {
        match (&self.sizes[..], self.quick) {
            ([], true) => vec![1_000],
            ([], false) => SIZES.to_vec(),
            (sizes, _) => sizes.to_vec(),
        }
    }

    /// Whether this part is to be measured with this source. A database adds the same to a fan-out of every size and nothing
    /// to an idle connection, so that by itself only the parts are done with it that it decides.
    pub(crate) fn is_wanted(&self, part: Part, source: &Source) -> bool {
        if !self.only.is_empty() {
            return self.only.contains(&part);
        }
        match source {
            Source::Memory => true,
            Source::Postgres(_) => match part {
                Part::Rooms => true,
                Part::Flat | Part::Noisy | Part::Storm | Part::Overload => !self.quick,
                Part::Paced | Part::Burst | Part::Idle | Part::Syscalls => false,
            },
            Source::Target(target) => match part {
                Part::Flat | Part::Noisy | Part::Storm | Part::Overload => false,
                Part::Idle | Part::Syscalls => target.process.is_some(),
                Part::Paced | Part::Burst | Part::Rooms => true,
            },
        }
    }

    pub(crate) fn sources(&self) -> Result<Vec<Source>> {
        if let Some(url) = &self.own.target {
            return Ok(vec![Source::Target(self.own.target(url)?)]);
        }
        let storages =
            if self.storage.is_empty() { &[Storage::Memory, Storage::Postgres][..] } else { &self.storage };
        let source = |storage: &Storage| match storage {
            Storage::Memory => Ok(Source::Memory),
            Storage::Postgres => Ok(Source::Postgres(Box::new(Postgres::start()?))),
        };
        storages.iter().map(source).collect()
    }
}

impl Own {
    fn target(&self, url: &str) -> Result<Target> {
        let (address, path) = place(url)?;
        let kind = match (&self.site, &self.tenant, &self.email) {
            (Some(site), Some(tenant), Some(email)) => Kind::Convor(Credentials {
                address,
                prefix: path.trim_end_matches('/').to_owned(),
                site_key: site.clone(),
                tenant_key: tenant.clone(),
                email: email.clone(),
                password: std::env::var("CONVOR_BENCH_PASSWORD")
                    .context("CONVOR_BENCH_PASSWORD holds the operator's password")?,
            }),
            _ => {
                ensure!(!path.is_empty(), "a target has a path: ws://HOST:PORT/PATH");
                let acknowledged = if self.echo { Acknowledged::Echo } else { Acknowledged::Never };
                Kind::Plain(Plain { address, path, acknowledged })
            }
        };
        Ok(Target { process: self.pid, kind })
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_arguments_agree_with_each_other() {
        Arguments::command().debug_assert();
        let parse = |words: &str| Arguments::try_parse_from(words.split(' '));
        assert!(parse("x --quick --only paced,burst --sizes 10,20 --storage memory").is_ok());
        assert!(parse("x --target ws://h:1/ --storage memory").is_err(), "a target has its storage");
        assert!(parse("x --target ws://h:1/ --site cvk_x").is_err(), "a Convor server needs an operator");
        assert!(parse("x --echo").is_err(), "there is no target");
    }
}
