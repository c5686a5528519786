//! Every key, built here and nowhere else: the tenant, then the name of what stands there, then by what it is found and in
//! which order it stands. Numbers are big-endian, so that the order of the bytes is theirs.

use std::ops::Range;

use convor::credentials::TokenHash;
use convor::domain::{Audience, Author, Email, Event, Heads, Status, Text};
use convor::ids::{ClientId, ConversationId, MessageId, TenantId, VisitorId};
use convor::ports::storage::{AssigneeFilter, Record, RecordKind};
use convor::time::Timestamp;
use uuid::Uuid;

/// A key, or what several begin with.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Key(Vec<u8>);

impl Key {
    fn new(tenant: TenantId, name: &str) -> Self {
        self::tenant(tenant).bytes(name.as_bytes()).byte(0)
    }

    fn bytes(mut self, bytes: &[u8]) -> Self {
        self.0.extend(bytes);
        self
    }

    fn byte(self, byte: u8) -> Self {
        self.bytes(&[byte])
    }

    pub(crate) fn id(self, id: Uuid) -> Self {
        self.bytes(id.as_bytes())
    }

    pub(crate) fn number(self, number: u64) -> Self {
        self.bytes(&number.to_be_bytes())
    }

    pub(crate) fn time(self, at: Timestamp) -> Self {
        self.number(at.millis().cast_unsigned())
    }

    /// Its length comes first, so that no text begins with another.
    fn text(self, text: &Text) -> Self {
        self.number(text.as_str().len() as u64).bytes(text.as_str().as_bytes())
    }

    /// All keys that begin with this one.
    pub(crate) fn all(&self) -> Range<Self> {
        self.clone()..self.end()
    }

