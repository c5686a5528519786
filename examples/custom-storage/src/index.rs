//! What is derived from a record: by what else it is found, in which lists it stands, and when there is work with it.

use std::collections::BTreeSet;
use std::iter;

use convor::domain::{Audience, Author, Conversation, Event, Notification};
use convor::ids::TenantId;
use convor::ports::storage::{AssigneeFilter, Record};
use convor::time::Timestamp;

use crate::keys::{self, Key};

/// When there is work with a record, if ever: a snooze ends, or nobody holds a notification.
pub(crate) fn due(tenant: TenantId, record: &Record) -> Option<Key> {
    let at = match record {
        Record::Conversation { conversation, .. } => conversation.snoozed_until?,
        Record::Notification { held_until, .. } => held_until.unwrap_or(Timestamp::from_millis(0)),
        _ => return None,
    };
    Some(keys::records(tenant, record.kind()).time(at).id(record.key().id))
}

/// Where else a record is found. No two records have an entry in common: it holds the record's id, or what must be unique.
pub(crate) fn entries(tenant: TenantId, record: &Record) -> BTreeSet<Key> {
    match record {
        Record::Operator(operator) => [keys::address(tenant, &operator.email)].into(),
        Record::Token { hash, .. } => [keys::token(tenant, hash)].into(),
        Record::Conversation { conversation, client_id, .. } => {
            let mut all = lists(tenant, conversation);
            all.insert(keys::opened(tenant, conversation.visitor, *client_id));
            all
        }
        Record::Event { event, .. } => places(tenant, event),
        Record::Read { conversation, reader: Author::Operator(operator), up_to } => {
            [keys::operators_read(tenant, *conversation).number(up_to.staff).id(operator.uuid())].into()
        }
        Record::Notification { id, notification: Notification::MessageWaiting { conversation }, .. } => {
            [keys::notifications(tenant, *conversation).id(id.uuid())].into()
        }
        _ => BTreeSet::new(),
    }
}

/// The lists in which a conversation stands.
fn lists(tenant: TenantId, conversation: &Conversation) -> BTreeSet<Key> {
    let Conversation { id, visitor, status, assignee, tags, updated_at, .. } = conversation;
    let own = keys::own(tenant, *visitor).time(updated_at.visitor).id(id.uuid());
    let mut all = BTreeSet::from([own]);
    let assignee = assignee.map_or(AssigneeFilter::Nobody, AssigneeFilter::Operator);
    for status in [None, Some(*status)] {
        for assignee in [None, Some(assignee)] {
            for tag in iter::once(None).chain(tags.iter().map(Some)) {
                let inbox = keys::inbox(tenant, status, assignee, tag);
                all.insert(inbox.time(updated_at.staff).id(id.uuid()));
            }
        }
    }
    all
}

/// The places at which an event is found.
fn places(tenant: TenantId, event: &Event) -> BTreeSet<Key> {
    let (conversation, staff) = (event.conversation, event.position.staff);
    let mut all = BTreeSet::new();
    if let Some(visitor) = event.position.visitor {
        all.insert(keys::log(tenant, conversation, Audience::Visitor).number(visitor));
        all.insert(keys::visible(tenant, conversation).number(staff));
    }
    if let Some(message) = event.kind.message() {
        let by_visitor = matches!(event.by, Author::Visitor(_));
        for to in [Audience::Staff, Audience::Visitor] {
            if event.seq(to).is_some() {
                all.insert(keys::said(tenant, conversation, by_visitor, to).number(staff));
            }
        }
        all.insert(keys::sent(tenant, conversation, event.by, message.client_id));
        all.insert(keys::message(tenant, message.id));
    }
    all
}
