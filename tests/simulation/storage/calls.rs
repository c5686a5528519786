//! Every call of a storage, on its way.

#![deny(clippy::missing_trait_methods, reason = "a node that has crashed must not get through")]

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

use super::{Reach, planted, saw_opened, saw_stored, unavailable};
use crate::bug::Bug;

macro_rules! on_their_way {
    ($($repository:ident at $accessor:ident {
        $(fn $method:ident($($argument:ident: $kind:ty),* $(,)?) -> $answer:ty;)*
    })*) => {
        $(#[async_trait]
        impl $repository for Reach {
            $(async fn $method(&self, tenant: TenantId, $($argument: $kind),*) -> Result<$answer, StorageError> {
                let work = on_their_way!(of self, $accessor).$method(tenant, $($argument),*);
                let name = concat!(stringify!($accessor), ".", stringify!($method));
                self.call(name, &(tenant, $(&$argument),*), work).await
            })*
        })*
    };
    (of $self:ident, accounts) => { on_their_way!(optional $self, accounts) };
    (of $self:ident, search) => { on_their_way!(optional $self, search) };
    (of $self:ident, uploads) => { on_their_way!(optional $self, uploads) };
    (of $self:ident, transfer) => { on_their_way!(optional $self, transfer) };
    (optional $self:ident, $group:ident) => {
        $self.inner.$group().expect("it is offered where the storage does")
    };
    (of $self:ident, $accessor:ident) => { $self.inner.$accessor() };
}

