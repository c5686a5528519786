//! Conversations.

use async_trait::async_trait;

use crate::domain::{Audience, Author, BodyDigest, Conversation, CurrentPage, Event, Status, Text, Visitor};
use crate::ids::{ClientId, ConversationId, OperatorId, SiteId, TenantId, VisitorId};
use crate::ports::storage::NewMessage;
use crate::ports::{Change, StorageError};
use crate::time::Timestamp;

/// Conversations, and what members see of them.
#[cfg_attr(test, mockall::automock)]
#[async_trait]
pub trait ConversationRepository: Send + Sync {
    /// Opens a conversation, with its first message if there is one.
    ///
    /// # To ensure correctness
    /// - `(visitor, client_id)` is stored once. A repeat answers [`OpenOutcome::Duplicate`] with what the first call
    ///   stored, if the digest is the same or has been erased, and [`OpenOutcome::ClientIdReused`] otherwise; it
    ///   changes nothing.
    /// - The new conversation is open, without assignee and tags, in version 1 and the storage's present epoch; its first
    ///   message has position 1 in both numberings.
    /// - With `conversations_max` conversations the visitor has had all: [`OpenOutcome::TooMany`].
    ///
    /// # Errors
    /// [`StorageError`].
    async fn open(&self, tenant: TenantId, open: &Open, change: &Change)
    -> Result<OpenOutcome, StorageError>;

    /// One conversation, bare.
    ///
    /// # Errors
    /// [`StorageError`].
    async fn find(
        &self,
        tenant: TenantId,
        conversation: ConversationId,
    ) -> Result<Option<Conversation>, StorageError>;

    /// One conversation, as `reader` sees it.
    ///
    /// # Errors
    /// [`StorageError`].
    async fn view(
        &self,
        tenant: TenantId,
        conversation: ConversationId,
        reader: Author,
    ) -> Result<Option<ConversationView>, StorageError>;

    /// A page of conversations as `page.reader` sees them: those in `page.scope`, the latest change first, by
    /// `(updated_at of the scope's audience, id)` descending, strictly below `page.before`, at most `page.limit`.
    ///
    /// # Errors
    /// [`StorageError`].
    async fn page(
        &self,
        tenant: TenantId,
        page: &ConversationPage,
    ) -> Result<Vec<ConversationView>, StorageError>;

    /// Changes status, assignee or tags, if the conversation still has `version`.
    ///
    /// # To ensure correctness
    /// - Compare and set: of two concurrent calls with the same `version` one is [`UpdateOutcome::VersionMismatch`].
    /// - Each field that really changes adds one event, in the order status, assignee, tags, and takes its
    ///   positions; the version grows by one if anything changed, and nothing is stored if nothing did.
    /// - An assignee that the tenant does not have is [`UpdateOutcome::NoSuchOperator`], and nothing changes. It is looked
    ///   for last: after the conversation and its version.
    ///
    /// # Errors
    /// [`StorageError`].
    async fn update(
        &self,
        tenant: TenantId,
        conversation: ConversationId,
        version: u64,
        patch: &ConversationPatch,
        change: &Change,
    ) -> Result<UpdateOutcome, StorageError>;

