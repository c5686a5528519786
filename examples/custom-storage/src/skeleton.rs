//! Where to begin: every required method, none of them written. Copy this file as the `src/lib.rs` of an adapter, run the
//! conformance suite, and write one method after the other, in the order of `docs/storage-adapters.md`. A case that fails
//! names the method that is missing. What each has to do stands at its trait.

// Remove this once the methods are written.
#![expect(unused_variables, reason = "methods that are not written yet do not look at what they are given")]

use convor::async_trait;
use convor::credentials::TokenHash;
use convor::domain::{
    Audience, Author, ControlEvent, Conversation, CurrentPage, Operator, Site, TenantProfile, TenantRecord,
    Visitor,
};
use convor::ids::{AuditId, ConversationId, OperatorId, OutboxId, SiteId, TenantId, VisitorId};
use convor::ports::storage::{
    Append, AppendOutcome, AuditRepository, AuditRow, ClaimedNotification, ContactPatch, ControlRepository,
    ConversationPage, ConversationPatch, ConversationRepository, ConversationView, DueSnooze, EventPage,
    EventRepository, NewVisitor, Open, OpenOutcome, OperatorOutcome, OperatorRepository, OutboxRepository,
    PageRepository, ReadMove, ReadRepository, SiteRepository, TenantRegistry, TenantRepository,
    UpdateOutcome, VisitorRepository, Window,
};
use convor::ports::{Change, Storage, StorageError, StorageErrorKind};
use convor::time::Timestamp;

/// A storage that is to be written.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Skeleton {}

type Result<T, E = StorageError> = std::result::Result<T, E>;

/// What a method answers until it is written.
fn unwritten<T>() -> Result<T> {
    Err(StorageError::new(StorageErrorKind::Unsupported))
}

#[async_trait]
impl Storage for Skeleton {
    fn registry(&self) -> &dyn TenantRegistry {
        self
    }

    fn tenants(&self) -> &dyn TenantRepository {
        self
    }

    fn sites(&self) -> &dyn SiteRepository {
        self
    }

    fn visitors(&self) -> &dyn VisitorRepository {
        self
    }

    fn pages(&self) -> &dyn PageRepository {
        self
    }

    fn operators(&self) -> &dyn OperatorRepository {
        self
    }

    fn conversations(&self) -> &dyn ConversationRepository {
        self
    }

    fn events(&self) -> &dyn EventRepository {
        self
    }

    fn reads(&self) -> &dyn ReadRepository {
        self
    }

    fn outbox(&self) -> &dyn OutboxRepository {
        self
    }

    fn control(&self) -> &dyn ControlRepository {
        self
    }

    fn audit(&self) -> &dyn AuditRepository {
        self
    }

    async fn ping(&self) -> Result<()> {
        unwritten()
    }
}

#[async_trait]
impl TenantRegistry for Skeleton {
    async fn insert(&self, record: &TenantRecord) -> Result<bool> {
        unwritten()
    }

    async fn find(&self, tenant: TenantId) -> Result<Option<TenantRecord>> {
        unwritten()
    }

    async fn list(&self, after: Option<TenantId>, limit: usize) -> Result<Vec<TenantRecord>> {
        unwritten()
    }

    async fn control_heads(&self, tenants: &[TenantId]) -> Result<Vec<u64>> {
        unwritten()
    }

    async fn due(&self, now: Timestamp, after: Option<TenantId>, limit: usize) -> Result<Vec<TenantId>> {
        unwritten()
    }
}

#[async_trait]
impl TenantRepository for Skeleton {
    async fn insert(&self, tenant: TenantId, profile: &TenantProfile, change: &Change) -> Result<bool> {
        unwritten()
    }

    async fn find(&self, tenant: TenantId) -> Result<Option<TenantProfile>> {
        unwritten()
    }
}

#[async_trait]
impl SiteRepository for Skeleton {
    async fn insert(&self, tenant: TenantId, site: &Site, change: &Change) -> Result<bool> {
        unwritten()
    }

    async fn find(&self, tenant: TenantId, site: SiteId) -> Result<Option<Site>> {
        unwritten()
    }

    async fn page(&self, tenant: TenantId, after: Option<SiteId>, limit: usize) -> Result<Vec<Site>> {
        unwritten()
    }
}

#[async_trait]
impl VisitorRepository for Skeleton {
    async fn register(&self, tenant: TenantId, new: &NewVisitor, change: &Change) -> Result<bool> {
        unwritten()
    }

