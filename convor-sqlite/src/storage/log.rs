//! One conversation with the end of its event log: how it changes, and how that is stored.

use convor::domain::{
    Author, BodyDigest, Conversation, Event, EventKind, Heads, Message, MessageKind, Position, Status, Text,
};
use convor::ids::{ConversationId, TenantId};
use convor::ports::storage::NewMessage;
use convor::time::Timestamp;
use sqlx::SqliteConnection;

use super::change::schedule;
use super::columns::{Columns, author_id, author_kind, json, number};
use super::statement::{statement, statements};
use crate::failure::Failure;

/// What [`conversation`] reads; `c` is the conversation.
macro_rules! conversation_columns {
    () => {
        "c.conversation_id, c.site_id, c.visitor_id, c.subject, c.status, c.snoozed_until, c.assignee_id, \
         (SELECT json_group_array(t.tag ORDER BY t.tag) FROM tags AS t \
          WHERE t.tenant_id = ?1 AND t.conversation_id = c.conversation_id), \
         c.created_at, c.updated_staff, c.updated_visitor, c.head_staff, c.head_visitor, \
         c.floor_staff, c.floor_visitor, c.epoch, c.version"
    };
}

/// What [`event`] reads; `e` is the event.
macro_rules! event_columns {
    () => {
        "e.conversation_id, e.staff_seq, e.visitor_seq, e.epoch, e.at, e.by_kind, e.by_id, e.kind, \
         e.message_id, e.client_id, e.text, e.status_from, e.status_to, e.snoozed_until, e.assignee_id, e.tags"
    };
}

pub(super) use {conversation_columns, event_columns};

statements! {
    FIND = concat!("SELECT ", conversation_columns!(), " FROM conversations AS c
        WHERE c.tenant_id = ?1 AND c.conversation_id = ?2");
    ADD_EVENT = "INSERT INTO events (tenant_id, conversation_id, staff_seq, visitor_seq, visitor_head, epoch, at,
            by_kind, by_id, kind, message_id, client_id, digest, text,
            status_from, status_to, snoozed_until, assignee_id, tags)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19)";
    SAVE = "UPDATE conversations SET status = ?3, snoozed_until = ?4, assignee_id = ?5,
            updated_staff = ?6, updated_visitor = ?7, head_staff = ?8, head_visitor = ?9, version = ?10,
            last_message_staff = max(last_message_staff, ?11),
            last_message_visitor = max(last_message_visitor, ?12)
        WHERE tenant_id = ?1 AND conversation_id = ?2
        RETURNING oldest_at IS NULL";
    BEGINS = "UPDATE conversations SET oldest_at = ?3 WHERE tenant_id = ?1 AND conversation_id = ?2";
    RELIST_TAGS = "UPDATE tags SET status = ?3, updated_staff = ?4
        WHERE tenant_id = ?1 AND conversation_id = ?2";
    CLEAR_TAGS = "DELETE FROM tags WHERE tenant_id = ?1 AND conversation_id = ?2";
    SET_TAGS = "INSERT INTO tags (tenant_id, conversation_id, tag, status, updated_staff)
        SELECT ?1, ?2, value, ?3, ?4 FROM json_each(?5)";
}

/// A conversation that is changed: its events are pushed, and then all of it is saved.
pub(super) struct Log {
    pub(super) conversation: Conversation,
    new: Vec<NewEvent>,
    /// The staff positions of the last message and of the last one that the visitor may see, if they are new.
    last_messages: Heads,
    relisted: Relisted,
}

/// An event that is not stored yet, and the digest of its message.
struct NewEvent {
    event: Event,
    visitor_head: u64,
    digest: Option<BodyDigest>,
}

/// What of the indexes beside the conversation is to be renewed.
#[derive(Clone, Copy)]
struct Relisted {
    tags: bool,
    snooze: bool,
}

impl Log {
    pub(super) const fn new(conversation: Conversation) -> Self {
        let relisted = Relisted { tags: false, snooze: false };
        Self { conversation, new: Vec::new(), last_messages: Heads { staff: 0, visitor: 0 }, relisted }
    }

    pub(super) async fn find(
        db: &mut SqliteConnection,
        tenant: TenantId,
        id: ConversationId,
    ) -> Result<Option<Self>, Failure> {
        let found = statement(tenant, FIND).bind(id.uuid()).fetch_optional(db).await?;
        found.map(|row| conversation(&mut Columns::of(&row)).map(Self::new)).transpose()
    }

    /// Whether somebody is a member: staff, or the one visitor.
    pub(super) fn admits(&self, author: Author) -> bool {
        !matches!(author, Author::Visitor(visitor) if visitor != self.conversation.visitor)
    }

