//! The types that the JavaScript states in its comments, checked by the TypeScript compiler.

use anyhow::Result;

use crate::process::run;
use crate::services::{Node, Services};
use crate::workspace::Workspace;

const PROJECT: &str = "clients/js/tsconfig.json";

pub(super) fn check(workspace: &Workspace) -> Result<()> {
    Services::start(workspace, vec![Box::new(Node)])?;
    run(workspace.command(Node::program(workspace, "tsc")).args(["--project", PROJECT]))
}
