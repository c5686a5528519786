//! Copies of a storage that is written to: what is promised then, and that no log is torn.

use std::sync::Arc;

use convor::Chat;
use convor::domain::{Audience, Author, Principal};
use convor::ids::ConversationId;
use convor::ports::storage::{RecordKind, Window};
use convor::ports::{Change, Storage};
use convor::transfer::{Copied, digest};
use convor_tests::fixture::{Tenant, message, opening};
use convor_tests::hooked::{Held, Hooked, Side, next};

use tokio::task::JoinHandle;

use super::world::{copied, empty};

/// A tenant with one conversation.
struct Talk {
    storage: Arc<dyn Storage>,
    tenant: Tenant,
    visitor: Principal,
    conversation: ConversationId,
}

impl Talk {
    async fn new() -> Self {
        let storage = empty();
        let tenant = Tenant::new(&Chat::builder(Arc::clone(&storage)).start(), "Busy").await;
        let visitor = tenant.visitor().await;
        let opened = tenant.chat.open(&visitor, opening("Hello")).await.expect("it is opened");
        let conversation = opened.conversation.view.conversation.id;
        Self { storage, tenant, visitor, conversation }
    }

    async fn say(&self, text: &str) {
        self.tenant.chat.post(&self.visitor, self.conversation, message(text)).await.expect("it is posted");
    }
}

/// The positions of a conversation's events, and the position that it says it has reached.
async fn log(storage: &dyn Storage, talk: &Talk) -> (Vec<u64>, u64) {
    let (tenant, conversation) = (talk.tenant.id, talk.conversation);
    let page = storage.events().page(tenant, conversation, Audience::Staff, Window::After(0), 100).await;
    let page = page.expect("a page").expect("it is there");
    (page.events.iter().map(|event| event.position.staff).collect(), page.heads.staff)
}

#[tokio::test]
async fn a_second_pass_brings_what_is_new() {
    let (talk, to) = (Talk::new().await, empty());
    copied(talk.storage.as_ref(), to.as_ref(), None).await.expect("a copy");
    let newcomer = talk.tenant.visitor().await;
    talk.tenant.chat.open(&newcomer, opening("I am new")).await.expect("it is opened");
    let reports = copied(talk.storage.as_ref(), to.as_ref(), None).await.expect("a second pass");
    assert!(reports[0].is_exact() && reports[0].written >= 4, "{reports:?}");
    assert_eq!(digest(to.as_ref(), talk.tenant.id).await.expect("a digest"), reports[0].digest);
}

#[tokio::test]
async fn what_has_changed_since_is_reported_and_no_log_is_torn() {
    let (talk, to) = (Talk::new().await, empty());
    copied(talk.storage.as_ref(), to.as_ref(), None).await.expect("a copy");
    talk.say("More").await;
    let reports = copied(talk.storage.as_ref(), to.as_ref(), None).await.expect("a second pass");
    assert_eq!((reports[0].different, reports[0].left_out), (1, 1), "{reports:?}");
    let found = digest(to.as_ref(), talk.tenant.id).await.expect("a digest");
    assert_eq!(found.first_difference(&reports[0].digest), Some(RecordKind::Conversation));
    assert_eq!(log(to.as_ref(), &talk).await, (vec![1], 1), "an older state, and a sound one");
    let there = talk.tenant.on(&Chat::builder(Arc::clone(&to)).start());
    there.chat.post(&talk.visitor, talk.conversation, message("Here")).await.expect("it goes on there");
    assert_eq!(log(to.as_ref(), &talk).await, (vec![1, 2], 2));
}

/// A copy that has written the records of a kind, and has not read those of the next.
struct Halfway {
    held: Held,
    copying: JoinHandle<Copied>,
}

impl Halfway {
    async fn after(kind: RecordKind, talk: &Talk, to: &Arc<dyn Storage>) -> Self {
        let hooked = Hooked::new(Arc::clone(to));
        // Each kind is one import.
        let kinds = digest(talk.storage.as_ref(), talk.tenant.id).await.expect("a digest").kinds;
        let calls = kinds.iter().position(|of| of.kind == kind).expect("there are some");
        let held = hooked.hold(next("transfer.import").but(calls), Side::After);
        let from = Arc::clone(&talk.storage);
        let copying = tokio::spawn(async move {
            let mut reports = copied(from.as_ref(), hooked.as_ref(), None).await.expect("a copy");
            reports.remove(0)
        });
        held.reached().await;
        Self { held, copying }
    }

