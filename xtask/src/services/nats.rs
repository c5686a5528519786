//! A NATS server for the tests, which keeps nothing and is gone when they end.

use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::{env, fs};

use anyhow::{Context, Result};

use super::kept::{Keeping, Kept};
use super::{Service, Variable};
use crate::process::find;
use crate::workspace::Workspace;

/// Names a server by its address.
const SERVER: &str = "CONVOR_TEST_NATS";

/// The program, for tests that stop and restrict servers of their own.
const PROGRAM: &str = "CONVOR_NATS_PROGRAM";

const KEEPING: Keeping = Keeping {
    name: "NATS",
    variable: SERVER,
    folder: "convor-nats",
    script: include_str!("../../../tests/src/nats/keeper.sh"),
    begin: "start",
    programs: "PROGRAM",
    prepare: |_, _| Ok(()),
};

#[derive(Default)]
pub(crate) struct Nats(Option<Kept>);

impl Service for Nats {
    fn missing(&self) -> Vec<&'static str> {
        if program().is_some() { Vec::new() } else { vec!["nats-server"] }
    }

    /// Debian's package would start a server of its own, for everybody. Masked, it is installed and stays still.
    fn before_installing(&self) -> Result<()> {
        let unit = Path::new("/etc/systemd/system/nats-server.service");
        if program().is_some() || unit.symlink_metadata().is_ok() {
            return Ok(());
        }
        fs::create_dir_all("/etc/systemd/system")?;
        Ok(symlink("/dev/null", unit)?)
    }

    fn start(&mut self, _: &Workspace) -> Result<()> {
        self.0 = KEEPING.start_unless_named(program())?;
        Ok(())
    }

    fn variables(&self, _: &Workspace) -> Result<Vec<Variable>> {
        let mut variables: Vec<Variable> = vec![(PROGRAM, program().context("no NATS server")?.into())];
        if let Some(Kept { port, .. }) = &self.0 {
            variables.push((SERVER, format!("nats://127.0.0.1:{port}").into()));
        }
        Ok(variables)
    }
}

/// Debian keeps it where the search path of a plain user does not reach.
fn program() -> Option<PathBuf> {
    let named = env::var_os(PROGRAM).map(PathBuf::from);
    let debian = PathBuf::from("/usr/sbin/nats-server");
    let candidates = [named, find(&["nats-server"]), Some(debian)];
    candidates.into_iter().flatten().find(|program| program.is_file())
}

#[cfg(test)]
mod tests {
    use super::super::kept::tests::{it_leaves_nothing, it_says_why_it_does_not_start};
    use super::*;

    #[test]
    fn a_server_is_gone_with_all_it_wrote_when_nobody_holds_it() {
        it_leaves_nothing(&KEEPING, &program().expect("NATS is installed"));
    }

    #[test]
    fn a_server_that_does_not_start_says_why_and_leaves_nothing() {
        let program = program().expect("NATS is installed");
        it_says_why_it_does_not_start(&KEEPING, &program, "address already in use");
    }
}
