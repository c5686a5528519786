//! Each route does what it is for.

use http::Method;
use serde_json::{Value, json};

use crate::fixture::{DESK, PASSWORD, World, new_id};

#[tokio::test]
async fn a_site_is_shown_to_everybody() {
    let world = World::new().await;
    let site = world.get(&format!("/v1/site?site={}", world.acme.site_key())).send().await.expect(200).json();
    let shown = json!({"name": "Acme", "title": "Talk to us", "greeting": "Hello!", "color": "#0b6e4f", "online": false});
    assert_eq!(site, shown);
}

#[tokio::test]
async fn a_person_becomes_a_visitor_and_says_who_it_is() {
    let world = World::new().await;
    let made =
        world.post("/v1/visitors").json(&json!({"site": world.acme.site_key()})).await.expect(201).json();
    let token = made["token"].as_str().expect("a token");
    assert_eq!(made["visitor"]["site"], world.acme.site.id.to_string());
    let named = world
        .patch("/v1/visitor")
        .bearer(token)
        .json(&json!({"name": "Vera", "email": "Vera@example.org"}))
        .await;
    assert_eq!(named.expect(200).json()["visitor"]["email"], "vera@example.org");
    let cleared =
        world.patch("/v1/visitor").bearer(token).json(&json!({"name": null})).await.expect(200).json();
    assert_eq!(
        (&cleared["visitor"]["name"], &cleared["visitor"]["email"]),
        (&Value::Null, &json!("vera@example.org"))
    );
    assert_eq!(world.get("/v1/visitor").bearer(token).send().await.expect(200).json(), cleared);
}

#[tokio::test]
async fn an_operator_signs_in_and_out_with_a_token() {
    let world = World::new().await;
    world.give_password(&world.acme, &world.acme.anna).await;
    let request = json!({"tenant": world.acme.key(), "email": "anna@example.org", "password": PASSWORD});
    let signed_in = world.post("/v1/sessions").json(&request).await.expect(201);
    assert_eq!(signed_in.header("set-cookie"), None);
    let session = signed_in.json();
    assert_eq!((session["operator"]["role"].as_str(), session.get("csrf_token")), (Some("owner"), None));
    let token = session["token"].as_str().expect("a token");
    let current = world.get("/v1/sessions/current").bearer(token).send().await.expect(200).json();
    assert_eq!(current, json!({"operator": session["operator"], "expires_at": session["expires_at"]}));
    let gone = world.ask(Method::DELETE, "/v1/sessions/current").bearer(token).send().await.expect(204);
    assert!(gone.body.is_empty());
    world.get("/v1/sessions/current").bearer(token).send().await.refused(401, "unauthenticated");
}

#[tokio::test]
async fn operators_are_listed_page_by_page() {
    let world = World::new().await;
    let anna = world.anna(&world.acme).await;
    let first = world.get("/v1/operators?limit=1").bearer(&anna).send().await.expect(200).json();
    let cursor = first["next_cursor"].as_str().expect("another page");
    let rest = world
        .get(&format!("/v1/operators?limit=1&cursor={cursor}"))
        .bearer(&anna)
        .send()
        .await
        .expect(200)
        .json();
    let mut names = [&first["data"][0]["name"], &rest["data"][0]["name"]];
    names.sort_by_key(|name| name.to_string());
    assert_eq!(names, ["Anna", "Ben"]);
    assert_eq!(rest["next_cursor"], Value::Null);
}

