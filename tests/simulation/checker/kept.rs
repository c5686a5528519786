//! What is stored of a conversation.

use std::collections::BTreeMap;

use convor::domain::{Audience, Position};
use convor::ids::{ClientId, MessageId, VisitorId};

use super::Record;

/// What is stored of a conversation.
#[derive(Debug)]
pub(super) struct Kept {
    pub(super) visitor: VisitorId,
    to_staff: Vec<String>,
    to_visitor: Vec<String>,
    messages: BTreeMap<ClientId, (MessageId, Place)>,
}

/// A position in both numberings.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place(Position);

impl Place {
    /// The position in an audience's numbering.
    pub(super) const fn of(self, audience: Audience) -> Option<u64> {
        match audience {
            Audience::Staff => Some(self.0.staff),
            Audience::Visitor => self.0.visitor,
        }
    }
}

impl Kept {
    pub(super) const fn new(visitor: VisitorId) -> Self {
        Self { visitor, to_staff: Vec::new(), to_visitor: Vec::new(), messages: BTreeMap::new() }
    }

    /// Adds an event, which has to take the next position of each audience that sees it.
    pub(super) fn push(&mut self, record: &Record) -> Result<(), &'static str> {
        if record.staff != self.to_staff.len() as u64 + 1 {
            return Err("staff's positions are gapless and in order");
        }
        if record.internal != record.visitor.is_none() {
            return Err("what is internal has no position for the visitor, and everything else has one");
        }
        if record.visitor.is_some_and(|seq| seq != self.to_visitor.len() as u64 + 1) {
            return Err("the visitor's positions are gapless and in order");
        }
        self.to_staff.push(record.to_staff.clone());
        if record.visitor.is_some() {
            self.to_visitor.push(record.to_visitor.clone());
        }
        if let (Some((client_id, _)), Some(id)) = (&record.message, record.id) {
            let position = Position { staff: record.staff, visitor: record.visitor };
            self.messages.insert(*client_id, (id, Place(position)));
        }
        Ok(())
    }

    /// What an audience sees of it.
    pub(super) fn log(&self, audience: Audience) -> &[String] {
        match audience {
            Audience::Staff => &self.to_staff,
            Audience::Visitor => &self.to_visitor,
        }
    }

    /// Where a message stands.
    pub(super) fn position(&self, client_id: ClientId, message: MessageId) -> Option<Place> {
        self.messages.get(&client_id).filter(|(id, _)| *id == message).map(|(_, place)| *place)
    }
}
