//! Visitors and their tokens.

use async_trait::async_trait;

use crate::credentials::TokenHash;
use crate::domain::{Email, Text, Visitor};
use crate::ids::{TenantId, VisitorId};
use crate::ports::{Change, StorageError};

/// Visitors and their tokens.
#[async_trait]
pub trait VisitorRepository: Send + Sync {
    /// Adds a visitor with its first token; `false`, and no change, if the id is taken in this tenant or the tenant has no
    /// such site.
    ///
    /// # Errors
    /// [`StorageError`].
    async fn register(
        &self,
        tenant: TenantId,
        new: &NewVisitor,
        change: &Change,
    ) -> Result<bool, StorageError>;

    /// One visitor.
    ///
    /// # Errors
    /// [`StorageError`].
    async fn find(&self, tenant: TenantId, visitor: VisitorId) -> Result<Option<Visitor>, StorageError>;

    /// The visitor whose token has this hash **in this tenant**.
    ///
    /// # Errors
    /// [`StorageError`].
    async fn find_by_token(
        &self,
        tenant: TenantId,
        token: &TokenHash,
    ) -> Result<Option<Visitor>, StorageError>;

    /// Changes what the visitor has said of itself, and returns the visitor as it is then; `None` if there is none.
    ///
    /// # Errors
    /// [`StorageError`].
    async fn update(
        &self,
        tenant: TenantId,
        visitor: VisitorId,
        patch: &ContactPatch,
        change: &Change,
    ) -> Result<Option<Visitor>, StorageError>;

    /// Removes a visitor and everything that is about it; `false`, and no change, if there is none.
    ///
    /// # To ensure correctness
    /// - Gone are the record, its token, its page, its conversations with their events, read positions and uploads, and what is
    ///   searchable of them, and the notifications that name one of the conversations. The uploads' blobs are
    ///   [`removable`](super::UploadRepository::removable) from then on.
    /// - Control log and audit trail stay: they hold ids, and no personal data.
    /// - It takes time in proportion to what the visitor has, not to what is stored.
    ///
    /// # Errors
    /// [`StorageError`].
    async fn erase(
        &self,
        tenant: TenantId,
        visitor: VisitorId,
        change: &Change,
    ) -> Result<bool, StorageError>;
}

/// A visitor to be registered.
#[derive(Debug, Clone)]
#[expect(clippy::exhaustive_structs, reason = "adapters read it")]
pub struct NewVisitor {
    /// The record.
    pub visitor: Visitor,
    /// The hash of its token.
    pub token: TokenHash,
}

/// What of the contact details changes: `None` leaves, `Some(None)` clears, `Some(Some(…))` sets.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "adapters read it")]
pub struct ContactPatch {
    /// The name.
    pub name: Option<Option<Text>>,
    /// The address.
    pub email: Option<Option<Email>>,
}
