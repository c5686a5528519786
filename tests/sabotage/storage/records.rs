//! Tenants, sites, visitors, pages and operators, with their faults.

use async_trait::async_trait;
use convor::credentials::TokenHash;
use convor::domain::{CurrentPage, Operator, Site, TenantProfile, Visitor};
use convor::ids::{OperatorId, SiteId, TenantId, VisitorId};
use convor::ports::storage::{
    ContactPatch, NewVisitor, OperatorOutcome, OperatorRepository, PageRepository, SiteRepository,
    TenantRepository, VisitorRepository,
};
use convor::ports::{Change, Storage, StorageError};

use super::Sabotaged;
use crate::fault::Fault;

#[async_trait]
impl TenantRepository for Sabotaged {
    async fn insert(
        &self,
        tenant: TenantId,
        profile: &TenantProfile,
        change: &Change,
    ) -> Result<bool, StorageError> {
        self.inner.tenants().insert(tenant, profile, change).await
    }

    async fn find(&self, tenant: TenantId) -> Result<Option<TenantProfile>, StorageError> {
        self.inner.tenants().find(tenant).await
    }
}

#[async_trait]
impl SiteRepository for Sabotaged {
    async fn insert(&self, tenant: TenantId, site: &Site, change: &Change) -> Result<bool, StorageError> {
        self.inner.sites().insert(tenant, site, change).await
    }

    async fn find(&self, tenant: TenantId, site: SiteId) -> Result<Option<Site>, StorageError> {
        for tenant in self.reach(tenant, Fault::ForgetsTheTenantOnAFind) {
            if let Some(site) = self.inner.sites().find(tenant, site).await? {
                return Ok(Some(site));
            }
        }
        Ok(None)
    }

    async fn page(
        &self,
        tenant: TenantId,
        after: Option<SiteId>,
        limit: usize,
    ) -> Result<Vec<Site>, StorageError> {
        let wraps = self.has(Fault::WrapsLimits) && i64::try_from(limit).is_err();
        self.inner.sites().page(tenant, after, if wraps { 0 } else { limit }).await
    }
}

#[async_trait]
impl VisitorRepository for Sabotaged {
    async fn register(
        &self,
        tenant: TenantId,
        new: &NewVisitor,
        change: &Change,
    ) -> Result<bool, StorageError> {
        self.inner.visitors().register(tenant, new, change).await
    }

    async fn find(&self, tenant: TenantId, visitor: VisitorId) -> Result<Option<Visitor>, StorageError> {
        self.inner.visitors().find(tenant, visitor).await
    }

    async fn find_by_token(
        &self,
        tenant: TenantId,
        token: &TokenHash,
    ) -> Result<Option<Visitor>, StorageError> {
        for tenant in self.reach(tenant, Fault::FindsATokenInAnyTenant) {
            if let Some(visitor) = self.inner.visitors().find_by_token(tenant, token).await? {
                return Ok(Some(visitor));
            }
        }
        Ok(self.memory().tokens.get(&(tenant, *token)).cloned())
    }

    async fn update(
        &self,
        tenant: TenantId,
        visitor: VisitorId,
        patch: &ContactPatch,
        change: &Change,
    ) -> Result<Option<Visitor>, StorageError> {
        let mut patch = patch.clone();
        if self.has(Fault::ClearsAbsentFields) {
            patch.name.get_or_insert(None);
            patch.email.get_or_insert(None);
        }
        self.inner.visitors().update(tenant, visitor, &patch, change).await
    }

    async fn erase(
        &self,
        tenant: TenantId,
        visitor: VisitorId,
        change: &Change,
    ) -> Result<bool, StorageError> {
        let mut erased = false;
        for tenant in self.reach(tenant, Fault::ForgetsTheTenantOnAnErasure) {
            erased |= self.erase_with_fault(tenant, visitor, change).await?;
        }
        Ok(erased)
    }
}

#[async_trait]
impl PageRepository for Sabotaged {
    async fn put(
        &self,
        tenant: TenantId,
        visitor: VisitorId,
        page: &CurrentPage,
        change: &Change,
    ) -> Result<bool, StorageError> {
        self.inner.pages().put(tenant, visitor, page, change).await
    }

    async fn find(&self, tenant: TenantId, visitor: VisitorId) -> Result<Option<CurrentPage>, StorageError> {
        self.inner.pages().find(tenant, visitor).await
    }
}

#[async_trait]
impl OperatorRepository for Sabotaged {
    async fn insert(
        &self,
        tenant: TenantId,
        operator: &Operator,
        change: &Change,
    ) -> Result<OperatorOutcome, StorageError> {
        self.inner.operators().insert(tenant, operator, change).await
    }

    async fn find(&self, tenant: TenantId, operators: &[OperatorId]) -> Result<Vec<Operator>, StorageError> {
        self.inner.operators().find(tenant, operators).await
    }

    async fn page(
        &self,
        tenant: TenantId,
        after: Option<OperatorId>,
        limit: usize,
    ) -> Result<Vec<Operator>, StorageError> {
        self.inner.operators().page(tenant, after, limit).await
    }
}
