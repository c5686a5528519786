//! What is measured: a server, and how to open rooms on it.

use std::fs;
use std::net::SocketAddr;

use anyhow::{Context, Result};
use convor_benches::cpu::Used;
use convor_tests::database::Database;
use serde::Deserialize;
use tempfile::TempDir;

use crate::bare::Announcement;
use crate::child::{Child, part, program};
use crate::cores::Cores;
use crate::desk::{Credentials, Desk};
use crate::house::STORAGE;
use crate::plan::{Acknowledged, Plan, Room};

/// The variable that names the reference server.
const PROGRAM: &str = "CONVOR_SERVER";

const LIMITS: &str = include_str!("limits.toml");

/// With what those of them begin that bound how much is done at once.
const WORK: &str = "work_";

/// Where the reference server has mounted Convor.
const PREFIX: &str = "/chat";

/// A server that is measured.
#[derive(Debug)]
pub(crate) struct Subject {
    pub(crate) name: &'static str,
    /// What has been started here; ends with this.
    _server: Option<Child>,
    /// The process that is measured, where it is on this machine.
    process: Option<u32>,
    venue: Venue,
    /// What the server was given; gone after it.
    given: Option<Given>,
}

#[derive(Debug)]
struct Given {
    _folder: TempDir,
    database: Option<Database>,
}

/// How rooms are had.
#[derive(Debug)]
enum Venue {
    Convor(Vec<Desk>),
    Plain(Plain),
}

/// A server on which what a connection sends reaches all that are in the same room.
#[derive(Debug, Clone)]
pub(crate) struct Plain {
    pub(crate) address: SocketAddr,
    /// The path of a room, with `{room}` where its number stands.
    pub(crate) path: String,
    pub(crate) acknowledged: Acknowledged,
}

/// What the reference server says of itself, as far as it is of use here.
#[derive(Deserialize)]
struct Announced {
    listen: SocketAddr,
    tenants: Vec<AnnouncedTenant>,
}

#[derive(Deserialize)]
struct AnnouncedTenant {
    tenant_key: String,
    site_key: String,
    operators: Vec<AnnouncedOperator>,
}

#[derive(Deserialize)]
struct AnnouncedOperator {
    email: String,
    password: String,
}

impl Subject {
    /// The reference server, with its storage in memory or in a database that holds nothing else.
    pub(crate) fn convor(database: Option<Database>, cores: Cores) -> Result<Self> {
        Self::bounded(LIMITS, database, cores)
    }

    /// The same, which does no more at once than it does as it is shipped.
    pub(crate) fn shedding(database: Option<Database>, cores: Cores) -> Result<Self> {
        let limits: Vec<_> = LIMITS.lines().filter(|line| !line.starts_with(WORK)).collect();
        Self::bounded(&limits.join("\n"), database, cores)
    }

    fn bounded(bounds: &str, database: Option<Database>, cores: Cores) -> Result<Self> {
        let server = std::env::var_os(PROGRAM)
            .with_context(|| format!("{PROGRAM} names the server; `cargo xtask bench fanout` builds it"))?;
        let folder = TempDir::new()?;
        let limits = folder.path().join("limits.toml");
        fs::write(&limits, bounds)?;
        let mut command = program(server);
        command
            .args(["--demo", "--listen", "127.0.0.1:0", "--connections-max", "100000"])
            .arg("--limits")
            .arg(&limits)
            .env(STORAGE, database.as_ref().map_or_else(|| "memory".to_owned(), Database::app_url))
            .env("RUST_LOG", "warn")
            .stderr(fs::File::create(folder.path().join("log"))?)
            .current_dir(folder.path());
        let mut server = Child::start(&mut command, cores.server)?;
        let announced = server.hear::<Announced>().with_context(|| {
            let log = fs::read_to_string(folder.path().join("log")).unwrap_or_default();
            format!("the server does not start. It says:\n{log}")
        })?;
        let desks: Result<Vec<_>> =
            announced.tenants.iter().map(|tenant| tenant.sign_in(announced.listen, PREFIX)).collect();
        Ok(Self {
            name: "Convor",
            process: Some(server.id()),
            _server: Some(server),
            venue: Venue::Convor(desks?),
            given: Some(Given { _folder: folder, database }),
        })
    }

    /// A server with so many tenants and the bounds that Convor is shipped with.
    pub(crate) fn house(tenants: usize, database: Option<Database>, cores: Cores) -> Result<Self> {
        let folder = TempDir::new()?;
        let mut command = part(&["house", "--tenants", &tenants.to_string()])?;
        command.env_remove(STORAGE);
        if let Some(database) = &database {
            command.env(STORAGE, database.app_url());
        }
        let mut server = Child::start(&mut command, cores.server)?;
        let announced: Announced = server.hear()?;
        let desks: Result<Vec<_>> =
            announced.tenants.iter().map(|tenant| tenant.sign_in(announced.listen, "")).collect();
        Ok(Self {
            name: "Convor",
            process: Some(server.id()),
            _server: Some(server),
            venue: Venue::Convor(desks?),
            given: Some(Given { _folder: folder, database }),
        })
    }

