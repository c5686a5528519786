//! `cargo xtask bench`: what things cost, as ratios that are measured in one run.

use anyhow::Result;
use clap::Subcommand;

use crate::process::run;
use crate::services::{PostgresPrograms, Service, Services, Strace, Variable};
use crate::workspace::Workspace;

/// What is measured.
#[derive(Debug, Subcommand)]
pub(crate) enum Bench {
    /// The PostgreSQL storage beside a raw insert, on a throw-away server on this machine's disk
    Storage {
        /// `--quick`, `--only append|fan-out|reads|sweeps`, `--json FILE`
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// The server beside a bare one that does nothing but send: paced, in a burst, in rooms, idle
    Fanout {
        /// `--quick`, `--only PARTS`, `--sizes NUMBERS`, `--storage memory|postgres`, `--json FILE`, `--plots FOLDER`, or
        /// `--target URL`, a server of one's own; `--help` says more
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
}

const SERVER: &str = "convor-server";

pub(crate) fn bench(workspace: &Workspace, bench: &Bench) -> Result<()> {
    match bench {
        Bench::Storage { arguments } => {
            let services = Services::start(workspace, vec![Box::new(PostgresPrograms)])?;
            measure(workspace, "bench-storage", arguments, services.variables(workspace)?)
        }
        Bench::Fanout { arguments }
            if arguments.iter().any(|argument| argument == "--help" || argument == "-h") =>
        {
            measure(workspace, "bench-fanout", arguments, Vec::new())
        }
        Bench::Fanout { arguments } => {
            let services = Services::start(workspace, needed(arguments))?;
            run(workspace.cargo().args(["build", "--release", "-p", SERVER]))?;
            let mut variables = services.variables(workspace)?;
            variables.push(("CONVOR_SERVER", workspace.target("release").join(SERVER).into()));
            measure(workspace, "bench-fanout", arguments, variables)
        }
    }
}

fn measure(workspace: &Workspace, bin: &str, arguments: &[String], variables: Vec<Variable>) -> Result<()> {
    let mut command = workspace.cargo();
    command.args(["run", "--release", "-p", "convor-benches", "--bin", bin, "--"]).args(arguments);
    run(command.envs(variables))
}

/// What a measurement of the fan-out with these arguments needs.
fn needed(arguments: &[String]) -> Vec<Box<dyn Service>> {
    let mut services: Vec<Box<dyn Service>> = Vec::new();
    let value = |name: &str| {
        let mut following = arguments.iter().skip_while(|argument| *argument != name).skip(1);
        let joined = arguments.iter().find_map(|argument| argument.strip_prefix(name)?.strip_prefix('='));
        joined.or_else(|| following.next().map(String::as_str))
    };
    let is_own = value("--target").is_some();
    if value("--storage").is_none_or(|storages| storages.contains("postgres")) && !is_own {
        services.push(Box::new(PostgresPrograms));
    }
    if value("--only").is_none_or(|parts| parts.contains("syscalls")) {
        services.push(Box::new(Strace));
    }
    services
}
