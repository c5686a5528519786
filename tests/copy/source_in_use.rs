//! Copies of a storage that is written to: what is promised then, and that no log is torn.

use std::sync::Arc;

use convor::Chat;
use convor::domain::{Audience, Principal};
use convor::ids::ConversationId;
use convor::ports::Storage;
use convor::ports::storage::{RecordKind, Window};
use convor::transfer::digest;
use convor_tests::fixture::{Tenant, message, opening};
use convor_tests::hooked::{Hooked, Side, next};

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

#[tokio::test]
async fn what_is_said_between_two_pages_is_left_out_and_reported() {
    let (talk, to) = (Talk::new().await, empty());
    let hooked = Hooked::new(Arc::clone(&to));
    // The conversations have been written, and the events have not been read yet. Each kind is one import.
    let kinds = digest(talk.storage.as_ref(), talk.tenant.id).await.expect("a digest").kinds;
    let conversations = kinds.iter().position(|of| of.kind == RecordKind::Conversation);
    let calls = next("transfer.import").but(conversations.expect("there are some"));
    let held = hooked.hold(calls, Side::After);
    let from = Arc::clone(&talk.storage);
    let copying = tokio::spawn(async move { copied(from.as_ref(), hooked.as_ref(), None).await });
    held.reached().await;
    talk.say("In between").await;
    held.release();
    let reports = copying.await.expect("it ends").expect("a copy");
    assert_eq!(reports[0].left_out, 1, "{reports:?}");
    assert!(!reports[0].is_exact());
    assert_eq!(log(to.as_ref(), &talk).await, (vec![1], 1));
}
