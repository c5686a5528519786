//! In which order conversations are listed, so that no page has to look at those that are not on it.

use std::collections::{BTreeSet, HashMap};
use std::hash::Hash;

use convor::domain::{Conversation, Status, Text};
use convor::ids::{ConversationId, OperatorId, VisitorId};
use convor::ports::storage::{AssigneeFilter, ConversationScope};
use convor::time::Timestamp;

use super::log::Log;

/// Conversations by the time of their last change.
pub(super) type Order = BTreeSet<(Timestamp, ConversationId)>;

/// Every conversation of a tenant, in the order of each list on which it stands.
#[derive(Default)]
pub(super) struct Index {
    all: Order,
    by_status: HashMap<Status, Order>,
    by_assignee: HashMap<Option<OperatorId>, Order>,
    by_tag: HashMap<Text, Order>,
    by_visitor: HashMap<VisitorId, Order>,
    snoozes: Order,
    /// Conversations by the time of the event with which their log begins.
    beginnings: Order,
    nothing: Order,
}

impl Index {
    pub(super) fn insert(&mut self, log: &Log) {
        let conversation = &log.conversation;
        let staff = (conversation.updated_at.staff, conversation.id);
        self.all.insert(staff);
        self.by_status.entry(conversation.status).or_default().insert(staff);
        self.by_assignee.entry(conversation.assignee).or_default().insert(staff);
        for tag in &conversation.tags {
            self.by_tag.entry(tag.clone()).or_default().insert(staff);
        }
        let visitor = (conversation.updated_at.visitor, conversation.id);
        self.by_visitor.entry(conversation.visitor).or_default().insert(visitor);
        if let Some(until) = conversation.snoozed_until {
            self.snoozes.insert((until, conversation.id));
        }
        if let Some(at) = log.begins_at() {
            self.beginnings.insert((at, conversation.id));
        }
    }

    pub(super) fn remove(&mut self, log: &Log) {
        let conversation = &log.conversation;
        let staff = (conversation.updated_at.staff, conversation.id);
        self.all.remove(&staff);
        take(&mut self.by_status, &conversation.status, &staff);
        take(&mut self.by_assignee, &conversation.assignee, &staff);
        for tag in &conversation.tags {
            take(&mut self.by_tag, tag, &staff);
        }
        let visitor = (conversation.updated_at.visitor, conversation.id);
        take(&mut self.by_visitor, &conversation.visitor, &visitor);
        if let Some(until) = conversation.snoozed_until {
            self.snoozes.remove(&(until, conversation.id));
        }
        if let Some(at) = log.begins_at() {
            self.beginnings.remove(&(at, conversation.id));
        }
    }

    /// How many conversations the visitor has.
    pub(super) fn count_of(&self, visitor: VisitorId) -> usize {
        self.by_visitor.get(&visitor).map_or(0, Order::len)
    }

    /// The shortest list that holds everything in the scope. With several filters it may hold more: see [`passes`].
    pub(super) fn shortest(&self, scope: &ConversationScope) -> &Order {
        let nothing = &self.nothing;
        match scope {
            ConversationScope::Of(visitor) => self.by_visitor.get(visitor).unwrap_or(nothing),
            ConversationScope::Inbox { status, assignee, tag } => {
                let status = status.map(|status| self.by_status.get(&status).unwrap_or(nothing));
                let assignee =
                    assignee.map(|filter| self.by_assignee.get(&wanted(filter)).unwrap_or(nothing));
                let tag = tag.as_ref().map(|tag| self.by_tag.get(tag).unwrap_or(nothing));
                let lists = [status, assignee, tag].into_iter().flatten();
                lists.min_by_key(|list| list.len()).unwrap_or(&self.all)
            }
        }
    }

    /// The snoozed conversations whose time has come, the longest due first.
    pub(super) fn due_snoozes(&self, now: Timestamp) -> impl Iterator<Item = ConversationId> {
        self.snoozes.iter().take_while(move |(until, _)| *until <= now).map(|(_, id)| *id)
    }

    /// The conversation whose log begins first, if that is before this time.
    pub(super) fn begins_before(&self, time: Timestamp) -> Option<ConversationId> {
        self.beginnings.first().filter(|(at, _)| *at < time).map(|(_, id)| *id)
    }

    /// When the next snooze ends.
    pub(super) fn next_snooze(&self) -> Option<Timestamp> {
        self.snoozes.first().map(|(until, _)| *until)
    }
}

/// Whether a conversation is in the scope.
pub(super) fn passes(conversation: &Conversation, scope: &ConversationScope) -> bool {
    match scope {
        ConversationScope::Of(visitor) => conversation.visitor == *visitor,
        ConversationScope::Inbox { status, assignee, tag } => {
            status.is_none_or(|status| conversation.status == status)
                && assignee.is_none_or(|filter| conversation.assignee == wanted(filter))
                && tag.as_ref().is_none_or(|tag| conversation.tags.contains(tag))
        }
    }
}

const fn wanted(filter: AssigneeFilter) -> Option<OperatorId> {
    match filter {
        AssigneeFilter::Nobody => None,
        AssigneeFilter::Operator(operator) => Some(operator),
    }
}

/// Takes an entry off its list, and the list away once it is empty, so that past tags do not stay for ever.
fn take<K: Eq + Hash>(lists: &mut HashMap<K, Order>, key: &K, entry: &(Timestamp, ConversationId)) {
    if let Some(list) = lists.get_mut(key) {
        list.remove(entry);
        if list.is_empty() {
            lists.remove(key);
        }
    }
}