    async fn end(self) -> Copied {
        self.held.release();
        self.copying.await.expect("it ends")
    }
}

#[tokio::test]
async fn what_is_said_between_two_pages_is_left_out_and_reported() {
    let (talk, to) = (Talk::new().await, empty());
    let halfway = Halfway::after(RecordKind::Conversation, &talk, &to).await;
    talk.say("In between").await;
    let report = halfway.end().await;
    assert_eq!((report.left_out, report.missing, report.changed), (1, 0, true), "{report:?}");
    assert!(!report.is_exact());
    assert_eq!(log(to.as_ref(), &talk).await, (vec![1], 1));
}

#[tokio::test]
async fn what_is_purged_or_erased_between_two_pages_is_reported() {
    for erased in [false, true] {
        let (talk, to) = (Talk::new().await, empty());
        talk.say("More").await;
        let halfway = Halfway::after(RecordKind::Conversation, &talk, &to).await;
        let (tenant, now) = (talk.tenant.id, talk.tenant.chat.now());
        if erased {
            let (visitors, change) = (talk.storage.visitors(), Change::new(Author::System, now));
            let Author::Visitor(visitor) = talk.visitor.author() else { panic!("it is a visitor") };
            assert!(visitors.erase(tenant, visitor, &change).await.expect("it is erased"));
        } else {
            let later = now.plus(std::time::Duration::from_secs(1));
            assert_eq!(talk.storage.events().purge(tenant, later, 9).await.expect("it is purged"), 2);
        }
        let report = halfway.end().await;
        assert_eq!((report.missing, report.changed, report.is_exact()), (2, true, false), "{report:?}");
        let found = digest(to.as_ref(), tenant).await.expect("a digest");
        assert_eq!(found, report.digest, "the destination holds what was read, and that is not enough");
    }
}

#[tokio::test]
async fn what_comes_to_the_source_behind_the_copy_is_reported() {
    let (talk, to) = (Talk::new().await, empty());
    let halfway = Halfway::after(RecordKind::Conversation, &talk, &to).await;
    let newcomer = talk.tenant.visitor().await;
    let report = halfway.end().await;
    assert!(report.changed && !report.is_exact(), "{report:?}");
    assert_eq!((report.different, report.left_out, report.missing), (0, 0, 0), "{report:?}");
    let Author::Visitor(newcomer) = newcomer.author() else { panic!("it is a visitor") };
    assert!(to.visitors().find(talk.tenant.id, newcomer).await.expect("a look").is_none());
}

#[tokio::test]
async fn nobody_has_read_what_is_not_there_yet() {
    let (talk, to) = (Talk::new().await, empty());
    copied(talk.storage.as_ref(), to.as_ref(), None).await.expect("a copy");
    talk.say("More").await;
    let anna = Principal::operator(talk.tenant.id, talk.tenant.anna.id, talk.tenant.anna.role);
    talk.tenant.chat.read(&anna, talk.conversation, 2).await.expect("it is read");
    let reports = copied(talk.storage.as_ref(), to.as_ref(), None).await.expect("a second pass");
    assert_eq!(reports[0].left_out, 2, "the event, and that it was read: {reports:?}");
    let found = digest(to.as_ref(), talk.tenant.id).await.expect("a digest");
    let reads = |of: &convor::transfer::TenantDigest| {
        of.kinds.iter().find(|of| of.kind == RecordKind::Read).map_or(0, |of| of.records)
    };
    assert_eq!((reads(&reports[0].digest), reads(&found)), (reads(&found) + 1, reads(&found)));
}

#[tokio::test]
async fn what_the_destination_has_purged_stays_purged() {
    let (talk, to) = (Talk::new().await, empty());
    copied(talk.storage.as_ref(), to.as_ref(), None).await.expect("a copy");
    let later = talk.tenant.chat.now().plus(std::time::Duration::from_secs(1));
    assert_eq!(to.events().purge(talk.tenant.id, later, 9).await.expect("it is purged"), 1);
    let reports = copied(talk.storage.as_ref(), to.as_ref(), None).await.expect("a second pass");
    assert_eq!((reports[0].different, reports[0].left_out), (1, 1), "{reports:?}");
    let kinds = digest(to.as_ref(), talk.tenant.id).await.expect("a digest").kinds;
    assert!(kinds.iter().all(|of| of.kind != RecordKind::Event), "{kinds:?}");
}
