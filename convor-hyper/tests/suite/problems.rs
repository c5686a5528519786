//! How a request is refused.

use http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::fixture::{Answer, World, new_id};

#[tokio::test]
async fn s05_what_is_absent_foreign_malformed_or_unknown_reads_the_same() {
    let world = World::new().await;
    let (vera, other) = (world.visitor(&world.acme).await, world.visitor(&world.acme).await);
    let (anna, ben_elsewhere) = (world.anna(&world.acme).await, world.ben(&world.other).await);
    let theirs = world.conversation(&vera, 1).await;
    let unknown = world.get("/v1/nothing").send().await;
    unknown.refused(404, "not_found");
    let expected = json!({"type": "about:blank", "status": 404, "code": "not_found", "title": "There is no such thing here."});
    assert_eq!(unknown.json(), expected);
    let absent = new_id();
    let ids = [theirs.as_str(), &absent, "x", "%00", &theirs.to_uppercase(), &theirs.replace('-', "")];
    let patch = json!({"status": "closed"});
    let message = json!({"client_id": new_id(), "text": "Hello"});
    for (token, ids) in
        [(&other, &ids[..]), (&ben_elsewhere, &ids[..]), (&anna, &ids[1..]), (&vera, &ids[1..])]
    {
        for id in ids {
            let path = format!("/v1/conversations/{id}");
            let mut answers = vec![
                world.get(&path).bearer(token).send().await,
                world.get(&format!("{path}/events")).bearer(token).send().await,
                world.post(&format!("{path}/messages")).bearer(token).json(&message).await,
            ];
            if token == &anna || token == &ben_elsewhere {
                answers.push(world.patch(&path).bearer(token).header("if-match", "\"1\"").json(&patch).await);
            }
            for answer in answers {
                assert_eq!((answer.status, &answer.body), (unknown.status, &unknown.body), "{id}");
                assert_eq!(names(&answer), names(&unknown), "{id}");
            }
        }
    }
    for site in [
        "x",
        &world.acme.site_key().to_uppercase(),
        &format!("cvk_{0}_{0}", world.acme.id.uuid().as_simple()),
    ] {
        assert_eq!(world.get(&format!("/v1/site?site={site}")).send().await.body, unknown.body, "{site}");
        assert_eq!(
            world.post("/v1/visitors").json(&json!({"site": site})).await.body,
            unknown.body,
            "{site}"
        );
    }
}

/// The headers that do not depend on who asks.
fn names(answer: &Answer) -> Vec<String> {
    let names = answer.headers.keys().map(ToString::to_string);
    names.filter(|name| !name.starts_with("ratelimit")).collect()
}

#[tokio::test]
async fn s23_no_address_takes_a_credential_or_any_other_unknown_key() {
    let world = World::new().await;
    let vera = world.visitor(&world.acme).await;
    for path in ["/v1/visitor", "/v1/conversations", "/v1/socket", "/healthz"] {
        for key in ["token", "access_token", "authorization", "TOKEN", "tenant_id", "site_id"] {
            world.get(&format!("{path}?{key}={vera}")).send().await.refused(400, "invalid_request");
            let refused = world.get(&format!("{path}?{key}={vera}")).bearer(&vera).send().await;
            refused.refused(400, "invalid_request");
            assert!(!String::from_utf8_lossy(&refused.body).contains("cvv_"));
        }
    }
    world.get("/v1/conversations?limit=1&limit=2").bearer(&vera).send().await.refused(400, "invalid_request");
    world.get("/v1/conversations?tag=%ff").bearer(&vera).send().await.refused(400, "invalid_request");
}

#[tokio::test]
async fn s04_a_body_names_no_tenant_no_author_and_no_id() {
    let world = World::new().await;
    let (vera, anna) = (world.visitor(&world.acme).await, world.anna(&world.acme).await);
    let id = world.conversation(&vera, 0).await;
    let bodies = [
        (Method::POST, "/v1/visitors".to_owned(), &vera, json!({"site": world.acme.site_key()})),
        (Method::PATCH, "/v1/visitor".to_owned(), &vera, json!({"name": "Vera"})),
        (Method::POST, "/v1/conversations".to_owned(), &vera, json!({"client_id": new_id()})),
        (
            Method::POST,
            format!("/v1/conversations/{id}/messages"),
            &vera,
            json!({"client_id": new_id(), "text": "Hello"}),
        ),
        (Method::PATCH, format!("/v1/conversations/{id}"), &anna, json!({"status": "closed"})),
        (
            Method::POST,
            "/v1/sessions".to_owned(),
            &vera,
            json!({"tenant": world.acme.key(), "email": "anna@example.org", "password": "x"}),
        ),
    ];
    for (method, path, token, body) in bodies {
        for key in
            ["tenant_id", "tenant_key", "visitor", "author", "sender_id", "id", "role", "seq", "created_at"]
        {
            let mut assigned: Value = body.clone();
            assigned[key] = json!(world.other.id);
            let answer = world
                .ask(method.clone(), &path)
                .bearer(token)
                .header("if-match", "\"1\"")
                .json(&assigned)
                .await;
            answer.refused(400, "invalid_request");
            assert!(!answer.json()["detail"].as_str().expect("a detail").contains(key), "{answer:?}");
        }
    }
    let log = world.get(&format!("/v1/conversations/{id}/events")).bearer(&vera).send().await.json();
    assert_eq!(log["seq"], 0, "nothing of it was stored");
}

