//! What the tests and measurements need beside Rust: each service says what it lacks, makes itself ready, and tells the tests
//! where it is.

mod chromium;
mod kept;
mod nats;
mod node;
mod postgres;
mod python;
mod strace;

use std::collections::BTreeSet;
use std::ffi::OsString;

use anyhow::{Result, bail, ensure};
use nix::unistd::Uid;

pub(crate) use self::chromium::Chromium;
pub(crate) use self::nats::Nats;
pub(crate) use self::node::Node;
pub(crate) use self::postgres::{Postgres, PostgresPrograms};
pub(crate) use self::python::Python;
pub(crate) use self::strace::Strace;
use crate::process::{find, run};
use crate::workspace::Workspace;

/// An environment variable for the tests.
pub(crate) type Variable = (&'static str, OsString);

/// Something that the tests use and do not build.
pub(crate) trait Service {
    /// The Debian packages whose programs this machine lacks.
    fn missing(&self) -> Vec<&'static str>;

    /// Keeps its packages from doing on their own what nobody has asked for.
    fn before_installing(&self) -> Result<()> {
        Ok(())
    }

    /// Makes it ready, with nothing missing. What is started here ends when the service is dropped.
    fn start(&mut self, workspace: &Workspace) -> Result<()>;

    /// Where the tests find it, once it has started.
    fn variables(&self, workspace: &Workspace) -> Result<Vec<Variable>>;
}

/// Services that are ready, for as long as this lives.
pub(crate) struct Services(Vec<Box<dyn Service>>);

impl Services {
    /// Installs what is missing, where that is possible, and starts every service.
    pub(crate) fn start(workspace: &Workspace, mut services: Vec<Box<dyn Service>>) -> Result<Self> {
        install(workspace, &services)?;
        let still = missing(&services);
        ensure!(still.is_empty(), "installed, and still not on the search path: {still:?}");
        for service in &mut services {
            service.start(workspace)?;
        }
        Ok(Self(services))
    }

    pub(crate) fn variables(&self, workspace: &Workspace) -> Result<Vec<Variable>> {
        let mut variables = Vec::new();
        for service in &self.0 {
            variables.extend(service.variables(workspace)?);
        }
        Ok(variables)
    }
}

fn missing(services: &[Box<dyn Service>]) -> BTreeSet<&'static str> {
    services.iter().flat_map(|service| service.missing()).collect()
}

/// Installs Debian packages as root, or says how somebody else can.
fn install(workspace: &Workspace, services: &[Box<dyn Service>]) -> Result<()> {
    let packages = missing(services);
    if packages.is_empty() {
        return Ok(());
    }
    if !Uid::effective().is_root() || find(&["apt-get"]).is_none() {
        let packages = packages.iter().copied().collect::<Vec<_>>().join(" ");
        bail!(
            "programs are missing. On Debian, install them with\n\n    \
             sudo apt-get update && sudo apt-get install --yes {packages}\n\n\
             and elsewhere with the packages that match."
        );
    }
    println!("   installing {packages:?}");
    for service in services.iter().filter(|service| !service.missing().is_empty()) {
        service.before_installing()?;
    }
    run(workspace.command("apt-get").args(["--quiet", "update"]))?;
    run(workspace
        .command("apt-get")
        .args(["--quiet", "install", "--yes", "--no-install-recommends"])
        .args(&packages)
        .env("DEBIAN_FRONTEND", "noninteractive"))
}
