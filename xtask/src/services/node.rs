//! Node.js and the packages of `tests/browser`: the TypeScript compiler and the accessibility rules.

use std::ffi::OsString;
use std::fs;

use anyhow::Result;

use super::{Service, Variable};
use crate::process::{find, run};
use crate::workspace::Workspace;

const FOLDER: &str = "tests/browser";

pub(crate) struct Node;

impl Node {
    /// A program that one of the packages brings.
    pub(crate) fn program(workspace: &Workspace, name: &str) -> OsString {
        workspace.path(FOLDER).join("node_modules/.bin").join(name).into()
    }
}

impl Service for Node {
    fn missing(&self) -> Vec<&'static str> {
        let mut packages = Vec::new();
        packages.extend(find(&["node"]).is_none().then_some("nodejs"));
        packages.extend(find(&["npm"]).is_none().then_some("npm"));
        packages
    }

    fn start(&mut self, workspace: &Workspace) -> Result<()> {
        if is_installed(workspace) {
            return Ok(());
        }
        run(workspace.command("npm").arg("ci").current_dir(workspace.path(FOLDER)))
    }

    fn variables(&self, workspace: &Workspace) -> Result<Vec<Variable>> {
        let axe = workspace.path(FOLDER).join("node_modules/axe-core/axe.min.js");
        Ok(vec![("CONVOR_AXE", axe.into())])
    }
}

/// Whether the packages are those of the lock: npm leaves a copy of it behind when it has installed them.
fn is_installed(workspace: &Workspace) -> bool {
    let age = |file: &str| fs::metadata(workspace.path(FOLDER).join(file))?.modified();
    match (age("package-lock.json"), age("node_modules/.package-lock.json")) {
        (Ok(locked), Ok(installed)) => installed >= locked,
        _ => false,
    }
}
