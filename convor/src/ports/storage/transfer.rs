//! Moving what is stored from one storage to another: an optional group.

use async_trait::async_trait;
use uuid::Uuid;

use crate::credentials::TokenHash;
use crate::domain::{
    Author, BodyDigest, ControlEvent, Conversation, CurrentPage, Event, Heads, Notification, Operator, Site,
    TenantProfile, Upload, Visitor,
};
use crate::ids::{ClientId, ConversationId, OutboxId, TenantId, VisitorId};
use crate::ports::storage::AuditRow;
use crate::ports::{BlobKey, StorageError};
use crate::time::Timestamp;

/// Moving what is stored from one storage to another, record by record and without a loss.
///
/// What is derived (indexes, the registry's knowledge of due work) is no record; `import` derives it anew.
#[async_trait]
pub trait TransferRepository: Send + Sync {
    /// At most `limit` records of a kind above `after`, ascending by [`Record::key`].
    ///
    /// # Errors
    /// [`StorageError`].
    async fn export(
        &self,
        tenant: TenantId,
        kind: RecordKind,
        after: Option<RecordKey>,
        limit: usize,
    ) -> Result<Vec<Record>, StorageError>;

    /// Stores records as they are, in one transaction. A record whose key is there already is left as it is, so that a
    /// transfer that was cut off can be repeated. An event at or below its conversation's floor has been purged, and
    /// is not stored.
    ///
    /// The tenant is registered, and the records arrive in the order of [`RecordKind::ALL`], within a kind by their keys:
    /// what a record refers to is there. Several calls may import the same records at once: each record is stored once, and
    /// no call fails because of another.
    ///
    /// # Errors
    /// [`StorageError`]; [`StorageErrorKind::Unsupported`](crate::ports::StorageErrorKind::Unsupported), and nothing is
    /// stored, if the adapter does not keep the group to which a record belongs.
    async fn import(&self, tenant: TenantId, records: &[Record]) -> Result<(), StorageError>;
}

/// A record as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "adapters read and build it")]
pub enum Record {
    /// What the tenant says of itself.
    Profile(TenantProfile),
    /// A website.
    Site(Site),
    /// An operator.
    Operator(Operator),
    /// A visitor.
    Visitor(Visitor),
    /// A visitor's token.
    Token {
        /// Whose it is.
        visitor: VisitorId,
        /// Its hash.
        hash: TokenHash,
    },
    /// The page on which a visitor was last.
    Page {
        /// Whose.
        visitor: VisitorId,
        /// Which.
        page: CurrentPage,
    },
    /// A conversation.
    Conversation {
        /// The conversation.
        conversation: Conversation,
        /// What the visitor's client picked.
        client_id: ClientId,
        /// Over what a repeat of its opening must repeat; `None` once that is erased.
        digest: Option<BodyDigest>,
        /// Whether it was opened with a message, which then is its first event.
        with_message: bool,
    },
    /// An event.
    Event {
        /// The event.
        event: Event,
        /// Of a message: over what a repeat must repeat; `None` once that is erased, and for other events.
        digest: Option<BodyDigest>,
    },
    /// How far a member has read.
    Read {
        /// Where.
        conversation: ConversationId,
        /// Who. A [key](Record::key) tells readers apart by their ids alone: an operator must not have the id of a visitor, also
        /// where an [`Authenticator`](crate::ports::Authenticator) supplies the ids of operators.
        reader: Author,
        /// Up to where.
        up_to: Heads,
    },
    /// A file.
    Upload(Upload),
    /// A blob that is to be removed.
    RemovableBlob(BlobKey),
    /// A notification that is owed.
    Notification {
        /// Its id.
        id: OutboxId,
        /// What to tell.
        notification: Notification,
        /// How often it has been tried.
        attempts: u32,
        /// Until when somebody holds it.
        held_until: Option<Timestamp>,
    },
    /// An entry of the control log.
    Control {
        /// Its position.
        position: u64,
        /// What every node must obey.
        event: ControlEvent,
    },
    /// An entry of the audit trail.
    Audit(AuditRow),
    /// An operator's password.
    #[cfg(feature = "accounts")]
    Password {
        /// Whose.
        operator: crate::ids::OperatorId,
        /// Its hash.
        hash: super::PasswordHash,
    },
    /// An operator's session.
    #[cfg(feature = "accounts")]
    Session {
        /// Its id.
        id: crate::ids::SessionId,
        /// Whose it is.
        operator: crate::ids::OperatorId,
        /// The hash of its token.
        token: TokenHash,
        /// When it ends by itself.
        expires_at: Timestamp,
    },
}