#[tokio::test]
async fn a_conversation_is_opened_once_however_often_it_is_asked_for() {
    let world = World::new().await;
    let visitor = world.visitor(&world.acme).await;
    let first_message = json!({"client_id": new_id(), "text": "Hello"});
    let request = json!({"client_id": new_id(), "subject": "Order 7", "first_message": first_message});
    let opened = world.post("/v1/conversations").bearer(&visitor).json(&request).await.expect(201).json();
    assert_eq!(
        (opened["message"]["seq"].as_u64(), opened["message"]["duplicate"].as_bool()),
        (Some(1), Some(false))
    );
    let again = world.post("/v1/conversations").bearer(&visitor).json(&request).await.expect(200).json();
    assert_eq!(again["conversation"], opened["conversation"]);
    assert_eq!(again["message"]["message_id"], opened["message"]["message_id"]);
    let list = world.get("/v1/conversations").bearer(&visitor).send().await.expect(200).json();
    assert_eq!(list, json!({"data": [opened["conversation"]], "next_cursor": null}));
    assert_eq!(list["data"][0].get("version"), None, "staff's part is not the visitor's");
}

#[tokio::test]
async fn the_inbox_is_filtered_and_paged() {
    let world = World::new().await;
    let (visitor, anna) = (world.visitor(&world.acme).await, world.anna(&world.acme).await);
    let mut ids = Vec::new();
    for _ in 0..3 {
        ids.push(world.conversation(&visitor, 1).await);
    }
    let change = json!({"tags": ["billing"], "assignee": world.acme.ben.id, "status": "closed"});
    let path = format!("/v1/conversations/{}", ids[0]);
    let version = world.get(&path).bearer(&anna).send().await.header("etag").expect("a tag").to_owned();
    world.patch(&path).bearer(&anna).header("if-match", &version).json(&change).await.expect(200);
    let found = async |query: &str| {
        let answer = world.get(&format!("/v1/conversations?{query}")).bearer(&anna).send().await.expect(200);
        let list = answer.json()["data"].as_array().expect("a list").clone();
        list.iter().map(|one| one["id"].as_str().expect("an id").to_owned()).collect::<Vec<_>>()
    };
    let ben = format!("assignee={}", world.acme.ben.id);
    for query in ["status=closed", "tag=billing", "tag=billing&status=closed", &ben] {
        assert_eq!(found(query).await, [ids[0].clone()], "{query}");
    }
    assert_eq!(found("assignee=none&status=open").await.len(), 2);
    assert!(found("status=snoozed").await.is_empty());
    let first = world.get("/v1/conversations?limit=2").bearer(&anna).send().await.expect(200).json();
    let cursor = first["next_cursor"].as_str().expect("another page");
    let rest = found(&format!("limit=2&cursor={cursor}")).await;
    assert_eq!(rest.len(), 1);
    assert!(first["data"].as_array().expect("a list").iter().all(|one| one["id"] != rest[0].as_str()));
}

#[tokio::test]
async fn a_conversation_is_changed_only_in_the_state_that_was_seen() {
    let world = World::new().await;
    let (visitor, anna) = (world.visitor(&world.acme).await, world.anna(&world.acme).await);
    let path = format!("/v1/conversations/{}", world.conversation(&visitor, 1).await);
    let shown = world.get(&path).bearer(&anna).send().await.expect(200);
    let seen = shown.header("etag").expect("a tag");
    let changed =
        world.patch(&path).bearer(&anna).header("if-match", seen).json(&json!({"status": "closed"})).await;
    let changed = changed.expect(200);
    assert_eq!(changed.json()["conversation"]["status"], "closed");
    assert_ne!(changed.header("etag"), Some(seen));
    let late = world.patch(&path).bearer(&anna).header("if-match", seen).json(&json!({"tags": ["x"]})).await;
    late.refused(412, "precondition_failed");
    world
        .patch(&path)
        .bearer(&anna)
        .json(&json!({"tags": ["x"]}))
        .await
        .refused(428, "precondition_required");
    for broken in ["*", "W/\"1\"", "1", "\"1\", \"2\"", "\"1"] {
        let refused =
            world.patch(&path).bearer(&anna).header("if-match", broken).json(&json!({"tags": ["x"]})).await;
        refused.refused(400, "invalid_request");
    }
    for stranger in ["\"x\"", "\"01\"", "\"\""] {
        let refused =
            world.patch(&path).bearer(&anna).header("if-match", stranger).json(&json!({"tags": ["x"]})).await;
        refused.refused(412, "precondition_failed");
    }
}