on_their_way! {
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
impl ConversationRepository for Reach {
    async fn open(
        &self,
        tenant: TenantId,
        open: &Open,
        change: &Change,
    ) -> Result<OpenOutcome, StorageError> {
        let work = async {
            let outcome = self.inner.conversations().open(tenant, open, change).await?;
            if let OpenOutcome::Opened { conversation, first } = &outcome {
                saw_opened(&self.watcher, (tenant, conversation.id), conversation.visitor);
                saw_stored(&self.watcher, tenant, first);
            }
            Ok(outcome)
        };
        self.call("conversations.open", &(tenant, open), work).await
    }

    async fn find(
        &self,
        tenant: TenantId,
        conversation: ConversationId,
    ) -> Result<Option<Conversation>, StorageError> {
        let work = self.inner.conversations().find(tenant, conversation);
        self.call("conversations.find", &(tenant, conversation), work).await
    }

    async fn view(
        &self,
        tenant: TenantId,
        conversation: ConversationId,
        reader: Author,
    ) -> Result<Option<ConversationView>, StorageError> {
        let work = self.inner.conversations().view(tenant, conversation, reader);
        self.call("conversations.view", &(tenant, conversation, reader), work).await
    }

    async fn page(
        &self,
        tenant: TenantId,
        page: &ConversationPage,
    ) -> Result<Vec<ConversationView>, StorageError> {
        let tenant = self.mixed_up(tenant);
        self.call("conversations.page", &(tenant, page), self.inner.conversations().page(tenant, page)).await
    }

    async fn update(
        &self,
        tenant: TenantId,
        id: ConversationId,
        version: u64,
        patch: &ConversationPatch,
        change: &Change,
    ) -> Result<UpdateOutcome, StorageError> {
        let work = async {
            let outcome = self.inner.conversations().update(tenant, id, version, patch, change).await?;
            if let UpdateOutcome::Updated { events, .. } = &outcome {
                saw_stored(&self.watcher, tenant, events);
            }
            Ok(outcome)
        };
        self.call("conversations.update", &(tenant, id, version, patch), work).await
    }

    async fn due_snoozes(
        &self,
        tenant: TenantId,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<DueSnooze>, StorageError> {
        let work = self.inner.conversations().due_snoozes(tenant, now, limit);
        self.call("conversations.due_snoozes", &tenant, work).await
    }
}

#[async_trait]
impl EventRepository for Reach {
    async fn append(
        &self,
        tenant: TenantId,
        append: &Append,
        change: &Change,
    ) -> Result<AppendOutcome, StorageError> {
        let fate = self.fate("events.append", &(tenant, append));
        let work = async {
            if let Some(by) = fate.late {
                self.watcher.count("messages that are stored late");
                self.append_later(tenant, append, change, by);
                return Err(unavailable());
            }
            if self.has(Bug::AcknowledgesFirst)
                && let Some(outcome) = planted::foreseen(self.inner.as_ref(), tenant, append, change).await?
            {
                self.append_later(tenant, append, change, planted::SOON);
                return Ok(outcome);
            }
            self.store(tenant, append, change).await
        };
        self.call_with(fate, work).await
    }

    async fn page(
        &self,
        tenant: TenantId,
        conversation: ConversationId,
        audience: Audience,
        window: Window,
        limit: usize,
    ) -> Result<Option<EventPage>, StorageError> {
        let work = async {
            let page = self.inner.events().page(tenant, conversation, audience, window, limit).await?;
            Ok(self.undisguised(page))
        };
        let what = (tenant, conversation, audience, window, limit);
        if self.has(Bug::ReadsStalePages) {
            return self.call("events.page", &what, planted::stale(work)).await;
        }
        self.call("events.page", &what, work).await
    }

    async fn purge(&self, tenant: TenantId, before: Timestamp, limit: usize) -> Result<usize, StorageError> {
        self.call("events.purge", &tenant, self.inner.events().purge(tenant, before, limit)).await
    }
}

impl Reach {
    /// Stores a message, and sees that it is stored.
    pub(super) async fn store(
        &self,
        tenant: TenantId,
        append: &Append,
        change: &Change,
    ) -> Result<AppendOutcome, StorageError> {
        let mut outcome = self.append_as_planted(tenant, append, change).await?;
        if let AppendOutcome::Stored { events, .. } = &mut outcome {
            saw_stored(&self.watcher, tenant, &*events);
            self.show_notes(events);
        }
        Ok(outcome)
    }

    /// Stores a message some time after its caller has gone, as a database that goes on with what its client has given up.
    fn append_later(&self, tenant: TenantId, append: &Append, change: &Change, by: std::time::Duration) {
        let (inner, watcher) = (Arc::clone(&self.inner), Arc::clone(&self.watcher));
        let (append, change) = (append.clone(), change.clone());
        tokio::spawn(async move {
            sleep(by).await;
            if let Ok(AppendOutcome::Stored { events, .. }) =
                inner.events().append(tenant, &append, &change).await
            {
                saw_stored(&watcher, tenant, &events);
            }
        });
    }
}

#[async_trait]
impl TenantRegistry for Reach {
    async fn insert(&self, record: &TenantRecord) -> Result<bool, StorageError> {
        self.call("registry.insert", &record.id, self.inner.registry().insert(record)).await
    }

    async fn find(&self, tenant: TenantId) -> Result<Option<TenantRecord>, StorageError> {
        self.call("registry.find", &tenant, self.inner.registry().find(tenant)).await
    }

    async fn list(&self, after: Option<TenantId>, limit: usize) -> Result<Vec<TenantRecord>, StorageError> {
        self.call("registry.list", &after, self.inner.registry().list(after, limit)).await
    }

    async fn control_heads(&self, tenants: &[TenantId]) -> Result<Vec<u64>, StorageError> {
        self.call("registry.control_heads", &(), self.inner.registry().control_heads(tenants)).await
    }

    async fn due(
        &self,
        now: Timestamp,
        after: Option<TenantId>,
        limit: usize,
    ) -> Result<Vec<TenantId>, StorageError> {
        self.call("registry.due", &after, self.inner.registry().due(now, after, limit)).await
    }
}

#[async_trait]
impl Storage for Reach {
    fn registry(&self) -> &dyn TenantRegistry {
        self
    }

    convor::decorated_repositories!(inner);

    async fn ping(&self) -> Result<(), StorageError> {
        self.call("storage.ping", &(), self.inner.ping()).await
    }
}
