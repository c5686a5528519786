//! A host's own users, over HTTP: Convor asks the host whose credential it is, and keeps no record of them.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use convor::domain::{Principal, Role};
use convor::ports::{Authenticated, Authenticator};
use convor::{Chat, Error, async_trait};
use convor_memory::MemoryStorage;
use convor_tests::fixture::{Tenant, new_id};
use convor_tests::host::{Ask, Host};
use serde_json::{Value, json};
use uuid::Uuid;

/// The host's own users by their tickets.
#[derive(Debug, Default)]
struct Users {
    known: Mutex<HashMap<String, Principal>>,
    asked: AtomicUsize,
}

impl Users {
    fn know(&self, ticket: &str, principal: Option<Principal>) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.remove(ticket);
        known.extend(principal.map(|principal| (ticket.to_owned(), principal)));
    }
}

#[async_trait]
impl Authenticator for Users {
    async fn authenticate(&self, credential: &str) -> Result<Option<Authenticated>, Error> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(known.get(credential).copied().map(Authenticated::new))
    }
}

#[tokio::test]
async fn a_host_is_asked_at_each_request_and_what_it_revokes_is_refused() {
    let users = Arc::new(Users::default());
    let chat = Chat::builder(Arc::new(MemoryStorage::new())).authenticator(Arc::clone(&users) as _).start();
    let tenant = Tenant::new(&chat, "Acme").await;
    let host = Host::new(chat);
    users.know("vera", Some(tenant.visitor().await));
    users.know("anna", Some(Principal::operator(tenant.id, new_id(), Role::Operator)));
    let id = || json!(new_id::<Uuid>());

    let open = Ask::post("/v1/conversations", &json!({"client_id": id()}));
    let opened = host.ask(open.by(Some("vera"))).await.json();
    let path = format!("/v1/conversations/{}", opened["conversation"]["id"].as_str().expect("an id"));
    let say = Ask::post(format!("{path}/messages"), &json!({"client_id": id(), "text": "Hello!"}));
    assert_eq!(host.ask(say.by(Some("anna"))).await.status, 201);
    let events = Ask::get(format!("{path}/events"));
    let log = host.ask(events.clone().by(Some("vera"))).await.json();
    let author = json!({"kind": "operator", "name": Value::Null});
    assert_eq!(
        (&log["data"][0]["message"]["text"], &log["data"][0]["message"]["author"]),
        (&json!("Hello!"), &author)
    );
    assert_eq!(users.asked.load(Ordering::Relaxed), 3, "once a request");

    users.know("vera", None);
    let refused = host.ask(events.by(Some("vera"))).await;
    assert_eq!((refused.status, refused.code().as_str()), (401, "unauthenticated"));
}
