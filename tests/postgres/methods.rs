//! Every method of every repository, to be called on whatever tenant.

use std::pin::Pin;

use convor::domain::{Audience, Author, CurrentPage, Email, MessageKind, Status, UploadContent, Word};
use convor::ids::{ConversationId, OperatorId, VisitorId};
use convor::ports::StorageError;
use convor::ports::storage::{
    AccountRepository, AssigneeFilter, ContactPatch, ConversationPage, ConversationPatch, ConversationScope,
    Record, RecordKind, SearchQuery, SearchRepository, StatusChange, TransferRepository, UploadRepository,
    Window,
};
use convor::time::Timestamp;

use crate::tenant::Tenant;

/// A call that is under way.
pub(crate) type Called<'t> = Pin<Box<dyn Future<Output = Result<(), StorageError>> + Send + 't>>;

/// A method by its name, as a call of it on a tenant.
#[derive(Clone, Copy)]
pub(crate) struct Method {
    pub(crate) name: &'static str,
    pub(crate) call: for<'t> fn(&'t Tenant) -> Called<'t>,
}

/// Methods by their names: each a call, whose answer is of no interest here.
macro_rules! methods {
    ($($name:literal => |$tenant:ident| $call:expr;)*) => {
        &[$(Method { name: $name, call: |$tenant| Box::pin(async move { $call.await.map(drop) }) }),*]
    };
}

/// What only reads.
pub(crate) const READS: &[Method] = methods! {
    "registry.find" => |t| t.storage.registry().find(t.id);
    "registry.list" => |t| t.storage.registry().list(None, 50);
    "registry.list, above one" => |t| t.storage.registry().list(Some(t.id), 50);
    "registry.control_heads" => |t| t.storage.registry().control_heads(&[t.id]);
    "registry.due" => |t| t.storage.registry().due(t.now(), None, 50);
    "tenants.find" => |t| t.storage.tenants().find(t.id);
    "sites.find" => |t| t.storage.sites().find(t.id, t.site);
    "sites.page" => |t| t.storage.sites().page(t.id, None, 50);
    "sites.page, above one" => |t| t.storage.sites().page(t.id, Some(t.site), 50);
    "visitors.find" => |t| t.storage.visitors().find(t.id, t.visitor);
    "visitors.find_by_token" => |t| t.storage.visitors().find_by_token(t.id, &t.token);
    "pages.find" => |t| t.storage.pages().find(t.id, t.visitor);
    "operators.find" => |t| t.storage.operators().find(t.id, &[t.operator]);
    "operators.page" => |t| t.storage.operators().page(t.id, None, 50);
    "operators.page, above one" => |t| t.storage.operators().page(t.id, Some(t.operator), 50);
    "conversations.find" => |t| t.storage.conversations().find(t.id, t.conversation);
    "conversations.view, by the visitor" => |t| t.storage.conversations().view(t.id, t.conversation, t.by_visitor());
    "conversations.view, by an operator" => |t| t.storage.conversations().view(t.id, t.conversation, t.by_operator());
    "conversations.page, a visitor's" => |t| page(t, ConversationScope::Of(t.visitor), false);
    "conversations.page, a visitor's, below one" => |t| page(t, ConversationScope::Of(t.visitor), true);
    "conversations.page, the inbox" => |t| page(t, inbox(None, None, None), false);
    "conversations.page, the inbox, below one" => |t| page(t, inbox(None, None, None), true);
    "conversations.page, by status" => |t| page(t, inbox(Some(Status::Open), None, None), false);
    "conversations.page, by assignee" => |t| page(t, inbox(None, Some(AssigneeFilter::Operator(t.operator)), None), false);
    "conversations.page, by assignee and status" => |t|
        page(t, inbox(Some(Status::Open), Some(AssigneeFilter::Operator(t.operator)), None), false);
    "conversations.page, nobody's" => |t| page(t, inbox(None, Some(AssigneeFilter::Nobody), None), false);
    "conversations.page, by tag" => |t| page(t, inbox(None, None, Some(t)), false);
    "conversations.page, by tag, below one" => |t| page(t, inbox(None, None, Some(t)), true);
    "conversations.due_snoozes" => |t| t.storage.conversations().due_snoozes(t.id, Timestamp::MAX, 50);
    "events.page, above one" => |t| t.storage.events().page(t.id, t.conversation, Audience::Staff, Window::After(1), 50);
    "events.page, below one" => |t| t.storage.events().page(t.id, t.conversation, Audience::Visitor, Window::Before(9), 50);
    "events.page, the last" => |t| t.storage.events().page(t.id, t.conversation, Audience::Staff, Window::Latest, 50);
    "events.page, the visitor's last" => |t| t.storage.events().page(t.id, t.conversation, Audience::Visitor, Window::Latest, 50);
    "control.head" => |t| t.storage.control().head(t.id);
    "control.after" => |t| t.storage.control().after(t.id, 1, 50);
    "audit.page" => |t| t.storage.audit().page(t.id, None, 50);
    "audit.page, above one" => |t| t.storage.audit().page(t.id, Some(t.operator.uuid().into()), 50);
    "accounts.find_login" => |t| accounts(t).find_login(t.id, &t.email);
    "accounts.find_session" => |t| accounts(t).find_session(t.id, &t.session_token, t.now());
    "search.find" => |t| find(t, None);
    "search.find, below one" => |t| find(t, Some(()));
    "uploads.find" => |t| uploads(t).find(t.id, t.upload);
    "uploads.page" => |t| uploads(t).page(t.id, t.conversation, None, 50);
    "uploads.page, above one" => |t| uploads(t).page(t.id, t.conversation, Some(t.upload), 50);
    "transfer.export" => |t| export(t);
    "ping" => |t| t.storage.ping();
};

