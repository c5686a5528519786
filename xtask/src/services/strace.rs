//! What counts system calls.

use anyhow::Result;

use super::{Service, Variable};
use crate::process::find;
use crate::workspace::Workspace;

pub(crate) struct Strace;

impl Service for Strace {
    fn missing(&self) -> Vec<&'static str> {
        if find(&["strace"]).is_some() { Vec::new() } else { vec!["strace"] }
    }

    /// It is started by whoever has a process to watch.
    fn start(&mut self, _: &Workspace) -> Result<()> {
        Ok(())
    }

    fn variables(&self, _: &Workspace) -> Result<Vec<Variable>> {
        Ok(Vec::new())
    }
}
