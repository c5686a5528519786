//! The logs of conversations.

use convor::async_trait;
use convor::domain::{
    Audience, Author, BodyDigest, Conversation, Event, EventKind, Message, Position, Status,
};
use convor::ids::{ConversationId, TenantId};
use convor::ports::storage::{
    Append, AppendOutcome, EventPage, EventRepository, NewMessage, Record, RecordKind, Window,
};
use convor::ports::{Change, StorageError};
use convor::time::Timestamp;

use crate::failure::Result;
use crate::store::Writing;
use crate::{RedbStorage, keys};

#[async_trait]
impl EventRepository for RedbStorage {
    async fn append(
        &self,
        tenant: TenantId,
        append: &Append,
        change: &Change,
    ) -> Result<AppendOutcome, StorageError> {
        let (append, change) = (append.clone(), change.clone());
        self.write(move |store| self::append(store, tenant, append, &change)).await
    }

    async fn page(
        &self,
        tenant: TenantId,
        conversation: ConversationId,
        audience: Audience,
        window: Window,
        limit: usize,
    ) -> Result<Option<EventPage>, StorageError> {
        let log = keys::log(tenant, conversation, audience);
        let range = match window {
            Window::After(seq) => log.clone().number(seq).end()..log.end(),
            Window::Before(seq) => log.clone()..log.number(seq),
            Window::Latest => log.all(),
        };
        self.read(move |store| {
            let Some(conversation) = store.get::<Conversation>(tenant, conversation.uuid())? else {
                return Ok(None);
            };
            let found: Box<dyn DoubleEndedIterator<Item = _>> = match audience {
                Audience::Staff => Box::new(store.records(range)?),
                Audience::Visitor => Box::new(store.through(range)?),
            };
            let events = if matches!(window, Window::After(_)) {
                found.take(limit).collect::<Result<Vec<Event>>>()?
            } else {
                let mut events = found.rev().take(limit).collect::<Result<Vec<Event>>>()?;
                events.reverse();
                events
            };
            let Conversation { visitor, heads, floor, epoch, .. } = conversation;
            Ok(Some(EventPage { events, visitor, heads, floor, epoch }))
        })
        .await
    }

    async fn purge(&self, tenant: TenantId, before: Timestamp, limit: usize) -> Result<usize, StorageError> {
        let oldest = keys::oldest(tenant);
        let range = oldest.clone()..oldest.time(before);
        self.write(move |store| {
            let mut left = limit;
            // Each of these logs has an event that goes, so that more of them are not needed.
            let logs = store.through(range)?.take(limit).collect::<Result<Vec<Conversation>>>()?;
            for mut conversation in logs {
                if left == 0 {
                    break;
                }
                for event in shorten(store, tenant, conversation.id, left, |event| event.at < before)? {
                    left -= 1;
                    conversation.floor.staff = event.position.staff;
                    conversation.floor.visitor = event.position.visitor.unwrap_or(conversation.floor.visitor);
                }
                store.amend(tenant, &conversation)?;
            }
            Ok(limit - left)
        })
        .await
    }
}

fn append(
    store: &mut Writing<'_>,
    tenant: TenantId,
    append: Append,
    change: &Change,
) -> Result<AppendOutcome> {
    let Append { conversation, author, message, reopen } = append;
    let Some(mut conversation) = store.get::<Conversation>(tenant, conversation.uuid())? else {
        return Ok(AppendOutcome::NotFound);
    };
    if is_foreign(author, &conversation) {
        return Ok(AppendOutcome::NotFound);
    }
    let sent = keys::sent(tenant, conversation.id, author, message.client_id);
    if let Some((first, digest)) = store.find::<(Event, Option<BodyDigest>)>(&sent)? {
        let repeats = digest.is_none_or(|digest| digest == message.digest);
        return Ok(if repeats { AppendOutcome::Duplicate(first) } else { AppendOutcome::ClientIdReused });
    }
    let mut events = vec![say(store, tenant, &mut conversation, author, message, change.at)?];
    if reopen && conversation.status != Status::Open {
        let kind = set_status(&mut conversation, Status::Open, None);
        conversation.version += 1;
        events.push(log(store, tenant, &mut conversation, author, change.at, kind, None)?);
    }
    store.amend(tenant, &conversation)?;
    store.carry(tenant, change)?;
    Ok(AppendOutcome::Stored { events, visitor: conversation.visitor, heads: conversation.heads })
}

