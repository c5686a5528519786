//! Appending messages: one in one statement, or many in one statement.

use convor::domain::{Audience, Author, Event, EventKind, MessageKind, OutboxEntry, Position, Status};
use convor::ids::TenantId;
use convor::ports::Change;
use convor::ports::storage::{Append, AppendOutcome, Window};
use convor::time::Timestamp;
use sqlx::postgres::PgRow;
use uuid::Uuid;

use crate::call::Call;
use crate::codes;
use crate::connections::Connections;
use crate::error::Failure;
use crate::rows::{corrupt, field, first, heads, id, time};
use crate::storage::event;

const APPEND: &str =
    "SELECT outcome, visitor_id, head_staff, head_visitor, staff_seq, visitor_seq, epoch, at,
        message_id, note, text, reopened_from
    FROM convor.events_append(
        $1, ROW($2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)::convor.change,
        $13, $14, $15, $16, $17, $18, $19, $20, $21)";
const APPEND_BATCH: &str =
    "SELECT outcome, visitor_id, head_staff, head_visitor, staff_seq, visitor_seq, epoch, at,
        message_id, note, text, reopened_from
    FROM convor.events_append_batch(
        $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)";

/// A message to be appended, with all that its repository was told.
#[derive(Debug)]
pub(crate) struct Message {
    pub(crate) tenant: TenantId,
    pub(crate) append: Append,
    pub(crate) change: Change,
}

impl Message {
    /// Whether it may share a transaction with others: it locks nothing but its conversation, and has a place for what its change
    /// owes. Control events lock the tenant, for which another batch would wait with conversations locked.
    pub(crate) fn may_be_batched(&self) -> bool {
        let no_control = self.change.outbox.iter().all(|entry| matches!(entry, OutboxEntry::Notify { .. }));
        no_control && self.change.outbox.len() <= 1
    }

    fn call(&self) -> Call {
        let (by_kind, by) = codes::author(self.append.author);
        let new = &self.append.message;
        Call::change(APPEND, self.tenant, &self.change)
            .recognises_its_repeat()
            .bind(self.append.conversation.uuid())
            .bind(by_kind)
            .bind(by)
            .bind(new.id.uuid())
            .bind(new.client_id.uuid())
            .bind(new.digest.bytes().as_slice())
            .bind(codes::is_note(new.kind))
            .bind(new.text.as_str())
            .bind(self.append.reopen)
    }

    /// What the row says became of it.
    fn outcome(&self, row: &PgRow) -> Result<AppendOutcome, Failure> {
        match field::<i16>(row, "outcome")? {
            0 => self.stored(row),
            1 => Ok(AppendOutcome::Duplicate(self.first_event(row)?)),
            2 => Ok(AppendOutcome::ClientIdReused),
            3 => Ok(AppendOutcome::NotFound),
            _ => Err(corrupt("no outcome")),
        }
    }

    fn stored(&self, row: &PgRow) -> Result<AppendOutcome, Failure> {
        let new = &self.append.message;
        let heads = heads(row, "head_staff", "head_visitor")?;
        let message = self.event(row, new.id, new.kind, Some(new.text.clone()))?;
        let mut events = vec![message];
        if let Some(from) = field::<Option<i16>>(row, "reopened_from")? {
            let from = codes::status_of(from).ok_or_else(|| corrupt("no status"))?;
            let kind = EventKind::Status { from, to: Status::Open, snoozed_until: None };
            let visitor = kind.visible_to_visitor().then_some(heads.visitor);
            let position = Position { staff: heads.staff, visitor };
            events.push(Event { position, kind, ..events[0].clone() });
        }
        Ok(AppendOutcome::Stored { events, visitor: id(row, "visitor_id")?, heads })
    }

    /// The event that an earlier call has stored.
    fn first_event(&self, row: &PgRow) -> Result<Event, Failure> {
        let text = field::<Option<String>>(row, "text")?.map(convor::domain::Text::from_stored);
        self.event(row, id(row, "message_id")?, codes::message_kind(field(row, "note")?), text)
    }

    fn event(
        &self,
        row: &PgRow,
        id: convor::ids::MessageId,
        kind: MessageKind,
        text: Option<convor::domain::Text>,
    ) -> Result<Event, Failure> {
        let visitor = field::<Option<i64>>(row, "visitor_seq")?.map(u64::try_from).transpose();
        let visitor = visitor.map_err(|_| corrupt("a negative position"))?;
        let client_id = self.append.message.client_id;
        Ok(Event {
            conversation: self.append.conversation,
            position: Position { staff: crate::rows::count(row, "staff_seq")?, visitor },
            epoch: event::epoch(row)?,
            at: time(row, "at")?,
            by: self.append.author,
            kind: EventKind::Message(convor::domain::Message { id, client_id, kind, text }),
        })
    }

