//! A PostgreSQL server for the tests, which begins empty and is gone when they end.

use std::cmp::Reverse;
use std::fs::Permissions;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::{env, fs};

use anyhow::{Context, Result, bail};
use nix::unistd::{Uid, User};

use super::{Service, Variable};
use crate::process::{find, output};
use crate::workspace::Workspace;

/// Names a server, by the URL of a superuser; whoever runs one already may name it, and it is used as it is.
const SERVER: &str = "CONVOR_TEST_POSTGRES";

/// The folder with the programs, for tests that stop and damage servers of their own.
const PROGRAMS: &str = "CONVOR_POSTGRES_PROGRAMS";

/// What a server is made and run with.
const NEEDED: [&str; 4] = ["initdb", "pg_ctl", "postgres", "pg_basebackup"];

/// Lives as long as the server does, and outlives this program to clean up after it.
const KEEPER: &str = include_str!("../../../tests/src/postgres/keeper.sh");

/// How many ports are tried: between being found free and being used, somebody else may take one.
const PORTS_MAX: usize = 5;

#[derive(Default)]
pub(crate) struct Postgres(Option<Server>);

struct Server {
    keeper: Child,
    port: u16,
    password: String,
}

impl Service for Postgres {
    fn missing(&self) -> Vec<&'static str> {
        if programs().is_some() { Vec::new() } else { vec!["postgresql"] }
    }

    /// Debian's package would make a server of its own and start it.
    fn before_installing(&self) -> Result<()> {
        let settings = Path::new("/etc/postgresql-common/createcluster.conf");
        if settings.exists() {
            return Ok(());
        }
        fs::create_dir_all("/etc/postgresql-common")?;
        Ok(fs::write(settings, "create_main_cluster = false\n")?)
    }

    fn start(&mut self, _: &Workspace) -> Result<()> {
        if env::var_os(SERVER).is_some() {
            return Ok(());
        }
        let programs = programs().context("no PostgreSQL")?;
        let mut said = String::new();
        for _ in 0..PORTS_MAX {
            match Server::start(&programs)? {
                Ok(server) => {
                    self.0 = Some(server);
                    return Ok(());
                }
                Err(log) => said = log,
            }
        }
        bail!("PostgreSQL does not start. It says:\n{said}")
    }

    fn variables(&self, _: &Workspace) -> Result<Vec<Variable>> {
        let programs = programs().context("no PostgreSQL")?;
        let mut variables: Vec<Variable> = vec![(PROGRAMS, programs.into())];
        if let Some(Server { port, password, .. }) = &self.0 {
            variables
                .push((SERVER, format!("postgres://postgres:{password}@127.0.0.1:{port}/postgres").into()));
        }
        Ok(variables)
    }
}

impl Server {
    /// A server that serves, or what it has said instead.
    fn start(programs: &Path) -> Result<Result<Self, String>> {
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        Self::start_at(port, programs)
    }

    fn start_at(port: u16, programs: &Path) -> Result<Result<Self, String>> {
        let folder = folder(port);
        fs::create_dir(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
        fs::set_permissions(&folder, Permissions::from_mode(0o700))?;
        let mut command = Command::new("sh");
        if Uid::effective().is_root() {
            let user = unprivileged()?;
            chown(&folder, Some(user.uid.as_raw()), Some(user.gid.as_raw()))?;
            command.uid(user.uid.as_raw()).gid(user.gid.as_raw());
        }
        let mut keeper = command
            .args(["-c", KEEPER])
            .env("PROGRAMS", programs)
            .env("PORT", port.to_string())
            .env("FOLDER", &folder)
            // Ctrl-C is for this program, whose end the keeper sees.
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .context("cannot start `sh`")?;
        keeper.stdin.as_ref().context("piped")?.write_all(b"create && start\n")?;
        let mut status = String::new();
        BufReader::new(keeper.stdout.take().context("piped")?).read_line(&mut status)?;
        // Dropped, the keeper cleans up.
        let mut server = Self { keeper, port, password: String::new() };
        if status != "0\n" {
            return Ok(Err(fs::read_to_string(folder.join("said"))?));
        }
        server.password = fs::read_to_string(folder.join("password"))?;
        Ok(Ok(server))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.keeper.stdin.take());
        // The folder is gone when the keeper is, or there is nobody left to tell.
        let _ = self.keeper.wait();
    }
}

/// Where a server has its data.
fn folder(port: u16) -> PathBuf {
    env::temp_dir().join(format!("convor-postgres-{}-{port}", std::process::id()))
}

/// PostgreSQL refuses to run as root.
fn unprivileged() -> Result<User> {
    let found = ["postgres", "nobody"].into_iter().find_map(|name| User::from_name(name).ok().flatten());
    found.context("PostgreSQL does not run as root, and there is neither a user `postgres` nor `nobody`")
}

/// Debian keeps the programs of each version in a folder of its own, off the search path.
fn programs() -> Option<PathBuf> {
    let named = env::var_os(PROGRAMS).map(PathBuf::from);
    let configured = || {
        let config = find(&["pg_config"])?;
        output(Command::new(config).arg("--bindir")).ok().map(PathBuf::from)
    };
    let searched = || find(&["initdb"])?.parent().map(Path::to_owned);
    let mut candidates: Vec<PathBuf> = [named, configured(), searched()].into_iter().flatten().collect();
    candidates.extend(debian());
    candidates.into_iter().find(|folder| NEEDED.iter().all(|program| folder.join(program).is_file()))
}

/// The newest comes first.
fn debian() -> Vec<PathBuf> {
    let Ok(versions) = fs::read_dir("/usr/lib/postgresql") else { return Vec::new() };
    let mut versions: Vec<_> = versions.flatten().map(|version| version.path()).collect();
    let number = |path: &PathBuf| path.file_name()?.to_str()?.parse::<u32>().ok();
    versions.sort_by_key(|path| Reverse(number(path)));
    versions.into_iter().map(|version| version.join("bin")).collect()
}

#[cfg(test)]
mod tests {
    use std::net::TcpStream;

    use super::*;

    #[test]
    fn a_server_is_gone_with_all_it_wrote_when_nobody_holds_it() {
        let server = Server::start(&programs().expect("PostgreSQL is installed")).expect("a start");
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
        let said = Server::start_at(port, &programs().expect("PostgreSQL is installed")).expect("a start");
        assert!(said.is_err_and(|said| said.contains("could not bind")));
        assert!(!folder(port).exists());
    }
}
