//! A client: it says things until somebody has acknowledged them, follows conversations, and comes back whenever a
//! connection ends. It keeps to the protocol, unless something else is planted.

mod acts;
mod book;
mod hears;
mod http;
mod reads;
mod sends;
mod socket;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use convor::ids::ConversationId;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep, sleep_until, timeout};

use crate::bug::Bug;
use crate::checker::Observation;
use crate::clock::now;
use crate::dice::Dice;
use crate::world::{Kind, Person, World};
use book::Log;
use sends::{Opening, Saying};
use socket::{Next, PATIENCE, Socket};

/// A client.
#[derive(Debug)]
pub(crate) struct Client {
    world: Arc<World>,
    number: usize,
    person: Person,
    dice: Dice,
    /// Where it goes first.
    node: usize,
    socket: Option<Socket>,
    lines: u64,
    book: BTreeMap<ConversationId, Log>,
    /// What nobody has acknowledged.
    sayings: Vec<Saying>,
    openings: Vec<Opening>,
    /// Some of what somebody has acknowledged.
    acknowledged: Vec<Saying>,
    said: u64,
    act_at: Instant,
    list_at: Option<Instant>,
    /// Until when it reads nothing from its socket.
    deaf_until: Instant,
}

/// What a client waits for.
enum Woken {
    Next(Next),
    Time,
}

impl Client {
    pub(crate) fn new(world: &Arc<World>, number: usize, person: Person) -> Self {
        let mut dice = Dice::new(world.seed, &format!("client {}", person.name));
        let node = dice.index(world.nodes);
        Self {
            world: Arc::clone(world),
            number,
            person,
            node,
            socket: None,
            lines: 0,
            book: BTreeMap::new(),
            sayings: Vec::new(),
            openings: Vec::new(),
            acknowledged: Vec::new(),
            said: 0,
            act_at: now() + dice.millis(0, 1_500),
            list_at: None,
            deaf_until: now(),
            dice,
        }
    }

    /// Takes part until the simulation ends.
    pub(crate) async fn take_part(mut self) {
        loop {
            if self.socket.is_none() {
                self.come_back().await;
            }
            match self.woken().await {
                Woken::Next(Next::Frame(text)) => self.hears(&text).await,
                Woken::Next(Next::End(code)) => self.ended(code).await,
                Woken::Time => self.does_what_is_due().await,
            }
        }
    }

    /// Waits for the next frame, or until something is due.
    async fn woken(&mut self) -> Woken {
        let due = self.due();
        let deaf = now() < self.deaf_until;
        let Some(socket) = self.socket.as_mut().filter(|_| !deaf) else {
            sleep_until(due.max(now() + Duration::from_millis(1))).await;
            return Woken::Time;
        };
        tokio::select! {
            biased;
            next = socket.next() => Woken::Next(next),
            () = sleep_until(due) => Woken::Time,
        }
    }

    /// When something is to be done without being asked.
    fn due(&self) -> Instant {
        let logs = self.book.values();
        let of_logs = logs.flat_map(|log| [log.read_at, log.subscribe_at]).flatten();
        let of_sayings = self.sayings.iter().map(|saying| saying.due);
        let of_openings = self.openings.iter().map(|opening| opening.due);
        let own = [Some(self.act_at), self.list_at, self.socket.as_ref().map(Socket::patient_until)];
        let all = own.into_iter().flatten().chain(of_logs).chain(of_sayings).chain(of_openings);
        let earliest = all.min().unwrap_or(self.act_at);
        if now() < self.deaf_until { earliest.max(now()).min(self.deaf_until) } else { earliest }
    }

    async fn does_what_is_due(&mut self) {
        if self.socket.as_ref().is_some_and(|socket| socket.patient_until() <= now()) {
            self.world.watcher.count("connections given up by clients");
            self.socket = None;
            return;
        }
        if self.list_at.is_some_and(|at| at <= now()) {
            self.list().await;
        }
        self.read_what_is_due().await;
        self.subscribe_where_it_is_due().await;
        self.say_what_is_due().await;
        if self.act_at <= now() {
            self.act().await;
        }
    }

    /// Connects, to the same node as before or to another one, and says what it holds.
    async fn come_back(&mut self) {
        if self.dice.chance(300) {
            self.node = self.dice.index(self.world.nodes);
        }
        let (world, node) = (Arc::clone(&self.world), self.node);
        let connecting = world.network.connect(self.number, node, &mut self.dice);
        let end = timeout(PATIENCE, connecting).await.ok().and_then(Result::ok);
        self.lines += 1;
        let line = self.number as u64 * 1_000_000 + self.lines;
        let socket = match end {
            Some(end) => Socket::upgrade(end, line).await,
            None => None,
        };
        let Some(mut socket) = socket else {
            self.node = self.dice.index(self.world.nodes);
            return sleep(self.dice.millis(50, 1_500)).await;
        };
        let resume = self.resume(&mut socket);
        let hello = json!({"type": "hello", "token": self.person.token, "resume": resume});
        if socket.say(&hello).await {
            self.world.watcher.count("connections");
            self.socket = Some(socket);
        }
    }

    /// What it holds, for a new connection. Now and then it leaves something out, and asks later.
    fn resume(&mut self, socket: &mut Socket) -> Vec<Value> {
        if self.world.has(Bug::RemembersTheTime) || self.person.kind == Kind::Lister {
            return Vec::new();
        }
        let mut resume = Vec::new();
        for (conversation, log) in &self.book {
            let Some(epoch) = log.epoch.filter(|_| log.last > 0 && !log.was_reset) else { continue };
            if self.dice.chance(200) {
                continue;
            }
            resume.push(json!({"conversation": conversation, "epoch": epoch, "after": log.last}));
            socket.tuned.insert(*conversation);
            let at = (self.person.tenant, *conversation);
            let (line, after) = (socket.line, log.last);
            self.world.watcher.saw(&self.person.name, &Observation::Began { line, at, after });
        }
        resume
    }

    /// A connection has ended.
    async fn ended(&mut self, code: Option<u16>) {
        self.world.watcher.count(match code {
            Some(4001) => "closed: draining",
            Some(4002) => "closed: slow reader",
            Some(4003) => "closed: idle",
            Some(4004) => "closed: position lost",
            Some(4100..) => "closed for good",
            Some(_) => "closed otherwise",
            None => "connections cut",
        });
        if let Some(code @ 4100..) = code {
            let what = format!("{}: closed with {code}", self.person.name);
            self.world.watcher.violated("what is right is not refused for good", None, what);
        }
        self.socket = None;
        let pause = self.dice.millis(20, 1_200);
        sleep(pause).await;
    }

    /// Sees something of a conversation.
    fn saw(&self, observation: &Observation) {
        self.world.watcher.saw(&self.person.name, observation);
    }

    fn at(&self, conversation: ConversationId) -> (convor::ids::TenantId, ConversationId) {
        (self.person.tenant, conversation)
    }
}