    /// What became of it, where an earlier try has stored it already and nobody heard: its own event is then no repeat for the
    /// caller, who has yet to tell others of it. A message's id is made for one call, so that it tells whose the event is.
    async fn settle(
        &self,
        connections: &Connections,
        outcome: AppendOutcome,
    ) -> Result<AppendOutcome, Failure> {
        let AppendOutcome::Duplicate(event) = outcome else {
            return Ok(outcome);
        };
        if event.kind.message().is_none_or(|message| message.id != self.append.message.id) {
            return Ok(AppendOutcome::Duplicate(event));
        }
        let (conversation, staff) = (self.append.conversation, event.position.staff);
        let next =
            event::page(connections, self.tenant, conversation, Audience::Staff, Window::After(staff), 1)
                .await?;
        let Some(next) = next else {
            return Ok(AppendOutcome::Duplicate(event));
        };
        let at = self.change.at;
        let mut events = vec![event];
        events.extend(next.events.into_iter().filter(|next| is_reopening(next, self.append.author, at)));
        Ok(AppendOutcome::Stored { events, visitor: next.visitor, heads: next.heads })
    }
}

/// Whether the event opens its conversation, and was stored with a message of this author at this time.
fn is_reopening(event: &Event, by: Author, at: Timestamp) -> bool {
    event.by == by && event.at == at && matches!(event.kind, EventKind::Status { to: Status::Open, .. })
}

/// Appends a message; `in_doubt` says whether that may have been done already and nobody heard of it.
pub(crate) async fn one(
    connections: &Connections,
    message: &Message,
    in_doubt: bool,
) -> Result<AppendOutcome, Failure> {
    let (rows, again) = message.call().rows_and_doubt(connections).await?;
    let outcome = message.outcome(first(&rows)?)?;
    if in_doubt || again { message.settle(connections, outcome).await } else { Ok(outcome) }
}

/// Appends messages in one transaction, which are ordered by tenant and conversation; the answers have their order. It is not
/// tried again where one of them has to wait for a lock: the others need not.
pub(crate) async fn many(
    connections: &Connections,
    messages: &[&Message],
) -> Result<Vec<AppendOutcome>, Failure> {
    let (rows, in_doubt) = batch_call(messages).rows_and_doubt(connections).await?;
    if rows.len() != messages.len() {
        return Err(corrupt("another number of answers"));
    }
    let mut outcomes = Vec::with_capacity(rows.len());
    for (message, row) in messages.iter().zip(&rows) {
        let outcome = message.outcome(row)?;
        outcomes.push(if in_doubt { message.settle(connections, outcome).await? } else { outcome });
    }
    Ok(outcomes)
}

fn batch_call(messages: &[&Message]) -> Call {
    fn each<'m, T>(messages: &[&'m Message], part: impl Fn(&'m Message) -> T) -> Vec<T> {
        messages.iter().map(|message| part(message)).collect()
    }
    let audit =
        |message: &Message| message.change.audit.as_ref().map(|record| (record.id.uuid(), record.target));
    let owed = |message: &Message| match message.change.outbox.first() {
        Some(OutboxEntry::Notify { id, notification }) => {
            Some((id.uuid(), codes::notification(*notification)))
        }
        Some(OutboxEntry::Control(_)) | None => None,
    };
    let tenants: Vec<Uuid> = each(messages, |message| message.tenant.uuid());
    Call::batch(APPEND_BATCH)
        .bind(tenants)
        .bind(each(messages, |message| codes::author(message.change.actor).0))
        .bind(each(messages, |message| codes::author(message.change.actor).1))
        .bind(each(messages, |message| message.change.at.millis()))
        .bind(each(messages, |message| audit(message).map(|(id, _)| id)))
        .bind(each(messages, |message| message.change.audit.as_ref().map(|record| record.action.name())))
        .bind(each(messages, |message| audit(message).map(|(_, target)| target)))
        .bind(each(messages, |message| owed(message).map(|(id, _)| id)))
        .bind(each(messages, |message| owed(message).map(|(_, (kind, _))| kind)))
        .bind(each(messages, |message| owed(message).map(|(_, (_, conversation))| conversation)))
        .bind(each(messages, |message| message.append.conversation.uuid()))
        .bind(each(messages, |message| codes::author(message.append.author).0))
        .bind(each(messages, |message| codes::author(message.append.author).1))
        .bind(each(messages, |message| message.append.message.id.uuid()))
        .bind(each(messages, |message| message.append.message.client_id.uuid()))
        .bind(each(messages, |message| message.append.message.digest.bytes().as_slice()))
        .bind(each(messages, |message| codes::is_note(message.append.message.kind)))
        .bind(each(messages, |message| message.append.message.text.as_str()))
        .bind(each(messages, |message| message.append.reopen))
}
