//! `cargo xtask bench`: what things cost, as ratios that are measured in one run.

use anyhow::Result;
use clap::Subcommand;

use crate::process::run;
use crate::services::{Postgres, Services};
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
}

pub(crate) fn bench(workspace: &Workspace, bench: &Bench) -> Result<()> {
    let Bench::Storage { arguments } = bench;
    let services = Services::start(workspace, vec![Box::<Postgres>::default()])?;
    let mut command = workspace.cargo();
    command
        .args(["run", "--release", "-p", "convor-benches", "--bin", "bench-storage", "--"])
        .args(arguments);
    run(command.envs(services.variables(workspace)?))
}
