//! A tenant with several of everything, in every state in which it can be.

use std::time::Duration;

use super::super::calls::CONTENT;
use super::super::tenant::{Tenant, assign, status, tag};
use super::super::world::{Answered, World, text};
use crate::domain::{
    Audience, AuditAction, AuditRecord, Author, CurrentPage, MessageKind, Notification, OutboxEntry, Upload,
};
use crate::ids::{ConversationId, OperatorId, OutboxId};
use crate::ports::Change;
use crate::ports::storage::{Append, NewSession, Open, OpenOutcome, PasswordHash, StatusChange};
use crate::time::Timestamp;

/// The password's hash of the tenant's operator.
pub(super) fn hash() -> PasswordHash {
    PasswordHash::from_phc("$argon2id$v=19$m=8,t=1,p=1$it".to_owned())
}

/// A tenant with several of everything.
pub(super) struct Source {
    pub(super) of: Tenant,
    pub(super) colleague: OperatorId,
    /// It was opened with a message; everything has happened in it, and its beginning has been purged.
    pub(super) busy: ConversationId,
    pub(super) opening: Open,
    /// A message in it that is left, and a note of the operator.
    pub(super) message: Append,
    pub(super) note: Append,
    /// It was opened without a message, and its snooze has ended.
    pub(super) snoozed: ConversationId,
    pub(super) bare: Open,
    /// All of its events have been purged.
    pub(super) purged: ConversationId,
    /// Nobody has tried this one, and somebody holds that one until the time.
    pub(super) free: OutboxId,
    pub(super) held: (OutboxId, Timestamp),
    pub(super) session: NewSession,
    /// One file that is whole, one that is on its way, and one that was discarded.
    pub(super) uploads: [Upload; 3],
}

impl Source {
    pub(super) async fn of(world: &World) -> Self {
        let of = world.tenant().await;
        let site = of.site_named(world.id(), "Zweite Seite");
        assert!(world.sites().insert(of.id, &site, &world.loaded(Author::System)).await.answered());
        let colleague = of.another_operator().await;
        of.another_visitor().await;
        let page = CurrentPage { url: text("https://b.example/"), title: Some(text("B")), at: world.now() };
        let change = world.change(of.visitor_author());
        assert!(world.pages().put(of.id, of.visitor, &page, &change).await.answered());
        let purged = of.open().await.id;
        of.ask(purged, "long ago").await;
        of.note(purged, "long ago, too").await;
        let first_message = Some(of.message(MessageKind::Message, "first"));
        let opening = Open { first_message, subject: Some(text("a, \"b\"")), ..of.opening() };
        open(&of, &opening, &of.change(of.visitor_author())).await;
        let busy = opening.id;
        let kept_from = of.answer(busy, "an answer").await.at;
        assert_eq!(of.events().purge(of.id, kept_from, 99).await.answered(), 3, "what was said before");
        let (message, note) = Self::talk(&of, busy, colleague).await;
        let bare = of.opening();
        open(&of, &bare, &of.change(of.visitor_author())).await;
        of.snooze(bare.id, world.now()).await;
        let (held, free) = Self::owe(&of, busy).await;
        let session = Self::sign_in(&of).await;
        let uploads = Self::send_files(&of, busy).await;
        let snoozed = bare.id;
        Self {
            of,
            colleague,
            busy,
            opening,
            message,
            note,
            snoozed,
            bare,
            purged,
            free,
            held,
            session,
            uploads,
        }
    }

    /// Events of every kind, by everybody, and how far everybody has read.
    async fn talk(of: &Tenant, to: ConversationId, colleague: OperatorId) -> (Append, Append) {
        of.update(to, &tag(&["a,b", "\"c\""])).await;
        of.update(to, &assign(Some(colleague))).await;
        of.close(to).await;
        let message = of.appending(to, of.visitor_author(), MessageKind::Message, "a question");
        of.append(&Append { reopen: true, ..message.clone() }).await;
        of.append(&of.appending(to, Author::System, MessageKind::Message, "an automatic answer")).await;
        of.update(to, &status(StatusChange::Snoozed(Timestamp::MAX))).await;
        of.update(to, &assign(None)).await;
        let note = of.appending(to, of.operator_author(), MessageKind::Note, "a note");
        of.append(&note).await;
        for (reader, audience, seq) in [
            (of.visitor_author(), Audience::Visitor, 2),
            (of.operator_author(), Audience::Staff, 5),
            (Author::Operator(colleague), Audience::Staff, 99),
            (Author::System, Audience::Staff, 3),
        ] {
            assert!(of.advance(to, reader, audience, seq).await.is_some(), "{reader:?} has read");
        }
        (message, note)
    }

    /// Two notifications, one of which somebody holds, with audit records by everybody and control events.
    async fn owe(of: &Tenant, conversation: ConversationId) -> ((OutboxId, Timestamp), OutboxId) {
        let mut ids = Vec::new();
        for actor in [of.visitor_author(), of.operator_author()] {
            let id: OutboxId = of.world.id();
            let notification = Notification::MessageWaiting { conversation };
            let record =
                AuditRecord { id: of.world.id(), action: AuditAction::SignedIn, target: of.visitor.uuid() };
            let change = Change {
                audit: Some(record),
                outbox: vec![OutboxEntry::Notify { id, notification }],
                ..of.change(actor)
            };
            of.control().append(of.id, &change).await.answered();
            ids.push(id);
        }
        // The site's change has left the oldest one: it is settled, and its control event stays.
        let (now, until) = (of.now(), of.now().plus(Duration::from_secs(60)));
        let claimed = of.world.outbox().claim(of.id, now, until, 2).await.answered();
        assert!(of.world.outbox().settle(of.id, claimed[0].id).await.answered());
        assert_eq!(claimed[1].id, ids[0], "the oldest are claimed first");
        ((ids[0], until), ids[1])
    }

    /// A password and a session that goes on; made up where the storage keeps neither.
    async fn sign_in(of: &Tenant) -> NewSession {
        let session = NewSession {
            id: of.world.id(),
            operator: of.operator,
            verified: hash(),
            token: of.world.token(),
            expires_at: Timestamp::MAX,
        };
        if let Some(accounts) = of.world.accounts() {
            let change = of.change(of.operator_author());
            assert!(accounts.set_password(of.id, of.operator, &hash(), &change).await.answered());
            assert!(accounts.insert_session(of.id, &session, &change).await.answered());
            let short = NewSession { id: of.world.id(), token: of.world.token(), ..session.clone() };
            let short = NewSession { expires_at: of.now(), ..short };
            assert!(accounts.insert_session(of.id, &short, &change).await.answered());
        }
        session
    }

    /// Three files; made up where the storage keeps none.
    async fn send_files(of: &Tenant, to: ConversationId) -> [Upload; 3] {
        let mut sent = ["whole.png", "on its way.png", "discarded.png"].map(|name| of.upload(to, name));
        sent[1].by = of.operator_author();
        if let Some(uploads) = of.world.uploads() {
            let change = of.change(of.visitor_author());
            for upload in &sent {
                assert!(uploads.begin(of.id, upload, &change).await.answered());
            }
            assert!(uploads.complete(of.id, sent[0].id, &CONTENT, &change).await.answered());
            assert!(uploads.discard(of.id, sent[2].id, &change).await.answered());
        }
        sent[0].content = Some(CONTENT);
        sent
    }
}

async fn open(of: &Tenant, open: &Open, change: &Change) {
    let opened = of.try_open_with(open, change).await;
    assert!(matches!(opened, OpenOutcome::Opened { .. }), "it is opened, and not {opened:?}");
}
