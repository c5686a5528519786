//! The pages on which visitors are.

use async_trait::async_trait;

use crate::domain::CurrentPage;
use crate::ids::{TenantId, VisitorId};
use crate::ports::{Change, StorageError};

/// The page on which each visitor was last; only the last one is kept.
#[async_trait]
pub trait PageRepository: Send + Sync {
    /// Replaces the visitor's page; `false`, and no change, if there is no such visitor.
    ///
    /// # Errors
    /// [`StorageError`].
    async fn put(
        &self,
        tenant: TenantId,
        visitor: VisitorId,
        page: &CurrentPage,
        change: &Change,
    ) -> Result<bool, StorageError>;

    /// The visitor's page.
    ///
    /// # Errors
    /// [`StorageError`].
    async fn find(&self, tenant: TenantId, visitor: VisitorId) -> Result<Option<CurrentPage>, StorageError>;
}
