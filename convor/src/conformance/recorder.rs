//! A storage that notes which of its methods are called: with it the isolation cases prove that they forget none. It also
//! names the method in what fails, so that the writer of an adapter reads which one it was.
//!
//! The macro makes the decorator and the list of its methods from one text, and the compiler refuses a decorator that
//! lacks a method of a trait. So the list is all of them.

#![deny(clippy::missing_trait_methods)]

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;

use super::failure::named;
use crate::credentials::TokenHash;
use crate::domain::{
    Audience, Author, ControlEvent, Conversation, CurrentPage, Email, Event, Operator, Site, TenantProfile,
    TenantRecord, Upload, UploadContent, Visitor,
};
use crate::ids::{
    AuditId, ConversationId, OperatorId, OutboxId, SessionId, SiteId, TenantId, UploadId, VisitorId,
};
use crate::ports::storage::{
    AccountRepository, Append, AppendOutcome, AuditRepository, AuditRow, ClaimedNotification, ContactPatch,
    ControlRepository, ConversationPage, ConversationPatch, ConversationRepository, ConversationView,
    DueSnooze, EventPage, EventRepository, Login, NewSession, NewVisitor, Open, OpenOutcome, OperatorOutcome,
    OperatorRepository, OutboxRepository, PageRepository, PasswordHash, ReadMove, ReadRepository, Record,
    RecordKey, RecordKind, SearchQuery, SearchRepository, Session, SiteRepository, TenantRegistry,
    TenantRepository, TransferRepository, UpdateOutcome, UploadRepository, VisitorRepository, Window,
};
use crate::ports::{BlobKey, Change, Storage, StorageError};
use crate::time::Timestamp;

/// Notes which methods are called, and hands the calls on.
#[derive(Debug)]
pub(super) struct Recorder {
    inner: Arc<dyn Storage>,
    called: Mutex<BTreeSet<&'static str>>,
}

impl Recorder {
    pub(super) fn new(inner: Arc<dyn Storage>) -> Self {
        Self { inner, called: Mutex::default() }
    }

    /// The methods that have been called.
    pub(super) fn called(&self) -> BTreeSet<&'static str> {
        self.called.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn note(&self, method: &'static str) {
        self.called.lock().unwrap_or_else(PoisonError::into_inner).insert(method);
    }
}

macro_rules! recorded {
    ($($repository:ident at $accessor:ident {
        $(fn $method:ident($($argument:ident: $kind:ty),*) -> $answer:ty;)*
    })*) => {
        /// Every method whose first argument is a tenant, as `repository.method`.
        pub(super) const METHODS: &[&str] = &[$($(concat!(stringify!($accessor), ".", stringify!($method)),)*)*];

        $(
            #[async_trait]
            impl $repository for Recorder {
                $(
                    async fn $method(
                        &self,
                        tenant: TenantId,
                        $($argument: $kind),*
                    ) -> Result<$answer, StorageError> {
                        let method = concat!(stringify!($accessor), ".", stringify!($method));
                        self.note(method);
                        let repository = recorded!(@ self $accessor);
                        named(method, repository.$method(tenant, $($argument),*).await)
                    }
                )*
            }
        )*
    };
    (@ $recorder:ident accounts) => { recorded!(@ $recorder optional accounts) };
    (@ $recorder:ident search) => { recorded!(@ $recorder optional search) };
    (@ $recorder:ident uploads) => { recorded!(@ $recorder optional uploads) };
    (@ $recorder:ident transfer) => { recorded!(@ $recorder optional transfer) };
    (@ $recorder:ident optional $group:ident) => {
        $recorder.inner.$group().expect("the storage below has the group, or it would not be called")
    };
    (@ $recorder:ident $accessor:ident) => { $recorder.inner.$accessor() };
}

recorded! {
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
        fn update(conversation: ConversationId, version: u64, patch: &ConversationPatch, change: &Change)
            -> UpdateOutcome;
        fn due_snoozes(now: Timestamp, limit: usize) -> Vec<DueSnooze>;
    }
    EventRepository at events {
        fn append(append: &Append, change: &Change) -> AppendOutcome;
        fn page(conversation: ConversationId, audience: Audience, window: Window, limit: usize)
            -> Option<EventPage>;
        fn purge(before: Timestamp, limit: usize) -> usize;
    }
    ReadRepository at reads {
        fn advance(conversation: ConversationId, reader: Author, audience: Audience, seq: u64, change: &Change)
            -> Option<ReadMove>;
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
        fn replace_hash(operator: OperatorId, expected: &PasswordHash, new: &PasswordHash, change: &Change) -> bool;
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

/// It reads across tenants, and so it is none of [`METHODS`].
#[async_trait]
impl TenantRegistry for Recorder {
    async fn insert(&self, record: &TenantRecord) -> Result<bool, StorageError> {
        named("registry.insert", self.inner.registry().insert(record).await)
    }

    async fn find(&self, tenant: TenantId) -> Result<Option<TenantRecord>, StorageError> {
        named("registry.find", self.inner.registry().find(tenant).await)
    }

    async fn list(&self, after: Option<TenantId>, limit: usize) -> Result<Vec<TenantRecord>, StorageError> {
        named("registry.list", self.inner.registry().list(after, limit).await)
    }

    async fn control_heads(&self, tenants: &[TenantId]) -> Result<Vec<u64>, StorageError> {
        named("registry.control_heads", self.inner.registry().control_heads(tenants).await)
    }

    async fn due(
        &self,
        now: Timestamp,
        after: Option<TenantId>,
        limit: usize,
    ) -> Result<Vec<TenantId>, StorageError> {
        named("registry.due", self.inner.registry().due(now, after, limit).await)
    }
}

#[async_trait]
impl Storage for Recorder {
    fn registry(&self) -> &dyn TenantRegistry {
        self
    }

    crate::decorated_repositories!(inner);

    async fn ping(&self) -> Result<(), StorageError> {
        named("ping", self.inner.ping().await)
    }
}
