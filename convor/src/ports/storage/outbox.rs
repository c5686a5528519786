//! What is owed to notifiers.

use async_trait::async_trait;

use crate::domain::Notification;
use crate::ids::{OutboxId, TenantId};
use crate::ports::StorageError;
use crate::time::Timestamp;

/// Notifications that changes have committed and nobody has settled yet.
#[cfg_attr(test, mockall::automock)]
#[async_trait]
pub trait OutboxRepository: Send + Sync {
    /// Takes at most `limit` notifications that nobody holds at `now`, the oldest (by id) first, and holds them until `until`. Of
    /// two concurrent calls only one gets each.
    ///
    /// # Errors
    /// [`StorageError`].
    async fn claim(
        &self,
        tenant: TenantId,
        now: Timestamp,
        until: Timestamp,
        limit: usize,
    ) -> Result<Vec<ClaimedNotification>, StorageError>;

    /// Removes a notification that has been delivered; `false` if there is none.
    ///
    /// # Errors
    /// [`StorageError`].
    async fn settle(&self, tenant: TenantId, id: OutboxId) -> Result<bool, StorageError>;
}

/// A notification that is held for its delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "adapters build it")]
pub struct ClaimedNotification {
    /// Its id.
    pub id: OutboxId,
    /// What to tell.
    pub notification: Notification,
    /// The how-manieth try this is, from 1.
    pub attempt: u32,
}
