//! `cargo xtask fix`: rewrites what a machine can rewrite.

use anyhow::Result;

use crate::process::run;
use crate::workspace::Workspace;

pub(crate) fn fix(workspace: &Workspace) -> Result<()> {
    let everything = ["--workspace", "--all-targets", "--all-features"];
    run(workspace.cargo().args(["clippy", "--fix", "--allow-dirty", "--allow-staged"]).args(everything))?;
    run(workspace.cargo().args(["fmt", "--all"]))
}
