//! Conversations.

use async_trait::async_trait;
use convor::domain::{Author, Conversation, Event, Text};
use convor::ids::{ConversationId, TenantId};
use convor::ports::storage::{
    AssigneeFilter, ConversationPage, ConversationPatch, ConversationRepository, ConversationScope,
    ConversationView, DueSnooze, Open, OpenOutcome, UpdateOutcome,
};
use convor::ports::{Change, StorageError};
use convor::time::Timestamp;
use sqlx::postgres::PgRow;
use uuid::Uuid;

use super::PostgresStorage;
use crate::call::Call;
use crate::codes;
use crate::error::Failure;
use crate::rows::{ConversationRow, EventRow, PageRow, VisitorRow, corrupt, count, field, first, id};

const OPEN: &str = "SELECT outcome, conversation, first_event FROM convor.conversations_open(
    $1, ROW($2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)::convor.change,
    $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24)";
const FIND: &str = "SELECT c AS conversation FROM convor.conversations_find($1, $2) AS c";
const VIEW: &str = "SELECT conversation, visitor, page, last_message, read_up_to, other_read, unread
    FROM convor.conversations_view($1, $2, $3, $4)";
const PAGE_OF: &str = "SELECT conversation, visitor, page, last_message, read_up_to, other_read, unread
    FROM convor.conversations_page_of($1, $2, $3, $4, $5, $6, $7)";
const PAGE_INBOX: &str = "SELECT conversation, visitor, page, last_message, read_up_to, other_read, unread
    FROM convor.conversations_page_inbox($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";
const UPDATE: &str = "SELECT outcome, conversation, event FROM convor.conversations_update(
    $1, ROW($2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)::convor.change, $13, $14, $15, $16, $17, $18, $19, $20)";
const DUE_SNOOZES: &str = "SELECT conversation, in_version FROM convor.conversations_due_snoozes($1, $2, $3)";

#[async_trait]
impl ConversationRepository for PostgresStorage {
    async fn open(
        &self,
        tenant: TenantId,
        open: &Open,
        change: &Change,
    ) -> Result<OpenOutcome, StorageError> {
        let message = open.first_message.as_ref();
        let call = Call::change(OPEN, tenant, change)
            .bind(open.id.uuid())
            .bind(open.client_id.uuid())
            .bind(open.digest.bytes().as_slice())
            .bind(open.site.uuid())
            .bind(open.visitor.uuid())
            .bind(open.subject.as_ref().map(Text::as_str))
            .bind(codes::limit(open.conversations_max))
            .bind(message.map(|message| message.id.uuid()))
            .bind(message.map(|message| message.client_id.uuid()))
            .bind(message.map(|message| message.digest.bytes().as_slice()))
            .bind(message.map(|message| codes::is_note(message.kind)))
            .bind(message.map(|message| message.text.as_str()));
        Ok(opened(first(&self.rows(call).await?)?)?)
    }

    async fn find(
        &self,
        tenant: TenantId,
        conversation: ConversationId,
    ) -> Result<Option<Conversation>, StorageError> {
        self.optional(Call::read(FIND, tenant).bind(conversation.uuid()), conversation_in).await
    }

    async fn view(
        &self,
        tenant: TenantId,
        conversation: ConversationId,
        reader: Author,
    ) -> Result<Option<ConversationView>, StorageError> {
        let (kind, reader) = codes::author(reader);
        let call = Call::read(VIEW, tenant).bind(vec![conversation.uuid()]).bind(kind).bind(reader);
        self.optional(call, view).await
    }

    async fn page(
        &self,
        tenant: TenantId,
        page: &ConversationPage,
    ) -> Result<Vec<ConversationView>, StorageError> {
        let sql = match page.scope {
            ConversationScope::Of(_) => PAGE_OF,
            ConversationScope::Inbox { .. } => PAGE_INBOX,
        };
        let (kind, reader) = codes::author(page.reader);
        let (at, below) =
            page.before.map_or((i64::MAX, Uuid::max()), |(at, below)| (at.millis(), below.uuid()));
        let call = Call::read(sql, tenant)
            .bind(kind)
            .bind(reader)
            .bind(at)
            .bind(below)
            .bind(codes::limit(page.limit));
        self.all(bind_scope(call, &page.scope), view).await
    }

