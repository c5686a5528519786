//! Websites.

use async_trait::async_trait;

use crate::domain::Site;
use crate::ids::{SiteId, TenantId};
use crate::ports::{Change, StorageError};

/// Websites of tenants.
#[async_trait]
pub trait SiteRepository: Send + Sync {
    /// Adds a site; `false`, and no change, if the id is taken in this tenant.
    ///
    /// # Errors
    /// [`StorageError`].
    async fn insert(&self, tenant: TenantId, site: &Site, change: &Change) -> Result<bool, StorageError>;

    /// One site.
    ///
    /// # Errors
    /// [`StorageError`].
    async fn find(&self, tenant: TenantId, site: SiteId) -> Result<Option<Site>, StorageError>;

    /// At most `limit` sites above `after`, in the order of their ids.
    ///
    /// # Errors
    /// [`StorageError`].
    async fn page(
        &self,
        tenant: TenantId,
        after: Option<SiteId>,
        limit: usize,
    ) -> Result<Vec<Site>, StorageError>;
}