/// What writes, and takes nothing away that another call has stored.
pub(crate) const WRITES: &[Method] = methods! {
    "registry.insert" => |t| async { t.storage.registry().insert(&t.record(t.id())).await };
    "tenants.insert" => |t| async { t.storage.tenants().insert(t.id, &t.profile(), &t.change(Author::System, None)).await };
    "sites.insert" => |t| async { t.storage.sites().insert(t.id, &t.new_site(t.id()), &t.change(Author::System, None)).await };
    "operators.insert" => |t| async {
        let id: OperatorId = t.id();
        let operator = t.new_operator(id, Email::parse(&format!("{id}@example.org")).expect("an address"));
        t.storage.operators().insert(t.id, &operator, &t.change(Author::System, None)).await
    };
    "visitors.register" => |t| async {
        let visitor = t.new_visitor(t.id(), t.token());
        t.storage.visitors().register(t.id, &visitor, &t.change(Author::System, None)).await
    };
    "visitors.update" => |t| async {
        let patch = ContactPatch { name: Some(Some(t.text())), email: Some(None) };
        t.storage.visitors().update(t.id, t.visitor, &patch, &t.change(t.by_visitor(), None)).await
    };
    "pages.put" => |t| async {
        let page = CurrentPage { url: t.text(), title: None, at: t.now() };
        t.storage.pages().put(t.id, t.visitor, &page, &t.change(t.by_visitor(), None)).await
    };
    "conversations.open" => |t| async {
        let change = t.change(t.by_visitor(), None);
        t.storage.conversations().open(t.id, &t.opening(t.id(), t.visitor), &change).await
    };
    "conversations.update, to sleep" => |t| update(t, StatusChange::Snoozed(t.now()));
    "conversations.update, to wake" => |t| update(t, StatusChange::Open);
    "conversations.update, to an end" => |t| update(t, StatusChange::Closed);
    "events.append" => |t| append(t, t.by_visitor(), MessageKind::Message);
    "events.append, an answer" => |t| append(t, t.by_operator(), MessageKind::Message);
    "events.append, a note" => |t| append(t, t.by_operator(), MessageKind::Note);
    "events.append, in a batch" => |t| async {
        tokio::try_join!(append_in_batch(t, t.conversation), append_in_batch(t, t.snoozed))
    };
    "reads.advance" => |t| async {
        let change = t.change(t.by_operator(), None);
        t.storage.reads().advance(t.id, t.conversation, t.by_operator(), Audience::Staff, u64::MAX, &change).await
    };
    "control.append" => |t| async { t.storage.control().append(t.id, &t.change(Author::System, None)).await };
    "accounts.set_password" => |t| async {
        accounts(t).set_password(t.id, t.operator, &t.hash, &t.change(Author::System, None)).await
    };
    "accounts.replace_hash" => |t| async {
        accounts(t).replace_hash(t.id, t.operator, &t.hash, &t.hash, &t.change(Author::System, None)).await
    };
    "accounts.insert_session" => |t| async {
        let session = t.new_session(t.id(), t.token());
        accounts(t).insert_session(t.id, &session, &t.change(t.by_operator(), None)).await
    };
    "accounts.end_session" => |t| async {
        let session = t.new_session(t.id(), t.token());
        accounts(t).insert_session(t.id, &session, &t.change(t.by_operator(), None)).await?;
        accounts(t).end_session(t.id, session.id, &t.change(t.by_operator(), None)).await
    };
    "search.index" => |t| async { search(t).index(t.id, 50).await };
    "uploads.begin" => |t| async {
        uploads(t).begin(t.id, &t.new_upload(t.id()), &t.change(t.by_visitor(), None)).await
    };
    "uploads.complete" => |t| async {
        let upload = t.new_upload(t.id());
        let content = UploadContent { bytes: 1, sha256: [1; 32] };
        uploads(t).begin(t.id, &upload, &t.change(t.by_visitor(), None)).await?;
        uploads(t).complete(t.id, upload.id, &content, &t.change(t.by_visitor(), None)).await
    };
    "uploads.discard" => |t| async {
        let upload = t.new_upload(t.id());
        uploads(t).begin(t.id, &upload, &t.change(t.by_visitor(), None)).await?;
        uploads(t).discard(t.id, upload.id, &t.change(t.by_visitor(), None)).await
    };
    "transfer.import" => |t| async {
        transfer(t).import(t.id, &[Record::Site(t.new_site(t.id()))]).await
    };
};