    /// At most `limit` snoozed conversations whose time has come at `now`, the longest due first.
    ///
    /// # Errors
    /// [`StorageError`].
    async fn due_snoozes(
        &self,
        tenant: TenantId,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<DueSnooze>, StorageError>;
}

/// A conversation to be opened.
#[derive(Debug, Clone)]
#[expect(clippy::exhaustive_structs, reason = "adapters read it")]
pub struct Open {
    /// Its id.
    pub id: ConversationId,
    /// What the visitor's client picked.
    pub client_id: ClientId,
    /// Over what a repeat must repeat.
    pub digest: BodyDigest,
    /// The visitor's site.
    pub site: SiteId,
    /// The visitor.
    pub visitor: VisitorId,
    /// What it is about.
    pub subject: Option<Text>,
    /// What is said first; the visitor says it.
    pub first_message: Option<NewMessage>,
    /// How many conversations the visitor may have.
    pub conversations_max: usize,
}

/// What became of [`ConversationRepository::open`].
#[derive(Debug, Clone)]
#[expect(clippy::exhaustive_enums, reason = "adapters build it")]
pub enum OpenOutcome {
    /// It is open.
    Opened {
        /// The conversation.
        conversation: Conversation,
        /// The event of its first message.
        first: Option<Event>,
    },
    /// It was opened before by the same request.
    Duplicate {
        /// The conversation as it is now.
        conversation: Conversation,
        /// The event of the message with which it was opened; `None` if it was opened without, whatever came
        /// later, and once retention has removed it.
        first: Option<Event>,
    },
    /// The `client_id` came before with another body.
    ClientIdReused,
    /// The visitor has as many as are allowed.
    TooMany,
    /// The tenant has no such visitor on this site.
    NoSuchVisitor,
}

/// A conversation, as a reader sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "adapters build it")]
pub struct ConversationView {
    /// The conversation.
    pub conversation: Conversation,
    /// Its visitor.
    pub visitor: Visitor,
    /// The page on which the visitor was last.
    pub page: Option<CurrentPage>,
    /// The last message that the reader may see (a note is one for staff).
    pub last_message: Option<Event>,
    /// How far the reader has read, in its own numbering.
    pub read: u64,
    /// How far the other side has read, in the reader's numbering: for an operator the visitor, for a visitor the operator
    /// who is furthest.
    pub other_read: u64,
    /// How many messages of the other side (for an operator the visitor's, for a visitor the operators' and the system's)
    /// stand above `read`; counted to 100 and no further.
    pub unread: u32,
}

/// Which conversations, for whom.
#[derive(Debug, Clone)]
#[expect(clippy::exhaustive_structs, reason = "adapters read it")]
pub struct ConversationPage {
    /// Whose read positions count.
    pub reader: Author,
    /// Which conversations.
    pub scope: ConversationScope,
    /// Where the page before ended.
    pub before: Option<(Timestamp, ConversationId)>,
    /// How many at most.
    pub limit: usize,
}

/// Which conversations.
#[derive(Debug, Clone)]
#[expect(clippy::exhaustive_enums, reason = "adapters read it")]
pub enum ConversationScope {
    /// A visitor's own.
    Of(VisitorId),
    /// All of the tenant that pass the filters.
    Inbox {
        /// With this status.
        status: Option<Status>,
        /// With this assignee.
        assignee: Option<AssigneeFilter>,
        /// With this tag.
        tag: Option<Text>,
    },
}

impl ConversationScope {
    /// By whose `updated_at` the page is ordered.
    #[must_use]
    pub const fn audience(&self) -> Audience {
        match self {
            Self::Of(_) => Audience::Visitor,
            Self::Inbox { .. } => Audience::Staff,
        }
    }
}

/// Whose conversations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "adapters read it")]
pub enum AssigneeFilter {
    /// Nobody's.
    Nobody,
    /// This operator's.
    Operator(OperatorId),
}

/// What is to change.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "adapters read it")]
pub struct ConversationPatch {
    /// The status.
    pub status: Option<StatusChange>,
    /// The assignee; `Some(None)` takes it away.
    pub assignee: Option<Option<OperatorId>>,
    /// The tags, sorted, each once.
    pub tags: Option<Vec<Text>>,
}

/// To which status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "adapters read it")]
pub enum StatusChange {
    /// Open.
    Open,
    /// Asleep until then; a new time for a sleeping one is a change.
    Snoozed(Timestamp),
    /// Closed.
    Closed,
}

impl StatusChange {
    /// The status, and when it wakes.
    #[must_use]
    pub const fn parts(self) -> (Status, Option<Timestamp>) {
        match self {
            Self::Open => (Status::Open, None),
            Self::Snoozed(until) => (Status::Snoozed, Some(until)),
            Self::Closed => (Status::Closed, None),
        }
    }
}

/// What became of [`ConversationRepository::update`].
#[derive(Debug, Clone)]
#[expect(clippy::exhaustive_enums, reason = "adapters build it")]
#[expect(clippy::large_enum_variant, reason = "it is built once a call and taken apart at once")]
pub enum UpdateOutcome {
    /// It is so now.
    Updated {
        /// The conversation.
        conversation: Conversation,
        /// What happened, in order; empty if everything was so already.
        events: Vec<Event>,
    },
    /// It has another version.
    VersionMismatch,
    /// The tenant has no such operator.
    NoSuchOperator,
    /// The tenant has no such conversation.
    NotFound,
}

/// A snoozed conversation whose time has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "adapters build it")]
pub struct DueSnooze {
    /// Which.
    pub conversation: ConversationId,
    /// In which version.
    pub version: u64,
}
