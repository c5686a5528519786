//! A storage with something of every kind in it, and what is asked of copies.

use std::sync::Arc;

use convor::Chat;
use convor::credentials::TenantKey;
use convor::domain::{Author, ControlEvent, Notification, OutboxEntry, Principal, Upload, UploadContent};
use convor::ids::{ConversationId, TenantId};
use convor::ports::storage::RecordKind;
use convor::ports::{BlobKey, Change, Storage};
use convor::transfer::{Copied, Progress, TenantDigest, TransferError, copy, digest};
use convor_memory::MemoryStorage;
use convor_tests::environment::proving;
use convor_tests::fixture::{PASSWORD, Tenant, message, new_id, note, opening};
use convor_tests::host::generous;
use tokio::sync::OnceCell;

/// A storage in memory with two tenants, and everything that a storage keeps.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) storage: Arc<dyn Storage>,
    pub(crate) tenants: [Tenant; 2],
}

/// How many messages the longest conversation has: more than a page, so that pages end within it.
fn messages() -> usize {
    if proving() { 20_000 } else { 1_200 }
}

impl World {
    /// A world of the test's own, with little in it.
    pub(crate) async fn small() -> Self {
        Self::new(3).await
    }

    /// A world that all tests of a process share, and none of them changes.
    pub(crate) async fn large() -> &'static Self {
        static LARGE: OnceCell<World> = OnceCell::const_new();
        LARGE.get_or_init(|| Self::new(messages())).await
    }

    async fn new(messages: usize) -> Self {
        let storage: Arc<dyn Storage> = Arc::new(MemoryStorage::new());
        let chat = Chat::builder(Arc::clone(&storage)).limits(generous()).start();
        let (acme, other) = (Tenant::new(&chat, "Acme").await, Tenant::new(&chat, "Other").await);
        fill(storage.as_ref(), &acme, messages).await;
        fill(storage.as_ref(), &other, 2).await;
        let world = Self { storage, tenants: [acme, other] };
        for tenant in &world.tenants {
            let kinds: Vec<_> = world.digest(tenant.id).await.kinds.iter().map(|of| of.kind).collect();
            assert_eq!(kinds, RecordKind::ALL, "there is something of every kind");
        }
        world
    }

    pub(crate) async fn digest(&self, tenant: TenantId) -> TenantDigest {
        digest(self.storage.as_ref(), tenant).await.expect("a digest")
    }

    /// Whether a storage holds both tenants as this one does.
    pub(crate) async fn assert_copied_to(&self, other: &dyn Storage) {
        for tenant in &self.tenants {
            assert_eq!(digest(other, tenant.id).await.expect("a digest"), self.digest(tenant.id).await);
        }
    }
}

/// Everything that leaves a record.
async fn fill(storage: &dyn Storage, tenant: &Tenant, messages: usize) {
    let (chat, id) = (&tenant.chat, tenant.id);
    let anna = Principal::operator(id, tenant.anna.id, tenant.anna.role);
    let visitor = tenant.visitor().await;
    let long = converse(tenant, &visitor, messages).await;
    chat.page_seen(&visitor, "https://www.example.org/a", Some("A page")).await.expect("it is seen");
    chat.post(&anna, long, note("not for visitors")).await.expect("a note");
    chat.read(&anna, long, 1).await.expect("it is read");
    let mut version = 1;
    chat.assign(&anna, long, version, Some(tenant.ben.id)).await.expect("an assignee");
    version += 1;
    chat.tag(&anna, long, version, &["b", "a"]).await.expect("tags");
    version += 1;
    let later = chat.now().plus(std::time::Duration::from_secs(86_400));
    chat.snooze(&anna, long, version, later).await.expect("it sleeps");
    for _ in 0..5 {
        let somebody = tenant.visitor().await;
        converse(tenant, &somebody, 2).await;
    }

    chat.set_password(id, tenant.anna.id, PASSWORD).await.expect("a password");
    let key = TenantKey::new(id).to_string();
    for _ in 0..2 {
        chat.sign_in(&key, tenant.anna.email.as_str(), PASSWORD, None).await.expect("a session");
    }
    owe(storage, tenant, long).await;
}

async fn converse(tenant: &Tenant, visitor: &Principal, messages: usize) -> ConversationId {
    let opened = tenant.chat.open(visitor, opening("\u{1f6b2} \"Hello\"\n")).await.expect("it is opened");
    let conversation = opened.conversation.view.conversation.id;
    for number in 1..messages {
        tenant.chat.post(visitor, conversation, message(&format!("Number {number}"))).await.expect("posted");
    }
    conversation
}

/// What hosts leave: notifications, control events, files.
async fn owe(storage: &dyn Storage, tenant: &Tenant, conversation: ConversationId) {
    let (id, now) = (tenant.id, tenant.chat.now());
    let mut change = Change::new(Author::System, now);
    let notification = Notification::MessageWaiting { conversation };
    change.outbox.push(OutboxEntry::Notify { id: new_id(), notification });
    change.outbox.push(OutboxEntry::Control(ControlEvent::SessionEnded(new_id())));
    let uploads = storage.uploads().expect("files are kept");
    let upload = || Upload {
        id: new_id(),
        conversation,
        by: Author::System,
        name: tenant.anna.name.clone(),
        media_type: "image/png".to_owned(),
        blob: BlobKey(new_id()),
        created_at: now,
        content: None,
    };
    let (kept, begun, discarded) = (upload(), upload(), upload());
    for upload in [&kept, &begun, &discarded] {
        assert!(uploads.begin(id, upload, &change).await.expect("it begins"));
        change = Change::new(Author::System, now);
    }
    let content = UploadContent { bytes: 3, sha256: [9; 32] };
    assert!(uploads.complete(id, kept.id, &content, &change).await.expect("it is complete"));
    assert!(uploads.discard(id, discarded.id, &change).await.expect("it is discarded"));
}

/// A copy, and what became of each tenant.
pub(crate) async fn copied(
    from: &dyn Storage,
    to: &dyn Storage,
    these: Option<&[TenantId]>,
) -> Result<Vec<Copied>, TransferError> {
    let mut reports = Vec::new();
    copy(from, to, these, &mut |progress| {
        if let Progress::Tenant(copied) = progress {
            reports.push(copied.clone());
        }
    })
    .await?;
    Ok(reports)
}

/// An empty storage in memory.
pub(crate) fn empty() -> Arc<dyn Storage> {
    Arc::new(MemoryStorage::new())
}