/// What takes away what other calls have stored.
pub(crate) const SWEEPS: &[Method] = methods! {
    "events.purge" => |t| async { t.storage.events().purge(t.id, t.ago(500), 5).await };
    "outbox.claim" => |t| async { t.storage.outbox().claim(t.id, t.now(), t.now(), 5).await };
    "outbox.settle" => |t| async {
        let claimed = t.storage.outbox().claim(t.id, t.now(), t.now(), 1).await?;
        match claimed.first() {
            Some(first) => t.storage.outbox().settle(t.id, first.id).await,
            None => Ok(false),
        }
    };
    "visitors.erase" => |t| async {
        let id: VisitorId = t.id();
        t.storage.visitors().register(t.id, &t.new_visitor(id, t.token()), &t.change(Author::System, None)).await?;
        let change = t.change(Author::Visitor(id), None);
        t.storage.conversations().open(t.id, &t.opening(t.id(), id), &change).await?;
        t.storage.visitors().erase(t.id, id, &t.change(Author::System, None)).await
    };
    "uploads.removable" => |t| async { uploads(t).removable(t.id, t.ago(100), 50).await };
    "uploads.removed" => |t| async {
        match uploads(t).removable(t.id, t.ago(100), 1).await?.first() {
            Some(blob) => uploads(t).removed(t.id, *blob).await,
            None => Ok(false),
        }
    };
};

fn accounts(t: &Tenant) -> &dyn AccountRepository {
    t.storage.accounts().expect("the adapter keeps accounts")
}

fn search(t: &Tenant) -> &dyn SearchRepository {
    t.storage.search().expect("the adapter can search")
}

fn uploads(t: &Tenant) -> &dyn UploadRepository {
    t.storage.uploads().expect("the adapter keeps uploads")
}

fn transfer(t: &Tenant) -> &dyn TransferRepository {
    t.storage.transfer().expect("the adapter moves records")
}

fn inbox(
    status: Option<Status>,
    assignee: Option<AssigneeFilter>,
    tagged: Option<&Tenant>,
) -> ConversationScope {
    ConversationScope::Inbox { status, assignee, tag: tagged.map(Tenant::text) }
}

async fn page(t: &Tenant, scope: ConversationScope, below: bool) -> Result<(), StorageError> {
    let reader = match scope {
        ConversationScope::Of(visitor) => Author::Visitor(visitor),
        ConversationScope::Inbox { .. } => t.by_operator(),
    };
    let before = below.then(|| (t.now(), t.conversation));
    let page = ConversationPage { reader, scope, before, limit: 50 };
    t.storage.conversations().page(t.id, &page).await.map(drop)
}

async fn find(t: &Tenant, below: Option<()>) -> Result<(), StorageError> {
    let words = Word::all_in(&t.says).into_iter().collect();
    let before = below.map(|()| (t.now(), t.conversation, 1));
    search(t).find(t.id, &SearchQuery { words, before, limit: 50 }).await.map(drop)
}

async fn export(t: &Tenant) -> Result<(), StorageError> {
    for kind in RecordKind::ALL {
        let records = transfer(t).export(t.id, *kind, None, 5).await?;
        let after = records.first().map(Record::key);
        transfer(t).export(t.id, *kind, after, 5).await?;
    }
    Ok(())
}

async fn append(t: &Tenant, author: Author, kind: MessageKind) -> Result<(), StorageError> {
    let append = t.appending(t.conversation, author, kind);
    let change = t.change(author, Some(append.message.id));
    t.storage.events().append(t.id, &append, &change).await.map(drop)
}

/// Without a control event, and with another conversation's message at the same time.
async fn append_in_batch(t: &Tenant, to: ConversationId) -> Result<(), StorageError> {
    let append = t.appending(to, t.by_visitor(), MessageKind::Message);
    let mut change = t.change(t.by_visitor(), Some(append.message.id));
    change.outbox.truncate(1);
    t.storage.events().append(t.id, &append, &change).await.map(drop)
}

async fn update(t: &Tenant, to: StatusChange) -> Result<(), StorageError> {
    let Some(found) = t.storage.conversations().find(t.id, t.snoozed).await? else { return Ok(()) };
    let tags = vec![t.text()];
    let patch = ConversationPatch { status: Some(to), assignee: Some(Some(t.operator)), tags: Some(tags) };
    let change = t.change(t.by_operator(), None);
    t.storage.conversations().update(t.id, t.snoozed, found.version, &patch, &change).await.map(drop)
}
