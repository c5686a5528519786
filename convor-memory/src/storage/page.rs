//! The pages on which visitors are.

use async_trait::async_trait;
use convor::domain::CurrentPage;
use convor::ids::{TenantId, VisitorId};
use convor::ports::storage::PageRepository;
use convor::ports::{Change, StorageError};

use super::MemoryStorage;

#[async_trait]
impl PageRepository for MemoryStorage {
    async fn put(
        &self,
        tenant: TenantId,
        visitor: VisitorId,
        page: &CurrentPage,
        change: &Change,
    ) -> Result<bool, StorageError> {
        let put = self.write(tenant, |state| {
            if !state.visitors.contains_key(&visitor) {
                return Ok(false);
            }
            state.commit(change);
            if let Some(of) = state.visitors.get_mut(&visitor) {
                of.page = Some(page.clone());
            }
            Ok(true)
        });
        put.unwrap_or(Ok(false))
    }

    async fn find(&self, tenant: TenantId, visitor: VisitorId) -> Result<Option<CurrentPage>, StorageError> {
        let page = self.read(tenant, |state| state.visitors.get(&visitor).and_then(|of| of.page.clone()));
        Ok(page.flatten())
    }
}
