//! The objects of the protocol: allow-listed views of what is stored. What is not named here never leaves. They hold what
//! people have typed in types that hide it from `Debug`.

use std::collections::HashMap;

use serde::Serialize;

use crate::domain::{
    Audience, Author, Color, CurrentPage, Email, Event, EventKind, MessageKind, Operator, Role, Site, Status,
    Text, Visitor,
};
use crate::ids::{ClientId, ConversationId, MessageId, OperatorId, SiteId, VisitorId};
use crate::ports::storage::{ConversationView, EventPage};
use crate::time::Timestamp;

/// The names of the operators that a view speaks of.
#[derive(Debug, Clone, Default)]
pub struct Names(HashMap<OperatorId, Text>);

impl Names {
    /// The names of these operators.
    #[must_use]
    pub fn of(operators: Vec<Operator>) -> Self {
        Self(operators.into_iter().map(|operator| (operator.id, operator.name)).collect())
    }

    fn name(&self, operator: OperatorId) -> Option<&Text> {
        self.0.get(&operator)
    }
}

/// The operators that an event names.
pub(crate) fn operators_of(event: &Event) -> impl Iterator<Item = OperatorId> {
    let by = match event.by {
        Author::Operator(operator) => Some(operator),
        _ => None,
    };
    let assignee = match event.kind {
        EventKind::Assigned(assignee) => assignee,
        _ => None,
    };
    by.into_iter().chain(assignee)
}

/// A page of a list.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct ListObject<T> {
    /// The entries.
    pub data: Vec<T>,
    /// Where the next page begins.
    pub next_cursor: Option<String>,
}

impl<T> ListObject<T> {
    /// A page.
    #[must_use]
    pub const fn new(data: Vec<T>, next_cursor: Option<String>) -> Self {
        Self { data, next_cursor }
    }
}

/// A page of what was found.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct FoundObject<'a> {
    #[serde(flatten)]
    page: ListObject<EventObject<'a>>,
    complete: bool,
}

impl<'a> FoundObject<'a> {
    /// A page; `complete` says whether every message could be found.
    #[must_use]
    pub const fn new(page: ListObject<EventObject<'a>>, complete: bool) -> Self {
        Self { page, complete }
    }
}

/// What a widget needs before there is a visitor.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct SiteObject<'a> {
    name: &'a Text,
    title: &'a Text,
    greeting: &'a Text,
    color: &'a Color,
    online: bool,
}

impl<'a> SiteObject<'a> {
    /// The site; `online` says whether an operator is connected.
    #[must_use]
    pub fn new(site: &'a Site, online: bool) -> Self {
        let Site { name, title, greeting, color, .. } = site;
        Self { name, title, greeting, color, online }
    }
}

/// A visitor, as it sees itself and staff see it.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct VisitorObject<'a> {
    id: VisitorId,
    site: SiteId,
    name: Option<&'a Text>,
    email: Option<&'a Email>,
    created_at: Timestamp,
}

impl<'a> VisitorObject<'a> {
    /// The visitor.
    #[must_use]
    pub fn new(visitor: &'a Visitor) -> Self {
        Self {
            id: visitor.id,
            site: visitor.site,
            name: visitor.name.as_ref(),
            email: visitor.email.as_ref(),
            created_at: visitor.created_at,
        }
    }
}

/// An operator, as staff see it.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct OperatorObject<'a> {
    id: OperatorId,
    name: &'a Text,
    email: &'a Email,
    role: Role,
    online: bool,
}

impl<'a> OperatorObject<'a> {
    /// The operator; `online` says whether it is connected.
    #[must_use]
    pub fn new(operator: &'a Operator, online: bool) -> Self {
        let Operator { id, name, email, role, .. } = operator;
        Self { id: *id, name, email, role: *role, online }
    }
}

/// Who did something.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct AuthorObject<'a> {
    kind: &'static str,
    name: Option<&'a Text>,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<uuid::Uuid>,
}

impl<'a> AuthorObject<'a> {
    /// The author, as `audience` sees it: ids are for staff. A visitor's name stands in the conversation, not here.
    #[must_use]
    pub fn new(author: Author, audience: Audience, names: &'a Names) -> Self {
        let (kind, name, id) = match author {
            Author::Visitor(visitor) => ("visitor", None, Some(visitor.uuid())),
            Author::Operator(operator) => ("operator", names.name(operator), Some(operator.uuid())),
            Author::System => ("system", None, None),
        };
        Self { kind, name, id: id.filter(|_| audience == Audience::Staff) }
    }
}

/// The page on which a visitor is.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct PageObject<'a> {
    url: &'a Text,
    title: Option<&'a Text>,
    at: Timestamp,
}

impl<'a> PageObject<'a> {
    /// The page.
    #[must_use]
    pub fn new(page: &'a CurrentPage) -> Self {
        Self { url: &page.url, title: page.title.as_ref(), at: page.at }
    }
}

/// One event of a conversation's log.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct EventObject<'a> {
    conversation: ConversationId,
    seq: u64,
    epoch: u32,
    at: Timestamp,
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<MessageObject<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<Status>,
    #[serde(skip_serializing_if = "Option::is_none")]
    snoozed_until: Option<Option<Timestamp>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    assignee: Option<Option<AssigneeObject<'a>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tags: Option<&'a [Text]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    by: Option<AuthorObject<'a>>,
}

