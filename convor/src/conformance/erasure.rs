//! An erased visitor is gone with everything that is about it, and with nothing else.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::calls::CONTENT;
use super::change::assert_committed;
use super::groups::keeps;
use super::isolation::twins;
use super::search::{found, index_all};
use super::snapshot::{Owed, Snapshot};
use super::tenant::{Tenant, status, tag};
use super::world::{Answered, World, text};
use crate::domain::{Audience, Author, CurrentPage, MessageKind, Notification, OutboxEntry, Status, Upload};
use crate::ids::{ConversationId, OutboxId};
use crate::ports::storage::{
    AppendOutcome, ContactPatch, ConversationPage, ConversationScope, Open, OpenOutcome, RecordKind,
    StatusChange, UpdateOutcome, Window,
};
use crate::ports::{BlobKey, Change};
use crate::time::Timestamp;

/// A visitor of the tenant with one of everything that is kept about one.
struct Life {
    of: Tenant,
    conversations: [ConversationId; 2],
    notification: OutboxId,
    uploads: Vec<Upload>,
}

impl Life {
    /// It leaves nothing in the audit trail and the control log.
    async fn in_tenant(tenant: &Tenant) -> Self {
        let of = tenant.seen_by(tenant.world.id(), tenant.token());
        assert!(of.register(of.visitor, of.token, Some(text("Cleo"))).await);
        let page = CurrentPage { url: text("https://b.example/"), title: None, at: of.now() };
        let change = of.change(of.visitor_author());
        assert!(of.pages().put(of.id, of.visitor, &page, &change).await.answered());
        let first_message = Some(of.message(MessageKind::Message, "canary first"));
        let opening = Open { first_message, subject: Some(text("canary")), ..of.opening() };
        let notification = of.world.id();
        let mut change = of.change(of.visitor_author());
        change.outbox.push(OutboxEntry::Notify {
            id: notification,
            notification: Notification::MessageWaiting { conversation: opening.id },
        });
        let opened = of.try_open_with(&opening, &change).await;
        assert!(matches!(opened, OpenOutcome::Opened { .. }), "it is opened, and not {opened:?}");
        let (snoozed, closed) = (opening.id, of.open().await.id);
        of.answer(snoozed, "canary answer").await;
        of.note(snoozed, "canary note").await;
        of.advance(snoozed, of.operator_author(), Audience::Staff, 2).await;
        of.advance(snoozed, of.visitor_author(), Audience::Visitor, 1).await;
        let mut patch = tag(&["canary"]);
        patch.status = Some(StatusChange::Snoozed(of.now()));
        patch.assignee = Some(Some(of.operator));
        of.update(snoozed, &patch).await;
        of.close(closed).await;
        let uploads = Self::send_files(&of, snoozed).await;
        index_all(&of).await;
        of.note(closed, "canary that nobody has indexed").await;
        Self { of, conversations: [snoozed, closed], notification, uploads }
    }

    /// One file that is whole, and one that is on its way.
    async fn send_files(of: &Tenant, to: ConversationId) -> Vec<Upload> {
        let Some(uploads) = of.world.uploads() else {
            return Vec::new();
        };
        let sent = vec![of.upload(to, "canary.png"), of.upload(to, "canary on its way.png")];
        let change = of.change(of.visitor_author());
        for upload in &sent {
            assert!(uploads.begin(of.id, upload, &change).await.answered());
        }
        assert!(uploads.complete(of.id, sent[0].id, &CONTENT, &change).await.answered());
        sent
    }

    async fn erase(&self) -> bool {
        self.erase_with(&self.of.change(self.of.operator_author())).await
    }

    async fn erase_with(&self, change: &Change) -> bool {
        self.of.visitors().erase(self.of.id, self.of.visitor, change).await.answered()
    }

    /// Removes the blobs that the erasure has made removable, and fails unless they are those of the files.
    async fn remove_blobs(&self) {
        let Some(uploads) = self.of.world.uploads() else {
            return;
        };
        let removable = uploads.removable(self.of.id, Timestamp::from_millis(0), 99).await.answered();
        let blobs: Vec<BlobKey> = self.uploads.iter().map(|upload| upload.blob).collect();
        assert_eq!(removable, blobs, "the blobs of the visitor's files are removable");
        for blob in blobs {
            assert!(uploads.removed(self.of.id, blob).await.answered());
        }
    }

