//! Each route does what it is for, and its answer is as documented.

use std::collections::BTreeSet;

use convor::credentials::TenantKey;
use convor_tests::fixture::{PASSWORD, Tenant, chat, new_id};
use convor_tests::host::{Ask, DASHBOARD};
use http::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::api::Api;
use crate::documents::{ASYNCAPI, OPENAPI};
use crate::names::operations;

#[tokio::test]
async fn every_answer_is_as_documented() {
    let tenant = Tenant::new(&chat(), "Acme").await;
    let mut api = Api::new(&tenant.chat);
    service(&mut api).await;
    let visitor = visitors(&mut api, &tenant).await;
    let operator = operators(&mut api, &tenant).await;
    let conversation = opened(&mut api, &visitor).await;
    said(&mut api, &conversation, &visitor, &operator).await;
    changed(&mut api, &conversation, &operator, &tenant).await;
    listed(&mut api, &conversation, &visitor, &operator, &tenant).await;
    signed_out(&mut api, &operator).await;

    let documented = operations(&api.documents).into_iter().flat_map(|((path, method), operation)| {
        let statuses: Vec<u16> = operation["responses"]
            .as_object()
            .expect("responses")
            .keys()
            .filter_map(|key| key.parse().ok())
            .collect();
        statuses
            .into_iter()
            .filter(|status| *status < 300)
            .map(move |status| (path.clone(), method.clone(), status))
    });
    let missing: BTreeSet<_> = documented.filter(|answer| !api.seen.contains(answer)).collect();
    // Only a connection can become a WebSocket.
    let socket = |status| ("/v1/socket".to_owned(), "get".to_owned(), status);
    assert_eq!(missing, BTreeSet::from([socket(101), socket(200)]));
    println!("proof-columns: API documents | what | kinds held against the documents");
    println!("proof: API documents | answers | {}", api.seen.len());
}

async fn service(api: &mut Api) {
    api.expect(200, Ask::get("/healthz")).await;
    api.expect(200, Ask::get("/readyz")).await;
    for (path, document) in [("/v1/openapi.json", OPENAPI), ("/v1/asyncapi.json", ASYNCAPI)] {
        let served = api.expect(200, Ask::get(path)).await;
        let same = served.body == serde_json::from_str::<Value>(document).expect("JSON");
        assert!(same, "{path} serves another document");
    }
}

/// Answers a visitor's token.
async fn visitors(api: &mut Api, tenant: &Tenant) -> String {
    let key = tenant.site_key().to_string();
    api.expect(200, Ask::get(format!("/v1/site?site={key}"))).await;
    let registered = api.expect(201, Ask::post("/v1/visitors", &json!({"site": key}))).await.body;
    let token = registered["token"].as_str().expect("a token").to_owned();
    let by = |ask: Ask| ask.by(Some(&token));
    api.expect(200, by(Ask::get("/v1/visitor").header("x-request-id", "a-1"))).await;
    for change in [json!({"name": "Vera", "email": "vera@example.org"}), json!({"email": null}), json!({})] {
        api.expect(200, by(Ask::post("/v1/visitor", &change).method(Method::PATCH))).await;
    }
    token
}

/// Answers an operator's token.
async fn operators(api: &mut Api, tenant: &Tenant) -> String {
    tenant.chat.set_password(tenant.id, tenant.anna.id, PASSWORD).await.expect("a password");
    let key = TenantKey::new(tenant.id).to_string();
    let mut request = json!({"tenant": key, "email": "anna@example.org", "password": PASSWORD});
    let session = api.expect(201, Ask::post("/v1/sessions", &request)).await.body;
    let token = session["token"].as_str().expect("a token").to_owned();
    request["as"] = json!("cookie");
    let asked = Ask::post("/v1/sessions", &request).header("origin", DASHBOARD);
    let signed_in = api.expect(201, asked).await;
    let (cookie, _) = signed_in.headers["set-cookie"].split_once(';').expect("a cookie");
    let current = api.expect(200, Ask::get("/v1/sessions/current").header("cookie", cookie)).await.body;
    assert_eq!(current["csrf_token"], signed_in.body["csrf_token"]);
    let csrf_token = current["csrf_token"].as_str().expect("a token");
    let sign_out = Ask::new(Method::DELETE, "/v1/sessions/current").header("cookie", cookie);
    api.expect(204, sign_out.header("x-csrf-token", csrf_token).header("origin", DASHBOARD)).await;
    api.expect(200, Ask::get("/v1/sessions/current").by(Some(&token))).await;
    token
}

