//! The loop: posts when it is time to, reads what comes, and lets those come back that were cut off.

use std::os::fd::AsRawFd;
use std::time::Duration;

use anyhow::{Result, ensure};
use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Token};

use super::frames::Said;
use super::ledger::Ledger;
use super::member::{Heard, Member, Place, Stage};
use super::plan::{Crowd, Order, Report};
use super::tally::{Arrival, Count, Storm};
use crate::clock::Clock;
use crate::message::Finder;
use crate::refusal::refusal;

/// Of the buffer that all members share.
const BUFFER_BYTES: usize = 256 * 1024;

/// Members that come at once at the beginning; a server need not let in more of one address that have not said who they are.
const GATHERED_AT_ONCE: usize = 32;

/// Members that begin to come back between two looks at what else there is.
const COMING_AT_ONCE: usize = 100;

/// Posts that are made between two looks at what has come, by somebody who is late.
const POSTS_AT_ONCE: usize = 32;

/// How long coming together, coming back, and waiting for what is on its way may take.
const PATIENCE: u64 = 60_000_000_000;

/// How long posts go on when all have come back.
const AFTERWARDS: u64 = 1_000_000_000;

const MILLISECOND: u64 = 1_000_000;

/// The standard input among the members.
const ORDERS: Token = Token(usize::MAX);

/// A crowd and what happens to it.
pub(super) struct Traffic<'t> {
    plan: &'t Crowd,
    poll: Poll,
    events: Events,
    members: Vec<Member>,
    ledgers: Vec<Ledger>,
    buffer: Vec<u8>,
    clock: Clock,
    /// Frames look different to staff and to visitors.
    finders: [Finder; 2],
    count: Count,
    /// Conversations in which something has been answered.
    due: Vec<usize>,
    /// In which conversation it is time to post.
    turn: usize,
    is_ordered: bool,
    scratch: (Vec<u8>, String),
}

impl<'t> Traffic<'t> {
    pub(super) fn new(plan: &'t Crowd) -> Result<Self> {
        Ok(Self {
            plan,
            poll: Poll::new()?,
            events: Events::with_capacity(1024),
            members: plan.members.iter().map(|member| Member::new(member, &plan.conversations)).collect(),
            ledgers: plan.conversations.iter().map(Ledger::new).collect(),
            buffer: vec![0; BUFFER_BYTES],
            clock: Clock::start(),
            finders: Default::default(),
            count: Count::new(0)?,
            due: Vec::new(),
            turn: 0,
            is_ordered: false,
            scratch: Default::default(),
        })
    }

    /// Lets all of them come; how many seconds that took.
    pub(super) fn gather(&mut self) -> Result<f64> {
        let mut next = 0;
        loop {
            let coming = self.members[..next].iter().filter(|member| member.is_coming()).count();
            for _ in coming..GATHERED_AT_ONCE {
                if next < self.members.len() {
                    self.come(next)?;
                    next += 1;
                }
            }
            if coming == 0 && next == self.members.len() {
                break;
            }
            self.look(Duration::from_millis(10))?;
            ensure!(self.count.closed == 0, "somebody is not let in");
            ensure!(self.clock.nanos() < PATIENCE, "{coming} wait in vain to be welcomed");
        }
        let orders = std::io::stdin().as_raw_fd();
        self.poll.registry().register(&mut SourceFd(&orders), ORDERS, Interest::READABLE)?;
        Ok(self.clock.seconds())
    }

    /// Answers pings until there is an order, or the end of them.
    pub(super) fn idle(&mut self) -> Result<()> {
        while !self.is_ordered {
            self.poll(None)?;
        }
        self.is_ordered = false;
        Ok(())
    }

    pub(super) fn carry_out(&mut self, order: Order) -> Result<Report> {
        let began = self.clock.nanos();
        self.count = Count::new(began)?;
        match order {
            Order::Paced { per_second, at_once, waiting_max, seconds } => {
                self.count.steady = steady(began, seconds);
                self.paced(per_second, at_once, waiting_max)?;
            }
            Order::Closed { conversations, waiting, seconds } => {
                self.count.steady = steady(began, seconds);
                self.closed(conversations.min(self.ledgers.len()), waiting)?;
            }
            Order::Storm { per_second, away } => self.storm(per_second, (away * 1e9) as u64)?,
        }
        let posted_until = self.clock.nanos();
        while !self.is_settled() && self.clock.nanos() < posted_until + PATIENCE {
            self.look(Duration::from_millis(20))?;
        }
        let unanswered = self.ledgers.iter().map(|ledger| ledger.waiting as u64).sum();
        self.count.missing += self.unheard();
        self.ledgers.iter_mut().for_each(Ledger::settle);
        self.members.iter_mut().for_each(|member| member.heard.clear());
        let count = std::mem::replace(&mut self.count, Count::new(0)?);
        let mut report = count.report(posted_until, unanswered);
        if let Some(back) = &mut report.back {
            back.clients = self.members.iter().filter(|member| member.is_cut).count();
        }
        Ok(report)
    }