    /// Fails if any method that reads shows anything of the visitor.
    async fn assert_gone(&self) {
        let (of, id) = (&self.of, self.of.id);
        assert_eq!(of.visitors().find(id, of.visitor).await.answered(), None, "the record");
        assert_eq!(of.visitors().find_by_token(id, &of.token).await.answered(), None, "the token");
        assert_eq!(of.pages().find(id, of.visitor).await.answered(), None, "the page");
        for conversation in self.conversations {
            assert_eq!(of.conversations().find(id, conversation).await.answered(), None, "a conversation");
            for reader in [of.operator_author(), of.visitor_author()] {
                let view = of.conversations().view(id, conversation, reader).await.answered();
                assert_eq!(view, None, "a view for {reader:?}");
            }
            for audience in [Audience::Staff, Audience::Visitor] {
                for window in [Window::After(0), Window::Latest, Window::Before(u64::MAX)] {
                    let page = of.events().page(id, conversation, audience, window, 99).await.answered();
                    assert_eq!(page, None, "a log for {audience:?}");
                }
            }
        }
        for scope in [
            ConversationScope::Of(of.visitor),
            ConversationScope::Inbox { status: None, assignee: None, tag: None },
            ConversationScope::Inbox { status: Some(Status::Snoozed), assignee: None, tag: None },
            ConversationScope::Inbox { status: None, assignee: None, tag: Some(text("canary")) },
        ] {
            let page = ConversationPage { reader: of.operator_author(), scope, before: None, limit: 99 };
            let views = of.conversations().page(id, &page).await.answered();
            let shown = views.iter().any(|view| self.conversations.contains(&view.conversation.id));
            assert!(!shown, "no list shows a conversation: {:?}", page.scope);
        }
        let due = of.conversations().due_snoozes(id, Timestamp::MAX, 99).await.answered();
        assert!(due.iter().all(|due| !self.conversations.contains(&due.conversation)), "no snooze");
        assert!(!of.world.outbox().settle(id, self.notification).await.answered(), "no notification");
        index_all(of).await;
        assert_eq!(found(of, "canary").await, [], "nothing is found");
        if let Some(uploads) = of.world.uploads() {
            for upload in &self.uploads {
                assert_eq!(uploads.find(id, upload.id).await.answered(), None, "a file");
            }
            for conversation in self.conversations {
                assert_eq!(uploads.page(id, conversation, None, 99).await.answered(), [], "a page of files");
            }
        }
    }

    /// Fails if an export shows anything of the visitor, who must have been the only one of the tenant.
    async fn assert_nothing_exported(&self) {
        let Some(transfer) = self.of.world.transfer() else {
            return;
        };
        for kind in [
            RecordKind::Visitor,
            RecordKind::Token,
            RecordKind::Page,
            RecordKind::Conversation,
            RecordKind::Event,
            RecordKind::Read,
            RecordKind::Upload,
            RecordKind::Notification,
        ] {
            if keeps(&*self.of.world, kind) {
                let left = transfer.export(self.of.id, kind, None, 99).await.answered();
                assert_eq!(left, [], "nothing of this kind is left: {kind:?}");
            }
        }
    }
}

/// A tenant without a visitor of its own, so that all that is about visitors is about those that a case adds.
async fn without_visitors(world: &World) -> Tenant {
    let tenant = world.tenant().await;
    let change = tenant.change(Author::System);
    assert!(tenant.visitors().erase(tenant.id, tenant.visitor, &change).await.answered());
    tenant
}

/// An erased visitor is gone from every method that reads.
pub(super) async fn an_erased_visitor_is_gone_from_every_read(world: World) {
    let life = Life::in_tenant(&without_visitors(&world).await).await;
    assert!(life.erase().await, "it was there");
    life.assert_gone().await;
    life.assert_nothing_exported().await;
}

