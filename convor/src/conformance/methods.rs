//! Every method of every repository whose first argument is a tenant, as one text that decorators of a storage are made of. The
//! names in it are here, too, and have to be in scope: `use convor::conformance::methods::*`.

pub use crate::credentials::TokenHash;
pub use crate::domain::{
    Audience, Author, ControlEvent, Conversation, CurrentPage, Email, Event, Operator, Site, TenantProfile,
    Upload, UploadContent, Visitor,
};
pub use crate::ids::{
    AuditId, ConversationId, OperatorId, OutboxId, SessionId, SiteId, TenantId, UploadId, VisitorId,
};
pub use crate::ports::storage::{
    AccountRepository, Append, AppendOutcome, AuditRepository, AuditRow, ClaimedNotification, ContactPatch,
    ControlRepository, ConversationPage, ConversationPatch, ConversationRepository, ConversationView,
    DueSnooze, EventPage, EventRepository, Login, NewSession, NewVisitor, Open, OpenOutcome, OperatorOutcome,
    OperatorRepository, OutboxRepository, PageRepository, PasswordHash, ReadMove, ReadRepository, Record,
    RecordKey, RecordKind, SearchQuery, SearchRepository, Session, SiteRepository, TenantRepository,
    TransferRepository, UpdateOutcome, UploadRepository, VisitorRepository, Window,
};
pub use crate::ports::{BlobKey, Change, StorageError};
pub use crate::time::Timestamp;

/// Expands to `$then! { Repository at accessor { fn method(argument: Type, …) -> Answer; … } … }`, without the tenant. The compiler
/// refuses a decorator that lacks a method (`clippy::missing_trait_methods` for those that have a default), so that
/// the list is all of them.
#[macro_export]
macro_rules! repository_methods {
    ($then:ident) => {
        $then! {
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
                fn update(
                    conversation: ConversationId, version: u64, patch: &ConversationPatch, change: &Change,
                ) -> UpdateOutcome;
                fn due_snoozes(now: Timestamp, limit: usize) -> Vec<DueSnooze>;
            }
            EventRepository at events {
                fn append(append: &Append, change: &Change) -> AppendOutcome;
                fn page(
                    conversation: ConversationId, audience: Audience, window: Window, limit: usize,
                ) -> Option<EventPage>;
                fn purge(before: Timestamp, limit: usize) -> usize;
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
    };
}
