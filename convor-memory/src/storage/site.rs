//! Websites.

use std::ops::Bound;

use async_trait::async_trait;
use convor::domain::Site;
use convor::ids::{SiteId, TenantId};
use convor::ports::storage::SiteRepository;
use convor::ports::{Change, StorageError};

use super::MemoryStorage;

#[async_trait]
impl SiteRepository for MemoryStorage {
    async fn insert(&self, tenant: TenantId, site: &Site, change: &Change) -> Result<bool, StorageError> {
        self.create(tenant, |state| {
            if state.sites.contains_key(&site.id) {
                return Ok(false);
            }
            state.commit(change);
            state.sites.insert(site.id, site.clone());
            Ok(true)
        })
    }

    async fn find(&self, tenant: TenantId, site: SiteId) -> Result<Option<Site>, StorageError> {
        Ok(self.read(tenant, |state| state.sites.get(&site).cloned()).flatten())
    }

    async fn page(
        &self,
        tenant: TenantId,
        after: Option<SiteId>,
        limit: usize,
    ) -> Result<Vec<Site>, StorageError> {
        let above = after.map_or(Bound::Unbounded, Bound::Excluded);
        let page = self.read(tenant, |state| {
            let sites = state.sites.range((above, Bound::Unbounded));
            sites.map(|(_, site)| site.clone()).take(limit).collect()
        });
        Ok(page.unwrap_or_default())
    }
}