/// A visitor who has done nothing is erased as well.
pub(super) async fn a_visitor_without_a_conversation_is_erased(world: World) {
    let tenant = world.tenant().await;
    let change = tenant.change(Author::System);
    assert!(world.visitors().erase(tenant.id, tenant.visitor, &change).await.answered());
    assert_eq!(world.visitors().find(tenant.id, tenant.visitor).await.answered(), None);
    assert_eq!(world.visitors().find_by_token(tenant.id, &tenant.token).await.answered(), None);
}

/// For all others, staff and other visitors, it is as if the visitor had never been.
pub(super) async fn it_is_as_if_the_visitor_had_never_been(world: World) {
    let tenant = world.tenant().await;
    let other = Life::in_tenant(&tenant).await;
    let before = [Snapshot::of(&tenant).await, Snapshot::of(&other.of).await];
    let life = Life::in_tenant(&tenant).await;
    assert!(life.erase().await);
    life.remove_blobs().await;
    let after = [Snapshot::of(&tenant).await, Snapshot::of(&other.of).await];
    for (before, after) in before.iter().zip(&after) {
        after.assert_same_as(before, "an erasure takes what is the visitor's and nothing else");
    }
}

/// An erasure stays in its tenant, even where another one has the same ids.
pub(super) async fn an_erasure_stays_in_its_tenant(world: World) {
    let (ours, theirs) = twins(&world).await;
    theirs.fill("theirs").await;
    let before = Snapshot::of(&ours.of).await;
    let change = world.loaded(Author::System);
    assert!(world.visitors().erase(theirs.of.id, theirs.of.visitor, &change).await.answered());
    Snapshot::of(&ours.of).await.assert_same_as(&before, "an erasure in another tenant takes nothing here");
    assert_eq!(world.visitors().find(theirs.of.id, theirs.of.visitor).await.answered(), None);
    assert_eq!(world.conversations().find(theirs.of.id, theirs.conversation).await.answered(), None);
}

/// Control log and audit trail stay: what the visitor did, too.
pub(super) async fn an_erasure_leaves_control_log_and_audit_trail(world: World) {
    let tenant = world.tenant().await;
    for actor in [tenant.visitor_author(), tenant.operator_author()] {
        tenant.try_open_with(&tenant.opening(), &world.loaded(actor)).await;
    }
    let before = Owed::of(&tenant).await;
    assert_eq!((before.audit.len(), before.control.len()), (2, 2));
    let change = tenant.change(Author::System);
    assert!(world.visitors().erase(tenant.id, tenant.visitor, &change).await.answered());
    let after = Owed::of(&tenant).await;
    assert_eq!((after.audit, after.control), (before.audit, before.control));
}

/// An erasure commits its change if there was a visitor, and nothing if there was none (any more).
pub(super) async fn an_erasure_commits_its_change(world: World) {
    let tenant = without_visitors(&world).await;
    let before = Owed::of(&tenant).await;
    let life = Life::in_tenant(&tenant).await;
    let change = world.loaded(tenant.operator_author());
    assert!(life.erase_with(&change).await, "it was there");
    assert_committed(&tenant, &before, &change).await;
    let before = Snapshot::of(&tenant).await;
    assert!(!life.erase_with(&world.loaded(tenant.operator_author())).await, "it is there no more");
    let nobody = world.visitors().erase(tenant.id, world.id(), &world.loaded(Author::System)).await;
    assert!(!nobody.answered(), "it never was there");
    Snapshot::of(&tenant).await.assert_same_as(&before, "an erasure of nobody stores nothing");
}

/// An erased visitor leaves no work behind, neither a snooze nor a notification, whether somebody holds it or not.
pub(super) async fn an_erasure_ends_the_work_that_is_due(world: World) {
    let tenant = without_visitors(&world).await;
    let due = async || world.registry().due(Timestamp::MAX, None, 99).await.answered();
    for held in [false, true] {
        let life = Life::in_tenant(&tenant).await;
        assert_eq!(due().await, [tenant.id], "a snooze has ended, and a notification waits");
        let (now, until) = (world.now(), world.now().plus(Duration::from_secs(60)));
        if held {
            assert_eq!(world.outbox().claim(tenant.id, now, until, 99).await.answered().len(), 1);
        }
        assert!(life.erase().await);
        assert_eq!(due().await, [], "nothing is left to be done");
        let claimed = world.outbox().claim(tenant.id, until, Timestamp::MAX, 99).await.answered();
        assert_eq!(claimed, [], "and nothing to be told");
    }
}

