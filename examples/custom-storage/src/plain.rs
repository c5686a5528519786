//! Groups that keep plain records: tenants, sites, operators, pages, the audit trail.

use convor::async_trait;
use convor::domain::{CurrentPage, Operator, Site, TenantProfile, Visitor};
use convor::ids::{AuditId, OperatorId, SiteId, TenantId, VisitorId};
use convor::ports::storage::{
    AuditRepository, AuditRow, OperatorOutcome, OperatorRepository, PageRepository, Record, SiteRepository,
    TenantRepository,
};
use convor::ports::{Change, StorageError};
use uuid::Uuid;

use crate::RedbStorage;

#[async_trait]
impl TenantRepository for RedbStorage {
    async fn insert(
        &self,
        tenant: TenantId,
        profile: &TenantProfile,
        change: &Change,
    ) -> Result<bool, StorageError> {
        self.add(tenant, Record::Profile(profile.clone()), change).await
    }

    async fn find(&self, tenant: TenantId) -> Result<Option<TenantProfile>, StorageError> {
        self.get(tenant, Uuid::nil()).await
    }
}

#[async_trait]
impl SiteRepository for RedbStorage {
    async fn insert(&self, tenant: TenantId, site: &Site, change: &Change) -> Result<bool, StorageError> {
        self.add(tenant, Record::Site(site.clone()), change).await
    }

    async fn find(&self, tenant: TenantId, site: SiteId) -> Result<Option<Site>, StorageError> {
        self.get(tenant, site.uuid()).await
    }

    async fn page(
        &self,
        tenant: TenantId,
        after: Option<SiteId>,
        limit: usize,
    ) -> Result<Vec<Site>, StorageError> {
        self.above(tenant, after.map(SiteId::uuid), limit).await
    }
}

#[async_trait]
impl OperatorRepository for RedbStorage {
    async fn insert(
        &self,
        tenant: TenantId,
        operator: &Operator,
        change: &Change,
    ) -> Result<OperatorOutcome, StorageError> {
        let added = self.add(tenant, Record::Operator(operator.clone()), change).await?;
        Ok(if added { OperatorOutcome::Added } else { OperatorOutcome::Taken })
    }

    async fn find(&self, tenant: TenantId, operators: &[OperatorId]) -> Result<Vec<Operator>, StorageError> {
        let mut ids = operators.to_vec();
        ids.sort_unstable();
        ids.dedup();
        self.read(move |store| ids.iter().filter_map(|id| store.get(tenant, id.uuid()).transpose()).collect())
            .await
    }

    async fn page(
        &self,
        tenant: TenantId,
        after: Option<OperatorId>,
        limit: usize,
    ) -> Result<Vec<Operator>, StorageError> {
        self.above(tenant, after.map(OperatorId::uuid), limit).await
    }
}

#[async_trait]
impl PageRepository for RedbStorage {
    async fn put(
        &self,
        tenant: TenantId,
        visitor: VisitorId,
        page: &CurrentPage,
        change: &Change,
    ) -> Result<bool, StorageError> {
        let (page, change) = (Record::Page { visitor, page: page.clone() }, change.clone());
        self.write(move |store| {
            if store.get::<Visitor>(tenant, visitor.uuid())?.is_none() {
                return Ok(false);
            }
            store.put(tenant, &page)?;
            store.carry(tenant, &change)?;
            Ok(true)
        })
        .await
    }

    async fn find(&self, tenant: TenantId, visitor: VisitorId) -> Result<Option<CurrentPage>, StorageError> {
        self.get(tenant, visitor.uuid()).await
    }
}

#[async_trait]
impl AuditRepository for RedbStorage {
    async fn page(
        &self,
        tenant: TenantId,
        after: Option<AuditId>,
        limit: usize,
    ) -> Result<Vec<AuditRow>, StorageError> {
        self.above(tenant, after.map(AuditId::uuid), limit).await
    }
}