    /// The first key above all that begin with this one.
    pub(crate) fn end(&self) -> Self {
        let mut end = self.clone();
        while let Some(last) = end.0.pop() {
            if let Some(next) = last.checked_add(1) {
                return end.byte(next);
            }
        }
        end
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl From<&[u8]> for Key {
    fn from(bytes: &[u8]) -> Self {
        Self(bytes.to_vec())
    }
}

/// A tenant in the registry, and the beginning of every key of its own.
pub(crate) fn tenant(tenant: TenantId) -> Key {
    tenant.uuid().as_bytes()[..].into()
}

/// Above a tenant and all that is its own, and below the next tenant.
pub(crate) fn above(after: Option<TenantId>) -> Key {
    after.map_or(Key(Vec::new()), |after| tenant(after).byte(u8::MAX))
}

/// Whose a key is.
pub(crate) fn owner(key: &[u8]) -> Option<TenantId> {
    key.first_chunk().map(|id| Uuid::from_bytes(*id).into())
}

/// The records of a kind, in the order of their ids.
pub(crate) fn records(tenant: TenantId, kind: RecordKind) -> Key {
    Key::new(tenant, kind.name())
}

/// A record.
pub(crate) fn record(tenant: TenantId, record: &Record) -> Key {
    let key = record.key();
    records(tenant, record.kind()).id(key.id).id(key.part)
}

/// A record with an id of its own.
pub(crate) fn with_id(tenant: TenantId, kind: RecordKind, id: Uuid) -> Key {
    records(tenant, kind).id(id).id(Uuid::nil())
}

/// A tenant's control log, by positions of 128 bits.
pub(crate) fn control(tenant: TenantId) -> Key {
    records(tenant, RecordKind::Control).id(Uuid::nil()).number(0)
}

/// How far a member has read.
pub(crate) fn read(tenant: TenantId, conversation: ConversationId, reader: Author) -> Key {
    record(tenant, &Record::Read { conversation, reader, up_to: Heads::default() })
}

/// All of a kind that stands in a conversation.
pub(crate) fn inside(tenant: TenantId, kind: RecordKind, conversation: ConversationId) -> Key {
    records(tenant, kind).id(conversation.uuid())
}

/// The events that an audience sees, by their positions for it. Staff see all, so that theirs are the records themselves, whose
/// positions have 128 bits.
pub(crate) fn log(tenant: TenantId, conversation: ConversationId, audience: Audience) -> Key {
    match audience {
        Audience::Staff => inside(tenant, RecordKind::Event, conversation).number(0),
        Audience::Visitor => Key::new(tenant, "log").id(conversation.uuid()),
    }
}

/// The events that a visitor sees, by their positions for staff.
pub(crate) fn visible(tenant: TenantId, conversation: ConversationId) -> Key {
    Key::new(tenant, "visible").id(conversation.uuid())
}

/// What was said by one side and is seen by an audience, by its position for staff.
pub(crate) fn said(tenant: TenantId, conversation: ConversationId, by_visitor: bool, to: Audience) -> Key {
    let to_visitor = to == Audience::Visitor;
    Key::new(tenant, "said").id(conversation.uuid()).byte(by_visitor.into()).byte(to_visitor.into())
}

/// The message that an author sent under a client's id.
pub(crate) fn sent(
    tenant: TenantId,
    conversation: ConversationId,
    author: Author,
    client_id: ClientId,
) -> Key {
    let key = Key::new(tenant, "sent").id(conversation.uuid()).id(client_id.uuid());
    match author {
        Author::Visitor(visitor) => key.byte(0).id(visitor.uuid()),
        Author::Operator(operator) => key.byte(1).id(operator.uuid()),
        Author::System => key.byte(2),
    }
}

/// The message with this id.
pub(crate) fn message(tenant: TenantId, message: MessageId) -> Key {
    Key::new(tenant, "message").id(message.uuid())
}

/// The conversations by when the first event of their logs was stored.
pub(crate) fn oldest(tenant: TenantId) -> Key {
    Key::new(tenant, "oldest")
}

/// The conversation whose log begins with this event.
pub(crate) fn begins(tenant: TenantId, event: &Event) -> Key {
    oldest(tenant).time(event.at).id(event.conversation.uuid())
}

/// The positions of operators in a conversation, the furthest last.
pub(crate) fn operators_read(tenant: TenantId, conversation: ConversationId) -> Key {
    Key::new(tenant, "operators_read").id(conversation.uuid())
}

/// The conversation that a visitor opened under a client's id.
pub(crate) fn opened(tenant: TenantId, visitor: VisitorId, client_id: ClientId) -> Key {
    Key::new(tenant, "opened").id(visitor.uuid()).id(client_id.uuid())
}

/// A visitor's conversations, by change and id.
pub(crate) fn own(tenant: TenantId, visitor: VisitorId) -> Key {
    Key::new(tenant, "own").id(visitor.uuid())
}

/// The conversations that pass these filters, by change and id. There is one such list for each combination, so that a page
/// is read from one place whatever is asked for.
pub(crate) fn inbox(
    tenant: TenantId,
    status: Option<Status>,
    assignee: Option<AssigneeFilter>,
    tag: Option<&Text>,
) -> Key {
    let key = Key::new(tenant, "inbox").byte(match status {
        None => 0,
        Some(Status::Open) => 1,
        Some(Status::Snoozed) => 2,
        Some(Status::Closed) => 3,
    });
    let key = match assignee {
        None => key.byte(0),
        Some(AssigneeFilter::Nobody) => key.byte(1),
        Some(AssigneeFilter::Operator(operator)) => key.byte(2).id(operator.uuid()),
    };
    match tag {
        None => key.byte(0),
        Some(tag) => key.byte(1).text(tag),
    }
}

/// The token with this hash.
pub(crate) fn token(tenant: TenantId, hash: &TokenHash) -> Key {
    Key::new(tenant, "token").bytes(hash.bytes())
}

/// The operator with this address.
pub(crate) fn address(tenant: TenantId, email: &Email) -> Key {
    Key::new(tenant, "address").bytes(email.as_str().as_bytes())
}

/// The notifications that name a conversation.
pub(crate) fn notifications(tenant: TenantId, conversation: ConversationId) -> Key {
    Key::new(tenant, "notifications").id(conversation.uuid())
}