    fn is_settled(&self) -> bool {
        self.ledgers.iter().all(|ledger| ledger.waiting == 0) && self.unheard() == 0
    }

    /// What has been acknowledged and not heard.
    fn unheard(&self) -> u64 {
        let missing = |member: &Member| Some(self.ledgers[member.hears()?].missing(&member.heard));
        self.members.iter().filter_map(missing).sum()
    }

    fn paced(&mut self, per_second: f64, at_once: usize, waiting_max: usize) -> Result<()> {
        let mut late = 0;
        while self.clock.nanos() < self.count.steady.1 {
            let at = self.count.began + (self.count.offered as f64 / per_second * 1e9) as u64;
            match at.min(self.count.steady.1).checked_sub(self.clock.nanos()).filter(|left| *left > 0) {
                Some(left) => {
                    self.poll(Some(Duration::from_nanos(left)))?;
                    continue;
                }
                None => late += 1,
            }
            if late % POSTS_AT_ONCE == 0 {
                self.poll(Some(Duration::ZERO))?;
            }
            self.post_next(at_once, waiting_max)?;
        }
        // What the crowd itself was too slow for was nobody's to take.
        let demanded = ((self.count.steady.1 - self.count.began) as f64 / 1e9 * per_second) as u64;
        self.count.unmade = demanded.saturating_sub(self.count.offered);
        self.count.offered = self.count.offered.max(demanded);
        Ok(())
    }

    /// Posts in the next conversation, unless whoever posts there waits for too many answers.
    fn post_next(&mut self, at_once: usize, waiting_max: usize) -> Result<()> {
        let number = self.turn;
        self.turn = (number + 1) % self.ledgers.len();
        self.count.offered += at_once as u64;
        let is_here = self.members[self.ledgers[number].poster].stage() == Stage::Here;
        if !is_here || self.ledgers[number].waiting + at_once > waiting_max {
            self.count.held_back += at_once as u64;
            return Ok(());
        }
        self.post(number, at_once);
        Ok(())
    }

    fn closed(&mut self, conversations: usize, waiting: usize) -> Result<()> {
        self.due.clear();
        for number in 0..conversations {
            self.ledgers[number].is_due = false;
            self.offer(number, waiting);
        }
        while self.clock.nanos() < self.count.steady.1 {
            self.poll(Some(Duration::from_millis(20)))?;
            let mut due = std::mem::take(&mut self.due);
            for number in due.drain(..) {
                self.ledgers[number].is_due = false;
                let free = waiting.saturating_sub(self.ledgers[number].waiting);
                self.offer(number, free);
            }
            self.due = due;
        }
        Ok(())
    }

    fn offer(&mut self, number: usize, posts: usize) {
        self.count.offered += posts as u64;
        self.post(number, posts);
    }

    fn post(&mut self, number: usize, posts: usize) {
        if posts == 0 {
            return;
        }
        let (frames, text) = &mut self.scratch;
        frames.clear();
        let (now, ledger) = (self.clock.nanos(), &mut self.ledgers[number]);
        for _ in 0..posts {
            ledger.post(number, now, frames, text);
        }
        self.members[ledger.poster].write(frames);
    }

    fn storm(&mut self, per_second: f64, away: u64) -> Result<()> {
        let back_at = self.clock.nanos() + away;
        let arrivals = vec![Arrival::default(); self.members.len()];
        self.count.storm = Some(Storm { back_at, arrivals, turned_away: Default::default(), resumed: 0 });
        for member in self.members.iter_mut().filter(|member| member.is_cut) {
            member.cut(back_at)?;
        }
        let mut complete_at = None;
        loop {
            let now = self.clock.nanos();
            if complete_at.is_none() && self.are_back() {
                complete_at = Some(now);
            }
            if complete_at.is_some_and(|at| now > at + AFTERWARDS) || now > back_at + PATIENCE {
                return Ok(());
            }
            while self.count.began + (self.count.offered as f64 / per_second * 1e9) as u64 <= now {
                self.post_next(1, usize::MAX)?;
            }
            self.look(Duration::from_nanos(MILLISECOND))?;
        }
    }

    fn are_back(&self) -> bool {
        let Some(storm) = &self.count.storm else { return true };
        let mut cut = self.members.iter().zip(&storm.arrivals).filter(|(member, _)| member.is_cut);
        cut.all(|(_, arrival)| arrival.complete.is_some())
    }

    fn come(&mut self, number: usize) -> Result<()> {
        let (address, path) = (self.plan.address, &self.plan.path);
        self.members[number].come(address, path, (self.poll.registry(), Token(number)))
    }

