//! What runs have found, each as small as it gets.

use std::sync::Arc;
use std::time::Duration;

use convor::domain::Principal;
use convor::hub::{Batch, Outlet};
use convor::ids::ConversationId;
use convor::ports::storage::Window;
use convor::protocol::MessageRequest;
use convor::session::{Entrance, Session};
use convor::{Chat, Limits};
use convor_memory::MemoryStorage;
use convor_tests::fixture::{Tenant, message, new_id, opening};
use convor_tests::hooked::Side::Before;
use convor_tests::hooked::{Hooked, next};
use convor_tests::person::Person;
use serde_json::{Value, json};

/// A frame about a conversation.
type Frame = fn(ConversationId) -> Value;

/// Frames of a visitor, and what each asks of the storage.
const FRAMES: [(&str, Frame); 4] = [
    ("reads.advance", |id| json!({"type": "read", "conversation": id, "seq": 1})),
    ("conversations.find", |id| json!({"type": "typing", "conversation": id, "active": true})),
    ("pages.put", |_| json!({"type": "page", "url": "https://www.example.org/"})),
    ("tenants.find", |id| {
        let client_id: convor::ids::ClientId = new_id();
        json!({"type": "send", "ref": "1", "conversation": id, "client_id": client_id, "text": "two"})
    }),
];

#[tokio::test(start_paused = true)]
async fn a_call_that_hangs_does_not_end_what_a_socket_can_do() {
    for (call, frame) in FRAMES {
        let storage = Hooked::new(Arc::new(MemoryStorage::new()));
        let mut limits = Limits::default();
        limits.storage_timeout = Duration::from_secs(2);
        let chat = || Chat::builder(Arc::clone(&storage) as _).limits(limits.clone()).start();
        let tenant = Tenant::new(&chat(), "Acme").await;
        let visitor = tenant.visitor().await;
        let opened = tenant.chat.open(&visitor, opening("one")).await.expect("it is opened");
        // A node that has not asked for anything yet.
        let chat = chat();
        let mut person = Person::connect(&chat, visitor).await;
        let held = storage.hold(next(call), Before);
        person.send(frame(opened.conversation.view.conversation.id)).await;
        held.reached().await;
        assert_eq!(person.until("error").await["code"], "unavailable", "{call}");
        person.settle().await;
    }
}

#[tokio::test(start_paused = true)]
async fn between_what_a_visitor_reads_after_its_welcome_and_what_it_hears_nothing_is_missing() {
    // Both come after the welcome, and before the connection hears anything.
    for call in [next("visitors.find_by_token").but(1), next("events.page")] {
        let storage = Hooked::new(Arc::new(MemoryStorage::new()));
        let chat = Chat::builder(Arc::clone(&storage) as _).start();
        let tenant = Tenant::new(&chat, "Acme").await;
        let (visitor, token) = chat.register_visitor(&tenant.site_key(), None).await.expect("a visitor");
        let visitor = Principal::visitor(tenant.id, tenant.site.id, visitor.id);
        let opened = chat.open(&visitor, opening("one")).await.expect("it is opened");
        let id = opened.conversation.view.conversation.id;

        // Another device, which knows of nothing.
        let outlet = Arc::new(Outlet::new(chat.limits()));
        let mut session = Session::new(&chat, Arc::clone(&outlet) as _, Entrance::default());
        let held = storage.hold(call, Before);
        let hello = json!({"type": "hello", "token": token.reveal()}).to_string();
        let greeting = tokio::spawn(async move {
            session.receive(&hello).await;
            session
        });
        held.reached().await;
        let mut heard = frames(&outlet).await;
        assert_eq!(heard[0]["type"], "welcome", "{call:?}");
        let read = chat.history(&visitor, id, Window::Latest, None).await.expect("it is read");
        let read = serde_json::to_value(read.object()).expect("JSON")["seq"].clone();
        let anna = Principal::operator(tenant.id, tenant.anna.id, tenant.anna.role);
        chat.post(&anna, id, message("two")).await.expect("a message");
        held.release();
        let _session = greeting.await.expect("no panic");
        heard.extend(frames(&outlet).await);
        assert_eq!((read, Person::seqs(&heard, id)), (json!(1), vec![2]), "{call:?}");
    }
}

/// What waits to be written.
async fn frames(outlet: &Outlet) -> Vec<Value> {
    let mut batch = Vec::new();
    match tokio::time::timeout(Duration::from_millis(1), outlet.next(&mut batch)).await {
        Ok(Batch::Frames) => {
            batch.iter().map(|frame| serde_json::from_slice(&frame.text).expect("JSON")).collect()
        }
        _ => Vec::new(),
    }
}

#[tokio::test(start_paused = true)]
async fn a_hint_that_comes_while_a_visitor_resumes_makes_it_drop_nothing() {
    let storage = Hooked::new(Arc::new(MemoryStorage::new()));
    let mut limits = Limits::default();
    limits.resume_events_max = 2;
    let chat = Chat::builder(Arc::clone(&storage) as _).limits(limits).start();
    let tenant = Tenant::new(&chat, "Acme").await;
    let (visitor, token) = chat.register_visitor(&tenant.site_key(), None).await.expect("a visitor");
    let visitor = Principal::visitor(tenant.id, tenant.site.id, visitor.id);
    let opened = chat.open(&visitor, opening("one")).await.expect("it is opened");
    let id = opened.conversation.view.conversation.id;
    for text in ["two", "three", "four"] {
        chat.post(&visitor, id, message(text)).await.expect("a message");
    }
    tokio::time::sleep(Duration::from_secs(60)).await;

    let outlet = Arc::new(Outlet::new(chat.limits()));
    let mut session = Session::new(&chat, Arc::clone(&outlet) as _, Entrance::default());
    // It can be found by others, and has not been brought up to date.
    let held = storage.hold(next("visitors.find_by_token").but(1), Before);
    let resume = json!([{"conversation": id, "epoch": 1, "after": 4}]);
    let hello = json!({"type": "hello", "token": token.reveal(), "resume": resume}).to_string();
    let greeting = tokio::spawn(async move {
        session.receive(&hello).await;
        session
    });
    held.reached().await;
    // A repeat has the conversation looked at again.
    let request = message("five");
    for text in ["five", "five"] {
        let again = MessageRequest { client_id: request.client_id, ..message(text) };
        chat.post(&visitor, id, again).await.expect("a message");
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    held.release();
    let _session = greeting.await.expect("no panic");
    tokio::time::sleep(Duration::from_secs(1)).await;
    let heard = frames(&outlet).await;
    assert!(heard.iter().all(|frame| frame["type"] != "reset"), "{heard:?}");
    assert_eq!(Person::seqs(&heard, id), [5]);
}
