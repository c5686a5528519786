//! What the tests stand on: a tenant that lives in a file.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use convor::credentials::TokenHash;
use convor::domain::{
    Author, BodyDigest, Color, MessageKind, Notification, OutboxEntry, Site, TenantProfile, TenantRecord,
    TenantState, Text, Visitor,
};
use convor::ids::{ConversationId, SiteId, TenantId, VisitorId};
use convor::ports::storage::{Append, AppendOutcome, NewMessage, NewVisitor, Open, OpenOutcome};
use convor::ports::{Change, Storage, StorageError};
use convor::time::Timestamp;
use convor_sqlite::{SqliteOptions, SqliteStorage};
use uuid::Uuid;

/// Opens a file as a server does that has chosen nothing.
pub(crate) async fn open(path: &Path) -> SqliteStorage {
    SqliteStorage::open(path, SqliteOptions::default()).await.expect("a sound file is opened")
}

/// A number of times: the first in a usual run, the second where proof is asked for.
pub(crate) fn times(usual: usize, proof: usize) -> usize {
    if std::env::var_os("CONVOR_PROVE").is_some_and(|value| value == "1") { proof } else { usual }
}

/// An id that counts, above all the earlier ones of this process.
pub(crate) fn id<I: From<Uuid>>() -> I {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    numbered(1_767_225_600_000 + COUNT.fetch_add(1, Ordering::Relaxed))
}

/// The id with this number, in the form of a UUIDv7.
pub(crate) fn numbered<I: From<Uuid>>(number: u64) -> I {
    I::from(Uuid::from_u128((u128::from(number) << 80) | (7 << 76) | (8 << 60)))
}

pub(crate) fn text(text: &str) -> Text {
    Text::prose(text, 8_000).expect("the fixtures use good texts")
}

/// The time of everything here.
pub(crate) fn now() -> Timestamp {
    Timestamp::from_millis(1_772_616_600_000)
}

/// A tenant with a site.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tenant {
    pub(crate) id: TenantId,
    pub(crate) site: SiteId,
}

impl Tenant {
    /// Stores one.
    pub(crate) async fn settle(storage: &SqliteStorage) -> Self {
        let (tenant, change) = (Self { id: id(), site: id() }, Change::new(Author::System, now()));
        let record = TenantRecord {
            id: tenant.id,
            region: "eu".into(),
            state: TenantState::Active,
            created_at: now(),
        };
        assert!(storage.registry().insert(&record).await.expect("stored"));
        let profile = TenantProfile { name: text("It"), digest_key: [3; 32] };
        assert!(storage.tenants().insert(tenant.id, &profile, &change).await.expect("stored"));
        let site = Site {
            id: tenant.site,
            name: text("Website"),
            title: text("Talk to us"),
            greeting: text("Hello!"),
            color: Color::parse("#336699").expect("a colour"),
            origins: Vec::new(),
            created_at: now(),
        };
        assert!(storage.sites().insert(tenant.id, &site, &change).await.expect("stored"));
        tenant
    }

    /// Stores a visitor with this name.
    pub(crate) async fn visitor(&self, storage: &SqliteStorage, name: &str) -> VisitorId {
        let visitor: VisitorId = id();
        let record =
            Visitor { id: visitor, site: self.site, name: Some(text(name)), email: None, created_at: now() };
        let half = *visitor.uuid().as_bytes();
        let token = TokenHash::from(std::array::from_fn(|i| half[i % 16]));
        let change = Change::new(Author::Visitor(visitor), now());
        let new = NewVisitor { visitor: record, token };
        assert!(storage.visitors().register(self.id, &new, &change).await.expect("stored"));
        visitor
    }

    /// Opens a conversation of a visitor, about which somebody is to be told.
    pub(crate) async fn conversation(&self, storage: &SqliteStorage, visitor: VisitorId) -> ConversationId {
        let open = Open {
            id: id(),
            client_id: id(),
            digest: digest("open"),
            site: self.site,
            visitor,
            subject: None,
            first_message: None,
            conversations_max: 1_000,
        };
        let mut change = Change::new(Author::Visitor(visitor), now());
        let notification = Notification::MessageWaiting { conversation: open.id };
        change.outbox.push(OutboxEntry::Notify { id: id(), notification });
        let outcome = storage.conversations().open(self.id, &open, &change).await.expect("stored");
        assert!(matches!(outcome, OpenOutcome::Opened { .. }), "it is new: {outcome:?}");
        open.id
    }

    /// Appends what the visitor says under this client id.
    pub(crate) async fn say(
        &self,
        storage: &SqliteStorage,
        to: ConversationId,
        visitor: VisitorId,
        client_id: Uuid,
        says: &str,
    ) -> Result<AppendOutcome, StorageError> {
        let message = NewMessage {
            id: client_id.into(),
            client_id: client_id.into(),
            digest: digest(says),
            kind: MessageKind::Message,
            text: text(says),
        };
        let author = Author::Visitor(visitor);
        let append = Append { conversation: to, author, message, reopen: false };
        storage.events().append(self.id, &append, &Change::new(author, now())).await
    }
}

pub(crate) fn digest(text: &str) -> BodyDigest {
    BodyDigest::new(&[3; 32], &[text.as_bytes()])
}
