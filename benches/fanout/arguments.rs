//! What the program is told.

use std::path::PathBuf;

use anyhow::{Context, Result, bail, ensure};
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
    /// 1,000 subscribers only, few and short rounds, and not the parts `noisy` and `overload`
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
            // Both take long, and a quick run is to be over in two minutes.
            Source::Memory => !self.quick || !matches!(part, Part::Noisy | Part::Overload),
            Source::Postgres(_) => match part {
                Part::Rooms => true,
                Part::Flat | Part::Noisy | Part::Storm | Part::Overload => !self.quick,
                Part::Paced | Part::Burst | Part::Idle | Part::Syscalls => false,
            },
            // Whoever wants somebody's own server to be stormed and overloaded says so.
            Source::Target(_) => {
                !matches!(part, Part::Storm | Part::Overload) && self.own.lacks(part).is_none()
            }
        }
    }

    /// Fails if a part is named that cannot be measured.
    pub(crate) fn check(&self) -> Result<()> {
        for part in self.only.iter().filter(|_| self.own.target.is_some()) {
            if let Some(why) = self.own.lacks(*part) {
                let name = part.to_possible_value().context("every part has a name")?;
                bail!("`{}` {why}", name.get_name());
            }
        }
        Ok(())
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
    /// Why this part cannot be measured on the target; `None` if it can.
    fn lacks(&self, part: Part) -> Option<&'static str> {
        let (is_convor, is_known) = (self.site.is_some(), self.pid.is_some());
        let has_rooms = is_convor || self.target.as_ref().is_some_and(|url| url.contains("{room}"));
        match part {
            Part::Paced | Part::Burst => None,
            Part::Rooms => (!has_rooms).then_some("needs rooms: put `{room}` into the target's path"),
            Part::Flat => Some("makes servers with what is idle on them and measures no target"),
            Part::Noisy => Some("makes tenants of its own and measures no target"),
            Part::Storm | Part::Overload if !is_convor => Some(
                "measures Convor only: name a site, its tenant and an operator with --site, --tenant and --email",
            ),
            Part::Idle | Part::Storm | Part::Overload => {
                (!is_known).then_some("needs the server's memory: name its process with --pid")
            }
            Part::Syscalls => {
                (!is_known).then_some("needs the server's system calls: name its process with --pid")
            }
        }
    }

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

    #[test]
    fn a_quick_run_leaves_out_what_takes_long_unless_it_is_named() {
        let is_wanted = |words: &str, part| {
            let arguments = Arguments::try_parse_from(words.split(' ')).expect("arguments");
            arguments.run.is_wanted(part, &Source::Memory)
        };
        for part in [Part::Noisy, Part::Overload] {
            assert!(is_wanted("x --json f", part) && !is_wanted("x --quick", part));
            assert!(is_wanted("x --quick --only noisy,overload", part));
        }
        assert!(is_wanted("x --quick", Part::Storm));
    }

    #[test]
    fn a_target_is_measured_only_where_it_can_be() {
        let refused = |words: &str| {
            let arguments = Arguments::try_parse_from(words.split(' ')).expect("arguments");
            arguments.run.check().err().map(|error| error.to_string())
        };
        let plain = "x --target ws://h:1/{room}";
        let convor = "x --target ws://h:1/chat --site cvk_x --tenant cvt_x --email a@b.example";
        for (target, parts) in [
            (plain, "paced,burst,rooms"),
            (&format!("{plain} --pid 1"), "idle,syscalls"),
            (convor, "paced,burst,rooms"),
            (&format!("{convor} --pid 1"), "idle,syscalls,storm,overload"),
        ] {
            assert_eq!(refused(&format!("{target} --only {parts}")), None);
        }
        for (target, part, needs) in [
            (plain, "idle", "the server's memory: name its process with --pid"),
            (plain, "syscalls", "name its process with --pid"),
            (&format!("{plain} --pid 1"), "storm", "--site"),
            (&format!("{plain} --pid 1"), "overload", "--site"),
            ("x --target ws://h:1/all", "rooms", "{room}"),
            (convor, "storm", "the server's memory: name its process with --pid"),
            (convor, "overload", "the server's memory: name its process with --pid"),
            (&format!("{convor} --pid 1"), "flat", "measures no target"),
            (&format!("{convor} --pid 1"), "noisy", "measures no target"),
        ] {
            let error = refused(&format!("{target} --only paced,{part}")).expect("it is refused");
            assert!(error.starts_with(&format!("`{part}` ")) && error.contains(needs), "{error}");
        }
        assert_eq!(refused("x --only noisy,storm"), None, "there is no target");
        assert_eq!(refused(plain), None, "what it cannot have is left out");
    }
}
