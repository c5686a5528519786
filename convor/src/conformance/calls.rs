//! Calls to every method of every repository with ids that are not the tenant's, for the isolation cases.

use super::groups::keeps;
use super::search::{index_all, query};
use super::tenant::{Tenant, tag};
use super::world::{Answered, World, text};
use crate::domain::{
    Audience, AuditAction, AuditRecord, Author, ControlEvent, CurrentPage, MessageKind, Notification,
    OutboxEntry, Upload, UploadContent,
};
use crate::ids::{AuditId, ConversationId, OutboxId, TenantId};
use crate::ports::storage::{
    Append, AssigneeFilter, ContactPatch, ConversationPage, ConversationPatch, ConversationScope, NewSession,
    Open, OpenOutcome, PasswordHash, RecordKind, StatusChange, Window,
};
use crate::ports::{BlobKey, Change};
use crate::time::Timestamp;

/// Ids of one of each record: of another tenant, of a twin that has the same ones, or of nobody.
pub(super) struct Ids {
    /// Whose the ids are.
    pub(super) of: Tenant,
    pub(super) conversation: ConversationId,
    opening: Open,
    note: Append,
    audit: AuditId,
    outbox: OutboxId,
    session: NewSession,
    /// One file that is whole, one that is on its way, and one that was discarded, whose blob is to be removed.
    uploads: [Upload; 3],
}

/// What has arrived of a whole file.
pub(super) const CONTENT: UploadContent = UploadContent { bytes: 5_000_000_000, sha256: [9; 32] };

impl Ids {
    /// Ids of a tenant that nobody has yet.
    pub(super) fn new(world: &World, tenant: TenantId) -> Self {
        let of = Tenant::new(world, tenant);
        let first_message = Some(of.message(MessageKind::Message, "first"));
        let opening = Open { first_message, ..of.opening() };
        let conversation = opening.id;
        let note = of.appending(conversation, of.operator_author(), MessageKind::Note, "note");
        let session = NewSession {
            id: world.id(),
            operator: of.operator,
            verified: PasswordHash::from_phc("$argon2id$it".to_owned()),
            token: of.token,
            expires_at: Timestamp::MAX,
        };
        let uploads = ["whole", "begun", "discarded"].map(|name| of.upload(conversation, name));
        Self { conversation, opening, note, audit: world.id(), outbox: world.id(), session, uploads, of }
    }

    /// The same ids in another tenant.
    pub(super) fn twin(&self, world: &World, tenant: TenantId) -> Self {
        let of = Tenant { id: tenant, world: world.clone(), ..self.of.clone() };
        let (opening, note, session) = (self.opening.clone(), self.note.clone(), self.session.clone());
        Self { of, opening, note, session, uploads: self.uploads.clone(), ..*self }
    }

    /// Stores one of everything under these ids, with `name` as its content.
    pub(super) async fn fill(&self, name: &str) {
        let (of, id) = (&self.of, self.of.id);
        of.settle_in(name).await;
        let opening = Open { subject: Some(text(name)), ..self.opening.clone() };
        let change = Change {
            audit: Some(AuditRecord {
                id: self.audit,
                action: AuditAction::SignedIn,
                target: self.session.id.uuid(),
            }),
            outbox: vec![
                OutboxEntry::Notify {
                    id: self.outbox,
                    notification: Notification::MessageWaiting { conversation: self.conversation },
                },
                OutboxEntry::Control(ControlEvent::SessionEnded(self.session.id)),
            ],
            ..of.change(of.visitor_author())
        };
        let opened = of.try_open_with(&opening, &change).await;
        assert!(
            matches!(opened, OpenOutcome::Opened { .. }),
            "a new conversation is opened, and not {opened:?}"
        );
        of.append(&self.note).await;
        let patch = ConversationPatch {
            status: Some(StatusChange::Snoozed(of.now())),
            assignee: Some(Some(of.operator)),
            tags: Some(vec![text(name)]),
        };
        of.update(self.conversation, &patch).await;
        assert!(of.advance(self.conversation, of.operator_author(), Audience::Staff, 1).await.is_some());
        let page = CurrentPage { url: text(name), title: None, at: of.now() };
        let change = of.change(of.visitor_author());
        assert!(of.pages().put(id, of.visitor, &page, &change).await.answered());
        if let Some(accounts) = of.world.accounts() {
            let change = of.change(of.operator_author());
            let hash = PasswordHash::from_phc(format!("$argon2id${name}"));
            assert!(accounts.set_password(id, of.operator, &hash, &change).await.answered());
            let session = NewSession { verified: hash, ..self.session.clone() };
            assert!(accounts.insert_session(id, &session, &change).await.answered());
        }
        if let Some(uploads) = of.world.uploads() {
            let change = of.change(of.visitor_author());
            for upload in &self.uploads {
                let upload = Upload { name: text(name), ..upload.clone() };
                assert!(uploads.begin(id, &upload, &change).await.answered());
            }
            assert!(uploads.complete(id, self.uploads[0].id, &CONTENT, &change).await.answered());
            assert!(uploads.discard(id, self.uploads[2].id, &change).await.answered());
        }
        index_all(of).await;
    }
}

