//! Each refusal is as documented, and an undocumented key is refused.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use convor::credentials::TenantKey;
use convor::domain::Principal;
use convor::ports::{Authenticated, Authenticator, StorageError, StorageErrorKind};
use convor::{Chat, Error, Limits, Rate, async_trait};
use convor_memory::MemoryStorage;
use convor_tests::fixture::{PASSWORD, Tenant, new_id};
use convor_tests::host::{Ask, DASHBOARD};
use http::{Method, Request};
use http_body_util::StreamBody;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::api::Api;
use crate::documents::Eyes;

/// Knows one token of an operator and one of a visitor, and fails at every other.
#[derive(Debug)]
struct Frail(Principal, Principal);

const OPERATOR: &str = "cvs_operator";
const VISITOR: &str = "cvv_visitor";

#[async_trait]
impl Authenticator for Frail {
    async fn authenticate(&self, credential: &str) -> Result<Option<Authenticated>, Error> {
        match credential {
            OPERATOR => Ok(Some(Authenticated::new(self.0))),
            VISITOR => Ok(Some(Authenticated::new(self.1))),
            "nobody" => Ok(None),
            _ => Err(StorageError::new(StorageErrorKind::Other).into()),
        }
    }
}

/// A tenant whose API knows [`OPERATOR`] and [`VISITOR`], and the path of the visitor's conversation.
async fn stage(limits: Limits) -> (Tenant, Api, String) {
    let storage = Arc::new(MemoryStorage::new());
    let tenant = Tenant::new(&Chat::builder(storage.clone()).start(), "Acme").await;
    let anna = Principal::operator(tenant.id, tenant.anna.id, tenant.anna.role);
    let frail = Arc::new(Frail(anna, tenant.visitor().await));
    let chat = Chat::builder(storage).authenticator(frail).limits(limits).start();
    let mut api = Api::new(&chat);
    let open = Ask::post("/v1/conversations", &json!({"client_id": id()})).by(Some(VISITOR));
    let opened = api.expect(201, open).await.body;
    let path = format!("/v1/conversations/{}", opened["conversation"]["id"].as_str().expect("an id"));
    (tenant.on(&chat), api, path)
}

#[tokio::test]
async fn every_refusal_is_as_documented() {
    let mut limits = Limits::default();
    limits.body_timeout = Duration::from_millis(1);
    limits.messages = Rate::per_minute(1, 8);
    let (tenant, mut api, conversation) = stage(limits).await;
    read(&mut api, &conversation).await;
    written(&mut api, &conversation).await;
    by_cookie(&mut api, &tenant).await;
    late(&mut api).await;
    tenant.chat.drain();
    api.refuse(503, "unavailable", Ask::get("/readyz")).await;

    let problem = &api.documents.openapi["components"]["schemas"]["Problem"]["properties"]["code"]["enum"];
    let documented: BTreeSet<_> =
        problem.as_array().expect("codes").iter().filter_map(Value::as_str).collect();
    assert_eq!(
        api.codes.iter().map(String::as_str).collect::<BTreeSet<_>>(),
        documented,
        "each has been seen"
    );
    println!("proof-columns: API documents | what | kinds held against the documents");
    println!("proof: API documents | refusals | {}", api.codes.len());
}

async fn read(api: &mut Api, conversation: &str) {
    api.refuse(401, "unauthenticated", Ask::get("/v1/visitor")).await;
    api.refuse(401, "unauthenticated", Ask::get("/v1/visitor").by(Some("nobody"))).await;
    api.refuse(500, "internal", Ask::get("/v1/visitor").by(Some("cvs_broken"))).await;
    api.refuse(403, "forbidden", Ask::get("/v1/visitor").by(Some(OPERATOR))).await;
    api.refuse(403, "forbidden", Ask::get("/v1/operators").by(Some(VISITOR))).await;
    api.refuse(403, "forbidden", Ask::get("/v1/conversations?status=open").by(Some(VISITOR))).await;
    let from_elsewhere =
        Ask::get("/v1/visitor").by(Some(VISITOR)).header("origin", "https://elsewhere.example");
    api.refuse(403, "origin_forbidden", from_elsewhere).await;
    api.refuse(400, "invalid_cursor", Ask::get("/v1/conversations?cursor=x").by(Some(OPERATOR))).await;
    api.refuse(400, "invalid_request", Ask::get("/v1/conversations?limit=0").by(Some(OPERATOR))).await;
    api.refuse(400, "invalid_request", Ask::get("/v1/site")).await;
    api.refuse(400, "invalid_request", Ask::get("/v1/socket")).await;
    api.refuse(404, "not_found", Ask::get("/v1/site?site=x")).await;
    api.refuse(404, "not_found", Ask::get("/healthz?site=x")).await;
    api.refuse(404, "not_found", Ask::get("/v1/nothing")).await;
    let both = Ask::get(format!("{conversation}/events?after=1&before=2"));
    api.refuse(400, "invalid_request", both.by(Some(VISITOR))).await;
    let nothing = format!("/v1/conversations/{}", id());
    api.refuse(404, "not_found", Ask::get(nothing).by(Some(OPERATOR))).await;
    let refused = api.refuse(405, "method_not_allowed", Ask::new(Method::PUT, "/v1/visitor")).await;
    assert_eq!(refused.headers["allow"], "GET, HEAD, PATCH, OPTIONS");
}

