//! Every call of a storage, handed on.

#![deny(clippy::missing_trait_methods, reason = "what is not handed on cannot be in trouble")]

use std::sync::Arc;

use async_trait::async_trait;
use convor::credentials::TokenHash;
use convor::domain::{
    Audience, Author, ControlEvent, Conversation, CurrentPage, Email, Operator, Site, TenantProfile,
    TenantRecord, Visitor,
};
use convor::ids::{AuditId, ConversationId, OperatorId, OutboxId, SessionId, SiteId, TenantId, VisitorId};
use convor::ports::storage::{
    AccountRepository, Append, AppendOutcome, AuditRepository, AuditRow, ClaimedNotification, ContactPatch,
    ControlRepository, ConversationPage, ConversationPatch, ConversationRepository, ConversationView,
    DueSnooze, EventPage, EventRepository, Login, NewSession, NewVisitor, Open, OpenOutcome, OperatorOutcome,
    OperatorRepository, OutboxRepository, PageRepository, PasswordHash, ReadMove, ReadRepository, Session,
    SiteRepository, TenantRegistry, TenantRepository, UpdateOutcome, VisitorRepository, Window,
};
use convor::ports::{Change, Storage, StorageError};
use convor::time::Timestamp;
use tokio::time::sleep;

use super::{Hooked, lock, unavailable};

macro_rules! hooked {
    ($($repository:ident at $accessor:ident {
        $(fn $method:ident($($argument:ident: $kind:ty),* $(,)?) -> $answer:ty;)*
    })*) => {
        /// What there is to be called.
        pub(super) const CALLS: &[&str] = &[
            "events.append", "events.page", "registry.insert", "registry.find", "registry.due", "storage.ping",
            $($(concat!(stringify!($accessor), ".", stringify!($method)),)*)*
        ];

        $(#[async_trait]
        impl $repository for Hooked {
            $(async fn $method(&self, tenant: TenantId, $($argument: $kind),*) -> Result<$answer, StorageError> {
                let work = hooked!(of self, $accessor).$method(tenant, $($argument),*);
                self.call(concat!(stringify!($accessor), ".", stringify!($method)), Some(tenant), work).await
            })*
        })*
    };
    (of $self:ident, accounts) => { $self.inner.accounts().expect("they are offered where the storage does") };
    (of $self:ident, $accessor:ident) => { $self.inner.$accessor() };
}

hooked! {
    TenantRepository at tenants {
        fn insert(profile: &TenantProfile, change: &Change) -> bool;
        fn find() -> Option<TenantProfile>;
    }
    SiteRepository at sites {
        fn insert(site: &Site, change: &Change) -> bool;
        fn find(site: SiteId) -> Option<Site>;
        fn page(after: Option<SiteId>, limit: usize) -> Vec<Site>;
    }
    VisitorRepository at visitors {
        fn register(new: &NewVisitor, change: &Change) -> bool;
        fn find(visitor: VisitorId) -> Option<Visitor>;
        fn find_by_token(token: &TokenHash) -> Option<Visitor>;
        fn update(visitor: VisitorId, patch: &ContactPatch, change: &Change) -> Option<Visitor>;
    }
    PageRepository at pages {
        fn put(visitor: VisitorId, page: &CurrentPage, change: &Change) -> bool;
        fn find(visitor: VisitorId) -> Option<CurrentPage>;
    }
    OperatorRepository at operators {
        fn insert(operator: &Operator, change: &Change) -> OperatorOutcome;
        fn find(operators: &[OperatorId]) -> Vec<Operator>;
        fn page(after: Option<OperatorId>, limit: usize) -> Vec<Operator>;
    }
    ConversationRepository at conversations {
        fn open(open: &Open, change: &Change) -> OpenOutcome;
        fn find(conversation: ConversationId) -> Option<Conversation>;
        fn view(conversation: ConversationId, reader: Author) -> Option<ConversationView>;
        fn page(page: &ConversationPage) -> Vec<ConversationView>;
        fn update(id: ConversationId, version: u64, patch: &ConversationPatch, change: &Change) -> UpdateOutcome;
        fn due_snoozes(now: Timestamp, limit: usize) -> Vec<DueSnooze>;
    }
    ReadRepository at reads {
        fn advance(
            conversation: ConversationId, reader: Author, audience: Audience, seq: u64, change: &Change,
        ) -> Option<ReadMove>;
    }
    OutboxRepository at outbox {
        fn claim(now: Timestamp, until: Timestamp, limit: usize) -> Vec<ClaimedNotification>;
        fn settle(id: OutboxId) -> bool;
    }
    ControlRepository at control {
        fn append(change: &Change) -> ();
        fn head() -> u64;
        fn after(after: u64, limit: usize) -> Vec<(u64, ControlEvent)>;
    }
    AuditRepository at audit {
        fn page(after: Option<AuditId>, limit: usize) -> Vec<AuditRow>;
    }
    AccountRepository at accounts {
        fn set_password(operator: OperatorId, hash: &PasswordHash, change: &Change) -> bool;
        fn replace_hash(
            operator: OperatorId, expected: &PasswordHash, new: &PasswordHash, change: &Change,
        ) -> bool;
        fn find_login(email: &Email) -> Option<Login>;
        fn insert_session(session: &NewSession, change: &Change) -> bool;
        fn find_session(token: &TokenHash, now: Timestamp) -> Option<Session>;
        fn end_session(session: SessionId, change: &Change) -> bool;
    }
}

#[async_trait]
impl EventRepository for Hooked {
    async fn append(
        &self,
        tenant: TenantId,
        append: &Append,
        change: &Change,
    ) -> Result<AppendOutcome, StorageError> {
        let work = async {
            let later = lock(&self.append_later).take();
            let Some(by) = later else { return self.inner.events().append(tenant, append, change).await };
            let (inner, append, change) = (Arc::clone(&self.inner), append.clone(), change.clone());
            tokio::spawn(async move {
                sleep(by).await;
                inner.events().append(tenant, &append, &change).await
            });
            Err(unavailable())
        };
        self.call("events.append", Some(tenant), work).await
    }

    async fn page(
        &self,
        tenant: TenantId,
        conversation: ConversationId,
        audience: Audience,
        window: Window,
        limit: usize,
    ) -> Result<Option<EventPage>, StorageError> {
        let work = self.inner.events().page(tenant, conversation, audience, window, limit);
        self.call("events.page", Some(tenant), work).await
    }
}

#[async_trait]
impl TenantRegistry for Hooked {
    async fn insert(&self, record: &TenantRecord) -> Result<bool, StorageError> {
        self.call("registry.insert", Some(record.id), self.inner.registry().insert(record)).await
    }

    async fn find(&self, tenant: TenantId) -> Result<Option<TenantRecord>, StorageError> {
        self.call("registry.find", Some(tenant), self.inner.registry().find(tenant)).await
    }

    async fn due(
        &self,
        now: Timestamp,
        after: Option<TenantId>,
        limit: usize,
    ) -> Result<Vec<TenantId>, StorageError> {
        self.call("registry.due", None, self.inner.registry().due(now, after, limit)).await
    }
}

#[async_trait]
impl Storage for Hooked {
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

    fn accounts(&self) -> Option<&dyn AccountRepository> {
        self.inner.accounts().map(|_| self as &dyn AccountRepository)
    }

    async fn ping(&self) -> Result<(), StorageError> {
        self.call("storage.ping", None, self.inner.ping()).await
    }
}
