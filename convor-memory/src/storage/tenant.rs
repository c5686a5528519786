//! What tenants say of themselves.

use async_trait::async_trait;
use convor::domain::TenantProfile;
use convor::ids::TenantId;
use convor::ports::storage::TenantRepository;
use convor::ports::{Change, StorageError};

use super::MemoryStorage;

#[async_trait]
impl TenantRepository for MemoryStorage {
    async fn insert(
        &self,
        tenant: TenantId,
        profile: &TenantProfile,
        change: &Change,
    ) -> Result<bool, StorageError> {
        self.create(tenant, |state| {
            if state.profile.is_some() {
                return Ok(false);
            }
            state.commit(change);
            state.profile = Some(profile.clone());
            Ok(true)
        })
    }

    async fn find(&self, tenant: TenantId) -> Result<Option<TenantProfile>, StorageError> {
        Ok(self.read(tenant, |state| state.profile.clone()).flatten())
    }
}
