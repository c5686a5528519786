//! A storage that notes which of its methods are called: with it the isolation cases prove that they forget none.
//!
//! The macro makes the decorator and the list of its methods from one text, and the compiler refuses a decorator that
//! lacks a method of a trait. So the list is all of them.

#![deny(clippy::missing_trait_methods)]

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;

use crate::credentials::TokenHash;
use crate::domain::{
    Audience, Author, ControlEvent, Conversation, CurrentPage, Email, Operator, Site, TenantProfile, Visitor,
};
use crate::ids::{AuditId, ConversationId, OperatorId, OutboxId, SessionId, SiteId, TenantId, VisitorId};
use crate::ports::storage::{
    AccountRepository, Append, AppendOutcome, AuditRepository, AuditRow, ClaimedNotification, ContactPatch,
    ControlRepository, ConversationPage, ConversationPatch, ConversationRepository, ConversationView,
    DueSnooze, EventPage, EventRepository, Login, NewSession, NewVisitor, Open, OpenOutcome, OperatorOutcome,
    OperatorRepository, OutboxRepository, PageRepository, PasswordHash, ReadMove, ReadRepository, Session,
    SiteRepository, TenantRegistry, TenantRepository, UpdateOutcome, VisitorRepository, Window,
};
use crate::ports::{Change, Storage, StorageError};
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
                        self.note(concat!(stringify!($accessor), ".", stringify!($method)));
                        let repository = recorded!(@ self $accessor);
                        repository.$method(tenant, $($argument),*).await
                    }
                )*
            }
        )*
    };
    (@ $recorder:ident accounts) => {
        $recorder.inner.accounts().expect("the storage below has accounts, or they would not be called")
    };
    (@ $recorder:ident $accessor:ident) => {
        $recorder.inner.$accessor()
    };
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
}

#[async_trait]
impl Storage for Recorder {
    fn registry(&self) -> &dyn TenantRegistry {
        self.inner.registry()
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
        self.inner.accounts().is_some().then_some(self as &dyn AccountRepository)
    }

    async fn ping(&self) -> Result<(), StorageError> {
        self.inner.ping().await
    }
}
