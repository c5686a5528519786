//! What must hold of everything that is stored, acknowledged and heard. The checker takes observations, and knows nothing of
//! where they come from.
//!
//! - What is stored was said by somebody, once, and takes the next position of staff and, where the visitor sees it, of the
//!   visitor. It stays as it is.
//! - What is acknowledged is stored, under the position and id that the acknowledgement names, and is acknowledged as new once
//!   at most. In the end everything that was said is acknowledged.
//! - What a reader holds is at any time a beginning of the stored log in its own numbering, and in the end all of it.
//! - What a connection brings of a conversation has no hole.
//! - A reader that is told that it holds no beginning of the truth drops what it holds, and reads it again.
//! - Nobody gets to know anything of a tenant, a conversation or a note that is not for it.

mod entry;
mod kept;
mod reader;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use convor::domain::Audience;
use convor::ids::{ClientId, ConversationId, MessageId, TenantId, VisitorId};

pub(crate) use entry::{Record, heard};
use kept::Kept;
use reader::{Held, Line};
pub(crate) use reader::{Reader, Wants};

/// A conversation, by its tenant first.
pub(crate) type Place = (TenantId, ConversationId);

/// The number of a [`Reader`].
pub(crate) type ReaderId = usize;

/// Something that was seen, in the order in which it happened.
#[derive(Debug, Clone)]
pub(crate) enum Observation {
    /// The storage has committed that there is a conversation.
    Opened { at: Place, visitor: VisitorId },
    /// The storage has committed an event.
    Stored { at: Place, record: Record },
    /// A reader is about to say something, perhaps again.
    Said { client_id: ClientId, text: String },
    /// A reader is told that what it said is stored.
    Acknowledged {
        reader: ReaderId,
        at: Place,
        client_id: ClientId,
        message: MessageId,
        seq: u64,
        duplicate: bool,
    },
    /// On a connection a reader hears everything after this position from now on.
    Began { line: u64, at: Place, after: u64 },
    /// A connection brings an event of a conversation to which it is subscribed.
    Heard { reader: ReaderId, line: u64, at: Place, seq: u64 },
    /// A reader adds an event to what it holds.
    Took { reader: ReaderId, at: Place, seq: u64, entry: String },
    /// A reader is told that what it holds is not a beginning of the truth.
    Reset { reader: ReaderId, at: Place },
    /// A reader drops what it holds.
    Dropped { reader: ReaderId, at: Place },
    /// A reader has read, by asking, up to the end that it was shown.
    Reread { reader: ReaderId, at: Place },
    /// A reader's list shows a conversation up to this position.
    Viewed { reader: ReaderId, at: Place, seq: u64 },
}

/// A rule that does not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Violation {
    /// Which rule.
    pub(crate) rule: &'static str,
    /// Of which conversation, if it is one's.
    pub(crate) at: Option<Place>,
    /// What was seen.
    pub(crate) what: String,
}

/// Takes observations, and remembers the first violation.
#[derive(Debug, Default)]
pub(crate) struct Checker {
    readers: Vec<Reader>,
    places: BTreeMap<Place, Kept>,
    said: BTreeMap<ClientId, String>,
    acknowledged: BTreeSet<ClientId>,
    /// Those that have been acknowledged as new.
    new: BTreeSet<ClientId>,
    stored: BTreeSet<ClientId>,
    held: BTreeMap<(ReaderId, Place), Held>,
    lines: BTreeMap<(u64, Place), Line>,
    viewed: BTreeMap<(ReaderId, Place), u64>,
    violation: Option<Violation>,
}

impl Checker {
    /// Lets somebody read from now on.
    pub(crate) fn admit(&mut self, reader: Reader) -> ReaderId {
        self.readers.push(reader);
        self.readers.len() - 1
    }

    /// The first rule that did not hold.
    pub(crate) fn violation(&self) -> Option<&Violation> {
        self.violation.as_ref()
    }

    /// Notes that a rule does not hold.
    pub(crate) fn violated(&mut self, rule: &'static str, at: Option<Place>, what: impl fmt::Display) {
        if self.violation.is_none() {
            self.violation = Some(Violation { rule, at, what: what.to_string() });
        }
    }

    /// Takes what was seen.
    pub(crate) fn saw(&mut self, observation: &Observation) {
        let (at, broken) = match observation {
            Observation::Opened { at, visitor } => {
                self.places.entry(*at).or_insert_with(|| Kept::new(*visitor));
                return;
            }
            Observation::Said { client_id, text } => {
                self.said.insert(*client_id, text.clone());
                return;
            }
            Observation::Stored { at, record } => (at, self.stored(*at, record)),
            Observation::Acknowledged { reader, at, client_id, message, seq, duplicate } => {
                (at, self.acknowledged(*reader, *at, *client_id, (*message, *seq), *duplicate))
            }
            Observation::Began { line, at, after } => {
                self.lines.entry((*line, *at)).or_default().began(*after);
                return;
            }
            Observation::Heard { reader, line, at, seq } => {
                (at, self.lines.entry((*line, *at)).or_default().heard(*seq).and(self.sees(*reader, *at)))
            }
            Observation::Took { reader, at, seq, entry } => (at, self.took(*reader, *at, *seq, entry)),
            Observation::Reset { reader, at } => {
                self.held.entry((*reader, *at)).or_default().reset();
                (at, self.sees(*reader, *at))
            }
            Observation::Dropped { reader, at } => {
                self.held.entry((*reader, *at)).or_default().dropped();
                return;
            }
            Observation::Reread { reader, at } => {
                self.held.entry((*reader, *at)).or_default().reread();
                return;
            }
            Observation::Viewed { reader, at, seq } => (at, self.viewed(*reader, *at, *seq)),
        };
        if let Err(rule) = broken {
            self.violated(rule, Some(*at), format_args!("{observation:?}"));
        }
    }