/// Whether somebody is a visitor, but not the conversation's.
pub(crate) fn is_foreign(author: Author, conversation: &Conversation) -> bool {
    matches!(author, Author::Visitor(visitor) if visitor != conversation.visitor)
}

/// Logs a message. The conversation must be stored afterwards.
pub(crate) fn say(
    store: &mut Writing<'_>,
    tenant: TenantId,
    conversation: &mut Conversation,
    author: Author,
    message: NewMessage,
    at: Timestamp,
) -> Result<Event> {
    let NewMessage { id, client_id, digest, kind, text } = message;
    let message = EventKind::Message(Message { id, client_id, kind, text: Some(text) });
    log(store, tenant, conversation, author, at, message, Some(digest))
}

/// Changes the status, and says how.
pub(crate) fn set_status(
    conversation: &mut Conversation,
    to: Status,
    snoozed_until: Option<Timestamp>,
) -> EventKind {
    let from = std::mem::replace(&mut conversation.status, to);
    conversation.snoozed_until = snoozed_until;
    EventKind::Status { from, to, snoozed_until }
}

/// Stores an event at the next positions, and counts it. The conversation must be stored afterwards.
pub(crate) fn log(
    store: &mut Writing<'_>,
    tenant: TenantId,
    conversation: &mut Conversation,
    by: Author,
    at: Timestamp,
    kind: EventKind,
    digest: Option<BodyDigest>,
) -> Result<Event> {
    let Conversation { id, heads, updated_at, epoch, .. } = conversation;
    heads.staff += 1;
    updated_at.staff = updated_at.staff.max(at);
    let visible = kind.visible_to_visitor();
    if visible {
        heads.visitor += 1;
        updated_at.visitor = updated_at.visitor.max(at);
    }
    let position = Position { staff: heads.staff, visitor: visible.then_some(heads.visitor) };
    let event = Event { conversation: *id, position, epoch: *epoch, at, by, kind };
    store.add(tenant, &Record::Event { event: event.clone(), digest })?;
    if position.staff == conversation.floor.staff + 1 {
        begins(store, tenant, &event)?;
    }
    Ok(event)
}

/// Takes events off the beginning of a log, at most `limit` and as long as they are such.
pub(crate) fn shorten(
    store: &mut Writing<'_>,
    tenant: TenantId,
    conversation: ConversationId,
    limit: usize,
    such: impl Fn(&Event) -> bool,
) -> Result<Vec<Event>> {
    let log = keys::log(tenant, conversation, Audience::Staff);
    let events = store.records::<Event>(log.all())?.take(limit);
    let gone = events.take_while(|event| event.as_ref().map_or(true, &such)).collect::<Result<Vec<_>>>()?;
    if let Some(first) = gone.first() {
        store.unmark(&keys::begins(tenant, first))?;
    }
    for event in &gone {
        store.remove(tenant, &log.clone().number(event.position.staff))?;
    }
    let next = store.records::<Event>(log.all())?.next().transpose()?;
    if let Some(next) = next {
        begins(store, tenant, &next)?;
    }
    Ok(gone)
}

/// Notes with which event a log begins; retention looks at no other.
fn begins(store: &mut Writing<'_>, tenant: TenantId, event: &Event) -> Result<()> {
    let conversation = keys::with_id(tenant, RecordKind::Conversation, event.conversation.uuid());
    store.mark(&keys::begins(tenant, event), &conversation)
}
