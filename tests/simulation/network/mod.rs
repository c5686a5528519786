//! The network between clients and nodes, in memory and in simulated time.

mod skipping;
mod wire;

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{mpsc, watch};

use crate::dice::Dice;
use wire::Wire;
pub(crate) use wire::{End, Side};

/// The network.
#[derive(Debug)]
pub(crate) struct Network {
    state: Mutex<State>,
    /// Something has changed for those who wait to connect.
    changed: watch::Sender<()>,
    skips: bool,
}

#[derive(Debug, Default)]
struct State {
    /// Where nodes take connections.
    doors: BTreeMap<usize, mpsc::UnboundedSender<End>>,
    wires: Vec<Link>,
    /// Which clients do not reach which nodes.
    parted: BTreeSet<(usize, usize)>,
}

#[derive(Debug)]
struct Link {
    client: usize,
    node: usize,
    wire: Arc<Wire>,
}

impl Network {
    /// A network without nodes; with `skips` it leaves frames out for slow readers.
    pub(crate) fn new(skips: bool) -> Self {
        Self { state: Mutex::default(), changed: watch::Sender::new(()), skips }
    }

    /// Connects a client to a node. It is refused where nobody listens, and waits while the two are parted.
    pub(crate) async fn connect(&self, client: usize, node: usize, dice: &mut Dice) -> io::Result<End> {
        let mut changed = self.changed.subscribe();
        tokio::time::sleep(dice.millis(1, 20)).await;
        while self.state().parted.contains(&(client, node)) {
            let _ = changed.changed().await;
        }
        let mut state = self.state();
        let door = state.doors.get(&node).ok_or(io::ErrorKind::ConnectionRefused)?;
        let (wire, near, far) = Wire::new(Dice::new(dice.roll(), "wire"), self.skips);
        door.send(far).map_err(|_| io::ErrorKind::ConnectionRefused)?;
        state.wires.retain(|link| !link.wire.is_over());
        state.wires.push(Link { client, node, wire });
        Ok(near)
    }

    /// Lets a node take connections, which come out here.
    pub(crate) fn open(&self, node: usize) -> mpsc::UnboundedReceiver<End> {
        let (door, connections) = mpsc::unbounded_channel();
        self.state().doors.insert(node, door);
        connections
    }

    /// Takes a node off the network: nobody reaches it any more.
    pub(crate) fn close(&self, node: usize) {
        self.state().doors.remove(&node);
    }

    /// Cuts these ends of all connections between a client and a node, either of which may be all.
    pub(crate) fn cut(&self, client: Option<usize>, node: Option<usize>, sides: &[Side]) -> usize {
        self.each(client, node, |wire| wire.cut(sides))
    }

    /// Holds everything on its way between them, or lets it go on.
    pub(crate) fn hold(&self, client: Option<usize>, node: Option<usize>, held: bool) -> usize {
        self.each(client, node, |wire| wire.hold(held))
    }

    /// Parts a client from a node, or joins them again.
    pub(crate) fn part(&self, client: usize, node: usize, parted: bool) {
        if parted {
            self.state().parted.insert((client, node));
        } else {
            self.state().parted.remove(&(client, node));
        }
        self.hold(Some(client), Some(node), parted);
        self.changed.send_replace(());
    }

    fn each(&self, client: Option<usize>, node: Option<usize>, work: impl Fn(&Wire)) -> usize {
        let state = self.state();
        let is = |asked: Option<usize>, is| asked.is_none_or(|asked| asked == is);
        let met = state.wires.iter().filter(|link| is(client, link.client) && is(node, link.node));
        met.filter(|link| !link.wire.is_over()).map(|link| work(&link.wire)).count()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
