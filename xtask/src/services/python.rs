//! Python, with a WebSocket client that others have written, in an environment of its own.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::Result;

use super::{Service, Variable};
use crate::process::{run, succeeds};
use crate::workspace::Workspace;

const REQUIREMENTS: &str = "tests/foreign/requirements.txt";

pub(crate) struct Python;

impl Service for Python {
    /// Debian splits what creates environments from Python itself, so that is what is asked for.
    fn missing(&self) -> Vec<&'static str> {
        let creates_environments = succeeds(Command::new("python3").args(["-c", "import ensurepip, venv"]));
        if creates_environments { Vec::new() } else { vec!["python3-venv"] }
    }

    fn start(&mut self, workspace: &Workspace) -> Result<()> {
        let wanted = workspace.read(REQUIREMENTS)?;
        let environment = environment(workspace);
        // Written last, hence a sign that the environment is complete and what is in it.
        let installed = environment.join("requirements.txt");
        if fs::read_to_string(&installed).is_ok_and(|text| text == wanted) {
            return Ok(());
        }
        run(workspace.command("python3").args(["-m", "venv", "--clear"]).arg(&environment))?;
        run(workspace
            .command(interpreter(workspace))
            .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement"])
            .arg(REQUIREMENTS))?;
        Ok(fs::write(installed, wanted)?)
    }

    fn variables(&self, workspace: &Workspace) -> Result<Vec<Variable>> {
        Ok(vec![("CONVOR_PYTHON", interpreter(workspace).into())])
    }
}

fn environment(workspace: &Workspace) -> PathBuf {
    workspace.target("python")
}

fn interpreter(workspace: &Workspace) -> PathBuf {
    environment(workspace).join("bin/python")
}