impl Record {
    /// Of what kind it is.
    #[must_use]
    pub const fn kind(&self) -> RecordKind {
        match self {
            Self::Profile(_) => RecordKind::Profile,
            Self::Site(_) => RecordKind::Site,
            Self::Operator(_) => RecordKind::Operator,
            Self::Visitor(_) => RecordKind::Visitor,
            Self::Token { .. } => RecordKind::Token,
            Self::Page { .. } => RecordKind::Page,
            Self::Conversation { .. } => RecordKind::Conversation,
            Self::Event { .. } => RecordKind::Event,
            Self::Read { .. } => RecordKind::Read,
            Self::Upload(_) => RecordKind::Upload,
            Self::RemovableBlob(_) => RecordKind::RemovableBlob,
            Self::Notification { .. } => RecordKind::Notification,
            Self::Control { .. } => RecordKind::Control,
            Self::Audit(_) => RecordKind::Audit,
            #[cfg(feature = "accounts")]
            Self::Password { .. } => RecordKind::Password,
            #[cfg(feature = "accounts")]
            Self::Session { .. } => RecordKind::Session,
        }
    }

    /// What names it among the tenant's records of its kind.
    #[must_use]
    pub fn key(&self) -> RecordKey {
        match self {
            Self::Profile(_) => RecordKey::of(Uuid::nil()),
            Self::Site(site) => RecordKey::of(site.id.uuid()),
            Self::Operator(operator) => RecordKey::of(operator.id.uuid()),
            Self::Visitor(visitor) => RecordKey::of(visitor.id.uuid()),
            Self::Token { visitor, .. } | Self::Page { visitor, .. } => RecordKey::of(visitor.uuid()),
            Self::Conversation { conversation, .. } => RecordKey::of(conversation.id.uuid()),
            Self::Event { event, .. } => RecordKey {
                id: event.conversation.uuid(),
                part: Uuid::from_u128(event.position.staff.into()),
            },
            Self::Read { conversation, reader, .. } => {
                let part = match reader {
                    Author::Visitor(visitor) => visitor.uuid(),
                    Author::Operator(operator) => operator.uuid(),
                    Author::System => Uuid::nil(),
                };
                RecordKey { id: conversation.uuid(), part }
            }
            Self::Upload(upload) => RecordKey::of(upload.id.uuid()),
            Self::RemovableBlob(blob) => RecordKey::of(blob.0),
            Self::Notification { id, .. } => RecordKey::of(id.uuid()),
            Self::Control { position, .. } => {
                RecordKey { id: Uuid::nil(), part: Uuid::from_u128((*position).into()) }
            }
            Self::Audit(row) => RecordKey::of(row.record.id.uuid()),
            #[cfg(feature = "accounts")]
            Self::Password { operator, .. } => RecordKey::of(operator.uuid()),
            #[cfg(feature = "accounts")]
            Self::Session { id, .. } => RecordKey::of(id.uuid()),
        }
    }
}

/// What names a record among those of its tenant and kind. Keys are ordered by their bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(clippy::exhaustive_structs, reason = "adapters read and build it")]
pub struct RecordKey {
    /// Its id, or that of the conversation in which it stands.
    pub id: Uuid,
    /// Its place there: a position as a number of 128 bits, or a reader's id; nil for what has an id of its own.
    pub part: Uuid,
}

impl RecordKey {
    const fn of(id: Uuid) -> Self {
        Self { id, part: Uuid::nil() }
    }
}

/// What kinds of records there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(clippy::exhaustive_enums, reason = "adapters read it")]
pub enum RecordKind {
    /// What the tenant says of itself.
    Profile,
    /// Websites.
    Site,
    /// Operators.
    Operator,
    /// Operators' passwords.
    #[cfg(feature = "accounts")]
    Password,
    /// Operators' sessions.
    #[cfg(feature = "accounts")]
    Session,
    /// Visitors.
    Visitor,
    /// Visitors' tokens, by the visitor.
    Token,
    /// The pages on which visitors were last, by the visitor.
    Page,
    /// Conversations.
    Conversation,
    /// Events, by the conversation and their staff positions.
    Event,
    /// How far members have read, by the conversation and the reader.
    Read,
    /// Files.
    Upload,
    /// Blobs that are to be removed.
    RemovableBlob,
    /// Notifications that are owed.
    Notification,
    /// Control logs, by their positions.
    Control,
    /// The audit trail.
    Audit,
}

impl RecordKind {
    /// Every kind, each after those to which its records refer.
    pub const ALL: &'static [Self] = &[
        Self::Profile,
        Self::Site,
        Self::Operator,
        #[cfg(feature = "accounts")]
        Self::Password,
        #[cfg(feature = "accounts")]
        Self::Session,
        Self::Visitor,
        Self::Token,
        Self::Page,
        Self::Conversation,
        Self::Event,
        Self::Read,
        Self::Upload,
        Self::RemovableBlob,
        Self::Notification,
        Self::Control,
        Self::Audit,
    ];
}