    /// Lets those come back for whom it is time, and waits for something to come.
    fn look(&mut self, at_most: Duration) -> Result<()> {
        if self.count.storm.is_some() {
            let now = self.clock.nanos();
            let is_due = |member: &Member| matches!(member.stage(), Stage::Away(at) if at <= now);
            let due: Vec<_> =
                (0..self.members.len()).filter(|number| is_due(&self.members[*number])).collect();
            for number in due.into_iter().take(COMING_AT_ONCE) {
                self.come(number)?;
            }
        }
        self.poll(Some(at_most))
    }

    fn poll(&mut self, at_most: Option<Duration>) -> Result<()> {
        match self.poll.poll(&mut self.events, at_most) {
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => return Ok(()),
            polled => polled?,
        }
        let Self { events, members, ledgers, buffer, clock, finders, count, due, is_ordered, .. } = self;
        for event in &*events {
            if event.token() == ORDERS {
                *is_ordered = true;
                continue;
            }
            let number = event.token().0;
            let member = &mut members[number];
            let now = clock.nanos();
            if event.is_writable() {
                member.write(&[]);
            }
            let finder = &mut finders[usize::from(member.is_staff())];
            member.read(buffer, finder, |member, heard| {
                take(member, number, heard, now, ledgers, count, due)
            })?;
        }
        Ok(())
    }
}

/// The second half of a load: until then queues are as long as it makes them.
fn steady(began: u64, seconds: f64) -> (u64, u64) {
    let nanos = (seconds * 1e9) as u64;
    (began + nanos / 2, began + nanos)
}

/// Keeps count of what has come to a member.
fn take(
    member: &mut Member,
    number: usize,
    heard: Heard,
    now: u64,
    ledgers: &mut [Ledger],
    count: &mut Count,
    due: &mut Vec<usize>,
) -> Result<()> {
    let mut answered = |conversation: usize| {
        if !ledgers[conversation].is_due {
            ledgers[conversation].is_due = true;
            due.push(conversation);
        }
    };
    match heard {
        Heard::Said(Said::Acknowledged { conversation, post }) => {
            answered(conversation);
            count.acknowledged(ledgers[conversation].answered(post, true)?, now);
        }
        Heard::Said(Said::Refused { conversation, post, code, is_told }) => {
            answered(conversation);
            ledgers[conversation].answered(post, false)?;
            count.refused(code, is_told);
        }
        Heard::Said(Said::Event { seq, post, bytes }) => {
            count.frame_bytes = bytes;
            event(member, number, (seq, post), now, ledgers, count);
        }
        Heard::Said(Said::Welcome) => welcomed(member, number, now, ledgers, count),
        Heard::Said(Said::Other) => {}
        Heard::Said(Said::Ending { why, after_ms }) => {
            ended(member, why, now + after_ms.unwrap_or(1_000) * MILLISECOND, count);
        }
        Heard::Ended { why, after_ms } => ended(member, why, now + after_ms * MILLISECOND, count),
    }
    Ok(())
}

fn event(
    member: &mut Member,
    number: usize,
    (seq, post): (u64, Option<u64>),
    now: u64,
    ledgers: &[Ledger],
    count: &mut Count,
) {
    let Some(hears) = member.hears() else { return };
    match member.moved(seq) {
        Place::Known => return,
        Place::Next => {}
        Place::Ahead(missing) => count.missing += missing,
    }
    let Some((place, posted_at)) = post.and_then(|post| ledgers[hears].heard(post)) else { return };
    if member.note(place) {
        count.doubled += 1;
        return;
    }
    count.delivered(number, posted_at, now);
    if let Some(storm) = &mut count.storm {
        let arrival = &mut storm.arrivals[number];
        if arrival.owed.is_some_and(|owed| owed <= place) {
            (arrival.owed, arrival.complete) = (None, Some(now));
        }
    }
}

/// Somebody is there: what it then lacks of what has been acknowledged is what it has to be told before it has everything.
fn welcomed(member: &Member, number: usize, now: u64, ledgers: &[Ledger], count: &mut Count) {
    let Some(storm) = count.storm.as_mut().filter(|_| member.is_cut) else { return };
    let last = member.hears().and_then(|hears| ledgers[hears].last_acknowledged());
    let owed = last.filter(|last| !member.heard.get(*last).copied().unwrap_or(false));
    let complete = if owed.is_none() { Some(now) } else { None };
    storm.arrivals[number] = Arrival { welcomed: Some(now), owed, complete };
}

fn ended(member: &mut Member, why: String, back_at: u64, count: &mut Count) {
    match &mut count.storm {
        Some(storm) if member.is_cut => {
            *storm.turned_away.entry(why).or_default() += 1;
            member.leave(Stage::Away(back_at));
        }
        _ => {
            eprintln!("      the server closes a connection: {}", refusal(&why));
            count.closed += 1;
            member.leave(Stage::Gone);
        }
    }
}