    pub(super) fn push_message(&mut self, by: Author, new: &NewMessage, at: Timestamp) {
        let (id, client_id, kind) = (new.id, new.client_id, new.kind);
        let message = Message { id, client_id, kind, text: Some(new.text.clone()) };
        self.push(by, EventKind::Message(message), Some(new.digest), at);
        let heads = self.conversation.heads;
        self.last_messages.staff = heads.staff;
        if kind == MessageKind::Message {
            self.last_messages.visitor = heads.staff;
        }
    }

    pub(super) fn push_status(&mut self, by: Author, to: Status, until: Option<Timestamp>, at: Timestamp) {
        let from = self.conversation.status;
        self.relisted.snooze |= self.conversation.snoozed_until != until;
        self.conversation.status = to;
        self.conversation.snoozed_until = until;
        self.push(by, EventKind::Status { from, to, snoozed_until: until }, None, at);
    }

    pub(super) fn push_tags(&mut self, by: Author, to: Vec<Text>, at: Timestamp) {
        self.relisted.tags = true;
        self.conversation.tags.clone_from(&to);
        self.push(by, EventKind::Tagged(to), None, at);
    }

    /// Pushes an event: it takes the next position of each numbering in which it is seen.
    pub(super) fn push(&mut self, by: Author, kind: EventKind, digest: Option<BodyDigest>, at: Timestamp) {
        let conversation = &mut self.conversation;
        conversation.heads.staff += 1;
        conversation.updated_at.staff = conversation.updated_at.staff.max(at);
        let visible = kind.visible_to_visitor();
        if visible {
            conversation.heads.visitor += 1;
            conversation.updated_at.visitor = conversation.updated_at.visitor.max(at);
        }
        let heads = conversation.heads;
        let position = Position { staff: heads.staff, visitor: visible.then_some(heads.visitor) };
        let event =
            Event { conversation: conversation.id, position, epoch: conversation.epoch, at, by, kind };
        self.new.push(NewEvent { event, visitor_head: heads.visitor, digest });
    }

    /// Stores what has been pushed and what it has made of the conversation; answers the events.
    pub(super) async fn save(
        &mut self,
        db: &mut SqliteConnection,
        tenant: TenantId,
    ) -> Result<Vec<Event>, Failure> {
        let new = std::mem::take(&mut self.new);
        for NewEvent { event, visitor_head, digest } in &new {
            store_event(db, tenant, event, *visitor_head, *digest).await?;
        }
        let events: Vec<Event> = new.into_iter().map(|new| new.event).collect();
        let was_empty = self.save_conversation(db, tenant).await?;
        if let Some(first) = events.first().filter(|_| was_empty) {
            let id = self.conversation.id.uuid();
            statement(tenant, BEGINS).bind(id).bind(first.at.millis()).execute(&mut *db).await?;
        }
        self.save_tags(db, tenant).await?;
        if self.relisted.snooze {
            schedule(db, tenant).await?;
        }
        Ok(events)
    }

    /// Stores the conversation without its tags; `true` if there was no event in its log.
    async fn save_conversation(&self, db: &mut SqliteConnection, tenant: TenantId) -> Result<bool, Failure> {
        let conversation = &self.conversation;
        let save = statement(tenant, SAVE)
            .bind(conversation.id.uuid())
            .bind(status_number(conversation.status))
            .bind(conversation.snoozed_until.map(Timestamp::millis))
            .bind(conversation.assignee.map(|assignee| assignee.uuid()))
            .bind(conversation.updated_at.staff.millis())
            .bind(conversation.updated_at.visitor.millis())
            .bind(number(conversation.heads.staff))
            .bind(number(conversation.heads.visitor))
            .bind(number(conversation.version))
            .bind(number(self.last_messages.staff))
            .bind(number(self.last_messages.visitor));
        Columns::of(&save.fetch_one(db).await?).value()
    }

    async fn save_tags(&self, db: &mut SqliteConnection, tenant: TenantId) -> Result<(), Failure> {
        let conversation = &self.conversation;
        if self.relisted.tags {
            statement(tenant, CLEAR_TAGS).bind(conversation.id.uuid()).execute(&mut *db).await?;
            return store_tags(db, tenant, conversation).await;
        }
        if !conversation.tags.is_empty() {
            let relist = statement(tenant, RELIST_TAGS)
                .bind(conversation.id.uuid())
                .bind(status_number(conversation.status))
                .bind(conversation.updated_at.staff.millis());
            relist.execute(db).await?;
        }
        Ok(())
    }
}

/// Stores the tags of a conversation that has none yet.
pub(super) async fn store_tags(
    db: &mut SqliteConnection,
    tenant: TenantId,
    conversation: &Conversation,
) -> Result<(), Failure> {
    let set = statement(tenant, SET_TAGS)
        .bind(conversation.id.uuid())
        .bind(status_number(conversation.status))
        .bind(conversation.updated_at.staff.millis())
        .bind(json(conversation.tags.iter().map(Text::as_str)));
    set.execute(db).await?;
    Ok(())
}

