//! A NATS server for the tests, which keeps nothing and is gone when they end.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::os::unix::fs::symlink;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::{env, fs};

use anyhow::{Context, Result, bail};

use super::{Service, Variable};
use crate::process::find;
use crate::workspace::Workspace;

/// Names a server by its address; whoever runs one already may name it, and it is used as it is.
const SERVER: &str = "CONVOR_TEST_NATS";

/// The program, for tests that stop and restrict servers of their own.
const PROGRAM: &str = "CONVOR_NATS_PROGRAM";

/// Lives as long as the server does, and outlives this program to clean up after it.
const KEEPER: &str = include_str!("../../../tests/nats/keeper.sh");

/// How many ports are tried: between being found free and being used, somebody else may take one.
const PORTS_MAX: usize = 5;

#[derive(Default)]
pub(crate) struct Nats(Option<Server>);

struct Server {
    keeper: Child,
    port: u16,
}

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
        if env::var_os(SERVER).is_some() {
            return Ok(());
        }
        let program = program().context("no NATS server")?;
        let mut said = String::new();
        for _ in 0..PORTS_MAX {
            match Server::start(&program)? {
                Ok(server) => {
                    self.0 = Some(server);
                    return Ok(());
                }
                Err(log) => said = log,
            }
        }
        bail!("NATS does not start. It says:\n{said}")
    }

    fn variables(&self, _: &Workspace) -> Result<Vec<Variable>> {
        let mut variables: Vec<Variable> = vec![(PROGRAM, program().context("no NATS server")?.into())];
        if let Some(Server { port, .. }) = &self.0 {
            variables.push((SERVER, format!("nats://127.0.0.1:{port}").into()));
        }
        Ok(variables)
    }
}

impl Server {
    /// A server that serves, or what it has said instead.
    fn start(program: &Path) -> Result<Result<Self, String>> {
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        Self::start_at(port, program)
    }

    fn start_at(port: u16, program: &Path) -> Result<Result<Self, String>> {
        let folder = folder(port);
        fs::create_dir(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
        let mut keeper = Command::new("sh")
            .args(["-c", KEEPER])
            .env("PROGRAM", program)
            .env("PORT", port.to_string())
            .env("FOLDER", &folder)
            // Ctrl-C is for this program, whose end the keeper sees.
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .context("cannot start `sh`")?;
        keeper.stdin.as_ref().context("piped")?.write_all(b"start\n")?;
        let mut status = String::new();
        BufReader::new(keeper.stdout.take().context("piped")?).read_line(&mut status)?;
        // Dropped, the keeper cleans up.
        let server = Self { keeper, port };
        if status == "0\n" { Ok(Ok(server)) } else { Ok(Err(fs::read_to_string(folder.join("said"))?)) }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.keeper.stdin.take());
        // The folder is gone when the keeper is, or there is nobody left to tell.
        let _ = self.keeper.wait();
    }
}

/// Where a server has its files.
fn folder(port: u16) -> PathBuf {
    env::temp_dir().join(format!("convor-nats-{}-{port}", std::process::id()))
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
    use std::net::TcpStream;

    use super::*;

    #[test]
    fn a_server_is_gone_with_all_it_wrote_when_nobody_holds_it() {
        let server = Server::start(&program().expect("NATS is installed")).expect("a start");
        let server = server.expect("a server");
        let (address, folder) = (("127.0.0.1", server.port), folder(server.port));
        assert!(TcpStream::connect(address).is_ok() && folder.exists());
        drop(server);
        assert!(TcpStream::connect(address).is_err() && !folder.exists());
    }

    #[test]
    fn a_server_that_does_not_start_says_why_and_leaves_nothing() {
        let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = taken.local_addr().expect("an address").port();
        let said = Server::start_at(port, &program().expect("NATS is installed")).expect("a start");
        assert!(said.is_err_and(|said| said.contains("address already in use")));
        assert!(!folder(port).exists());
    }
}
