//! One conversation's listeners, and up to where they have heard.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use crate::domain::{Audience, Heads, Position};
use crate::hub::Connection;
use crate::ids::ConnectionId;
use crate::ports::Transport;

/// One conversation's listeners.
#[derive(Debug, Default)]
pub(crate) struct Topic {
    /// Up to where it has published; `None` while no member has been live.
    published: Option<Published>,
    /// The highest staff position that it has heard of.
    heard: u64,
    /// What those who listen to the inbox have been offered last, without a gap in it.
    offered: Option<Offered>,
    members: HashMap<ConnectionId, Member>,
}

/// Up to where a topic has published.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Published {
    heads: Heads,
    epoch: u32,
}

/// Staff positions of one lifetime, from the first to the last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Offered {
    epoch: u32,
    from: u64,
    to: u64,
}

struct Member {
    connection: Arc<Connection>,
    /// The connection's, here as well: a delivery touches as little memory as it can, because all of it is cold.
    transport: Arc<dyn Transport>,
    audience: Audience,
    /// Up to where the member has got it, in its own numbering; `None` while it catches up.
    cursor: Option<u64>,
}

impl fmt::Debug for Member {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Member")
            .field("connection", &self.connection)
            .field("cursor", &self.cursor)
            .finish_non_exhaustive()
    }
}

/// Where an event stands.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Placed {
    pub(crate) position: Position,
    /// The lifetime of its position.
    pub(crate) epoch: u32,
}

/// What an event is to a topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Expected {
    /// The next one.
    Next,
    /// One that has been published.
    Old,
    /// One with something before it that has not been published.
    Gap,
    /// One of another lifetime of the positions.
    OtherEpoch,
}

/// Whether a member hears from now on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Live {
    /// It does.
    Yes,
    /// There is more to read first.
    Behind,
    /// The positions have begun a new life while it was reading.
    OtherEpoch,
    /// It is no member any more.
    Gone,
}

impl Topic {
    /// Makes a connection a member that catches up; answers whether it had been live.
    pub(super) fn enter(&mut self, connection: &Arc<Connection>) -> bool {
        let audience = connection.principal().audience();
        let transport = Arc::clone(connection.transport());
        let member = Member { connection: Arc::clone(connection), transport, audience, cursor: None };
        let before = self.members.insert(connection.id(), member);
        before.is_some_and(|member| member.cursor.is_some())
    }

    /// Takes a member out; answers whether it was the last.
    pub(super) fn leave(&mut self, connection: ConnectionId) -> bool {
        self.members.remove(&connection);
        self.members.is_empty()
    }

    pub(super) fn has(&self, connection: ConnectionId) -> bool {
        self.members.contains_key(&connection)
    }

    pub(super) fn is_live(&self, connection: ConnectionId) -> bool {
        self.members.get(&connection).is_some_and(|member| member.cursor.is_some())
    }

    pub(super) fn published(&self) -> Option<Heads> {
        self.published.map(|published| published.heads)
    }

    pub(super) fn members(&self) -> impl Iterator<Item = &Arc<Connection>> {
        self.members.values().map(|member| &member.connection)
    }

    pub(super) fn staff(&self) -> impl Iterator<Item = &Arc<Connection>> {
        let staff = self.members.values().filter(|member| member.audience == Audience::Staff);
        staff.map(|member| &member.connection)
    }

    /// Lets a member hear everything after `cursor`, having read the log up to `heads`.
    pub(super) fn go_live(
        &mut self,
        connection: ConnectionId,
        cursor: u64,
        heads: Heads,
        epoch: u32,
    ) -> Live {
        let Some(member) = self.members.get_mut(&connection) else { return Live::Gone };
        match self.published {
            Some(published) if published.epoch != epoch => return Live::OtherEpoch,
            Some(published) if published.heads.of(member.audience) > cursor => return Live::Behind,
            None if self.heard > heads.staff => return Live::Behind,
            Some(_) => {}
            None => self.published = Some(Published { heads, epoch }),
        }
        member.cursor = Some(cursor);
        Live::Yes
    }

    pub(super) fn expects(&self, event: Placed) -> Expected {
        match self.published {
            Some(published) if published.epoch != event.epoch => Expected::OtherEpoch,
            Some(published) if event.position.staff <= published.heads.staff => Expected::Old,
            Some(published) if event.position.staff > published.heads.staff + 1 => Expected::Gap,
            _ => Expected::Next,
        }
    }

    /// Whether those who listen to the inbox may not have been offered this event; from now on they have. What lies before
    /// what they have been offered, or after a gap, is offered rather once more than never.
    pub(super) fn is_news_for_inbox(&mut self, Placed { position, epoch }: Placed) -> bool {
        let staff = position.staff;
        match &mut self.offered {
            Some(offered) if offered.epoch == epoch && (offered.from..=offered.to).contains(&staff) => false,
            Some(offered) if offered.epoch == epoch && offered.to.checked_add(1) == Some(staff) => {
                offered.to = staff;
                true
            }
            offered => {
                *offered = Some(Offered { epoch, from: staff, to: staff });
                true
            }
        }
    }

    /// Moves on to an event that is [`Expected::Next`], and hands it to every live member that has not got it.
    pub(super) fn publish(&mut self, event: Placed, mut deliver: impl FnMut(&dyn Transport, Audience)) {
        self.heard = self.heard.max(event.position.staff);
        let Some(published) = &mut self.published else { return };
        published.heads.staff = event.position.staff;
        published.heads.visitor = event.position.visitor.unwrap_or(published.heads.visitor);
        for member in self.members.values_mut() {
            let (Some(cursor), Some(seq)) = (member.cursor, event.position.seq(member.audience)) else {
                continue;
            };
            if seq > cursor {
                deliver(member.transport.as_ref(), member.audience);
                member.cursor = Some(seq);
            }
        }
    }
}