/// Stores an event. `visitor_head` is the last visitor position at or below it.
pub(super) async fn store_event(
    db: &mut SqliteConnection,
    tenant: TenantId,
    event: &Event,
    visitor_head: u64,
    digest: Option<BodyDigest>,
) -> Result<(), Failure> {
    let message = event.kind.message();
    let status = match &event.kind {
        EventKind::Status { from, to, snoozed_until } => {
            (Some(status_number(*from)), Some(status_number(*to)), snoozed_until.map(Timestamp::millis))
        }
        _ => (None, None, None),
    };
    let assignee = match &event.kind {
        EventKind::Assigned(assignee) => assignee.map(|assignee| assignee.uuid()),
        _ => None,
    };
    let tags = match &event.kind {
        EventKind::Tagged(tags) => Some(json(tags.iter().map(Text::as_str))),
        _ => None,
    };
    let add = statement(tenant, ADD_EVENT)
        .bind(event.conversation.uuid())
        .bind(number(event.position.staff))
        .bind(event.position.visitor.map(number))
        .bind(number(visitor_head))
        .bind(i64::from(event.epoch))
        .bind(event.at.millis())
        .bind(author_kind(event.by))
        .bind(author_id(event.by))
        .bind(kind_number(&event.kind))
        .bind(message.map(|message| message.id.uuid()))
        .bind(message.map(|message| message.client_id.uuid()))
        .bind(digest.map(|digest| digest.bytes().to_vec()))
        .bind(message.and_then(|message| message.text.as_ref()).map(|text| text.as_str().to_owned()))
        .bind(status.0)
        .bind(status.1)
        .bind(status.2)
        .bind(assignee)
        .bind(tags);
    add.execute(db).await?;
    Ok(())
}

/// Reads what [`conversation_columns`] names.
pub(super) fn conversation(columns: &mut Columns<'_>) -> Result<Conversation, Failure> {
    Ok(Conversation {
        id: columns.id()?,
        site: columns.id()?,
        visitor: columns.id()?,
        subject: columns.maybe_text()?,
        status: status(columns.value()?)?,
        snoozed_until: columns.maybe_time()?,
        assignee: columns.maybe_id()?,
        tags: columns.texts()?.into_iter().map(Text::from_stored).collect(),
        created_at: columns.time()?,
        updated_at: columns.times()?,
        heads: columns.heads()?,
        floor: columns.heads()?,
        epoch: columns.small()?,
        version: columns.number()?,
    })
}

/// Reads what [`event_columns`] names; `None` where all of them are NULL.
pub(super) fn event(columns: &mut Columns<'_>) -> Result<Option<Event>, Failure> {
    let Some(conversation) = columns.maybe_id()? else { return Ok(None) };
    let position = Position {
        staff: columns.number()?,
        visitor: columns.value::<Option<i64>>()?.and_then(|seq| u64::try_from(seq).ok()),
    };
    let (epoch, at, by, kind) =
        (columns.small()?, columns.time()?, columns.author()?, columns.value::<i64>()?);
    let (message_id, client_id, text) = (columns.maybe_id()?, columns.maybe_id()?, columns.maybe_text()?);
    let (from, to) = (columns.value::<Option<i64>>()?, columns.value::<Option<i64>>()?);
    let (snoozed_until, assignee) = (columns.maybe_time()?, columns.maybe_id()?);
    let kind = match kind {
        0 | 1 => EventKind::Message(Message {
            id: message_id.ok_or_else(Failure::corrupt)?,
            client_id: client_id.ok_or_else(Failure::corrupt)?,
            kind: if kind == 0 { MessageKind::Message } else { MessageKind::Note },
            text,
        }),
        2 => EventKind::Status {
            from: status(from.ok_or_else(Failure::corrupt)?)?,
            to: status(to.ok_or_else(Failure::corrupt)?)?,
            snoozed_until,
        },
        3 => EventKind::Assigned(assignee),
        4 => EventKind::Tagged(columns.texts()?.into_iter().map(Text::from_stored).collect()),
        _ => return Err(Failure::corrupt()),
    };
    Ok(Some(Event { conversation, position, epoch, at, by, kind }))
}

const fn kind_number(kind: &EventKind) -> i64 {
    match kind {
        EventKind::Message(message) => match message.kind {
            MessageKind::Message => 0,
            MessageKind::Note => 1,
        },
        EventKind::Status { .. } => 2,
        EventKind::Assigned(_) => 3,
        EventKind::Tagged(_) => 4,
    }
}

pub(super) const fn status_number(status: Status) -> i64 {
    match status {
        Status::Open => 0,
        Status::Snoozed => 1,
        Status::Closed => 2,
    }
}

fn status(number: i64) -> Result<Status, Failure> {
    match number {
        0 => Ok(Status::Open),
        1 => Ok(Status::Snoozed),
        2 => Ok(Status::Closed),
        _ => Err(Failure::corrupt()),
    }
}