/// A notification that names another conversation stays, whoever's change carried it.
pub(super) async fn notifications_of_others_stay(world: World) {
    let tenant = world.tenant().await;
    let other = Life::in_tenant(&tenant).await;
    let mut change = tenant.change(tenant.visitor_author());
    change.outbox.push(world.notification());
    tenant.try_open_with(&tenant.opening(), &change).await;
    let before = Owed::of(&tenant).await.notifications;
    assert_eq!(before.len(), 2, "another visitor's, and one that names a conversation that is not there");
    let change = tenant.change(Author::System);
    assert!(world.visitors().erase(tenant.id, tenant.visitor, &change).await.answered());
    assert_eq!(Owed::of(&tenant).await.notifications, before);
    assert!(other.erase().await);
    assert_eq!(Owed::of(&tenant).await.notifications, before[1..], "that of the erased one alone goes");
}

/// A notification that the erasure's own change carries goes with the conversation that it names.
pub(super) async fn an_erasures_own_notification_goes_with_it(world: World) {
    let tenant = world.tenant().await;
    let conversation = tenant.open().await.id;
    let mut change = tenant.change(Author::System);
    let notification = Notification::MessageWaiting { conversation };
    change.outbox.push(OutboxEntry::Notify { id: world.id(), notification });
    assert!(world.visitors().erase(tenant.id, tenant.visitor, &change).await.answered());
    assert_eq!(Owed::of(&tenant).await.notifications, []);
    assert_eq!(world.registry().due(Timestamp::MAX, None, 9).await.answered(), [], "no work is left");
}

/// Whoever writes to what is erased finds nothing, and stores nothing.
pub(super) async fn nothing_is_written_where_a_visitor_was_erased(world: World) {
    let tenant = without_visitors(&world).await;
    let life = Life::in_tenant(&tenant).await;
    let (of, [to, _]) = (&life.of, life.conversations);
    let version = of.find(to).await.version;
    assert!(life.erase().await);
    let before = Snapshot::of(of).await;
    for author in [of.visitor_author(), of.operator_author(), Author::System] {
        let append = of.appending(to, author, MessageKind::Message, "late");
        let outcome = of.try_append_with(&append, &world.loaded(author)).await;
        assert!(matches!(outcome, AppendOutcome::NotFound), "nobody writes there: {outcome:?}");
        let (reads, change) = (of.reads(), world.loaded(author));
        let moved = reads.advance(of.id, to, author, Audience::Staff, 9, &change).await.answered();
        assert_eq!(moved, None, "nobody reads there");
    }
    let outcome = of.try_open_with(&of.opening(), &world.loaded(of.visitor_author())).await;
    assert!(matches!(outcome, OpenOutcome::NoSuchVisitor), "nobody opens: {outcome:?}");
    let (patch, change) = (status(StatusChange::Open), world.loaded(of.operator_author()));
    let outcome = of.conversations().update(of.id, to, version, &patch, &change).await.answered();
    assert!(matches!(outcome, UpdateOutcome::NotFound), "nothing is changed: {outcome:?}");
    let page = CurrentPage { url: text("https://b.example/late"), title: None, at: of.now() };
    let change = world.loaded(of.visitor_author());
    assert!(!of.pages().put(of.id, of.visitor, &page, &change).await.answered(), "nobody is on a page");
    let patch = ContactPatch { name: Some(Some(text("Late"))), email: None };
    let updated = of.visitors().update(of.id, of.visitor, &patch, &change).await.answered();
    assert_eq!(updated, None, "nobody has a name");
    Snapshot::of(of).await.assert_same_as(&before, "what finds nothing stores nothing");
}

