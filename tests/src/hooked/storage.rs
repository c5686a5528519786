//! Every call of a storage, handed on.

#![deny(clippy::missing_trait_methods, reason = "what is not handed on cannot be in trouble")]

use std::sync::Arc;

use async_trait::async_trait;
use convor::credentials::TokenHash;
use convor::domain::{
    Audience, Author, ControlEvent, Conversation, CurrentPage, Email, Event, Operator, Site, TenantProfile,
    TenantRecord, Upload, UploadContent, Visitor,
};
use convor::ids::{
    AuditId, ConversationId, OperatorId, OutboxId, SessionId, SiteId, TenantId, UploadId, VisitorId,
};
use convor::ports::storage::{
    AccountRepository, Append, AppendOutcome, AuditRepository, AuditRow, ClaimedNotification, ContactPatch,
    ControlRepository, ConversationPage, ConversationPatch, ConversationRepository, ConversationView,
    DueSnooze, EventPage, EventRepository, Login, NewSession, NewVisitor, Open, OpenOutcome, OperatorOutcome,
    OperatorRepository, OutboxRepository, PageRepository, PasswordHash, ReadMove, ReadRepository, Record,
    RecordKey, RecordKind, SearchQuery, SearchRepository, Session, SiteRepository, TenantRegistry,
    TenantRepository, TransferRepository, UpdateOutcome, UploadRepository, VisitorRepository, Window,
};
use convor::ports::{BlobKey, Change, Storage, StorageError};
use convor::time::Timestamp;
use tokio::time::sleep;

use super::{Hooked, lock, unavailable};

macro_rules! hooked {
    ($($repository:ident at $accessor:ident {
        $(fn $method:ident($($argument:ident: $kind:ty),* $(,)?) -> $answer:ty;)*
    })*) => {
        /// What there is to be called.
        pub(super) const CALLS: &[&str] = &[
            "events.append", "events.page", "events.purge", "registry.insert", "registry.find", "registry.list",
            "registry.control_heads", "registry.due", "storage.ping",
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
    (of $self:ident, accounts) => { hooked!(optional $self, accounts) };
    (of $self:ident, search) => { hooked!(optional $self, search) };
    (of $self:ident, uploads) => { hooked!(optional $self, uploads) };
    (of $self:ident, transfer) => { hooked!(optional $self, transfer) };
    (optional $self:ident, $group:ident) => {
        $self.inner.$group().expect("it is offered where the storage does")
    };
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
        fn erase(visitor: VisitorId, change: &Change) -> bool;
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
    SearchRepository at search {
        fn index(limit: usize) -> usize;
        fn find(query: &SearchQuery) -> Vec<Event>;
    }
    UploadRepository at uploads {
        fn begin(upload: &Upload, change: &Change) -> bool;
        fn complete(upload: UploadId, content: &UploadContent, change: &Change) -> bool;
        fn find(upload: UploadId) -> Option<Upload>;
        fn page(conversation: ConversationId, after: Option<UploadId>, limit: usize) -> Vec<Upload>;
        fn discard(upload: UploadId, change: &Change) -> bool;
        fn removable(stale: Timestamp, limit: usize) -> Vec<BlobKey>;
        fn removed(blob: BlobKey) -> bool;
    }
    TransferRepository at transfer {
        fn export(kind: RecordKind, after: Option<RecordKey>, limit: usize) -> Vec<Record>;
        fn import(records: &[Record]) -> ();
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

    async fn purge(&self, tenant: TenantId, before: Timestamp, limit: usize) -> Result<usize, StorageError> {
        let work = self.inner.events().purge(tenant, before, limit);
        self.call("events.purge", Some(tenant), work).await
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

    async fn list(&self, after: Option<TenantId>, limit: usize) -> Result<Vec<TenantRecord>, StorageError> {
        self.call("registry.list", None, self.inner.registry().list(after, limit)).await
    }

    async fn control_heads(&self, tenants: &[TenantId]) -> Result<Vec<u64>, StorageError> {
        self.call("registry.control_heads", None, self.inner.registry().control_heads(tenants)).await
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

    convor::decorated_repositories!(inner);

    async fn ping(&self) -> Result<(), StorageError> {
        self.call("storage.ping", None, self.inner.ping()).await
    }
}
