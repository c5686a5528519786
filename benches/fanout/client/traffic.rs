//! The loop: posts when it is time to, reads what comes, and keeps count.

use std::os::fd::AsRawFd;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use hdrhistogram::Histogram;
use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Token};

use super::open::Opening;
use super::room::Room;
use super::socket::{Heard, Socket};
use crate::clock::Clock;
use crate::message::Finder;
use crate::plan::{Latency, Load, Opened, Plan, Room as Planned, Tally};

/// Of the buffer that all sockets share.
const BUFFER_BYTES: usize = 256 * 1024;

/// Connections that are opened at once; a server need not let in more of one address that have not said who they are.
const OPENED_AT_ONCE: usize = 32;

/// How long what was posted may be on its way after the last post.
const PATIENCE: u64 = 60_000_000_000;

/// The standard input among the sockets.
const ORDERS: Token = Token(usize::MAX);

/// Open connections and what happens on them.
pub(super) struct Traffic {
    poll: Poll,
    events: Events,
    sockets: Vec<Socket>,
    rooms: Vec<Room>,
    buffer: Vec<u8>,
    clock: Clock,
    /// Frames look different to those who subscribe and to those who post.
    finders: (Finder, Finder),
    count: Count,
    /// Rooms in which something has arrived.
    due: Vec<usize>,
    ordered: bool,
    scratch: (Vec<u8>, String),
}

/// Asks for a connection of a room.
fn ask(plan: &Plan, room: &Planned, posts: bool) -> Result<Opening> {
    match &room.member {
        None => Opening::plain(plan.address, &room.path),
        Some(who) if posts => Opening::convor(plan.address, &room.path, &who.visitor_token, None),
        Some(who) => {
            let conversation = Some(who.conversation.as_str());
            Opening::convor(plan.address, &room.path, &who.operator_token, conversation)
        }
    }
}

struct Count {
    posts: u64,
    deliveries: u64,
    frame_bytes: usize,
    last_at: u64,
    delivery: Histogram<u64>,
    acknowledgement: Histogram<u64>,
}

impl Traffic {
    /// Opens everything, the one who posts first in each room.
    pub(super) fn open(plan: &Plan) -> Result<(Self, Opened)> {
        let mut traffic = Self::new()?;
        let mut asked = Vec::with_capacity(OPENED_AT_ONCE);
        for (number, room) in plan.rooms.iter().enumerate() {
            traffic.rooms.push(Room::new(room, traffic.sockets.len() + asked.len(), plan.payload_bytes));
            for connection in 0..=room.subscribers {
                let posts = connection == 0;
                asked.push((number, posts, ask(plan, room, posts)?));
                if asked.len() == OPENED_AT_ONCE {
                    traffic.enter(&mut asked)?;
                }
            }
        }
        traffic.enter(&mut asked)?;
        let orders = std::io::stdin().as_raw_fd();
        traffic.poll.registry().register(&mut SourceFd(&orders), ORDERS, Interest::READABLE)?;
        let opened = Opened { connections: traffic.sockets.len(), seconds: traffic.clock.seconds() };
        Ok((traffic, opened))
    }

    fn new() -> Result<Self> {
        Ok(Self {
            poll: Poll::new()?,
            events: Events::with_capacity(1024),
            sockets: Vec::new(),
            rooms: Vec::new(),
            buffer: vec![0; BUFFER_BYTES],
            clock: Clock::start(),
            finders: Default::default(),
            count: Count::new()?,
            due: Vec::new(),
            ordered: false,
            scratch: Default::default(),
        })
    }

    /// Takes in those that have been asked for, and answers the pings of the others.
    fn enter(&mut self, asked: &mut Vec<(usize, bool, Opening)>) -> Result<()> {
        let entered = self.sockets.len();
        let context = |at: usize| move || format!("connection {} cannot be opened", entered + at + 1);
        for (at, (.., opening)) in asked.iter_mut().enumerate() {
            opening.greet().with_context(context(at))?;
        }
        for (at, (room, posts, opening)) in asked.drain(..).enumerate() {
            let (mut stream, unread) = opening.finish().with_context(context(at))?;
            self.poll.registry().register(&mut stream, Token(self.sockets.len()), Interest::READABLE)?;
            self.sockets.push(Socket::new(stream, room, posts, unread));
        }
        self.turn(Some(Duration::ZERO))
    }

    /// Answers pings until there is an order, or the end of them.
    pub(super) fn idle(&mut self) -> Result<()> {
        while !self.ordered {
            self.turn(None)?;
        }
        self.ordered = false;
        Ok(())
    }

