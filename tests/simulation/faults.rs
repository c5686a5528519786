//! What befalls the system, as the seed says, and how it is put right again.

use std::fmt;
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use crate::clock::now;
use crate::dice::Dice;
use crate::network::Side;
use crate::node::Node;
use crate::world::World;
use crate::{storage, uplink};

/// Something that befalls the system.
#[derive(Debug, Clone, Copy)]
enum Fault {
    /// A client's connections are reset.
    Cut { client: usize },
    /// A client's connections are reset, and the nodes do not notice.
    Vanish { client: usize },
    /// Nothing arrives on a client's connections.
    Hold { client: usize },
    /// A client does not reach a node.
    Part { client: usize, node: usize },
    /// A node ends without a goodbye; with `silent`, nobody is told by the network either.
    Crash { node: usize, silent: bool },
    /// A node goes away in good order.
    Leave { node: usize },
    /// The broker loses what a node says or should hear.
    Lossy { node: usize, trouble: uplink::Trouble },
    /// The broker is gone for all nodes.
    BrokerGone,
    /// All subscriptions end.
    SubscriptionsEnd,
    /// A node is told that it may have missed something.
    Lost { node: usize },
    /// A node's storage is in trouble.
    Storage { node: usize, trouble: storage::Trouble },
    /// A node's clock is set.
    Clock { node: usize, wrong_by: i64 },
}

/// A fault, and from when to when.
#[derive(Debug, Clone, Copy)]
struct Planned {
    fault: Fault,
    from: Duration,
    to: Duration,
}

/// What befalls the system, in order.
#[derive(Debug)]
pub(crate) struct Plan(Vec<Planned>);

impl Plan {
    /// A plan for so many milliseconds.
    pub(crate) fn new(dice: &mut Dice, (nodes, clients): (usize, usize), during: u64) -> Self {
        let count = dice.between(4, 16);
        let mut plan = Vec::new();
        for _ in 0..count {
            let from = dice.between(0, during - 5_000);
            let to = (from + dice.between(200, 20_000)).min(during);
            let fault = fault(dice, nodes, clients);
            plan.push(Planned { fault, from: Duration::from_millis(from), to: Duration::from_millis(to) });
        }
        Self(plan)
    }

    /// Lets everything happen, from now on.
    pub(crate) async fn befall(&self, world: &World, nodes: &mut [Node], began: Instant) {
        let begins = self.0.iter().map(|planned| (planned.from, true, planned.fault));
        let ends = self.0.iter().map(|planned| (planned.to, false, planned.fault));
        let mut steps: Vec<_> = begins.chain(ends).collect();
        steps.sort_by_key(|(at, ..)| *at);
        for (at, begins, fault) in steps {
            sleep_until(began + at).await;
            if begins {
                fault.begin(world, nodes).await;
            } else {
                fault.end(world, nodes);
            }
        }
    }
}

/// Puts everything right that has not come to its end.
pub(crate) fn heal(world: &World, nodes: &mut [Node], clients: usize) {
    for node in nodes {
        node.start(world);
        if let Some(running) = node.running() {
            running.reach.suffer(storage::Trouble::default());
            running.uplink.suffer(uplink::Trouble::default());
        }
        (0..clients).for_each(|client| world.network.part(client, node.number, false));
    }
}

fn fault(dice: &mut Dice, nodes: usize, clients: usize) -> Fault {
    let (node, client) = (dice.index(nodes), dice.index(clients));
    match dice.below(21) {
        0 | 1 => Fault::Cut { client },
        2 | 3 => Fault::Vanish { client },
        4 => Fault::Hold { client },
        5 => Fault::Part { client, node },
        6 | 7 => Fault::Crash { node, silent: dice.chance(500) },
        8 => Fault::Leave { node },
        9 => Fault::Lossy {
            node,
            trouble: uplink::Trouble { mute: dice.between(50, 1_000), ..Default::default() },
        },
        10 => Fault::Lossy {
            node,
            trouble: uplink::Trouble { deaf: dice.between(50, 1_000), ..Default::default() },
        },
        11 => Fault::Lossy {
            node,
            trouble: uplink::Trouble { refused: dice.between(50, 1_000), ..Default::default() },
        },
        12 => Fault::BrokerGone,
        13 if dice.chance(500) => Fault::SubscriptionsEnd,
        13 => Fault::Lost { node },
        14..19 => Fault::Storage { node, trouble: trouble(dice) },
        19 => Fault::Lossy {
            node,
            trouble: uplink::Trouble { late: dice.between(50, 1_000), ..Default::default() },
        },
        _ => {
            let far = if dice.chance(300) { 3_600_000 } else { 5_000 };
            Fault::Clock { node, wrong_by: i64::try_from(dice.below(2 * far)).unwrap_or(0) - far as i64 }
        }
    }
}

