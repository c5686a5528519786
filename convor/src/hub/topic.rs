//! One conversation's listeners, and up to where they have heard.

use std::collections::HashMap;
use std::sync::Arc;

use crate::domain::{Audience, Event, Heads};
use crate::hub::Connection;
use crate::ids::ConnectionId;

/// One conversation's listeners.
#[derive(Debug, Default)]
pub(crate) struct Topic {
    /// Up to where it has published; `None` while no member is live.
    published: Option<Heads>,
    /// The highest staff position that it has heard of.
    heard: u64,
    members: HashMap<ConnectionId, Member>,
}

#[derive(Debug)]
struct Member {
    connection: Arc<Connection>,
    audience: Audience,
    /// Up to where the member has got it, in its own numbering; `None` while it catches up.
    cursor: Option<u64>,
}

/// Whether an event is the next one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Published {
    /// It is.
    Next,
    /// It has been published.
    Old,
    /// Something before it has not.
    Gap,
}

/// Whether a member hears from now on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Live {
    /// It does.
    Yes,
    /// There is more to read first.
    Behind,
    /// It is no member any more.
    Gone,
}

impl Topic {
    pub(super) fn enter(&mut self, connection: &Arc<Connection>) {
        let member = Member {
            connection: Arc::clone(connection),
            audience: connection.principal().audience(),
            cursor: None,
        };
        self.members.insert(connection.id(), member);
    }

    /// Takes a member out; answers whether it was the last.
    pub(super) fn leave(&mut self, connection: ConnectionId) -> bool {
        self.members.remove(&connection);
        self.members.is_empty()
    }

    pub(super) fn has(&self, connection: ConnectionId) -> bool {
        self.members.contains_key(&connection)
    }

    pub(super) const fn published(&self) -> Option<Heads> {
        self.published
    }

    pub(super) fn staff(&self) -> Vec<Arc<Connection>> {
        let staff = self.members.values().filter(|member| member.audience == Audience::Staff);
        staff.map(|member| Arc::clone(&member.connection)).collect()
    }

    pub(super) fn go_live(&mut self, connection: ConnectionId, cursor: u64, heads: Heads) -> Live {
        let Some(member) = self.members.get_mut(&connection) else { return Live::Gone };
        match self.published {
            Some(published) if published.of(member.audience) > cursor => return Live::Behind,
            None if self.heard > heads.staff => return Live::Behind,
            Some(_) => {}
            None => self.published = Some(heads),
        }
        member.cursor = Some(cursor);
        Live::Yes
    }

    pub(super) fn expects(&self, event: &Event) -> Published {
        match self.published {
            Some(published) if event.position.staff <= published.staff => Published::Old,
            Some(published) if event.position.staff > published.staff + 1 => Published::Gap,
            _ => Published::Next,
        }
    }

    /// Moves on to an event that is [`Published::Next`], and hands it to every live member that has not got it.
    pub(super) fn publish(&mut self, event: &Event, mut deliver: impl FnMut(&Connection, Audience)) {
        self.heard = self.heard.max(event.position.staff);
        let Some(published) = &mut self.published else { return };
        published.staff = event.position.staff;
        published.visitor = event.position.visitor.unwrap_or(published.visitor);
        for member in self.members.values_mut() {
            let (Some(cursor), Some(seq)) = (member.cursor, event.seq(member.audience)) else { continue };
            if seq > cursor {
                deliver(&member.connection, member.audience);
                member.cursor = Some(seq);
            }
        }
    }
}
