//! Fan-out on this node: who is connected, who listens where, and in which order they hear it.
//!
//! What a conversation's subscribers hear is a prefix of its log. Three parts see to that. A *turn* lets one change of a
//! conversation at a time be committed and published by this node, so that what is published locally is in order. A
//! topic knows up to where it has published; what would leave a gap is not published but marks the
//! conversation *stale*, and a stale one is reread from the storage. And a subscriber that catches up goes live only once its own
//! position has reached the topic's. So the storage is the only source of order, and everything else may be lost.

mod connection;
mod outlet;
mod roster;
mod shards;
mod stale;
#[cfg(test)]
mod tests;
mod topic;
mod turn;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::domain::{Audience, Author, Heads};
use crate::ids::{ConnectionId, ConversationId, TenantId, VisitorId};
use crate::ports::{Close, Frame};

pub use connection::Connection;
pub use outlet::{Batch, Outlet};
pub(crate) use roster::Arrival;
use roster::Roster;
use shards::Part;
pub(crate) use shards::Shards;
use stale::Stale;
pub(crate) use stale::StaleTopic;
use topic::{Expected, Topic};
pub(crate) use topic::{Live, Placed};
pub(crate) use turn::Turn;
use turn::Turns;

/// A conversation, by its tenant first: the same id in two tenants is two topics.
pub(crate) type TopicKey = (TenantId, ConversationId);

/// Fan-out on this node.
#[derive(Default)]
pub(crate) struct Hub {
    topics: Shards<TopicKey, Topic>,
    roster: Roster,
    turns: Turns,
    stale: Stale,
}

impl Hub {
    /// Who is connected.
    pub(crate) const fn roster(&self) -> &Roster {
        &self.roster
    }

