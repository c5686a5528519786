//! What tenants say of themselves.

use async_trait::async_trait;

use crate::domain::TenantProfile;
use crate::ids::TenantId;
use crate::ports::{Change, StorageError};

/// What tenants say of themselves.
#[async_trait]
pub trait TenantRepository: Send + Sync {
    /// Stores the profile of a tenant that has none; `false`, and no change, if it has one.
    ///
    /// # Errors
    /// [`StorageError`].
    async fn insert(
        &self,
        tenant: TenantId,
        profile: &TenantProfile,
        change: &Change,
    ) -> Result<bool, StorageError>;

    /// The tenant's profile.
    ///
    /// # Errors
    /// [`StorageError`].
    async fn find(&self, tenant: TenantId) -> Result<Option<TenantProfile>, StorageError>;
}