impl<'a> EventObject<'a> {
    /// The event as `audience` sees it; `None` if it does not.
    #[must_use]
    pub fn new(event: &'a Event, audience: Audience, names: &'a Names) -> Option<Self> {
        let author = AuthorObject::new(event.by, audience, names);
        let mut object = Self {
            conversation: event.conversation,
            seq: event.seq(audience)?,
            epoch: event.epoch,
            at: event.at,
            kind: "",
            message: None,
            status: None,
            snoozed_until: None,
            assignee: None,
            tags: None,
            by: None,
        };
        match &event.kind {
            EventKind::Message(message) => {
                let (id, client_id, kind) = (message.id, message.client_id, message.kind);
                object.kind = "message";
                let text = message.text.as_ref();
                object.message = Some(MessageObject { id, kind, author, text, client_id });
                return Some(object);
            }
            EventKind::Status { to, snoozed_until, .. } => {
                object.kind = "status";
                object.status = Some(to.seen_by(audience));
                object.snoozed_until = (audience == Audience::Staff).then_some(*snoozed_until);
            }
            EventKind::Assigned(assignee) => {
                object.kind = "assigned";
                object.assignee = Some(assignee.map(|id| AssigneeObject { id, name: names.name(id) }));
            }
            EventKind::Tagged(tags) => {
                object.kind = "tagged";
                object.tags = Some(tags);
            }
        }
        object.by = Some(author);
        Some(object)
    }
}

/// A message within an event.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct MessageObject<'a> {
    id: MessageId,
    kind: MessageKind,
    author: AuthorObject<'a>,
    text: Option<&'a Text>,
    client_id: ClientId,
}

/// Who cares for a conversation.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct AssigneeObject<'a> {
    id: OperatorId,
    name: Option<&'a Text>,
}

/// A page of the event log.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct EventPageObject<'a> {
    data: Vec<EventObject<'a>>,
    seq: u64,
    epoch: u32,
    floor: u64,
}

impl<'a> EventPageObject<'a> {
    /// The page as `audience` sees it.
    #[must_use]
    pub fn new(page: &'a EventPage, audience: Audience, names: &'a Names) -> Self {
        Self {
            data: page.events.iter().filter_map(|event| EventObject::new(event, audience, names)).collect(),
            seq: page.heads.of(audience),
            epoch: page.epoch,
            floor: page.floor.of(audience),
        }
    }
}

/// A conversation.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct ConversationObject<'a> {
    id: ConversationId,
    status: Status,
    subject: Option<&'a Text>,
    created_at: Timestamp,
    updated_at: Timestamp,
    seq: u64,
    epoch: u32,
    floor: u64,
    unread: u32,
    read_seq: u64,
    other_read_seq: u64,
    last_message: Option<EventObject<'a>>,
    #[serde(flatten)]
    staff: Option<StaffPart<'a>>,
}

/// What of a conversation only staff see.
#[derive(Debug, Clone, Serialize)]
struct StaffPart<'a> {
    site: SiteId,
    visitor: PresentVisitor<'a>,
    assignee: Option<OperatorId>,
    tags: &'a [Text],
    snoozed_until: Option<Timestamp>,
    version: u64,
}

#[derive(Debug, Clone, Serialize)]
struct PresentVisitor<'a> {
    #[serde(flatten)]
    visitor: VisitorObject<'a>,
    online: bool,
    page: Option<PageObject<'a>>,
}

impl<'a> ConversationObject<'a> {
    /// The conversation as `audience` sees it; `online` says whether its visitor is connected.
    #[must_use]
    pub fn new(view: &'a ConversationView, audience: Audience, names: &'a Names, online: bool) -> Self {
        let conversation = &view.conversation;
        let staff = (audience == Audience::Staff).then(|| StaffPart {
            site: conversation.site,
            visitor: PresentVisitor {
                visitor: VisitorObject::new(&view.visitor),
                online,
                page: view.page.as_ref().map(PageObject::new),
            },
            assignee: conversation.assignee,
            tags: &conversation.tags,
            snoozed_until: conversation.snoozed_until,
            version: conversation.version,
        });
        Self {
            id: conversation.id,
            status: conversation.status.seen_by(audience),
            subject: conversation.subject.as_ref(),
            created_at: conversation.created_at,
            updated_at: conversation.updated_at.of(audience),
            seq: conversation.heads.of(audience),
            epoch: conversation.epoch,
            floor: conversation.floor.of(audience),
            unread: view.unread,
            read_seq: view.read,
            other_read_seq: view.other_read,
            last_message: view
                .last_message
                .as_ref()
                .and_then(|event| EventObject::new(event, audience, names)),
            staff,
        }
    }
}

/// What became of a message.
#[derive(Debug, Clone, Copy, Serialize)]
#[non_exhaustive]
pub struct PostedObject {
    /// Its id.
    pub message_id: MessageId,
    /// Its position, in the sender's numbering.
    pub seq: u64,
    /// When it was stored.
    pub at: Timestamp,
    /// Whether it had been stored before.
    pub duplicate: bool,
}