    /// Takes what has come to a reader, as it came, and the conversation that it names.
    pub(crate) fn overheard(&mut self, reader: ReaderId, text: &str, names: Option<ConversationId>) {
        let Some(who) = self.readers.get(reader) else { return };
        if let Some(word) = who.secret_in(text) {
            let (rule, what) =
                ("what is said reaches only those for whom it is", format!("{who:?} gets {word}"));
            return self.violated(rule, None, what);
        }
        let at = names.map(|conversation| (who.tenant, conversation));
        if let Some(at) = at
            && let Err(rule) = self.sees(reader, at)
        {
            self.violated(rule, Some(at), text);
        }
    }

    /// The conversations that have been stored.
    pub(crate) fn places(&self) -> BTreeSet<Place> {
        self.places.keys().copied().collect()
    }

    /// Compares what is stored in the end with what was stored on the way.
    pub(crate) fn stands(&mut self, at: Place, audience: Audience, log: &[(u64, String)]) {
        let kept = self.places.get(&at).map(|kept| kept.log(audience)).unwrap_or_default();
        let same = kept.len() == log.len()
            && (1..).zip(kept).zip(log).all(|((seq, kept), (at, found))| seq == *at && kept == found);
        if !same {
            let what = format!("{audience:?} find {} of {} events, or others", log.len(), kept.len());
            self.violated("what is stored stays", Some(at), what);
        }
    }

    /// The end: everything that was said is acknowledged, and everybody holds everything that is for it.
    pub(crate) fn finish(&mut self) {
        if let Some((client_id, text)) = self.said.iter().find(|(id, _)| !self.acknowledged.contains(id)) {
            let what = format!("{client_id:?}: {:.60}", text);
            return self.violated("what is said is acknowledged in the end", None, what);
        }
        if let Some(((reader, at), _)) = self.held.iter().find(|(_, held)| held.owes_a_reading()) {
            let what = format!("{:?}", self.readers[*reader]);
            let at = Some(*at);
            return self.violated("a reset is answered by reading again", at, what);
        }
        for (number, reader) in self.readers.iter().enumerate() {
            for (at, kept) in self.places.iter().filter(|(at, kept)| reader.sees(**at, kept.visitor)) {
                let all = kept.log(reader.audience()).len() as u64;
                let has = match reader.wants {
                    Wants::Logs => self.held.get(&(number, *at)).map_or(0, Held::seq),
                    Wants::List => self.viewed.get(&(number, *at)).copied().unwrap_or(0),
                };
                if has != all {
                    let what = format!("{reader:?} has {has} of {all} events");
                    let at = Some(*at);
                    return self.violated("in the end everybody has everything", at, what);
                }
            }
        }
    }

    fn stored(&mut self, at: Place, record: &Record) -> Result<(), &'static str> {
        if let Some((client_id, text)) = &record.message {
            let said = self.said.get(client_id).ok_or("what is stored was said")?;
            if said != text {
                return Err("what is stored was said like this");
            }
            if !self.stored.insert(*client_id) {
                return Err("what is said is stored once");
            }
        }
        self.places.get_mut(&at).ok_or("an event is stored in a conversation that there is")?.push(record)
    }

    fn acknowledged(
        &mut self,
        reader: ReaderId,
        at: Place,
        client_id: ClientId,
        (message, seq): (MessageId, u64),
        duplicate: bool,
    ) -> Result<(), &'static str> {
        self.sees(reader, at)?;
        let kept = self.places.get(&at).ok_or("what is acknowledged is stored")?;
        let position = kept.position(client_id, message).ok_or("what is acknowledged is stored")?;
        if position.of(self.readers[reader].audience()) != Some(seq) {
            return Err("an acknowledgement names the stored position");
        }
        self.acknowledged.insert(client_id);
        if !duplicate && !self.new.insert(client_id) {
            return Err("what is said is new once");
        }
        Ok(())
    }

    fn took(&mut self, reader: ReaderId, at: Place, seq: u64, entry: &str) -> Result<(), &'static str> {
        self.sees(reader, at)?;
        let log = self.places.get(&at).map(|kept| kept.log(self.readers[reader].audience()));
        self.held.entry((reader, at)).or_default().take(seq, entry, log.unwrap_or_default())
    }

    fn viewed(&mut self, reader: ReaderId, at: Place, seq: u64) -> Result<(), &'static str> {
        self.sees(reader, at)?;
        let stored = self.places.get(&at).map_or(0, |kept| kept.log(self.readers[reader].audience()).len());
        if seq > stored as u64 {
            return Err("what is heard is stored");
        }
        let before = self.viewed.entry((reader, at)).or_default();
        *before = seq.max(*before);
        Ok(())
    }

    /// Whether a conversation is one that a reader may know of.
    fn sees(&self, reader: ReaderId, at: Place) -> Result<(), &'static str> {
        let visitor = self.places.get(&at).map(|kept| kept.visitor);
        let sees = visitor.is_some_and(|visitor| self.readers[reader].sees(at, visitor));
        sees.then_some(()).ok_or("a reader hears of its own conversations only")
    }
}