fn trouble(dice: &mut Dice) -> storage::Trouble {
    let mut trouble = storage::Trouble::default();
    match dice.below(5) {
        0 => trouble.fails_before = dice.between(20, 1_000),
        1 => trouble.fails_after = dice.between(20, 1_000),
        2 => trouble.hangs = dice.between(5, 200),
        3 => trouble.late = dice.between(50, 600),
        _ => trouble.slow = dice.between(100, 4_000),
    }
    trouble
}

impl Fault {
    async fn begin(self, world: &World, nodes: &mut [Node]) {
        world.watcher.befalls(self.kind(), format_args!(" {self}"));
        let network = &world.network;
        match self {
            Self::Cut { client } => drop(network.cut(Some(client), None, &[Side::Client, Side::Node])),
            Self::Vanish { client } => drop(network.cut(Some(client), None, &[Side::Client])),
            Self::Hold { client } => drop(network.hold(Some(client), None, true)),
            Self::Part { client, node } => network.part(client, node, true),
            Self::Crash { node, silent } => nodes[node].crash(world, silent),
            Self::Leave { node } => nodes[node].leave(world).await,
            Self::BrokerGone => world.broker.disconnect(),
            Self::SubscriptionsEnd => world.broker.close_subscriptions(),
            Self::Lost { node } => nodes[node].running().into_iter().for_each(|node| node.uplink.lose()),
            Self::Lossy { node, trouble } => {
                nodes[node].running().into_iter().for_each(|node| node.uplink.suffer(trouble));
            }
            Self::Storage { node, trouble } => {
                nodes[node].running().into_iter().for_each(|node| node.reach.suffer(trouble));
            }
            Self::Clock { node, wrong_by } => nodes[node].clock.set(wrong_by),
        }
    }

    fn end(self, world: &World, nodes: &mut [Node]) {
        match self {
            Self::Hold { client } => drop(world.network.hold(Some(client), None, false)),
            Self::Part { client, node } => world.network.part(client, node, false),
            Self::Crash { node, .. } | Self::Leave { node } => nodes[node].start(world),
            Self::BrokerGone => world.broker.reconnect(),
            Self::Lossy { node, .. } => {
                let well = uplink::Trouble::default();
                nodes[node].running().into_iter().for_each(|node| node.uplink.suffer(well));
            }
            Self::Storage { node, .. } => {
                let well = storage::Trouble::default();
                nodes[node].running().into_iter().for_each(|node| node.reach.suffer(well));
            }
            Self::Cut { .. }
            | Self::Vanish { .. }
            | Self::SubscriptionsEnd
            | Self::Lost { .. }
            | Self::Clock { .. } => {}
        }
    }

    const fn kind(self) -> &'static str {
        match self {
            Self::Cut { .. } => "fault: connections cut",
            Self::Vanish { .. } => "fault: connections vanished",
            Self::Hold { .. } => "fault: connections held",
            Self::Part { .. } => "fault: partitions",
            Self::Crash { .. } => "fault: crashes",
            Self::Leave { .. } => "fault: drains",
            Self::Lossy { .. } => "fault: lossy broker",
            Self::BrokerGone => "fault: broker gone",
            Self::SubscriptionsEnd => "fault: subscriptions ended",
            Self::Lost { .. } => "fault: hints lost",
            Self::Storage { .. } => "fault: storage in trouble",
            Self::Clock { .. } => "fault: clocks set",
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?}")
    }
}

/// How wrong the clock of a node is when it begins, in milliseconds.
pub(crate) fn skew(dice: &mut Dice) -> i64 {
    i64::try_from(dice.below(400)).unwrap_or(0) - 200
}

/// Lets time pass, in steps, as long as nothing is wrong.
pub(crate) async fn pass(world: &World, time: Duration) {
    let end = now() + time;
    while now() < end && world.watcher.violation().is_none() {
        sleep_until(end.min(now() + Duration::from_millis(500))).await;
    }
}