    /// The bare server.
    pub(crate) fn limit(coalescing: bool, cores: Cores) -> Result<Self> {
        let (name, arguments) = if coalescing {
            ("limit, coalescing", &["bare", "--coalescing"][..])
        } else {
            ("limit", &["bare"][..])
        };
        let mut server = Child::start(&mut part(arguments)?, cores.server)?;
        let Announcement { listen } = server.hear()?;
        let plain = Plain { address: listen, path: "/{room}".to_owned(), acknowledged: Acknowledged::Echo };
        Ok(Self {
            process: Some(server.id()),
            _server: Some(server),
            ..Self::running_plain(name, plain, None)
        })
    }

    /// Somebody's own Convor server.
    pub(crate) fn running_convor(as_whom: &Credentials, process: Option<u32>) -> Result<Self> {
        let venue = Venue::Convor(vec![Desk::sign_in(as_whom)?]);
        Ok(Self { name: "target", _server: None, process, venue, given: None })
    }

    /// Somebody's own server of another kind.
    pub(crate) fn running_plain(name: &'static str, plain: Plain, process: Option<u32>) -> Self {
        Self { name, _server: None, process, venue: Venue::Plain(plain), given: None }
    }

    /// So many rooms with so many subscribers each.
    pub(crate) fn plan(&self, rooms: usize, subscribers: usize, payload_bytes: usize) -> Result<Plan> {
        let (address, rooms): (_, Result<Vec<_>>) = match &self.venue {
            Venue::Convor(desks) => {
                let desk = desks.first().context("the server has an organisation")?;
                (desk.address(), (0..rooms).map(|_| desk.room(subscribers)).collect())
            }
            Venue::Plain(plain) => {
                let room = |number: usize| Room {
                    path: plain.path.replace("{room}", &number.to_string()),
                    subscribers,
                    acknowledged: plain.acknowledged,
                    member: None,
                };
                (plain.address, Ok((0..rooms).map(room).collect()))
            }
        };
        Ok(Plan { address, payload_bytes, rooms: rooms? })
    }

    /// An organisation in which nothing is measured, beside the first.
    pub(crate) fn other_desk(&self) -> Option<&Desk> {
        match &self.venue {
            Venue::Convor(desks) => desks.get(1),
            Venue::Plain(_) => None,
        }
    }

    /// Its organisations.
    pub(crate) fn desks(&self) -> &[Desk] {
        match &self.venue {
            Venue::Convor(desks) => desks,
            Venue::Plain(_) => &[],
        }
    }

    /// The CPU that it has used; `None` where that cannot be known.
    pub(crate) fn used(&self) -> Result<Option<Used>> {
        let used = self.process.map(Used::by).transpose();
        used.context("the server has ended")
    }

    /// The name of the database that it has been given.
    pub(crate) fn database(&self) -> Option<&str> {
        self.given.as_ref()?.database.as_ref().map(Database::name)
    }

    /// The process that is measured.
    pub(crate) fn process(&self) -> Option<u32> {
        self.process
    }

    /// Its resident memory in bytes; `None` where that cannot be known.
    pub(crate) fn resident_bytes(&self) -> Result<Option<f64>> {
        self.process.map(|process| kept(process, "smaps_rollup", "Rss:")).transpose()
    }

    /// The most of it since the peak was forgotten.
    pub(crate) fn peak_bytes(&self) -> Result<f64> {
        kept(self.process.context("its process is known")?, "status", "VmHWM:")
    }

    /// Lets the peak begin anew (proc(5), `clear_refs`).
    pub(crate) fn forget_peak(&self) -> Result<()> {
        let process = self.process.context("its process is known")?;
        fs::write(format!("/proc/{process}/clear_refs"), "5")
            .context("the peak of its memory can be forgotten")
    }
}

/// What the system says of a process's memory, in bytes.
fn kept(process: u32, file: &str, name: &str) -> Result<f64> {
    let text = fs::read_to_string(format!("/proc/{process}/{file}")).context("the server has ended")?;
    let kib = text.lines().find_map(|line| line.strip_prefix(name)?.trim().strip_suffix(" kB"));
    let kib: f64 = kib.context("the system says how much memory is resident")?.trim().parse()?;
    Ok(kib * 1024.0)
}

impl AnnouncedTenant {
    fn sign_in(&self, address: SocketAddr, prefix: &str) -> Result<Desk> {
        let operator = self.operators.first().context("the demonstration has operators")?;
        Desk::sign_in(&Credentials {
            address,
            prefix: prefix.to_owned(),
            site_key: self.site_key.clone(),
            tenant_key: self.tenant_key.clone(),
            email: operator.email.clone(),
            password: operator.password.clone(),
        })
    }
}