#[tokio::test]
async fn every_value_has_its_bounds() {
    let world = World::new().await;
    let (vera, anna) = (world.visitor(&world.acme).await, world.anna(&world.acme).await);
    let id = world.conversation(&vera, 0).await;
    let (messages, this) = (format!("/v1/conversations/{id}/messages"), format!("/v1/conversations/{id}"));
    let client_id = new_id();
    let long = "x".repeat(8_001);
    for text in [json!(""), json!(" \n"), json!(long), json!("a\0b"), json!(7), Value::Null] {
        let said = json!({"client_id": client_id, "text": text});
        world.post(&messages).bearer(&vera).json(&said).await.refused(400, "invalid_request");
    }
    let lone = format!(r#"{{"client_id": "{client_id}", "text": "\ud800"}}"#);
    world.post(&messages).bearer(&vera).text(&lone).await.refused(400, "invalid_request");
    for broken in [
        "",
        "{",
        "[]",
        "null",
        "7",
        "{\"text\":\"x\"}",
        "{\"text\":\"x\",\"text\":\"y\"}",
        &"[".repeat(10_000),
    ] {
        world.post(&messages).bearer(&vera).text(broken).await.refused(400, "invalid_request");
    }
    for name in [json!("a\r\nb"), json!("x".repeat(101)), json!("")] {
        world
            .patch("/v1/visitor")
            .bearer(&vera)
            .json(&json!({"name": name}))
            .await
            .refused(400, "invalid_request");
    }
    for change in [
        json!({}),
        json!({"status": "snoozed"}),
        json!({"status": "open", "snoozed_until": "2999-01-01T00:00:00.000Z"}),
        json!({"status": "snoozed", "snoozed_until": "2001-01-01T00:00:00.000Z"}),
        json!({"status": "gone"}),
        json!({"assignee": new_id()}),
        json!({"assignee": "x"}),
        json!({"assignee": world.other.anna.id}),
        json!({"tags": vec!["x"; 21]}),
        json!({"tags": ["x".repeat(51)]}),
    ] {
        let refused = world.patch(&this).bearer(&anna).header("if-match", "\"1\"").json(&change).await;
        refused.refused(400, "invalid_request");
        let detail = refused.json()["detail"].as_str().expect("a detail").to_owned();
        assert!(!detail.contains("xxx"), "{detail}");
    }
    for (path, code) in [
        ("/v1/conversations?limit=0", "invalid_request"),
        ("/v1/conversations?limit=201", "invalid_request"),
        ("/v1/conversations?limit=ten", "invalid_request"),
        ("/v1/conversations?cursor=x", "invalid_cursor"),
        ("/v1/operators?cursor=x", "invalid_cursor"),
        ("/v1/conversations?status=gone", "invalid_request"),
        ("/v1/conversations?assignee=x", "invalid_request"),
        ("/v1/conversations?tag=%00", "invalid_request"),
        ("/v1/site", "invalid_request"),
    ] {
        world.get(path).bearer(&anna).send().await.refused(400, code);
    }
    world.get(&format!("{this}/events?after=-1")).bearer(&anna).send().await.refused(400, "invalid_request");
}

#[tokio::test]
async fn the_same_client_id_with_another_body_is_a_conflict() {
    let world = World::new().await;
    let vera = world.visitor(&world.acme).await;
    let id = world.conversation(&vera, 0).await;
    let client_id = new_id();
    let path = format!("/v1/conversations/{id}/messages");
    let say = |text: &str| json!({"client_id": client_id, "text": text});
    world.post(&path).bearer(&vera).json(&say("once")).await.expect(201);
    world.post(&path).bearer(&vera).json(&say("twice")).await.refused(409, "conflict");
    let open = |subject: &str| json!({"client_id": client_id, "subject": subject});
    world.post("/v1/conversations").bearer(&vera).json(&open("once")).await.expect(201);
    world.post("/v1/conversations").bearer(&vera).json(&open("twice")).await.refused(409, "conflict");
}

#[tokio::test]
async fn a_role_gets_what_is_its_own() {
    let world = World::new().await;
    let (vera, anna) = (world.visitor(&world.acme).await, world.anna(&world.acme).await);
    world.get("/v1/operators").bearer(&vera).send().await.refused(403, "forbidden");
    world.get("/v1/sessions/current").bearer(&vera).send().await.refused(403, "forbidden");
    world.get("/v1/conversations?status=open").bearer(&vera).send().await.refused(403, "forbidden");
    world
        .patch(&format!("/v1/conversations/{}", new_id()))
        .bearer(&vera)
        .send()
        .await
        .refused(403, "forbidden");
    world.get("/v1/visitor").bearer(&anna).send().await.refused(403, "forbidden");
    let opening = json!({"client_id": new_id()});
    world.post("/v1/conversations").bearer(&anna).json(&opening).await.refused(403, "forbidden");
}

#[tokio::test]
async fn every_credential_that_is_not_valid_reads_the_same() {
    let world = World::new().await;
    let vera = world.visitor(&world.acme).await;
    let nobody = world.get("/v1/visitor").send().await;
    nobody.refused(401, "unauthenticated");
    assert_eq!(nobody.header("www-authenticate"), Some("Bearer"));
    let elsewhere = vera.replace(
        &world.acme.id.uuid().as_simple().to_string(),
        &world.other.id.uuid().as_simple().to_string(),
    );
    let as_session = vera.replace("cvv_", "cvs_");
    for token in ["", "x", &vera[..vera.len() - 1], &format!("{vera}0"), &elsewhere, &as_session, "cvv_1_2"] {
        let answer = world.get("/v1/visitor").bearer(token).send().await;
        assert_eq!((answer.status, &answer.body), (nobody.status, &nobody.body), "{token}");
    }
    let basic = world.get("/v1/visitor").header("authorization", "Basic dmVyYTp4").send().await;
    assert_eq!((basic.status, &basic.body), (nobody.status, &nobody.body));
}

#[tokio::test]
async fn s10_an_unknown_account_reads_like_a_wrong_password() {
    let world = World::new().await;
    world.anna(&world.acme).await;
    let attempt = |tenant: String, email: &str| {
        let request = json!({"tenant": tenant, "email": email, "password": "a wrong one"});
        let asking = world.post("/v1/sessions");
        async move { asking.json(&request).await }
    };
    let wrong = attempt(world.acme.key(), "anna@example.org").await;
    wrong.refused(401, "unauthenticated");
    let unknown = attempt(world.acme.key(), "nobody@example.org").await;
    let nowhere = attempt(format!("cvt_{}", "0".repeat(32)), "anna@example.org").await;
    let without_password = attempt(world.acme.key(), "ben@example.org").await;
    for answer in [unknown, nowhere, without_password] {
        assert_eq!((answer.status, &answer.body), (wrong.status, &wrong.body));
    }
}

#[tokio::test]
async fn s29_another_method_is_told_which_ones_there_are() {
    let world = World::new().await;
    for (method, path, allow) in [
        (Method::POST, "/v1/site", "GET, HEAD, OPTIONS"),
        (Method::DELETE, "/v1/visitor", "GET, HEAD, PATCH, OPTIONS"),
        (Method::PUT, "/v1/conversations/x", "GET, HEAD, PATCH, OPTIONS"),
        (Method::GET, "/v1/visitors", "POST, OPTIONS"),
        (Method::TRACE, "/healthz", "GET, HEAD, OPTIONS"),
        (Method::CONNECT, "/v1/socket", "GET, HEAD, OPTIONS"),
        (Method::from_bytes(b"BREW").expect("a method"), "/readyz", "GET, HEAD, OPTIONS"),
    ] {
        let refused = world.ask(method, path).send().await;
        refused.refused(405, "method_not_allowed");
        assert_eq!(refused.header("allow"), Some(allow), "{path}");
    }
    for path in ["/", "//v1/site", "/v1/site/", "/V1/site", "/v1/%73ite", "/v1", "/v1/conversations/"] {
        world.get(path).send().await.refused(404, "not_found");
    }
}

#[tokio::test]
async fn a_socket_is_granted_only_to_who_asks_for_one() {
    let world = World::new().await;
    world.get("/v1/socket").send().await.refused(400, "invalid_request");
    let asked = || {
        let asking = world
            .get("/v1/socket")
            .header("connection", "keep-alive, Upgrade")
            .header("upgrade", "WebSocket");
        asking.header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==")
    };
    let detail = |answer: &Answer| {
        assert_eq!(answer.status, StatusCode::BAD_REQUEST);
        answer.json()["detail"].as_str().expect("a detail").split(':').next().expect("a key").to_owned()
    };
    assert_eq!(detail(&asked().send().await), "sec-websocket-version");
    let old = asked().header("sec-websocket-version", "8");
    assert_eq!(detail(&old.send().await), "sec-websocket-version");
    let without = asked().header("sec-websocket-version", "13");
    assert_eq!(detail(&without.send().await), "sec-websocket-protocol");
    let other =
        asked().header("sec-websocket-version", "13").header("sec-websocket-protocol", "chat, convor.v2");
    assert_eq!(detail(&other.send().await), "sec-websocket-protocol");
    // All is well but that there is no connection below: this is no server.
    let fine =
        asked().header("sec-websocket-version", "13").header("sec-websocket-protocol", "chat, convor.v1");
    assert_eq!(detail(&fine.send().await), "upgrade");
}
