//! `cargo xtask`: everything that is run on this repository, by people and by CI alike.
//!
//! `verify` says what is wrong and changes nothing, `fix` rewrites what can be rewritten, `test` brings what
//! the tests need and runs them, `bench` measures, `prove` runs the long proofs and writes `docs/proof.md`.

mod bench;
mod fix;
mod process;
mod prove;
mod services;
mod steps;
mod test;
mod verify;
mod weight;
mod workspace;

use std::process::ExitCode;

use anyhow::Result;
use clap::Parser;

use crate::workspace::Workspace;

#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", about = "What is run on the repository.")]
enum Task {
    /// Check format, lints, docs, licences, sizes and types, and change no tracked file
    Verify,
    /// Format the sources and apply what clippy can repair
    Fix,
    /// Provide what the tests need and run them all, or those that a filter names
    Test {
        /// Handed to the test runner as they are; the examples in the docs are left out then
        #[arg(last = true)]
        arguments: Vec<String>,
    },
    /// Measure what things cost, as ratios within one run
    Bench {
        #[command(subcommand)]
        what: bench::Bench,
    },
    /// Run the long proofs with their full counts and write docs/proof.md
    Prove,
}

fn main() -> ExitCode {
    match run(Task::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(task: Task) -> Result<()> {
    let workspace = Workspace::find()?;
    match task {
        Task::Verify => verify::verify(&workspace),
        Task::Fix => fix::fix(&workspace),
        Task::Test { arguments } => test::test(&workspace, &arguments),
        Task::Bench { what } => bench::bench(&workspace, &what),
        Task::Prove => prove::prove(&workspace),
    }
}
