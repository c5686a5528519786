//! Who reads, and what it has.

use convor::domain::Audience;
use convor::ids::{TenantId, VisitorId};

use super::Place;

/// What marks a word as said for somebody only.
pub(crate) const SECRET: &str = "canary-";

/// Somebody who reads.
#[derive(Debug, Clone)]
pub(crate) struct Reader {
    /// For people who read what is wrong.
    #[expect(dead_code, reason = "it is shown where something is wrong")]
    pub(crate) name: String,
    pub(crate) tenant: TenantId,
    /// Which visitor it is; nobody is staff.
    pub(crate) visitor: Option<VisitorId>,
    pub(crate) wants: Wants,
    /// How words begin that it may see, of those that begin with [`SECRET`].
    pub(crate) secrets: String,
}

/// What a reader wants to have in the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wants {
    /// The logs of all conversations that are for it.
    Logs,
    /// To know up to where each of them goes.
    List,
}

impl Reader {
    pub(super) const fn audience(&self) -> Audience {
        if self.visitor.is_some() { Audience::Visitor } else { Audience::Staff }
    }

    /// Whether a conversation of this visitor is for it.
    pub(super) fn sees(&self, at: Place, visitor: VisitorId) -> bool {
        at.0 == self.tenant && self.visitor.is_none_or(|own| own == visitor)
    }

    /// A word in a text that is not for it.
    pub(super) fn secret_in<'a>(&self, text: &'a str) -> Option<&'a str> {
        let words = text.match_indices(SECRET).map(|(start, _)| &text[start..]);
        let mut foreign = words.filter(|word| !word.starts_with(&self.secrets));
        foreign.next().map(|word| word.split(['"', ' ', '\\']).next().unwrap_or(word))
    }
}

/// What a reader holds of a conversation.
#[derive(Debug, Default)]
pub(super) struct Held {
    seq: u64,
    /// It has been told that this is not a beginning of the truth.
    void: bool,
    /// It has not read anew since.
    unread: bool,
}

impl Held {
    pub(super) const fn seq(&self) -> u64 {
        self.seq
    }

    pub(super) const fn owes_a_reading(&self) -> bool {
        self.void || self.unread
    }

    pub(super) const fn reset(&mut self) {
        (self.void, self.unread) = (true, true);
    }

    pub(super) const fn dropped(&mut self) {
        (self.seq, self.void) = (0, false);
    }

    pub(super) const fn reread(&mut self) {
        self.unread = false;
    }

    /// Adds an event, which has to be the next of the log.
    pub(super) fn take(&mut self, seq: u64, entry: &str, log: &[String]) -> Result<(), &'static str> {
        if self.void {
            return Err("after a reset nothing is added to what was held");
        }
        if seq <= self.seq {
            return Err("nothing is held twice");
        }
        if seq != self.seq + 1 {
            return Err("what is held has no hole");
        }
        let stored = log.get(usize::try_from(self.seq).map_err(|_| "a position is a small number")?);
        if stored.ok_or("what is heard is stored")? != entry {
            return Err("what is held is what is stored");
        }
        self.seq = seq;
        Ok(())
    }
}

/// What a connection has brought of a conversation.
#[derive(Debug, Default)]
pub(super) struct Line {
    /// Up to where; nobody may have said where it begins.
    up_to: Option<u64>,
}

impl Line {
    pub(super) const fn began(&mut self, after: u64) {
        self.up_to = Some(after);
    }

    /// The next event, or one that it has brought before.
    pub(super) fn heard(&mut self, seq: u64) -> Result<(), &'static str> {
        match self.up_to {
            Some(up_to) if seq > up_to + 1 => return Err("what a connection brings has no hole"),
            Some(up_to) => self.up_to = Some(up_to.max(seq)),
            None => self.up_to = Some(seq),
        }
        Ok(())
    }
}
