//! Where a server of a test's own may be, and be again after its end.

use std::fs;
use std::hash::{BuildHasher, RandomState};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};

use crate::folder::Folder;

/// The first port that a server may have; those below are well-known ones.
const PORTS_FROM: u16 = 10_000;

/// How many ports are looked at before giving up.
const PORTS_MAX: u64 = 1_000;

/// An address that is nobody else's while this lives, and a folder that is removed with it.
#[derive(Debug)]
pub struct Place {
    address: SocketAddr,
    folder: Folder,
}

impl Place {
    /// One that nobody has.
    #[must_use]
    #[expect(clippy::new_without_default, reason = "it makes something outside the process")]
    pub fn new() -> Self {
        let (address, folder) = place();
        Self { address, folder: Folder::of(folder) }
    }

    /// Where to listen.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where to work.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.root()
    }
}

/// An address that nobody listens at, and a folder whose name keeps its port from the servers of other tests, also while
/// the server is stopped. The system gives such ports to nobody who does not ask for them.
pub(crate) fn place() -> (SocketAddr, PathBuf) {
    let range = fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range").unwrap_or_default();
    let given_from = range.split_whitespace().next().and_then(|port| port.parse().ok()).unwrap_or(32_768_u16);
    let count = u64::from(given_from.saturating_sub(PORTS_FROM).max(1_000));
    let any = RandomState::new().hash_one(std::process::id());
    let mut places = (0..PORTS_MAX).filter_map(|step| {
        let port = u64::from(PORTS_FROM) + any.wrapping_add(step) % count;
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, u16::try_from(port).ok()?));
        let folder = std::env::temp_dir().join(format!("convor-instance-{port}"));
        fs::create_dir(&folder).ok()?;
        // Only now: a look at a port that is another test's would be in the way of whoever comes back to it.
        if TcpListener::bind(address).is_err() {
            fs::remove_dir(&folder).ok()?;
            return None;
        }
        Some((address, folder))
    });
    places.next().expect("a free port, and a folder for it")
}
