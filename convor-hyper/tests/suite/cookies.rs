//! What a browser sends by itself, and what a page must add to it.

use http::Method;
use serde_json::json;

use crate::fixture::{Answer, DESK, PASSWORD, SITE, World, new_id};
use crate::served::{dial, served};

/// Signs Anna in with a cookie; answers what the browser keeps and what the page does.
async fn signed_in(world: &World) -> (String, String) {
    world.give_password(&world.acme, &world.acme.anna).await;
    let answer = world.post("/v1/sessions").origin(DESK).json(&request(world)).await.expect(201);
    assert_eq!(answer.json().get("token"), None, "the page does not get to see it");
    let csrf = answer.json()["csrf_token"].as_str().expect("a csrf token").to_owned();
    let cookie = answer.header("set-cookie").expect("a cookie").to_owned();
    let (name, rest) = cookie.split_once('=').expect("a pair");
    let (secret, attributes) = rest.split_once("; ").expect("attributes");
    assert_eq!(name, "__Host-convor_session");
    assert!(attributes.ends_with("Path=/; Secure; HttpOnly; SameSite=Strict"), "{attributes}");
    (secret.to_owned(), csrf)
}

fn request(world: &World) -> serde_json::Value {
    json!({"tenant": world.acme.key(), "email": "anna@example.org", "password": PASSWORD, "as": "cookie"})
}

#[tokio::test]
async fn s31_a_cookie_changes_nothing_without_the_csrf_token_of_its_session() {
    let world = World::new().await;
    let (cookie, csrf) = signed_in(&world).await;
    let (_, of_another) = signed_in(&world).await;
    let vera = world.visitor(&world.acme).await;
    let path = format!("/v1/conversations/{}", world.conversation(&vera, 1).await);
    let patch = || world.patch(&path).cookie(&cookie).origin(DESK).header("if-match", "\"1\"");
    let closed = json!({"status": "closed"});
    patch().json(&closed).await.refused(403, "csrf_required");
    for wrong in [of_another.as_str(), "", &csrf[1..], &cookie] {
        patch().header("x-csrf-token", wrong).json(&closed).await.refused(403, "csrf_required");
    }
    let twice = patch().header("x-csrf-token", &csrf).header("x-csrf-token", &csrf);
    twice.json(&closed).await.refused(403, "csrf_required");
    patch().header("x-csrf-token", &csrf).json(&closed).await.expect(200);
}

#[tokio::test]
async fn s31_a_cookie_changes_nothing_without_our_own_origin() {
    let world = World::new().await;
    let (cookie, csrf) = signed_in(&world).await;
    let end =
        || world.ask(Method::DELETE, "/v1/sessions/current").cookie(&cookie).header("x-csrf-token", &csrf);
    end().send().await.refused(403, "origin_forbidden");
    end().origin(SITE).send().await.refused(403, "origin_forbidden");
    end().origin("null").send().await.refused(403, "origin_forbidden");
    let ended = end().origin(DESK).send().await.expect(204);
    let forgotten = ended.header("set-cookie").expect("a cookie");
    assert!(forgotten.starts_with("__Host-convor_session=; Max-Age=0; "), "{forgotten}");
    world.get("/v1/operators").cookie(&cookie).send().await.refused(401, "unauthenticated");
}

#[tokio::test]
async fn s31_a_cookie_alone_reads_for_our_own_pages() {
    let world = World::new().await;
    let (cookie, csrf) = signed_in(&world).await;
    // A browser sends no origin with a read from a page of the same origin.
    let current = world.get("/v1/sessions/current").cookie(&cookie).send().await.expect(200).json();
    assert_eq!(current["csrf_token"], csrf.as_str());
    world.get("/v1/sessions/current").cookie(&cookie).origin(DESK).send().await.expect(200);
    let from_a_site =
        world.get(&format!("/v1/operators?site={}", world.acme.site_key())).cookie(&cookie).origin(SITE);
    from_a_site.send().await.refused(403, "origin_forbidden");
    let both = world.get("/v1/operators").cookie(&cookie).bearer(&cookie).send().await;
    both.refused(400, "invalid_request");
}