/// What each method has answered, as text; content hides itself there, which absence does not need.
pub(super) type Answers = Vec<(&'static str, String)>;

macro_rules! answers {
    ($($method:literal: $call:expr),* $(,)?) => {
        vec![$(($method, format!("{:?}", $call.await.answered()))),*]
    };
}

pub(super) async fn tenants(world: &World, tenant: TenantId, _: &Ids) -> Answers {
    answers!["tenants.find": world.tenants().find(tenant)]
}

pub(super) async fn sites(world: &World, tenant: TenantId, ids: &Ids) -> Answers {
    let before = world.id();
    answers![
        "sites.find": world.sites().find(tenant, ids.of.site),
        "sites.page": world.sites().page(tenant, None, 10),
        "sites.page": world.sites().page(tenant, Some(ids.of.site), 10),
        "sites.page": world.sites().page(tenant, Some(before), 10),
    ]
}

pub(super) async fn visitors(world: &World, tenant: TenantId, ids: &Ids) -> Answers {
    let change = || world.loaded(ids.of.visitor_author());
    let patch = ContactPatch { name: Some(None), email: Some(None) };
    answers![
        "visitors.find": world.visitors().find(tenant, ids.of.visitor),
        "visitors.find_by_token": world.visitors().find_by_token(tenant, &ids.of.token),
        "visitors.update": world.visitors().update(tenant, ids.of.visitor, &patch, &change()),
    ]
}

pub(super) async fn pages(world: &World, tenant: TenantId, ids: &Ids) -> Answers {
    let change = || world.loaded(ids.of.visitor_author());
    let page = CurrentPage { url: text("https://b.example/elsewhere"), title: None, at: world.now() };
    answers![
        "pages.find": world.pages().find(tenant, ids.of.visitor),
        "pages.put": world.pages().put(tenant, ids.of.visitor, &page, &change()),
        "pages.find": world.pages().find(tenant, ids.of.visitor),
    ]
}

pub(super) async fn operators(world: &World, tenant: TenantId, ids: &Ids) -> Answers {
    answers![
        "operators.find": world.operators().find(tenant, &[ids.of.operator]),
        "operators.page": world.operators().page(tenant, None, 10),
        "operators.page": world.operators().page(tenant, Some(world.id()), 10),
    ]
}

pub(super) async fn conversations(world: &World, tenant: TenantId, ids: &Ids) -> Answers {
    let (visitor, operator) = (ids.of.visitor_author(), ids.of.operator_author());
    let change = || world.loaded(operator);
    let open = ids.of.opening();
    let page = |reader, scope| ConversationPage { reader, scope, before: None, limit: 10 };
    let inbox = |assignee| ConversationScope::Inbox { status: None, assignee, tag: None };
    let own = page(visitor, ConversationScope::Of(ids.of.visitor));
    let all = page(operator, inbox(None));
    let assigned = page(operator, inbox(Some(AssigneeFilter::Operator(ids.of.operator))));
    let conversations = world.conversations();
    answers![
        "conversations.find": conversations.find(tenant, ids.conversation),
        "conversations.view": conversations.view(tenant, ids.conversation, operator),
        "conversations.view": conversations.view(tenant, ids.conversation, visitor),
        "conversations.page": conversations.page(tenant, &own),
        "conversations.page": conversations.page(tenant, &all),
        "conversations.page": conversations.page(tenant, &assigned),
        "conversations.update": conversations.update(tenant, ids.conversation, 1, &tag(&["taken"]), &change()),
        "conversations.update": conversations.update(tenant, ids.conversation, 2, &tag(&["taken"]), &change()),
        "conversations.due_snoozes": conversations.due_snoozes(tenant, Timestamp::MAX, 10),
        "conversations.open": conversations.open(tenant, &open, &change()),
    ]
}

pub(super) async fn events(world: &World, tenant: TenantId, ids: &Ids) -> Answers {
    let author = Author::Visitor(ids.of.visitor);
    let message = ids.of.message(MessageKind::Message, "knock");
    let append = Append { conversation: ids.conversation, author, message, reopen: true };
    let change = || world.loaded(author);
    let events = world.events();
    let (staff, visitor) = (Audience::Staff, Audience::Visitor);
    answers![
        "events.page": events.page(tenant, ids.conversation, staff, Window::Latest, 10),
        "events.page": events.page(tenant, ids.conversation, visitor, Window::After(0), 10),
        "events.append": events.append(tenant, &append, &change()),
        "events.page": events.page(tenant, ids.conversation, staff, Window::Before(9), 10),
    ]
}

pub(super) async fn reads(world: &World, tenant: TenantId, ids: &Ids) -> Answers {
    let (visitor, operator) = (ids.of.visitor_author(), ids.of.operator_author());
    let change = || world.loaded(operator);
    let reads = world.reads();
    answers![
        "reads.advance": reads.advance(tenant, ids.conversation, operator, Audience::Staff, 9, &change()),
        "reads.advance": reads.advance(tenant, ids.conversation, visitor, Audience::Visitor, 9, &change()),
    ]
}

pub(super) async fn outbox(world: &World, tenant: TenantId, ids: &Ids) -> Answers {
    answers![
        "outbox.settle": world.outbox().settle(tenant, ids.outbox),
        "outbox.claim": world.outbox().claim(tenant, world.now(), Timestamp::MAX, 10),
    ]
}

pub(super) async fn control(world: &World, tenant: TenantId, ids: &Ids) -> Answers {
    let change = || world.loaded(ids.of.operator_author());
    answers![
        "control.head": world.control().head(tenant),
        "control.after": world.control().after(tenant, 0, 10),
        "control.append": world.control().append(tenant, &change()),
    ]
}

pub(super) async fn audit(world: &World, tenant: TenantId, _: &Ids) -> Answers {
    answers!["audit.page": world.audit().page(tenant, None, 10)]
}

pub(super) async fn accounts(world: &World, tenant: TenantId, ids: &Ids) -> Answers {
    let Some(accounts) = world.accounts() else {
        return Vec::new();
    };
    let change = || world.loaded(ids.of.operator_author());
    let hash = PasswordHash::from_phc("$argon2id$taken".to_owned());
    let rehash = PasswordHash::from_phc("$argon2id$taken$again".to_owned());
    let session = NewSession { verified: rehash.clone(), token: world.token(), ..ids.session.clone() };
    answers![
        "accounts.set_password": accounts.set_password(tenant, ids.of.operator, &hash, &change()),
        "accounts.replace_hash": accounts.replace_hash(tenant, ids.of.operator, &hash, &rehash, &change()),
        "accounts.find_login": accounts.find_login(tenant, &ids.of.email),
        "accounts.insert_session": accounts.insert_session(tenant, &session, &change()),
        "accounts.find_session": accounts.find_session(tenant, &ids.of.token, world.now()),
        "accounts.end_session": accounts.end_session(tenant, ids.session.id, &change()),
    ]
}

/// What removes: it comes after all other calls, of which it leaves nothing to be called with.
pub(super) async fn removals(world: &World, tenant: TenantId, ids: &Ids) -> Answers {
    let change = || world.loaded(ids.of.operator_author());
    answers![
        "events.purge": world.events().purge(tenant, Timestamp::MAX, 10),
        "visitors.erase": world.visitors().erase(tenant, ids.of.visitor, &change()),
    ]
}

pub(super) async fn search(world: &World, tenant: TenantId, _: &Ids) -> Answers {
    let Some(search) = world.search() else {
        return Vec::new();
    };
    answers![
        "search.find": search.find(tenant, &query("first")),
        "search.index": search.index(tenant, 10),
        "search.find": search.find(tenant, &query("first")),
        "search.find": search.find(tenant, &query("note")),
    ]
}

pub(super) async fn uploads(world: &World, tenant: TenantId, ids: &Ids) -> Answers {
    let Some(uploads) = world.uploads() else {
        return Vec::new();
    };
    let change = || world.loaded(ids.of.visitor_author());
    let [whole, begun, discarded] = &ids.uploads;
    let new = Upload { id: world.id(), blob: BlobKey(world.id()), ..begun.clone() };
    let never = Timestamp::from_millis(0);
    answers![
        "uploads.find": uploads.find(tenant, whole.id),
        "uploads.page": uploads.page(tenant, ids.conversation, None, 10),
        "uploads.begin": uploads.begin(tenant, &new, &change()),
        "uploads.complete": uploads.complete(tenant, begun.id, &CONTENT, &change()),
        "uploads.removable": uploads.removable(tenant, never, 10),
        "uploads.removed": uploads.removed(tenant, discarded.blob),
        "uploads.discard": uploads.discard(tenant, whole.id, &change()),
        "uploads.removable": uploads.removable(tenant, Timestamp::MAX, 10),
        "uploads.find": uploads.find(tenant, begun.id),
    ]
}

pub(super) async fn transfer(world: &World, tenant: TenantId, ids: &Ids) -> Answers {
    let Some(transfer) = world.transfer() else {
        return Vec::new();
    };
    let kept = || RecordKind::ALL.iter().copied().filter(|kind| keeps(&**world, *kind));
    let mut answers = Answers::new();
    for kind in kept() {
        answers.extend(answers!["transfer.export": transfer.export(tenant, kind, None, 10)]);
    }
    for kind in kept() {
        let records = transfer.export(ids.of.id, kind, None, 10).await.answered();
        answers.extend(answers!["transfer.import": transfer.import(tenant, &records)]);
    }
    answers
}
