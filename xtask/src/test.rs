//! `cargo xtask test`: brings what the tests need, then runs them all.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};
use cargo_metadata::Message;

use crate::process::{find, output, run};
use crate::services::{Chromium, Nats, Node, Postgres, Python, Service, Services};
use crate::steps::Steps;
use crate::workspace::Workspace;

const SERVER: &str = "convor-server";

pub(crate) fn test(workspace: &Workspace, arguments: &[String]) -> Result<()> {
    let suite = Suite::prepare(workspace)?;
    let mut steps = Steps::default();
    // The examples come first so that the tests' own count is what a run ends with.
    if arguments.is_empty() {
        steps.run("examples in the docs", || run(&mut suite.examples()));
        steps.run("tests of the client", || run(&mut suite.client_tests()?));
    }
    steps.run("tests", || run(suite.tests()?.args(arguments)));
    steps.finish()
}

/// The tests with all that they need in place.
pub(crate) struct Suite<'w> {
    workspace: &'w Workspace,
    services: Services,
    server: PathBuf,
    runner: Runner,
}

/// What runs the tests; neither prints as the other does.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Runner {
    Cargo,
    Nextest,
}

impl<'w> Suite<'w> {
    pub(crate) fn prepare(workspace: &'w Workspace) -> Result<Self> {
        let services: Vec<Box<dyn Service>> = vec![
            Box::new(Chromium),
            Box::new(Node),
            Box::new(Python),
            Box::new(Postgres::default()),
            Box::new(Nats::default()),
        ];
        let services = Services::start(workspace, services)?;
        let runner = if find(&["cargo-nextest"]).is_some() { Runner::Nextest } else { Runner::Cargo };
        Ok(Self { workspace, services, server: build_server(workspace)?, runner })
    }

    /// The examples in the docs, which nextest does not run.
    pub(crate) fn examples(&self) -> Command {
        let mut command = self.workspace.cargo();
        command.args(["test", "--doc", "--workspace", "--all-features"]);
        command
    }

    /// The tests of the JavaScript client, which need nothing but Node.js.
    fn client_tests(&self) -> Result<Command> {
        let files = self.workspace.files()?;
        let is_test = |file: &&PathBuf| file.to_string_lossy().ends_with(".test.js");
        let mut command = self.workspace.command("node");
        command.arg("--test").args(files.iter().filter(is_test));
        Ok(command)
    }

    /// Every test but the examples. More arguments may follow.
    pub(crate) fn tests(&self) -> Result<Command> {
        let mut command = self.workspace.cargo();
        match self.runner {
            Runner::Nextest => command.args(["nextest", "run"]),
            Runner::Cargo => command.args(["test", "--tests"]),
        };
        command.args(["--workspace", "--all-features", "--no-fail-fast"]);
        command.env("CONVOR_SERVER", &self.server).envs(self.services.variables(self.workspace)?);
        Ok(command)
    }

    /// The same tests with their full counts, and with all that they print.
    pub(crate) fn proofs(&self) -> Result<Command> {
        let mut command = self.tests()?;
        match self.runner {
            Runner::Nextest => command.args(["--success-output", "immediate"]),
            Runner::Cargo => command.args(["--", "--show-output"]),
        };
        command.env("CONVOR_PROVE", "1");
        Ok(command)
    }
}

/// Builds the server with the features of the whole workspace, as the tests are built, so that nothing is
/// compiled twice; returns where cargo has put it.
fn build_server(workspace: &Workspace) -> Result<PathBuf> {
    let mut build = workspace.cargo();
    build.args(["build", "--workspace", "--all-features", "--bin", SERVER]);
    let messages = output(build.args(["--message-format", "json-render-diagnostics"]))?;
    Message::parse_stream(messages.as_bytes())
        .filter_map(|message| match message {
            Ok(Message::CompilerArtifact(artifact)) if artifact.target.name == SERVER => artifact.executable,
            _ => None,
        })
        .map(PathBuf::from)
        .last()
        .with_context(|| format!("cargo built no {SERVER}"))
}
