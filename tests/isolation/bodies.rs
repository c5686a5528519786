//! Nobody says in a request for whom, as whom or when it is: who asks says so, and everything else is refused.

use convor_hyper::routes;
use convor_tests::fixture::{PASSWORD, new_id};
use convor_tests::host::Ask;
use convor_tests::line::Line;
use http::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::world::World;

/// What other systems have let their clients say (CWE-915), and what this one stores.
const KEYS: [&str; 46] = [
    "tenant_id",
    "tenant",
    "tenantId",
    "organization",
    "account_id",
    "actor",
    "sender",
    "sender_id",
    "author",
    "author_id",
    "authorId",
    "by",
    "from",
    "id",
    "message_id",
    "conversation_id",
    "conversation",
    "visitor",
    "visitor_id",
    "operator",
    "operator_id",
    "user_id",
    "site",
    "site_id",
    "role",
    "roles",
    "is_admin",
    "admin",
    "owner",
    "permissions",
    "scope",
    "audience",
    "staff",
    "internal",
    "seq",
    "epoch",
    "version",
    "floor",
    "at",
    "created_at",
    "updated_at",
    "digest",
    "token",
    "password_hash",
    "__proto__",
    "constructor",
];

#[tokio::test]
async fn s04_no_body_may_say_who_or_whose_it_is() {
    let world = World::new().await;
    let mut refused = 0;
    for route in routes().filter(|route| matches!(*route.method(), Method::POST | Method::PATCH)) {
        for (token, target, whole) in bodies(&world, route.method(), route.path()) {
            for body in spoiled(&whole) {
                let ask = Ask::new(route.method().clone(), &target).by(token).json(&body);
                let tag = world.acme.tag(&world.host).await;
                let answer = world.host.ask(ask.header("if-match", tag)).await;
                assert_eq!(
                    (answer.status, answer.code().as_str()),
                    (400, "invalid_request"),
                    "{route:?}: {body}"
                );
                refused += 1;
            }
            let ask = Ask::new(route.method().clone(), &target).by(token).json(&whole);
            let answer = world.host.ask(ask.header("if-match", world.acme.tag(&world.host).await)).await;
            assert_eq!(answer.status / 100, 2, "{route:?}: it was the added key: {answer:?}");
        }
    }
    println!("proof-columns: Mass assignment | where | keys | requests refused");
    println!("proof: Mass assignment | bodies | {} | {refused}", KEYS.len());
}

