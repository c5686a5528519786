//! A PostgreSQL server for the tests, which begins empty and is gone when they end.

use std::cmp::Reverse;
use std::fs::Permissions;
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use anyhow::{Context, Result};
use nix::unistd::{Uid, User};

use super::kept::{Keeping, Kept};
use super::{Service, Variable};
use crate::process::{find, output};
use crate::workspace::Workspace;

/// Names a server, by the URL of a superuser.
const SERVER: &str = "CONVOR_TEST_POSTGRES";

/// The folder with the programs, for tests that stop and damage servers of their own.
const PROGRAMS: &str = "CONVOR_POSTGRES_PROGRAMS";

/// What a server is made and run with.
const NEEDED: [&str; 4] = ["initdb", "pg_ctl", "postgres", "pg_basebackup"];

const KEEPING: Keeping = Keeping {
    name: "PostgreSQL",
    variable: SERVER,
    folder: "convor-postgres",
    script: include_str!("../../../tests/src/postgres/keeper.sh"),
    begin: "create && start",
    programs: "PROGRAMS",
    prepare: give_away,
};

/// The programs alone, for those who run servers of their own.
pub(crate) struct PostgresPrograms;

impl Service for PostgresPrograms {
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
        Ok(())
    }

    fn variables(&self, _: &Workspace) -> Result<Vec<Variable>> {
        Ok(vec![(PROGRAMS, programs().context("no PostgreSQL")?.into())])
    }
}

#[derive(Default)]
pub(crate) struct Postgres(Option<Kept>);

impl Service for Postgres {
    fn missing(&self) -> Vec<&'static str> {
        PostgresPrograms.missing()
    }

    fn before_installing(&self) -> Result<()> {
        PostgresPrograms.before_installing()
    }

    fn start(&mut self, _: &Workspace) -> Result<()> {
        self.0 = KEEPING.start_unless_named(programs())?;
        Ok(())
    }

    fn variables(&self, workspace: &Workspace) -> Result<Vec<Variable>> {
        let mut variables = PostgresPrograms.variables(workspace)?;
        if let Some(Kept { port, folder, .. }) = &self.0 {
            let password = fs::read_to_string(folder.join("password"))?;
            variables
                .push((SERVER, format!("postgres://postgres:{password}@127.0.0.1:{port}/postgres").into()));
        }
        Ok(variables)
    }
}

/// PostgreSQL wants its folder for itself, and not to be run by root.
fn give_away(folder: &Path, command: &mut Command) -> Result<()> {
    fs::set_permissions(folder, Permissions::from_mode(0o700))?;
    if Uid::effective().is_root() {
        let user = unprivileged()?;
        chown(folder, Some(user.uid.as_raw()), Some(user.gid.as_raw()))?;
        command.uid(user.uid.as_raw()).gid(user.gid.as_raw());
    }
    Ok(())
}

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
    use super::super::kept::tests::{it_leaves_nothing, it_says_why_it_does_not_start};
    use super::*;

    #[test]
    fn a_server_is_gone_with_all_it_wrote_when_nobody_holds_it() {
        it_leaves_nothing(&KEEPING, &programs().expect("PostgreSQL is installed"));
    }

    #[test]
    fn a_server_that_does_not_start_says_why_and_leaves_nothing() {
        let programs = programs().expect("PostgreSQL is installed");
        it_says_why_it_does_not_start(&KEEPING, &programs, "could not bind");
    }
}