    async fn find(&self, tenant: TenantId, visitor: VisitorId) -> Result<Option<Visitor>> {
        unwritten()
    }

    async fn find_by_token(&self, tenant: TenantId, token: &TokenHash) -> Result<Option<Visitor>> {
        unwritten()
    }

    async fn update(
        &self,
        tenant: TenantId,
        visitor: VisitorId,
        patch: &ContactPatch,
        change: &Change,
    ) -> Result<Option<Visitor>> {
        unwritten()
    }

    async fn erase(&self, tenant: TenantId, visitor: VisitorId, change: &Change) -> Result<bool> {
        unwritten()
    }
}

#[async_trait]
impl PageRepository for Skeleton {
    async fn put(
        &self,
        tenant: TenantId,
        visitor: VisitorId,
        page: &CurrentPage,
        change: &Change,
    ) -> Result<bool> {
        unwritten()
    }

    async fn find(&self, tenant: TenantId, visitor: VisitorId) -> Result<Option<CurrentPage>> {
        unwritten()
    }
}

#[async_trait]
impl OperatorRepository for Skeleton {
    async fn insert(
        &self,
        tenant: TenantId,
        operator: &Operator,
        change: &Change,
    ) -> Result<OperatorOutcome> {
        unwritten()
    }

    async fn find(&self, tenant: TenantId, operators: &[OperatorId]) -> Result<Vec<Operator>> {
        unwritten()
    }

    async fn page(&self, tenant: TenantId, after: Option<OperatorId>, limit: usize) -> Result<Vec<Operator>> {
        unwritten()
    }
}

#[async_trait]
impl ConversationRepository for Skeleton {
    async fn open(&self, tenant: TenantId, open: &Open, change: &Change) -> Result<OpenOutcome> {
        unwritten()
    }

    async fn find(&self, tenant: TenantId, conversation: ConversationId) -> Result<Option<Conversation>> {
        unwritten()
    }

    async fn view(
        &self,
        tenant: TenantId,
        conversation: ConversationId,
        reader: Author,
    ) -> Result<Option<ConversationView>> {
        unwritten()
    }

    async fn page(&self, tenant: TenantId, page: &ConversationPage) -> Result<Vec<ConversationView>> {
        unwritten()
    }

    async fn update(
        &self,
        tenant: TenantId,
        conversation: ConversationId,
        version: u64,
        patch: &ConversationPatch,
        change: &Change,
    ) -> Result<UpdateOutcome> {
        unwritten()
    }

    async fn due_snoozes(&self, tenant: TenantId, now: Timestamp, limit: usize) -> Result<Vec<DueSnooze>> {
        unwritten()
    }
}

#[async_trait]
impl EventRepository for Skeleton {
    async fn append(&self, tenant: TenantId, append: &Append, change: &Change) -> Result<AppendOutcome> {
        unwritten()
    }

    async fn page(
        &self,
        tenant: TenantId,
        conversation: ConversationId,
        audience: Audience,
        window: Window,
        limit: usize,
    ) -> Result<Option<EventPage>> {
        unwritten()
    }

    async fn purge(&self, tenant: TenantId, before: Timestamp, limit: usize) -> Result<usize> {
        unwritten()
    }
}

#[async_trait]
impl ReadRepository for Skeleton {
    async fn advance(
        &self,
        tenant: TenantId,
        conversation: ConversationId,
        reader: Author,
        audience: Audience,
        seq: u64,
        change: &Change,
    ) -> Result<Option<ReadMove>> {
        unwritten()
    }
}

#[async_trait]
impl OutboxRepository for Skeleton {
    async fn claim(
        &self,
        tenant: TenantId,
        now: Timestamp,
        until: Timestamp,
        limit: usize,
    ) -> Result<Vec<ClaimedNotification>> {
        unwritten()
    }

    async fn settle(&self, tenant: TenantId, id: OutboxId) -> Result<bool> {
        unwritten()
    }
}

#[async_trait]
impl ControlRepository for Skeleton {
    async fn append(&self, tenant: TenantId, change: &Change) -> Result<()> {
        unwritten()
    }

    async fn head(&self, tenant: TenantId) -> Result<u64> {
        unwritten()
    }

    async fn after(&self, tenant: TenantId, after: u64, limit: usize) -> Result<Vec<(u64, ControlEvent)>> {
        unwritten()
    }
}

#[async_trait]
impl AuditRepository for Skeleton {
    async fn page(&self, tenant: TenantId, after: Option<AuditId>, limit: usize) -> Result<Vec<AuditRow>> {
        unwritten()
    }
}
