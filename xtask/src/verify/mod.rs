//! `cargo xtask verify`: says what is wrong and changes no tracked file.
//!
//! What is built and installed lands in the target folder and in `node_modules`, which no commit contains.

mod dependencies;
mod policy;
mod sizes;
mod types;
mod widget;
mod words;

use anyhow::Result;

use crate::process::{output, run};
use crate::steps::Steps;
use crate::weight;
use crate::workspace::Workspace;

pub(crate) fn verify(workspace: &Workspace) -> Result<()> {
    let mut steps = Steps::default();
    steps.run("lock", || lock(workspace));
    steps.run("format", || run(workspace.cargo().args(["fmt", "--all", "--check"])));
    steps.run("clippy", || clippy(workspace, &["--workspace", "--all-targets", "--all-features"]));
    // Features unite over a workspace, so code that lacks its `cfg` shows only where a crate is built alone.
    steps.run("clippy of the core alone", || clippy(workspace, &["--package", "convor"]));
    steps.run("clippy of hyper without features", || {
        clippy(workspace, &["--package", "convor-hyper", "--no-default-features"])
    });
    steps.run("clippy of the databases' stores without features", || {
        clippy(workspace, &["--package", "convor-postgres", "--package", "convor-sqlite"])
    });
    steps.run("docs", || docs(workspace));
    steps.run("dependencies", || dependencies::check(workspace));
    steps.run("weight", || weight::check_core(workspace));
    steps.run("sizes", || sizes::check(workspace));
    steps.run("words", || words::check(workspace));
    steps.run("widget", || widget::check(workspace));
    steps.run("types", || types::check(workspace));
    steps.finish()
}

/// `Cargo.lock` agrees with the manifests. Every other step says `--locked` too, so that none repairs it.
fn lock(workspace: &Workspace) -> Result<()> {
    output(workspace.cargo().args(["metadata", "--locked", "--format-version", "1"])).map(drop)
}

fn clippy(workspace: &Workspace, selection: &[&str]) -> Result<()> {
    run(workspace.cargo().args(["clippy", "--locked"]).args(selection).args(["--", "--deny", "warnings"]))
}

fn docs(workspace: &Workspace) -> Result<()> {
    run(workspace
        .cargo()
        .args(["doc", "--locked", "--no-deps", "--workspace", "--all-features"])
        .env("RUSTDOCFLAGS", "--deny warnings"))
}