#[tokio::test]
async fn the_log_is_paged_from_both_ends() {
    let world = World::new().await;
    let visitor = world.visitor(&world.acme).await;
    let path = format!("/v1/conversations/{}/events", world.conversation(&visitor, 5).await);
    let seqs = async |query: &str| {
        let page = world.get(&format!("{path}?{query}")).bearer(&visitor).send().await.expect(200).json();
        assert_eq!((page["seq"].as_u64(), page["floor"].as_u64()), (Some(5), Some(0)));
        let data = page["data"].as_array().expect("a list").clone();
        data.iter().map(|event| event["seq"].as_u64().expect("a position")).collect::<Vec<_>>()
    };
    assert_eq!(seqs("limit=2").await, [4, 5]);
    assert_eq!(seqs("after=1&limit=2").await, [2, 3]);
    assert_eq!(seqs("before=4&limit=2").await, [2, 3]);
    assert!(seqs("after=5").await.is_empty());
    world
        .get(&format!("{path}?after=1&before=3"))
        .bearer(&visitor)
        .send()
        .await
        .refused(400, "invalid_request");
}

#[tokio::test]
async fn a_message_is_stored_once_and_a_note_is_not_the_visitors() {
    let world = World::new().await;
    let (visitor, anna) = (world.visitor(&world.acme).await, world.anna(&world.acme).await);
    let id = world.conversation(&visitor, 0).await;
    let path = format!("/v1/conversations/{id}/messages");
    let request = json!({"client_id": new_id(), "text": "Hello"});
    let posted = world.post(&path).bearer(&visitor).json(&request).await.expect(201).json();
    let again = world.post(&path).bearer(&visitor).json(&request).await.expect(200).json();
    assert_eq!(posted["message"]["message_id"], again["message"]["message_id"]);
    assert_eq!(again["message"]["duplicate"], true);
    let note = json!({"client_id": new_id(), "text": "a difficult one", "kind": "note"});
    world.post(&path).bearer(&anna).json(&note).await.expect(201);
    world.post(&path).bearer(&visitor).json(&note).await.refused(403, "forbidden");
    let log = world.get(&format!("/v1/conversations/{id}/events")).bearer(&visitor).send().await.expect(200);
    assert_eq!(log.json()["seq"], 1);
    assert!(!String::from_utf8_lossy(&log.body).contains("difficult"));
}

#[tokio::test]
async fn health_says_alive_and_readiness_says_ready_until_the_drain() {
    let world = World::new().await;
    assert_eq!(world.get("/healthz").send().await.expect(200).json(), json!({"status": "ok"}));
    assert_eq!(world.get("/readyz").send().await.expect(200).json(), json!({"status": "ready"}));
    assert_eq!(world.service.drain().await, 0);
    let refused = world.get("/readyz").send().await;
    refused.refused(503, "unavailable");
    assert!(refused.header("retry-after").is_some_and(|pause| ["1", "2", "3"].contains(&pause)));
    world.get("/healthz").send().await.expect(200);
}

#[tokio::test]
async fn head_is_get_without_the_body() {
    let world = World::new().await;
    let path = format!("/v1/site?site={}", world.acme.site_key());
    let (got, head) =
        (world.get(&path).send().await, world.ask(Method::HEAD, &path).send().await.expect(200));
    assert!(head.body.is_empty());
    assert_eq!(head.header("content-length"), Some(got.body.len().to_string().as_str()));
    let refused = world.ask(Method::HEAD, "/v1/visitor").send().await.expect(401);
    assert!(refused.body.is_empty());
}

#[tokio::test]
async fn options_say_what_can_be_asked_for() {
    let world = World::new().await;
    let options = world.ask(Method::OPTIONS, "/v1/conversations").send().await.expect(204);
    assert_eq!(options.header("allow"), Some("POST, GET, HEAD, OPTIONS"));
    world.ask(Method::OPTIONS, "/v1/nothing").origin(DESK).send().await.refused(404, "not_found");
}