#[tokio::test]
async fn s31_a_cookie_holds_a_session_and_nothing_else() {
    let world = World::new().await;
    let vera = world.visitor(&world.acme).await;
    world.get("/v1/visitor").cookie(&vera).send().await.refused(401, "unauthenticated");
    world.get("/v1/conversations").cookie("x").send().await.refused(401, "unauthenticated");
}

#[tokio::test]
async fn s31_nobody_is_signed_in_by_somebody_elses_page() {
    let world = World::new().await;
    signed_in(&world).await;
    let from = |origin: Option<&'static str>| {
        let asking = world.post("/v1/sessions");
        let asking = match origin {
            Some(origin) => asking.origin(origin),
            None => asking,
        };
        let request = request(&world);
        async move { asking.json(&request).await }
    };
    for origin in [None, Some(SITE), Some("null")] {
        let refused: Answer = from(origin).await;
        refused.refused(403, "origin_forbidden");
        assert_eq!(refused.header("set-cookie"), None);
    }
}

#[tokio::test]
async fn s22_a_cookie_opens_a_socket_from_our_own_origin_only() {
    let world = World::new().await;
    let address = served(&world).await;
    let (cookie, _) = signed_in(&world).await;
    assert_eq!(dial(address, "/v1/socket").cookie(&cookie).attempt().await.err(), Some(403));
    assert_eq!(dial(address, "/v1/socket").cookie(&cookie).origin(SITE).attempt().await.err(), Some(403));
    assert_eq!(dial(address, "/v1/socket").cookie("x").origin(DESK).attempt().await.err(), Some(401));
    let mut desk = dial(address, "/v1/socket").cookie(&cookie).origin(DESK).open().await;
    desk.send(json!({"type": "hello"})).await;
    assert_eq!(desk.until("welcome").await["principal"]["name"], "Anna");
    let mut both = dial(address, "/v1/socket").cookie(&cookie).origin(DESK).open().await;
    both.send(json!({"type": "hello", "token": cookie})).await;
    assert_eq!(both.end().await, 4100, "two credentials may be two people");
}

#[tokio::test]
async fn an_operator_who_looks_at_the_site_is_a_visitor_there() {
    let world = World::new().await;
    let address = served(&world).await;
    let (cookie, vera) = (signed_in(&world).await.0, world.visitor(&world.acme).await);
    let widget = format!("/v1/socket?site={}", world.acme.site_key());
    let mut client = dial(address, &widget).cookie(&cookie).origin(SITE).open().await;
    assert_eq!(client.hello(&vera).await["principal"]["kind"], "visitor");
    let mut client = dial(address, &widget).cookie(&cookie).origin(SITE).open().await;
    client.send(json!({"type": "hello"})).await;
    assert_eq!(client.end().await, 4100, "the cookie counts for nothing there");
    world
        .get(&format!("/v1/conversations/{}", new_id()))
        .cookie(&cookie)
        .send()
        .await
        .refused(404, "not_found");
}

#[tokio::test]
async fn a_host_may_name_the_cookie() {
    let world = World::new().await;
    let builder = convor_hyper::ChatService::builder(world.chat.clone());
    assert!(builder.cookie_name("a b").is_err());
    let origin = convor::domain::Origin::parse(DESK).expect("an origin");
    let builder = convor_hyper::ChatService::builder(world.chat.clone()).dashboard_origins([origin]);
    let service = builder.cookie_name("desk").expect("a name").build();
    let named = World { service, ..world };
    let anna = named.anna(&named.acme).await;
    named.get("/v1/operators").header("cookie", &format!("__Host-desk={anna}")).send().await.expect(200);
    named.get("/v1/operators").cookie(&anna).send().await.refused(401, "unauthenticated");
}
