//! A tenant in a store: the ids that its methods are called with, and enough of everything for every table to have a row.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use convor::credentials::TokenHash;
use convor::domain::{
    AuditAction, AuditRecord, Author, BodyDigest, Color, ControlEvent, Email, MessageKind, Notification,
    Operator, Origin, OutboxEntry, Role, Site, TenantProfile, TenantRecord, TenantState, Text, Upload,
    Visitor,
};
use convor::ids::{ConversationId, MessageId, OperatorId, SessionId, SiteId, TenantId, UploadId, VisitorId};
use convor::ports::storage::{Append, NewMessage, NewSession, NewVisitor, Open, PasswordHash};
use convor::ports::{BlobKey, Change, Storage};
use convor::time::Timestamp;
use uuid::Uuid;

/// 2026-01-01T00:00:00Z.
const BEGINNING: u64 = 1_767_225_600_000;

/// A tenant, with what its methods are called with. Two tenants have the same ids, so that whoever forgets the tenant
/// meets the other one's rows.
#[derive(Debug)]
pub(crate) struct Tenant {
    pub(crate) storage: Arc<dyn Storage>,
    pub(crate) id: TenantId,
    /// What stands in all of its texts.
    pub(crate) says: String,
    /// Counts the ids and the milliseconds alike.
    count: AtomicU64,
    pub(crate) site: SiteId,
    pub(crate) visitor: VisitorId,
    pub(crate) token: TokenHash,
    pub(crate) operator: OperatorId,
    pub(crate) email: Email,
    pub(crate) hash: PasswordHash,
    pub(crate) session: SessionId,
    pub(crate) session_token: TokenHash,
    pub(crate) conversation: ConversationId,
    pub(crate) snoozed: ConversationId,
    pub(crate) upload: UploadId,
}

impl Tenant {
    /// Only the ids; nothing is stored yet.
    pub(crate) fn new(storage: Arc<dyn Storage>, id: TenantId, says: &str) -> Self {
        let count = AtomicU64::new(0);
        Self {
            storage,
            id,
            says: says.to_owned(),
            site: next_id(&count),
            visitor: next_id(&count),
            token: next_token(&count),
            operator: next_id(&count),
            email: Email::parse("ann@example.org").expect("an address"),
            hash: PasswordHash::from_phc("$argon2id$1".to_owned()),
            session: next_id(&count),
            session_token: next_token(&count),
            conversation: next_id(&count),
            snoozed: next_id(&count),
            upload: next_id(&count),
            count,
        }
    }

    pub(crate) fn id<I: From<Uuid>>(&self) -> I {
        next_id(&self.count)
    }

    pub(crate) fn token(&self) -> TokenHash {
        next_token(&self.count)
    }

    /// The time, a millisecond later with each look.
    pub(crate) fn now(&self) -> Timestamp {
        Timestamp::from_millis(next(&self.count).cast_signed())
    }

    /// The time `ticks` looks ago.
    pub(crate) fn ago(&self, ticks: i64) -> Timestamp {
        Timestamp::from_millis(self.now().millis() - ticks)
    }

    pub(crate) const fn by_visitor(&self) -> Author {
        Author::Visitor(self.visitor)
    }

    pub(crate) const fn by_operator(&self) -> Author {
        Author::Operator(self.operator)
    }

    pub(crate) fn text(&self) -> Text {
        Text::prose(&self.says, 100).expect("a text")
    }

    pub(crate) fn digest(&self) -> BodyDigest {
        BodyDigest::new(&[7; 32], &[self.says.as_bytes()])
    }

    /// A change with everything that may go with one. All of it has the id of the message `target`, or a new one.
    pub(crate) fn change(&self, actor: Author, target: Option<MessageId>) -> Change {
        let id = target.map_or_else(|| self.id(), MessageId::uuid);
        let action =
            if target.is_some() { AuditAction::ConversationUpdated } else { AuditAction::ContactUpdated };
        let record = AuditRecord { id: id.into(), action, target: id };
        let notification = Notification::MessageWaiting { conversation: self.conversation };
        let notify = OutboxEntry::Notify { id: id.into(), notification };
        let control = OutboxEntry::Control(ControlEvent::SessionEnded(id.into()));
        Change { audit: Some(record), outbox: vec![notify, control], ..Change::new(actor, self.now()) }
    }

    pub(crate) fn record(&self, id: TenantId) -> TenantRecord {
        TenantRecord { id, region: "eu".to_owned(), state: TenantState::Active, created_at: self.now() }
    }

    pub(crate) fn profile(&self) -> TenantProfile {
        TenantProfile { name: self.text(), digest_key: [3; 32] }
    }

    pub(crate) fn new_site(&self, id: SiteId) -> Site {
        Site {
            id,
            name: self.text(),
            title: self.text(),
            greeting: self.text(),
            color: Color::parse("#336699").expect("a colour"),
            origins: Origin::parse("https://www.example.org").into_iter().collect(),
            created_at: self.now(),
        }
    }

    pub(crate) fn new_operator(&self, id: OperatorId, email: Email) -> Operator {
        Operator { id, name: self.text(), email, role: Role::Operator, created_at: self.now() }
    }

    pub(crate) fn new_visitor(&self, id: VisitorId, token: TokenHash) -> NewVisitor {
        let created_at = self.now();
        NewVisitor {
            visitor: Visitor { id, site: self.site, name: Some(self.text()), email: None, created_at },
            token,
        }
    }

    pub(crate) fn new_session(&self, id: SessionId, token: TokenHash) -> NewSession {
        let expires_at = Timestamp::MAX;
        NewSession { id, operator: self.operator, verified: self.hash.clone(), token, expires_at }
    }

    pub(crate) fn new_message(&self, kind: MessageKind) -> NewMessage {
        NewMessage { id: self.id(), client_id: self.id(), digest: self.digest(), kind, text: self.text() }
    }

    pub(crate) fn opening(&self, id: ConversationId, visitor: VisitorId) -> Open {
        Open {
            id,
            client_id: self.id(),
            digest: self.digest(),
            site: self.site,
            visitor,
            subject: Some(self.text()),
            first_message: Some(self.new_message(MessageKind::Message)),
            conversations_max: 1_000_000,
        }
    }

    pub(crate) fn appending(&self, to: ConversationId, author: Author, kind: MessageKind) -> Append {
        Append { conversation: to, author, message: self.new_message(kind), reopen: true }
    }

    pub(crate) fn new_upload(&self, id: UploadId) -> Upload {
        Upload {
            id,
            conversation: self.conversation,
            by: self.by_visitor(),
            name: self.text(),
            media_type: "image/png".to_owned(),
            blob: BlobKey(self.id()),
            created_at: self.now(),
            content: None,
        }
    }
}

fn next(count: &AtomicU64) -> u64 {
    BEGINNING + count.fetch_add(1, Ordering::Relaxed)
}

/// A new id in the form of a UUIDv7, above all the earlier ones.
fn next_id<I: From<Uuid>>(count: &AtomicU64) -> I {
    I::from(Uuid::from_u128((u128::from(next(count)) << 80) | (7 << 76) | (8 << 60)))
}

fn next_token(count: &AtomicU64) -> TokenHash {
    let bytes = u128::from(next(count)).to_be_bytes();
    TokenHash::from(std::array::from_fn(|i| bytes[i % 16]))
}
