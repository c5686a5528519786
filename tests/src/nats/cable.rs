//! What a network of a server's own is reached by: a pair of virtual interfaces, one on each side.
//!
//! The network is its processes', and gone with them; with it goes each pair of which one end is in it.

use std::net::{Ipv4Addr, SocketAddr};
use std::process::Stdio;

use tokio::process::Command;
use tokio::time::timeout;

use crate::patience::PATIENCE;

/// Addresses that nobody has: those for measurements between networks (RFC 2544).
const ADDRESSES: Ipv4Addr = Ipv4Addr::new(198, 18, 0, 0);

/// How many ports have addresses of their own, four each.
const PORTS: u32 = 32_768;

/// A cable to a server, which can be cut.
#[derive(Debug)]
pub struct Cable {
    /// The process whose network it leads to.
    process: u32,
    /// The interface there.
    inner: String,
    address: SocketAddr,
}

/// Whether this machine lets networks be made: it takes root, and more rights than a container has by itself.
pub async fn can_be_laid() -> bool {
    let pair = "ip link add name one type veth peer name other";
    let mut command = Command::new("unshare");
    command.args(["--net", "sh", "-c", pair]).stderr(Stdio::null());
    command.status().await.is_ok_and(|status| status.success())
}

impl Cable {
    /// A cable to the server that listens on this port in the network of this process.
    pub(super) async fn lay(process: u32, port: u16, number: usize) -> Self {
        let number = u32::try_from(number).expect("there are few");
        assert!(number < 2, "a port has addresses for two cables");
        let outer_address = ADDRESSES.to_bits() + u32::from(port) % PORTS * 4 + number * 2;
        let (outer, inner) = (format!("convor{port}{number}"), format!("inner{number}"));
        let (near, far) = (Ipv4Addr::from_bits(outer_address), Ipv4Addr::from_bits(outer_address + 1));
        let cable = Self { process, inner, address: (far, port).into() };
        let Self { inner, .. } = &cable;
        run(&format!("ip link add name {outer} type veth peer name {inner} netns {process}")).await;
        cable.inside(&format!("ip address add {far}/31 dev {inner}")).await;
        cable.inside(&format!("ip link set dev {inner} up")).await;
        run(&format!("ip address add {near}/31 dev {outer}")).await;
        run(&format!("ip link set dev {outer} up")).await;
        cable
    }

    /// The server as it is reached by this cable.
    #[must_use]
    pub fn url(&self) -> String {
        format!("nats://{}", self.address)
    }

    /// Where the server is by this cable.
    #[cfg(test)]
    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// From now on nothing arrives, on either side. Connections stay, and nobody is told.
    pub async fn cut(&self) {
        self.inside(&format!("ip link set dev {} down", self.inner)).await;
    }

    /// From now on what is sent arrives.
    pub async fn mend(&self) {
        self.inside(&format!("ip link set dev {} up", self.inner)).await;
    }

    async fn inside(&self, command: &str) {
        run(&format!("nsenter --net --target {} {command}", self.process)).await;
    }
}

async fn run(command: &str) {
    let mut words = command.split(' ');
    let mut program = Command::new(words.next().expect("a program"));
    let output = timeout(PATIENCE, program.args(words).output()).await.expect("it is done in time");
    let output = output.unwrap_or_else(|error| panic!("`{command}`: {error}"));
    assert!(output.status.success(), "`{command}`: {}", String::from_utf8_lossy(&output.stderr));
}