async fn written(api: &mut Api, conversation: &str) {
    let messages = format!("{conversation}/messages");
    let client_id = id();
    let say =
        |text: &str| Ask::post(&messages, &json!({"client_id": client_id, "text": text})).by(Some(VISITOR));
    api.expect(201, say("once")).await;
    api.refuse(409, "conflict", say("twice")).await;
    api.refuse(400, "invalid_request", say("\0")).await;
    let note = json!({"client_id": id(), "text": "mine", "kind": "note"});
    api.refuse(403, "forbidden", Ask::post(&messages, &note).by(Some(VISITOR))).await;
    api.refuse(413, "payload_too_large", say(&"x".repeat(70_000))).await;
    let plain = Ask::new(Method::POST, &messages).by(Some(VISITOR)).header("content-type", "text/plain");
    api.refuse(415, "unsupported_media_type", plain).await;

    let change = Ask::post(conversation, &json!({"tags": ["a"]})).method(Method::PATCH).by(Some(OPERATOR));
    api.refuse(428, "precondition_required", change.clone()).await;
    api.refuse(412, "precondition_failed", change.clone().header("if-match", "\"99\"")).await;
    api.refuse(400, "invalid_request", change.header("if-match", "*")).await;

    loop {
        let answer = api.ask(say("once")).await;
        if answer.status == 429 {
            break assert_eq!(answer.body["code"], "rate_limited");
        }
        assert_eq!(answer.status, 200);
    }
}

/// What stands in the way of whoever has a cookie only.
async fn by_cookie(api: &mut Api, tenant: &Tenant) {
    let cookie = format!("__Host-convor_session={OPERATOR}");
    let sign_out = Ask::new(Method::DELETE, "/v1/sessions/current").header("cookie", &cookie);
    api.refuse(403, "origin_forbidden", sign_out.clone()).await;
    let refused = api.expect(403, sign_out.header("origin", DASHBOARD)).await;
    assert_eq!(refused.body["code"], "csrf_required");
    let key = TenantKey::new(tenant.id).to_string();
    let request = json!({"tenant": key, "email": "anna@example.org", "password": PASSWORD});
    api.refuse(401, "unauthenticated", Ask::post("/v1/sessions", &request)).await;
}

/// A body that never comes to its end.
async fn late(api: &mut Api) {
    let frames = futures_util::stream::pending::<Result<http_body::Frame<Bytes>, std::convert::Infallible>>();
    let request = Request::post("/v1/visitors").header("content-type", "application/json");
    let answer = api.send(request.body(StreamBody::new(frames)).expect("a request")).await;
    assert_eq!((answer.status, answer.body["code"].as_str()), (408, Some("request_timeout")));
}

#[tokio::test]
async fn a_key_that_no_schema_names_is_refused_by_schema_and_server() {
    let (tenant, mut api, conversation) = stage(Limits::default()).await;
    let message = json!({"client_id": id(), "text": "Hello"});
    let asks = [
        (
            Method::POST,
            "/v1/visitors".to_owned(),
            json!({"site": tenant.site_key().to_string()}),
            "RegisterRequest",
        ),
        (Method::PATCH, "/v1/visitor".to_owned(), json!({"name": "Vera"}), "VisitorRequest"),
        (
            Method::POST,
            "/v1/sessions".to_owned(),
            json!({"tenant": TenantKey::new(tenant.id).to_string(), "email": "a@b", "password": ""}),
            "SignInRequest",
        ),
        (
            Method::POST,
            "/v1/conversations".to_owned(),
            json!({"client_id": id(), "first_message": message}),
            "OpenRequest",
        ),
        (Method::POST, format!("{conversation}/messages"), message.clone(), "MessageRequest"),
        (Method::PATCH, conversation.clone(), json!({"tags": []}), "ConversationRequest"),
        (Method::POST, "/v1/search".to_owned(), json!({"text": "hello"}), "SearchRequest"),
    ];
    for (method, target, body, schema) in asks {
        let schema = format!("/components/schemas/{schema}");
        assert_eq!(api.documents.findings(Eyes::Staff, "openapi.json", &schema, &body), [""; 0]);
        let staff = matches!(schema.as_str(), s if s.ends_with("/ConversationRequest") || s.ends_with("/SearchRequest"));
        let token = if staff { OPERATOR } else { VISITOR };
        for name in ["nothing", "tenant_id"] {
            let mut with_more = body.clone();
            with_more[name] = json!("x");
            assert!(!api.documents.findings(Eyes::Staff, "openapi.json", &schema, &with_more).is_empty());
            let ask = Ask::post(&target, &with_more).method(method.clone()).header("if-match", "\"1\"");
            api.refuse(400, "invalid_request", ask.by(Some(token))).await;
        }
    }
}

/// An id that nothing has.
fn id() -> Uuid {
    new_id()
}
