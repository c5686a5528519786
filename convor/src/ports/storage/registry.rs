//! Which tenants there are.

use async_trait::async_trait;

use crate::domain::TenantRecord;
use crate::ids::TenantId;
use crate::ports::StorageError;
use crate::time::Timestamp;

/// Which tenants there are, and for which of them background work is due, so that idle tenants cost nothing. It holds no
/// personal data, and is the only repository without a tenant as its first argument.
#[cfg_attr(test, mockall::automock)]
#[async_trait]
pub trait TenantRegistry: Send + Sync {
    /// Adds a tenant; `false`, and no change, if the id is taken.
    ///
    /// # Errors
    /// [`StorageError`].
    async fn insert(&self, record: &TenantRecord) -> Result<bool, StorageError>;

    /// One tenant.
    ///
    /// # Errors
    /// [`StorageError`].
    async fn find(&self, tenant: TenantId) -> Result<Option<TenantRecord>, StorageError>;

    /// At most `limit` tenants above `after` in the order of their ids.
    ///
    /// # Errors
    /// [`StorageError`].
    async fn list(&self, after: Option<TenantId>, limit: usize) -> Result<Vec<TenantRecord>, StorageError>;

    /// The position of the last control event of each of `tenants`, in their order; 0 before the first, and for a tenant that
    /// there is not.
    ///
    /// # Errors
    /// [`StorageError`].
    async fn control_heads(&self, tenants: &[TenantId]) -> Result<Vec<u64>, StorageError>;

    /// At most `limit` tenants above `after` in the order of their ids for which there is work at `now`: a snooze that
    /// has ended ([`due_snoozes`]), or a notification that nobody holds ([`claim`]).
    ///
    /// [`due_snoozes`]: super::ConversationRepository::due_snoozes
    /// [`claim`]: super::OutboxRepository::claim
    ///
    /// # Errors
    /// [`StorageError`].
    async fn due(
        &self,
        now: Timestamp,
        after: Option<TenantId>,
        limit: usize,
    ) -> Result<Vec<TenantId>, StorageError>;
}