async fn signed_out(api: &mut Api, operator: &str) {
    let page = api.expect(200, Ask::get("/v1/operators?limit=1").by(Some(operator))).await.body;
    let cursor = page["next_cursor"].as_str().expect("another page");
    api.expect(200, Ask::get(format!("/v1/operators?cursor={cursor}")).by(Some(operator))).await;
    let sign_out = Ask::new(Method::DELETE, "/v1/sessions/current");
    api.expect(204, sign_out.by(Some(operator))).await;
}

/// Answers the path of a conversation.
async fn opened(api: &mut Api, visitor: &str) -> String {
    let first_message = json!({"client_id": id(), "text": "Is this seat taken?"});
    let request = json!({"client_id": id(), "subject": "A seat", "first_message": first_message});
    let open = Ask::post("/v1/conversations", &request).by(Some(visitor));
    let opened = api.expect(201, open.clone()).await;
    api.expect(200, open).await;
    api.expect(201, Ask::post("/v1/conversations", &json!({"client_id": id()})).by(Some(visitor))).await;
    format!("/v1/conversations/{}", opened.body["conversation"]["id"].as_str().expect("an id"))
}

async fn said(api: &mut Api, conversation: &str, visitor: &str, operator: &str) {
    let messages = format!("{conversation}/messages");
    let message = json!({"client_id": id(), "text": "Hello?"});
    for status in [201, 200] {
        api.expect(status, Ask::post(&messages, &message).by(Some(visitor))).await;
    }
    for kind in ["message", "note"] {
        let request = json!({"client_id": id(), "text": "No.", "kind": kind});
        api.expect(201, Ask::post(&messages, &request).by(Some(operator))).await;
    }
}

async fn changed(api: &mut Api, conversation: &str, operator: &str, tenant: &Tenant) {
    let shown = api.expect(200, Ask::get(conversation).by(Some(operator))).await;
    let mut tag = shown.headers["etag"].clone();
    let tomorrow = tenant.chat.now().plus(std::time::Duration::from_secs(86_400));
    for change in [
        json!({"assignee": tenant.ben.id, "tags": ["b", "a"]}),
        json!({"assignee": null, "tags": []}),
        json!({"status": "closed"}),
        json!({"status": "open"}),
        json!({"status": "snoozed", "snoozed_until": tomorrow, "tags": ["a"]}),
    ] {
        let change = Ask::post(conversation, &change).method(Method::PATCH).header("if-match", &tag);
        tag = api.expect(200, change.by(Some(operator))).await.headers["etag"].clone();
    }
}

async fn listed(api: &mut Api, conversation: &str, visitor: &str, operator: &str, tenant: &Tenant) {
    for member in [visitor, operator] {
        let get = |target: &str| Ask::get(target).by(Some(member));
        api.expect(200, get(conversation)).await;
        for window in ["", "?limit=3", "?after=1&limit=2", "?before=3"] {
            api.expect(200, get(&format!("{conversation}/events{window}"))).await;
        }
        let page = api.expect(200, get("/v1/conversations?limit=1")).await.body;
        let cursor = page["next_cursor"].as_str().expect("another page");
        api.expect(200, get(&format!("/v1/conversations?limit=200&cursor={cursor}"))).await;
    }
    let log = api.expect(200, Ask::get(format!("{conversation}/events")).by(Some(operator))).await.body;
    let kinds: BTreeSet<_> =
        log["data"].as_array().expect("events").iter().filter_map(|event| event["kind"].as_str()).collect();
    assert_eq!(
        kinds,
        BTreeSet::from(["assigned", "message", "status", "tagged"]),
        "every kind has been held to its schema"
    );
    let ben = format!("assignee={}", tenant.ben.id);
    for query in ["status=snoozed", "status=open", "assignee=none", &ben, "tag=a"] {
        api.expect(200, Ask::get(format!("/v1/conversations?{query}")).by(Some(operator))).await;
    }
    let search = |body: Value| Ask::post("/v1/search", &body).by(Some(operator));
    let found = api.expect(200, search(json!({"text": "NO", "limit": 1}))).await.body;
    assert_eq!(found["data"][0]["message"]["kind"], "note", "the newest comes first");
    let cursor = found["next_cursor"].as_str().expect("another page");
    let rest = api.expect(200, search(json!({"text": "no", "cursor": cursor}))).await.body;
    assert_eq!((rest["data"][0]["message"]["text"].as_str(), &rest["complete"]), (Some("No."), &json!(true)));
    let key = tenant.site_key();
    api.expect(200, Ask::get(format!("/v1/visitor?site={key}")).by(Some(visitor))).await;
}

/// An id that nothing has.
fn id() -> Uuid {
    new_id()
}
