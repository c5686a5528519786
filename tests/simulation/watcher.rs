//! Who sees everything that happens in a run: it tells the checker, counts, and keeps the last steps of each conversation.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use convor::domain::Audience;
use convor::ids::ConversationId;
use tokio::time::Instant;

use crate::checker::{Checker, Observation, Place, Reader, ReaderId, Violation};
use crate::clock::now;

/// How many steps are kept of each conversation.
const STEPS: usize = 60;

/// Sees everything that happens in a run.
#[derive(Debug)]
pub(crate) struct Watcher {
    began: Instant,
    seen: Mutex<Seen>,
    /// Whether people have stopped to say new things.
    calm: AtomicBool,
}

#[derive(Debug, Default)]
struct Seen {
    checker: Checker,
    steps: BTreeMap<Place, VecDeque<String>>,
    faults: Vec<String>,
    counts: BTreeMap<&'static str, usize>,
    /// Of all steps, whatever their order within a millisecond.
    digest: u64,
}

impl Watcher {
    pub(crate) fn new() -> Self {
        Self { began: now(), seen: Mutex::default(), calm: AtomicBool::new(false) }
    }

    /// When the run began.
    pub(crate) const fn began(&self) -> Instant {
        self.began
    }

    /// Lets somebody read from now on.
    pub(crate) fn admit(&self, reader: Reader) -> ReaderId {
        self.seen().checker.admit(reader)
    }

    /// Somebody has seen something.
    pub(crate) fn saw(&self, who: &str, observation: &Observation) {
        let mut seen = self.seen();
        if let Some(at) = observation.place() {
            let step = format!("{} {who}: {observation}", self.time());
            seen.digest = seen.digest.wrapping_add(hash_of(&step));
            let steps = seen.steps.entry(at).or_default();
            if steps.len() == STEPS {
                steps.pop_front();
            }
            steps.push_back(step);
        }
        seen.checker.saw(observation);
    }

    /// Something has come to a reader, which may name a conversation.
    pub(crate) fn overheard(&self, reader: ReaderId, text: &str, names: Option<ConversationId>) {
        self.seen().checker.overheard(reader, text, names);
    }

    /// Something is wrong that the checker cannot see.
    pub(crate) fn violated(&self, rule: &'static str, at: Option<Place>, what: impl fmt::Display) {
        self.seen().checker.violated(rule, at, what);
    }

    /// What is stored of a conversation in the end.
    pub(crate) fn stands(&self, at: Place, audience: Audience, log: &[(u64, String)]) {
        self.seen().checker.stands(at, audience, log);
    }

    /// The conversations that have been stored.
    pub(crate) fn places(&self) -> BTreeSet<Place> {
        self.seen().checker.places()
    }

    /// The run is over.
    pub(crate) fn finish(&self) {
        self.seen().checker.finish();
    }

    pub(crate) fn violation(&self) -> Option<Violation> {
        self.seen().checker.violation().cloned()
    }

    /// Something happens to the system.
    pub(crate) fn befalls(&self, kind: &'static str, what: impl fmt::Display) {
        let line = format!("{} {kind}{what}", self.time());
        let mut seen = self.seen();
        seen.digest = seen.digest.wrapping_add(hash_of(&line));
        seen.faults.push(line);
        *seen.counts.entry(kind).or_default() += 1;
    }

    /// Something has happened that is counted.
    pub(crate) fn count(&self, what: &'static str) {
        *self.seen().counts.entry(what).or_default() += 1;
    }

    pub(crate) fn counts(&self) -> BTreeMap<&'static str, usize> {
        self.seen().counts.clone()
    }

    /// What befell the system, in order.
    pub(crate) fn faults(&self) -> Vec<String> {
        self.seen().faults.clone()
    }

    /// The last steps of a conversation.
    pub(crate) fn steps(&self, at: Place) -> Vec<String> {
        self.seen().steps.get(&at).into_iter().flatten().cloned().collect()
    }

    /// The same for two runs in which the same was seen at the same times.
    pub(crate) fn digest(&self) -> u64 {
        self.seen().digest
    }

    /// From now on nobody says anything new.
    pub(crate) fn calm_down(&self) {
        self.calm.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_calm(&self) -> bool {
        self.calm.load(Ordering::Relaxed)
    }

    fn time(&self) -> String {
        format!("{:>9.3} s", (now() - self.began).as_secs_f64())
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn hash_of(line: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    line.hash(&mut hasher);
    hasher.finish()
}

impl Observation {
    /// Of which conversation it is.
    fn place(&self) -> Option<Place> {
        match self {
            Self::Said { .. } => None,
            Self::Opened { at, .. }
            | Self::Stored { at, .. }
            | Self::Acknowledged { at, .. }
            | Self::Began { at, .. }
            | Self::Heard { at, .. }
            | Self::Took { at, .. }
            | Self::Reset { at, .. }
            | Self::Dropped { at, .. }
            | Self::Reread { at, .. }
            | Self::Viewed { at, .. } => Some(*at),
        }
    }
}

impl fmt::Display for Observation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Opened { .. } => write!(f, "opened"),
            Self::Stored { record, .. } => {
                let visitor = record.visitor.map_or("-".to_owned(), |seq| seq.to_string());
                write!(f, "stored {} ({visitor} for the visitor) {:.90}", record.staff, record.to_staff)
            }
            Self::Said { text, .. } => write!(f, "says {text:.40}"),
            Self::Acknowledged { client_id, seq, duplicate, .. } => {
                let again = if *duplicate { ", again" } else { "" };
                write!(f, "told that {client_id} is stored as {seq}{again}")
            }
            Self::Began { line, after, .. } => write!(f, "hears after {after} on connection {line}"),
            Self::Heard { line, seq, .. } => write!(f, "hears {seq} on connection {line}"),
            Self::Took { seq, entry, .. } => write!(f, "takes {seq} {entry:.90}"),
            Self::Reset { .. } => write!(f, "told to read again"),
            Self::Dropped { .. } => write!(f, "drops what it holds"),
            Self::Reread { .. } => write!(f, "has read to the end"),
            Self::Viewed { seq, .. } => write!(f, "lists it up to {seq}"),
        }
    }
}