#[tokio::test]
async fn s04_no_frame_may_say_who_or_whose_it_is() {
    let world = World::new().await;
    let listening = world.host.listen().await;
    let mut member = Line::hello(listening.address, &world.acme.member).await;
    let mut operator = Line::hello(listening.address, &world.acme.operator).await;
    let mut refused = 0;
    for (is_visitor, whole) in frames(&world.acme.conversation) {
        let line = if is_visitor { &mut member } else { &mut operator };
        for frame in spoiled(&whole) {
            line.say(frame.clone()).await;
            let error = line.until("error").await;
            assert_eq!(
                (&error["code"], &error["ref"]),
                (&json!("invalid_request"), &whole["ref"]),
                "{frame}"
            );
            refused += 1;
        }
        line.say(whole.clone()).await;
        let answers = line.settle().await.concat();
        assert!(!answers.contains(r#""type":"error""#), "{whole}: it was the added key: {answers}");
    }
    for hello in spoiled(&json!({"type": "hello", "token": world.acme.member})) {
        // A token is what a hello is for.
        if hello["token"] != world.acme.member.as_str() {
            continue;
        }
        let mut line = Line::open(listening.address).await;
        line.say(hello.clone()).await;
        assert_eq!(line.end().await, Some(4102), "{hello}");
        refused += 1;
    }
    println!("proof-columns: Mass assignment | where | keys | requests refused");
    println!("proof: Mass assignment | frames | {} | {refused}", KEYS.len());
}

/// The object with one key more, at its top and in each object in it; and with one of its keys twice.
fn spoiled(whole: &Value) -> Vec<Value> {
    let fields = whole.as_object().expect("an object");
    let mut spoiled = Vec::new();
    for key in KEYS.into_iter().filter(|key| !fields.contains_key(*key) && !is_allowed(fields, key)) {
        for value in [json!(Uuid::from_u128(7)), json!("owner"), Value::Null, json!({"id": 7})] {
            let mut more = fields.clone();
            more.insert(key.to_owned(), value);
            spoiled.push(more.into());
        }
    }
    for (name, inner) in fields.iter().filter(|(_, inner)| inner.is_object()) {
        for more in self::spoiled(inner) {
            let mut fields = fields.clone();
            fields.insert(name.clone(), more);
            spoiled.push(fields.into());
        }
    }
    spoiled
}

/// Of these keys, a subscription may name a conversation.
fn is_allowed(fields: &serde_json::Map<String, Value>, key: &str) -> bool {
    key == "conversation" && fields.contains_key("inbox")
}

/// Good bodies for a route, by whom and where.
fn bodies<'a>(world: &'a World, method: &Method, path: &str) -> Vec<(Option<&'a str>, String, Value)> {
    let acme = &world.acme;
    let (member, operator) = (Some(acme.member.as_str()), Some(acme.operator.as_str()));
    let target = path.replace("{id}", &acme.conversation);
    let (one, two, three) = (new_id::<Uuid>(), new_id::<Uuid>(), new_id::<Uuid>());
    match (method.as_str(), path) {
        ("POST", "/v1/visitors") => vec![(None, target, json!({"site": acme.tenant.site_key().to_string()}))],
        ("PATCH", "/v1/visitor") => vec![(member, target, json!({"name": "Iris", "email": null}))],
        ("POST", "/v1/sessions") => {
            let body = json!({"tenant": acme.key(), "email": "ben@example.org", "password": PASSWORD});
            vec![(None, target, body)]
        }
        ("POST", "/v1/conversations") => {
            let first = json!({"client_id": two, "text": "hello"});
            vec![(member, target, json!({"client_id": one, "subject": "A saddle", "first_message": first}))]
        }
        ("POST", "/v1/search") => vec![(operator, target, json!({"text": "saddle", "limit": 1}))],
        ("PATCH", "/v1/conversations/{id}") => vec![(operator, target, json!({"tags": ["saddles"]}))],
        ("POST", "/v1/conversations/{id}/messages") => vec![
            (member, target.clone(), json!({"client_id": one, "text": "hello"})),
            (operator, target.clone(), json!({"client_id": two, "text": "hello"})),
            (operator, target, json!({"client_id": three, "text": "hello", "kind": "note"})),
        ],
        _ => panic!("{method} {path} takes a body and is not in the corpus: say what a good one is"),
    }
}

/// Good frames, and whether a visitor or an operator sends them.
fn frames(conversation: &str) -> Vec<(bool, Value)> {
    let [one, two] = [new_id::<Uuid>(), new_id::<Uuid>()];
    vec![
        (false, json!({"type": "subscribe", "ref": "r", "conversation": conversation})),
        (false, json!({"type": "subscribe", "ref": "r", "inbox": true})),
        (false, json!({"type": "unsubscribe", "ref": "r", "conversation": conversation})),
        (
            false,
            json!({"type": "send", "ref": "r", "conversation": conversation, "client_id": one, "text": "x"}),
        ),
        (
            true,
            json!({"type": "send", "ref": "r", "conversation": conversation, "client_id": two, "text": "x"}),
        ),
        (true, json!({"type": "typing", "conversation": conversation, "active": true})),
        (true, json!({"type": "read", "conversation": conversation, "seq": 1})),
        (true, json!({"type": "page", "url": "https://example.org/"})),
    ]
}