    /// Bears this load, and says what came of it.
    pub(super) fn bear(&mut self, load: Load) -> Result<Tally> {
        self.count = Count::new()?;
        let began = self.clock.nanos();
        match load {
            Load::Paced { per_second, seconds } => self.paced(began, per_second, seconds)?,
            Load::Closed { in_flight, seconds } => self.closed(began, in_flight, seconds)?,
        }
        let posted_until = self.clock.nanos();
        while self.rooms.iter().any(|room| room.in_flight() > 0) {
            ensure!(self.clock.nanos() < posted_until + PATIENCE, "messages are lost: some have not come");
            self.turn(Some(Duration::from_secs(1)))?;
        }
        Ok(self.count.tally(began))
    }

    fn paced(&mut self, began: u64, per_second: f64, seconds: f64) -> Result<()> {
        let posts = (per_second * seconds).round().max(1.0) as u64;
        for post in 0..posts {
            let at = began + (post as f64 / per_second * 1e9) as u64;
            while let Some(left) = at.checked_sub(self.clock.nanos()).filter(|left| *left > 0) {
                self.turn(Some(Duration::from_nanos(left)))?;
            }
            let room = usize::try_from(post)? % self.rooms.len();
            self.post(room, 1)?;
        }
        Ok(())
    }

    fn closed(&mut self, began: u64, in_flight: usize, seconds: f64) -> Result<()> {
        let until = began + (seconds * 1e9) as u64;
        self.due.clear();
        for room in 0..self.rooms.len() {
            self.rooms[room].is_due = false;
            self.post(room, in_flight)?;
        }
        while self.clock.nanos() < until {
            self.turn(Some(Duration::from_millis(100)))?;
            let mut due = std::mem::take(&mut self.due);
            for room in due.drain(..) {
                self.rooms[room].is_due = false;
                let free = in_flight.saturating_sub(self.rooms[room].in_flight());
                self.post(room, free)?;
            }
            self.due = due;
        }
        Ok(())
    }

    /// Posts so many messages in a room, at once.
    fn post(&mut self, number: usize, posts: usize) -> Result<()> {
        if posts == 0 {
            return Ok(());
        }
        let (frames, text) = &mut self.scratch;
        let room = &mut self.rooms[number];
        frames.clear();
        let now = self.clock.nanos();
        for _ in 0..posts {
            room.post(now, frames, text);
        }
        self.count.posts += posts as u64;
        self.sockets[room.poster].write(frames)
    }

    /// Waits for something to come, and reads it.
    fn turn(&mut self, at_most: Option<Duration>) -> Result<()> {
        match self.poll.poll(&mut self.events, at_most) {
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => return Ok(()),
            polled => polled?,
        }
        let Self { events, sockets, rooms, buffer, clock, finders, count, due, ordered, .. } = self;
        for event in &*events {
            if event.token() == ORDERS {
                *ordered = true;
                continue;
            }
            let socket = &mut sockets[event.token().0];
            let number = socket.room;
            let room = &mut rooms[number];
            let now = clock.nanos();
            let (subscribing, posting) = &mut *finders;
            socket.read(buffer, subscribing, |heard| {
                match heard {
                    Heard::Message { number, bytes } => {
                        let posted_at = room.delivered(number)?;
                        count.delivered(now.saturating_sub(posted_at), bytes);
                    }
                    Heard::Posting(payload) => {
                        let Some(posted_at) = room.answered(payload, posting)? else { return Ok(()) };
                        count.acknowledgement.saturating_record(now.saturating_sub(posted_at));
                    }
                }
                count.last_at = now;
                if !room.is_due {
                    room.is_due = true;
                    due.push(number);
                }
                Ok(())
            })?;
        }
        Ok(())
    }
}

impl Count {
    fn new() -> Result<Self> {
        // From a microsecond to a minute, in nanoseconds, to a thousandth.
        let histogram = Histogram::new_with_bounds(1_000, 60_000_000_000, 3)?;
        Ok(Self {
            posts: 0,
            deliveries: 0,
            frame_bytes: 0,
            last_at: 0,
            delivery: histogram.clone(),
            acknowledgement: histogram,
        })
    }

    fn delivered(&mut self, nanos: u64, bytes: usize) {
        self.deliveries += 1;
        self.frame_bytes = bytes;
        self.delivery.saturating_record(nanos);
    }

    fn tally(&self, began: u64) -> Tally {
        let latency = |histogram: &Histogram<u64>| {
            let micros = |quantile| histogram.value_at_quantile(quantile) as f64 / 1_000.0;
            Latency { p50: micros(0.5), p99: micros(0.99), max: micros(1.0) }
        };
        Tally {
            posts: self.posts,
            deliveries: self.deliveries,
            seconds: self.last_at.saturating_sub(began) as f64 / 1e9,
            frame_bytes: self.frame_bytes,
            delivery: latency(&self.delivery),
            acknowledgement: latency(&self.acknowledgement),
        }
    }
}
