//! Two tenants in which everything has the same id.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use convor::ports::{Clock, Entropy, SystemClock};
use convor::time::Timestamp;
use convor::{Chat, Rate};
use convor_memory::MemoryStorage;
use convor_tests::fixture::{Tenant, message, opening};
use convor_tests::host::{Ask, Host, generous};
use convor_tests::line::Line;
use http::Method;
use serde_json::{Value, json};
use uuid::Uuid;

/// A generator that begins anew wherever it is made.
#[derive(Debug, Default)]
struct Repeating(AtomicU64);

impl Entropy for Repeating {
    fn bytes_16(&self) -> [u8; 16] {
        let number = self.0.fetch_add(1, Ordering::Relaxed) + 1;
        u128::from(number).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835).to_be_bytes()
    }
}

/// A clock that stands still.
#[derive(Debug)]
struct Still(Timestamp);

impl Clock for Still {
    fn now(&self) -> Timestamp {
        self.0
    }
}

/// A tenant whose visitor, conversation and message have the ids of another's.
struct Twin {
    tenant: Tenant,
    token: String,
    visitor: Value,
    conversation: String,
    message: Value,
}

/// Makes two tenants of which all that was made by their visitors has the same ids.
async fn twins(limits: convor::Limits) -> (Host, [Twin; 2]) {
    let storage = Arc::new(MemoryStorage::new());
    let chat = Chat::builder(storage.clone()).limits(limits).start();
    let now = SystemClock::default().now();
    let mut twins = Vec::new();
    for name in ["Acme", "Bolt"] {
        let tenant = Tenant::new(&chat, name).await;
        let node =
            Chat::builder_with(storage.clone(), Arc::new(Still(now)), Arc::new(Repeating::default())).start();
        let (visitor, token) = node.register_visitor(&tenant.site_key(), None).await.expect("a visitor");
        let principal = convor::domain::Principal::visitor(tenant.id, tenant.site.id, visitor.id);
        let mut request = opening(&format!("hello {name}"));
        request.client_id = Uuid::from_u128(1).into();
        let opened = node.open(&principal, request).await.expect("a conversation");
        twins.push(Twin {
            token: token.reveal().to_owned(),
            visitor: json!(visitor.id),
            conversation: opened.conversation.view.conversation.id.to_string(),
            message: json!(opened.message.expect("a message").message_id),
            tenant,
        });
    }
    let twins: [Twin; 2] = twins.try_into().unwrap_or_else(|_| panic!("two"));
    let [acme, bolt] = &twins;
    assert_eq!((&acme.visitor, &acme.conversation), (&bolt.visitor, &bolt.conversation));
    assert_eq!(acme.message, bolt.message);
    assert_ne!(acme.token, bolt.token, "a token names its tenant");
    (Host::new(chat), twins)
}

#[tokio::test]
async fn s07_the_same_id_in_two_tenants_names_two_things() {
    let (host, twins) = twins(generous()).await;
    let [acme, bolt] = &twins;
    let path = format!("/v1/conversations/{}", acme.conversation);
    for (twin, name) in [(acme, "Acme"), (bolt, "Bolt")] {
        for path in [path.clone(), format!("{path}/events"), "/v1/conversations".into()] {
            let seen = host.ask(Ask::get(path).by(Some(&twin.token))).await;
            assert_eq!(seen.status, 200);
            let text = String::from_utf8_lossy(&seen.body).into_owned();
            assert_eq!(
                text.matches("hello ").count(),
                text.matches(&format!("hello {name}")).count(),
                "{text}"
            );
            assert!(text.contains("hello "), "{text}");
        }
    }

    let named = Ask::new(Method::PATCH, "/v1/visitor").by(Some(&acme.token)).json(&json!({"name": "Iris"}));
    assert_eq!(host.ask(named).await.status, 200);
    let other = host.ask(Ask::get("/v1/visitor").by(Some(&bolt.token))).await.json();
    assert_eq!(other["visitor"]["name"], Value::Null);

    let id = acme.conversation.parse().expect("an id");
    let anna =
        convor::domain::Principal::operator(acme.tenant.id, acme.tenant.anna.id, acme.tenant.anna.role);
    host.chat.close(&anna, id, 1).await.expect("closed");
    let other = host.ask(Ask::get(&path).by(Some(&bolt.token))).await.json();
    assert_eq!(
        (&other["conversation"]["status"], &other["conversation"]["seq"]),
        (&json!("open"), &json!(1))
    );
}

#[tokio::test]
async fn s07_a_client_id_is_its_tenants_own() {
    let (host, twins) = twins(generous()).await;
    let body = json!({"client_id": Uuid::from_u128(2), "text": "the same"});
    let path = format!("/v1/conversations/{}/messages", twins[0].conversation);
    for twin in &twins {
        let posted = host.ask(Ask::post(&path, &body).by(Some(&twin.token))).await;
        assert_eq!((posted.status, &posted.json()["message"]["seq"]), (201, &json!(2)));
    }
    let other = json!({"client_id": Uuid::from_u128(3), "text": "one"});
    assert_eq!(host.ask(Ask::post(&path, &other).by(Some(&twins[0].token))).await.status, 201);
    let other = json!({"client_id": Uuid::from_u128(3), "text": "another"});
    assert_eq!(host.ask(Ask::post(&path, &other).by(Some(&twins[1].token))).await.status, 201);
}

#[tokio::test]
async fn s07_what_happens_at_an_id_is_heard_in_its_tenant_alone() {
    let (host, twins) = twins(generous()).await;
    let [acme, bolt] = &twins;
    let listening = host.listen().await;
    let mut hers = Line::hello(listening.address, &acme.token).await;
    let mut theirs = Line::hello(listening.address, &bolt.token).await;
    hers.settle().await;
    theirs.settle().await;
    let id = acme.conversation.parse().expect("an id");
    let anna =
        convor::domain::Principal::operator(acme.tenant.id, acme.tenant.anna.id, acme.tenant.anna.role);
    host.chat.post(&anna, id, message("for Acme")).await.expect("a message");
    host.chat.typing(&anna, id, true, convor::domain::MessageKind::Message).await.expect("told");
    host.chat.read(&anna, id, 1).await.expect("told");

    let heard = hers.settle().await.concat();
    assert!(heard.contains("for Acme") && heard.contains(r#""type":"typing""#), "{heard}");
    assert_eq!(theirs.settle().await, [""; 0]);
}

#[tokio::test]
async fn s07_what_one_tenants_visitor_uses_up_is_not_taken_from_anothers() {
    let mut limits = generous();
    limits.messages = Rate::per_minute(1, 3);
    let (host, twins) = twins(limits).await;
    let path = format!("/v1/conversations/{}/messages", twins[0].conversation);
    let post = async |twin: &Twin, number: u128| {
        let body = json!({"client_id": Uuid::from_u128(number), "text": "again"});
        host.ask(Ask::post(&path, &body).by(Some(&twin.token))).await.status
    };
    for (number, status) in [(10, 201), (11, 201), (12, 201), (13, 429)] {
        assert_eq!(post(&twins[0], number).await, status);
    }
    assert_eq!(post(&twins[1], 10).await, 201);
}
