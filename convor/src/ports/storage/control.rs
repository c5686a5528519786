//! What every node must obey.

use async_trait::async_trait;

use crate::domain::ControlEvent;
use crate::ids::TenantId;
use crate::ports::{Change, StorageError};

/// A tenant's control log: each [`OutboxEntry::Control`](crate::domain::OutboxEntry::Control) of a change takes its next
/// position, from 1 and without gaps.
#[async_trait]
pub trait ControlRepository: Send + Sync {
    /// Stores nothing but what the change carries: its control events, and with them its audit record and notifications.
    ///
    /// # Errors
    /// [`StorageError`].
    async fn append(&self, tenant: TenantId, change: &Change) -> Result<(), StorageError>;

    /// The position of the last control event; 0 before the first.
    ///
    /// # Errors
    /// [`StorageError`].
    async fn head(&self, tenant: TenantId) -> Result<u64, StorageError>;

    /// At most `limit` control events above `after`, ascending, with their positions.
    ///
    /// # Errors
    /// [`StorageError`].
    async fn after(
        &self,
        tenant: TenantId,
        after: u64,
        limit: usize,
    ) -> Result<Vec<(u64, ControlEvent)>, StorageError>;
}