    /// Waits for this node's turn to change a conversation.
    pub(crate) async fn turn(&self, key: TopicKey) -> Turn<'_> {
        Turn::wait(self, key).await
    }

    /// Makes `connection` a member of a topic that does not hear anything until it [goes live](Self::go_live), and answers
    /// whether it had been live before. One that has been disconnected enters nothing.
    pub(crate) fn enter(&self, key: TopicKey, connection: &Arc<Connection>) -> bool {
        let mut shard = self.shard(key);
        let mut topics = connection.topics();
        let Some(topics) = topics.as_mut() else { return false };
        topics.insert(key.1);
        shard.entry(key).or_default().enter(connection)
    }

    /// Makes `connection` a member that does not hear anything yet, unless it is one; answers whether that made it one.
    pub(crate) fn enter_anew(&self, key: TopicKey, connection: &Arc<Connection>) -> bool {
        let mut shard = self.shard(key);
        let mut topics = connection.topics();
        let Some(topics) = topics.as_mut() else { return false };
        let is_new = topics.insert(key.1);
        if is_new {
            shard.entry(key).or_default().enter(connection);
        }
        is_new
    }

    /// Lets a member hear everything after `cursor`, its position in its own numbering, having read the log up to
    /// `heads`.
    pub(crate) fn go_live(
        &self,
        key: TopicKey,
        connection: ConnectionId,
        cursor: u64,
        (heads, epoch): (Heads, u32),
    ) -> Live {
        self.shard(key)
            .get_mut(&key)
            .map_or(Live::Gone, |topic| topic.go_live(connection, cursor, heads, epoch))
    }

    /// Ends a membership.
    pub(crate) fn leave(&self, key: TopicKey, connection: &Connection) {
        let mut shard = self.shard(key);
        if let Some(topic) = shard.get_mut(&key)
            && topic.leave(connection.id())
        {
            shard.remove(&key);
        }
        if let Some(topics) = connection.topics().as_mut() {
            topics.remove(&key.1);
        }
    }

    /// Ends all memberships of a connection, and its presence. Answers whether its principal has gone with it.
    pub(crate) fn disconnect(&self, connection: &Arc<Connection>) -> bool {
        let tenant = connection.principal().tenant();
        let topics = connection.topics().take();
        for conversation in topics.into_iter().flatten() {
            self.leave((tenant, conversation), connection);
        }
        self.roster.remove(connection)
    }

    /// Up to where a topic has published; `None` if it has no members that are live.
    pub(crate) fn published(&self, key: TopicKey) -> Option<Heads> {
        self.shard(key).get(&key).and_then(Topic::published)
    }

    /// Hands an event to everybody who listens, and answers whether there was nothing before it that is missing here.
    pub(crate) fn publish<'f>(
        &self,
        key: TopicKey,
        event: Placed,
        frame: impl Fn(Audience) -> Option<&'f Frame>,
    ) -> bool {
        let tenant = key.0;
        let mut shard = self.shard(key);
        let mut topic = shard.get_mut(&key);
        let expected = topic.as_ref().map_or(Expected::Next, |topic| topic.expects(event));
        if expected == Expected::Gap {
            drop(shard);
            self.mark_stale(key, StaleTopic::default());
            return false;
        }
        // The inbox is a view of its own: a conversation's listeners may be ahead of it.
        if topic.as_mut().is_none_or(|topic| topic.is_news_for_inbox(event)) {
            for connection in self.roster.inbox(tenant).iter() {
                let hears_as_member = expected == Expected::Next
                    && topic.as_ref().is_some_and(|topic| topic.is_live(connection.id()));
                if !hears_as_member && let Some(frame) = frame(Audience::Staff) {
                    connection.offer(frame);
                }
            }
        }
        match (expected, topic) {
            (Expected::Next, Some(topic)) => topic.publish(event, |transport, audience| {
                if let Some(frame) = frame(audience) {
                    // One that refuses it is closing, and is taken out by whoever serves it.
                    let _ = transport.try_send(frame.clone());
                }
            }),
            // What the members hold may not be a prefix of the truth any more: they come back and are told.
            (Expected::OtherEpoch, Some(topic)) => {
                topic.members().for_each(|member| member.close(Close::PositionLost));
            }
            _ => {}
        }
        true
    }

    /// A conversation's log begins above this staff position: listeners who have not heard as much are sent away, to come back
    /// and be told so.
    pub(crate) fn begins_above(&self, key: TopicKey, floor: u64) {
        if self.published(key).is_some_and(|heads| heads.staff < floor) {
            self.send_away(key, None);
        }
    }

    fn send_away(&self, key: TopicKey, visitor: Option<VisitorId>) {
        for member in self.shard(key).get(&key).into_iter().flat_map(Topic::members) {
            member.close(Close::PositionLost);
        }
        // The visitor may not even know that the conversation is there.
        for connection in
            visitor.into_iter().flat_map(|visitor| self.roster.of(key.0, Author::Visitor(visitor)))
        {
            connection.close(Close::PositionLost);
        }
    }

    /// Hands frames that are no events to those who listen at a conversation: staff as members or through the inbox, and
    /// its visitor.
    pub(crate) fn tell_conversation(
        &self,
        key: TopicKey,
        visitor: VisitorId,
        (to_staff, to_visitor): (Option<&Frame>, Option<&Frame>),
        except: impl Fn(&Connection) -> bool,
    ) {
        if let Some(frame) = to_staff {
            let inbox = self.roster.inbox(key.0);
            let shard = self.shard(key);
            let topic = shard.get(&key);
            let members = topic.into_iter().flat_map(Topic::staff);
            let apart = inbox.iter().filter(|listener| topic.is_none_or(|topic| !topic.has(listener.id())));
            for connection in members.chain(apart).filter(|connection| !except(connection)) {
                connection.offer(frame);
            }
        }
        if let Some(frame) = to_visitor {
            let own = self.roster.of(key.0, Author::Visitor(visitor));
            for connection in own.iter().filter(|connection| !except(connection)) {
                connection.offer(frame);
            }
        }
    }

    /// Whether anybody here hears of a conversation what is no event.
    pub(crate) fn has_listeners(&self, key: TopicKey, visitor: VisitorId) -> bool {
        !self.roster.inbox(key.0).is_empty()
            || self.shard(key).contains_key(&key)
            || self.roster.is_here(key.0, Author::Visitor(visitor))
    }

    /// Says that a conversation has to be reread.
    pub(crate) fn mark_stale(&self, key: TopicKey, topic: StaleTopic) {
        self.stale.mark(key, topic);
    }

    /// Says that all conversations with members here have to be reread.
    pub(crate) fn mark_all_stale(&self) {
        for topics in self.topics.each() {
            for key in topics.keys() {
                self.mark_stale(*key, StaleTopic::default());
            }
        }
    }

    /// Whether a conversation is known to have grown and has to be reread, or is being reread at this moment.
    pub(crate) fn is_stale(&self, key: TopicKey) -> bool {
        self.stale.has(key)
    }

    /// Waits for a conversation that has to be reread and whose tenant has less than so many that are being reread. It counts
    /// until [`end_reread`](Self::end_reread).
    pub(crate) async fn begin_reread(&self, per_tenant_max: usize) -> (TopicKey, StaleTopic) {
        self.stale.begin(per_tenant_max).await
    }

    /// A conversation is not being reread any more.
    pub(crate) fn end_reread(&self, key: TopicKey) {
        self.stale.end(key);
    }

    /// A conversation has been reread up to this staff position: it is looked at again if that was not all.
    pub(crate) fn has_reread(&self, key: TopicKey, topic: StaleTopic, staff_head: u64) {
        self.stale.reread(key, topic, staff_head);
    }

    /// A conversation could not be reread: it is tried again, less and less often. Answers `false` when it no longer is: its
    /// listeners have been sent away, to come back and resume.
    pub(crate) fn could_not_reread(&self, key: TopicKey, topic: StaleTopic) -> bool {
        let again = self.stale.failed(key, topic);
        if !again {
            self.send_away(key, topic.visitor);
        }
        again
    }

    /// A quarter of a second has passed.
    pub(crate) fn beat(&self) {
        self.stale.beat();
    }

    fn shard(&self, key: TopicKey) -> Part<'_, TopicKey, Topic> {
        self.topics.of(&key)
    }
}

impl fmt::Debug for Hub {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hub").finish_non_exhaustive()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
