//! Where everything is kept: an object-safe trait of accessors, one small repository each.
//!
//! An adapter implements the repositories and [`Storage`], which hands them out, and runs the conformance suite. What
//! holds for every method:
//!
//! # To ensure correctness
//! - **The tenant comes first** and bounds everything: what belongs to another tenant is not there, and the same id in
//!   two tenants is two records. The one exception is [`TenantRegistry`], which holds no personal data.
//! - **A method is one transaction.** It has happened whole, or not at all; `Ok` means that it is durable. A future that
//!   is dropped at any point leaves one of the two and nothing open.
//! - **The [`Change`] is part of it**: its audit record, its outbox entries and its control events are stored in the same
//!   transaction, if and only if the method changed something. A repeat that changes nothing stores nothing.
//! - **Ids and times come from the core**; a storage invents neither. The positions it allots are gapless.
//! - **Absence is `Option`** and an expected refusal is a variant of the method's outcome; [`StorageError`] is for what
//!   nobody expected.
//! - Content never stands in an error.
//! - **Positions and versions are `u64`**, and what a client asks for may be as large: a storage with signed numbers
//!   clamps and never wraps.
//! - Only registered tenants are written to; what a write for another does is the adapter's choice. Ids in notifications,
//!   control events and audit records need not name a record that there is.
//! - An id that is taken where no outcome says so is [`StorageErrorKind::Other`], and nothing changes; a message's need not
//!   be looked for.

#[cfg(feature = "accounts")]
mod account;
mod audit;
mod change;
mod control;
mod conversation;
mod error;
mod event;
mod operator;
mod outbox;
mod page;
mod read;
mod registry;
mod search;
mod site;
mod tenant;
mod transfer;
mod upload;
mod visitor;

#[cfg(feature = "accounts")]
pub use account::{AccountRepository, Login, NewSession, PasswordHash, Session};
pub use audit::{AuditRepository, AuditRow};
pub use change::Change;
pub use control::ControlRepository;
pub use conversation::{
    AssigneeFilter, ConversationPage, ConversationPatch, ConversationRepository, ConversationScope,
    ConversationView, DueSnooze, Open, OpenOutcome, StatusChange, UpdateOutcome,
};
pub use error::{StorageError, StorageErrorKind};
pub use event::{Append, AppendOutcome, EventPage, EventRepository, NewMessage, Window};
pub use operator::{OperatorOutcome, OperatorRepository};
pub use outbox::{ClaimedNotification, OutboxRepository};
pub use page::PageRepository;
pub use read::{ReadMove, ReadRepository};
pub use registry::TenantRegistry;
pub use search::{SearchQuery, SearchRepository};
pub use site::SiteRepository;
pub use tenant::TenantRepository;
pub use transfer::{Record, RecordKey, RecordKind, TransferRepository};
pub use upload::UploadRepository;
pub use visitor::{ContactPatch, NewVisitor, VisitorRepository};

#[cfg(test)]
pub(crate) use {
    conversation::MockConversationRepository, outbox::MockOutboxRepository, registry::MockTenantRegistry,
};

use std::fmt;

use async_trait::async_trait;

/// Where everything is kept. Used as `Arc<dyn Storage>`.
#[async_trait]
pub trait Storage: fmt::Debug + Send + Sync {
    /// Which tenants there are. The only repository that reads across tenants.
    fn registry(&self) -> &dyn TenantRegistry;
    /// What tenants say of themselves.
    fn tenants(&self) -> &dyn TenantRepository;
    /// Websites.
    fn sites(&self) -> &dyn SiteRepository;
    /// Visitors and their tokens.
    fn visitors(&self) -> &dyn VisitorRepository;
    /// The pages on which visitors are.
    fn pages(&self) -> &dyn PageRepository;
    /// Operators.
    fn operators(&self) -> &dyn OperatorRepository;
    /// Conversations.
    fn conversations(&self) -> &dyn ConversationRepository;
    /// What happened in conversations.
    fn events(&self) -> &dyn EventRepository;
    /// How far members have read.
    fn reads(&self) -> &dyn ReadRepository;
    /// What is owed to notifiers.
    fn outbox(&self) -> &dyn OutboxRepository;
    /// What every node must obey.
    fn control(&self) -> &dyn ControlRepository;
    /// Who did what, and when.
    fn audit(&self) -> &dyn AuditRepository;

    /// Operators' passwords and sessions; `None` if the adapter does not keep them.
    #[cfg(feature = "accounts")]
    fn accounts(&self) -> Option<&dyn AccountRepository> {
        None
    }

    /// Finding messages by their words; `None` if the adapter cannot.
    fn search(&self) -> Option<&dyn SearchRepository> {
        None
    }

    /// What is known of files; `None` if the adapter does not keep it.
    fn uploads(&self) -> Option<&dyn UploadRepository> {
        None
    }

    /// Moving what is stored; `None` if the adapter cannot.
    fn transfer(&self) -> Option<&dyn TransferRepository> {
        None
    }

    /// Whether the storage answers; for readiness.
    ///
    /// # Errors
    /// [`StorageError`] if it does not.
    async fn ping(&self) -> Result<(), StorageError>;
}