/// The id, the token and the `client_id`s of an erased visitor are free, and whoever has them next sees nothing of before.
pub(super) async fn an_erased_visitors_id_begins_anew(world: World) {
    let tenant = without_visitors(&world).await;
    let life = Life::in_tenant(&tenant).await;
    let of = &life.of;
    let opening = of.opening();
    of.try_open(&opening).await;
    of.ask(opening.id, "before").await;
    assert!(life.erase().await);
    assert!(of.register(of.visitor, of.token, None).await, "the id is free");
    let found = of.visitors().find_by_token(of.id, &of.token).await.answered().expect("the token is free");
    assert_eq!((found.id, found.name), (of.visitor, None), "nothing of the old record");
    assert_eq!(of.pages().find(of.id, of.visitor).await.answered(), None, "nor its page");
    let own = ConversationPage {
        reader: of.visitor_author(),
        scope: ConversationScope::Of(of.visitor),
        before: None,
        limit: 99,
    };
    assert_eq!(of.conversations().page(of.id, &own).await.answered(), [], "nor its conversations");
    let bounded = Open { conversations_max: 1, ..opening };
    let outcome = of.try_open(&bounded).await;
    assert!(matches!(outcome, OpenOutcome::Opened { first: None, .. }), "nor what it had sent: {outcome:?}");
    assert_eq!(of.log(bounded.id, Audience::Staff).await, [], "nor what was said under the same id");
    let view = of.view(bounded.id, of.visitor_author()).await;
    assert_eq!((view.read, view.other_read, view.unread, view.last_message), (0, 0, 0, None));
    assert_eq!(of.ask(bounded.id, "hello").await.position.staff, 1, "it counts from 1");
}

/// Of concurrent erasures one finds the visitor, and one change is committed.
pub(super) async fn a_visitor_is_erased_once(world: World) {
    let tenant = without_visitors(&world).await;
    let life = Arc::new(Life::in_tenant(&tenant).await);
    let tasks: Vec<_> = (0..8)
        .map(|_| {
            let (life, change) = (Arc::clone(&life), world.loaded(Author::System));
            tokio::spawn(async move { life.erase_with(&change).await })
        })
        .collect();
    let mut erased = 0;
    for task in tasks {
        erased += usize::from(task.await.expect("the store does not panic"));
    }
    assert_eq!(erased, 1, "one finds it, the others do not");
    let owed = Owed::of(&tenant).await;
    assert_eq!((owed.audit.len(), owed.control.len(), owed.notifications.len()), (1, 1, 1));
    life.assert_gone().await;
}

/// Messages, changes, readings and openings beside an erasure are done before it or find nothing; after it nothing is left.
pub(super) async fn what_happens_beside_an_erasure_leaves_nothing(world: World) {
    for _ in 0..4 {
        let life = Arc::new(Life::in_tenant(&without_visitors(&world).await).await);
        let over = Arc::new(AtomicBool::new(false));
        let tasks: Vec<_> = (0..8)
            .map(|task| {
                let (life, over) = (Arc::clone(&life), Arc::clone(&over));
                tokio::spawn(async move { keep_busy(&life, task, &over).await })
            })
            .collect();
        tokio::task::yield_now().await;
        assert!(life.erase().await, "it was there");
        over.store(true, Ordering::SeqCst);
        for task in tasks {
            task.await.expect("the store does not panic");
        }
        life.assert_gone().await;
        life.assert_nothing_exported().await;
    }
}

/// Writes until the erasure is over, and once more, which must find nothing.
async fn keep_busy(life: &Life, task: usize, over: &AtomicBool) {
    let (of, to) = (&life.of, life.conversations[task % 2]);
    for n in task.. {
        let last = over.load(Ordering::SeqCst);
        let found = match n % 4 {
            0 => {
                let append = of.appending(to, of.visitor_author(), MessageKind::Message, "canary");
                !matches!(of.try_append(&append).await, AppendOutcome::NotFound)
            }
            1 => {
                let outcome = of.try_update(to, 1, &tag(&["canary"])).await;
                !matches!(outcome, UpdateOutcome::NotFound)
            }
            2 => of.advance(to, of.operator_author(), Audience::Staff, u64::MAX).await.is_some(),
            _ => !matches!(of.try_open(&of.opening()).await, OpenOutcome::NoSuchVisitor),
        };
        assert!(!(last && found), "after the erasure nothing is found any more");
        if last {
            return;
        }
        tokio::task::yield_now().await;
    }
}