    async fn update(
        &self,
        tenant: TenantId,
        conversation: ConversationId,
        version: u64,
        patch: &ConversationPatch,
        change: &Change,
    ) -> Result<UpdateOutcome, StorageError> {
        let (status, snoozed_until) = patch.status.map(|to| to.parts()).unzip();
        let tags: Vec<&str> = patch.tags.iter().flatten().map(Text::as_str).collect();
        let call = Call::change(UPDATE, tenant, change)
            .bind(conversation.uuid())
            .bind(codes::number(version))
            .bind(status.map(codes::status))
            .bind(snoozed_until.flatten().map(Timestamp::millis))
            .bind(patch.assignee.is_some())
            .bind(patch.assignee.flatten().map(|operator| operator.uuid()))
            .bind(patch.tags.is_some())
            .bind(tags);
        Ok(updated(&self.rows(call).await?)?)
    }

    async fn due_snoozes(
        &self,
        tenant: TenantId,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<DueSnooze>, StorageError> {
        let call = Call::read(DUE_SNOOZES, tenant).bind(now.millis()).bind(codes::limit(limit));
        let read = |row: &_| {
            Ok(DueSnooze { conversation: id(row, "conversation")?, version: count(row, "in_version")? })
        };
        self.all(call, read).await
    }
}

fn bind_scope(call: Call, scope: &ConversationScope) -> Call {
    match scope {
        ConversationScope::Of(visitor) => call.bind(visitor.uuid()),
        ConversationScope::Inbox { status, assignee, tag } => {
            let statuses = status.map_or(codes::STATUSES.to_vec(), |status| vec![codes::status(status)]);
            let operator = match assignee {
                Some(AssigneeFilter::Operator(operator)) => Some(operator.uuid()),
                Some(AssigneeFilter::Nobody) | None => None,
            };
            call.bind(statuses)
                .bind(*assignee == Some(AssigneeFilter::Nobody))
                .bind(operator)
                .bind(tag.as_ref().map(Text::as_str))
        }
    }
}

fn conversation_in(row: &PgRow) -> Result<Conversation, Failure> {
    Ok(field::<ConversationRow>(row, "conversation")?.0)
}

fn event_in(row: &PgRow, column: &str) -> Result<Option<Event>, Failure> {
    Ok(field::<Option<EventRow>>(row, column)?.map(|event| event.0))
}

fn opened(row: &PgRow) -> Result<OpenOutcome, Failure> {
    match field::<i16>(row, "outcome")? {
        0 => Ok(OpenOutcome::Opened {
            conversation: conversation_in(row)?,
            first: event_in(row, "first_event")?,
        }),
        1 => Ok(OpenOutcome::Duplicate {
            conversation: conversation_in(row)?,
            first: event_in(row, "first_event")?,
        }),
        2 => Ok(OpenOutcome::ClientIdReused),
        3 => Ok(OpenOutcome::TooMany),
        4 => Ok(OpenOutcome::NoSuchVisitor),
        _ => Err(corrupt("no outcome")),
    }
}

fn updated(rows: &[PgRow]) -> Result<UpdateOutcome, Failure> {
    let row = first(rows)?;
    match field::<i16>(row, "outcome")? {
        0 => {
            let events = rows.iter().filter_map(|row| event_in(row, "event").transpose());
            Ok(UpdateOutcome::Updated {
                conversation: conversation_in(row)?,
                events: events.collect::<Result<_, _>>()?,
            })
        }
        1 => Ok(UpdateOutcome::VersionMismatch),
        2 => Ok(UpdateOutcome::NoSuchOperator),
        3 => Ok(UpdateOutcome::NotFound),
        _ => Err(corrupt("no outcome")),
    }
}

fn view(row: &PgRow) -> Result<ConversationView, Failure> {
    Ok(ConversationView {
        conversation: conversation_in(row)?,
        visitor: field::<VisitorRow>(row, "visitor")?.0,
        page: field::<Option<PageRow>>(row, "page")?.map(|page| page.0),
        last_message: event_in(row, "last_message")?,
        read: count(row, "read_up_to")?,
        other_read: count(row, "other_read")?,
        unread: u32::try_from(count(row, "unread")?).map_err(|_| corrupt("a large count"))?,
    })
}
