//! One run: a world, its nodes and people, what befalls them, and whether everything was right.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use convor::domain::{Audience, Event};
use convor::ports::storage::{ConversationPage, ConversationScope, Window};
use tokio::task::JoinSet;

use crate::bug::Bug;
use crate::checker::{Place, Record, Violation};
use crate::client::Client;
use crate::clock::{NodeClock, now};
use crate::dice::Dice;
use crate::faults::{self, Plan, heal, pass};
use crate::node::Node;
use crate::panics;
use crate::world::World;

/// For how long people talk and things befall them, in milliseconds.
const TALK: (u64, u64) = (15_000, 60_000);

/// How long everybody has afterwards to come to what is for it: longer than any node looks for what was stored late, and than
/// a client waits on a silent connection.
const HEALING: Duration = Duration::from_secs(100);

/// What became of a run.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) seed: u64,
    pub(crate) violation: Option<Violation>,
    /// The last steps of the conversation in which a rule did not hold.
    pub(crate) steps: Vec<String>,
    pub(crate) faults: Vec<String>,
    pub(crate) counts: BTreeMap<&'static str, usize>,
    pub(crate) simulated: Duration,
    /// The same for two runs in which the same was seen at the same times.
    pub(crate) digest: u64,
}

/// Runs a seed, with something wrong on purpose or without.
pub(crate) fn run(seed: u64, bug: Option<Bug>) -> Outcome {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime");
    panics::forget();
    let mut outcome = runtime.block_on(simulate(seed, bug));
    // The runtime catches those of its tasks, and clients take what follows for a cut connection.
    if let Some(what) = panics::last() {
        outcome.violation.get_or_insert(Violation { rule: "nothing panics", at: None, what });
    }
    outcome
}

async fn simulate(seed: u64, bug: Option<Bug>) -> Outcome {
    let mut dice = Dice::new(seed, "world");
    let world = Arc::new(World::new(seed, bug, dice.index(3) + 1));
    let began = world.watcher.began();
    let mut nodes: Vec<_> = (0..world.nodes)
        .map(|number| Node::new(&world, number, NodeClock::new(began, faults::skew(&mut dice))))
        .collect();
    let mut clients = JoinSet::new();
    let mut people = Vec::new();
    for tenant in ["acme", "zeta"] {
        let chat = &nodes[0].running().expect("it runs").chat;
        people.extend(world.people(chat, tenant, &mut dice).await);
    }
    let count = people.len();
    for (number, person) in people.into_iter().enumerate() {
        clients.spawn(Client::new(&world, number, person).take_part());
    }
    let during = dice.between(TALK.0, TALK.1);
    let plan = Plan::new(&mut dice, (world.nodes, count), during);
    let talk_began = now();
    tokio::select! {
        biased;
        () = plan.befall(&world, &mut nodes, talk_began) => {}
        () = until_something_is_wrong(&world) => {}
    }
    pass(&world, Duration::from_millis(during).saturating_sub(now() - talk_began)).await;
    heal(&world, &mut nodes, count);
    world.watcher.calm_down();
    pass(&world, HEALING).await;
    while let Some(ended) = clients.try_join_next() {
        if let Err(error) = ended {
            world.watcher.violated("a client takes part to the end", None, error);
        }
    }
    if world.watcher.violation().is_none() {
        look_at_what_is_stored(&world).await;
        world.watcher.finish();
    }
    outcome(&world)
}

async fn until_something_is_wrong(world: &World) {
    pass(world, Duration::from_secs(86_400)).await;
}

/// Reads everything from the storage itself, in both numberings: what has been stored on the way, and what is listed.
async fn look_at_what_is_stored(world: &World) {
    let storage = world.storage.as_ref();
    let mut places = world.watcher.places();
    for record in storage.registry().list(None, 10).await.expect("it is read") {
        let scope = ConversationScope::Inbox { status: None, assignee: None, tag: None };
        let reader = convor::domain::Author::System;
        let page = ConversationPage { reader, scope, before: None, limit: 200 };
        for view in storage.conversations().page(record.id, &page).await.expect("it is read") {
            places.insert((record.id, view.conversation.id));
        }
    }
    for at in places {
        for audience in [Audience::Staff, Audience::Visitor] {
            let log = read_log(world, at, audience).await;
            world.watcher.stands(at, audience, &log);
        }
    }
}

async fn read_log(world: &World, at: Place, audience: Audience) -> Vec<(u64, String)> {
    let mut log: Vec<(u64, String)> = Vec::new();
    loop {
        let after = log.last().map_or(0, |(seq, _)| *seq);
        let events = world.storage.events();
        let page = events.page(at.0, at.1, audience, Window::After(after), 200).await.expect("it is read");
        let Some(page) = page.filter(|page| !page.events.is_empty()) else { return log };
        log.extend(page.events.iter().filter_map(|event| entry(event, audience)));
    }
}

fn entry(event: &Event, audience: Audience) -> Option<(u64, String)> {
    let record = Record::of(event);
    Some(match audience {
        Audience::Staff => (record.staff, record.to_staff),
        Audience::Visitor => (record.visitor?, record.to_visitor),
    })
}

fn outcome(world: &World) -> Outcome {
    let violation = world.watcher.violation();
    let at = violation.as_ref().and_then(|violation| violation.at);
    Outcome {
        seed: world.seed,
        steps: at.map(|at| world.watcher.steps(at)).unwrap_or_default(),
        violation,
        faults: world.watcher.faults(),
        counts: world.watcher.counts(),
        simulated: now() - world.watcher.began(),
        digest: world.watcher.digest(),
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "seed {}", self.seed)?;
        let Some(violation) = &self.violation else { return writeln!(f, "everything is right") };
        writeln!(f, "does not hold: {}", violation.rule)?;
        writeln!(f, "{}", violation.what)?;
        writeln!(f, "what befell the system:")?;
        self.faults.iter().try_for_each(|fault| writeln!(f, "  {fault}"))?;
        writeln!(f, "the last steps of the conversation:")?;
        self.steps.iter().try_for_each(|step| writeln!(f, "  {step}"))?;
        writeln!(
            f,
            "again: CONVOR_SEED={} cargo test -p convor-tests --test simulation everything",
            self.seed
        )
    }
}
