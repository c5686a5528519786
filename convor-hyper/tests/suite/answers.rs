//! What every answer has, and what a client is told of its limits.

use std::sync::Arc;

use async_trait::async_trait;
use convor::ports::{Authenticated, Authenticator};
use convor::{Chat, Error, Rate};
use convor_hyper::{Access, routes};
use convor_memory::MemoryStorage;
use http::Method;
use serde_json::json;

use crate::fixture::{PASSWORD, World, new_id, roomy};

#[tokio::test]
async fn s32_every_answer_runs_nothing_and_is_kept_nowhere() {
    let world = World::new().await;
    let anna = world.anna(&world.acme).await;
    let known = routes().map(|route| (route.method().clone(), route.path().replace("{id}", &new_id())));
    let others = [(Method::GET, "/nothing".to_owned()), (Method::PUT, "/v1/site".to_owned())];
    let options = routes().map(|route| (Method::OPTIONS, route.path().to_owned()));
    for (method, path) in known.chain(others).chain(options) {
        let answer = world.ask(method, &path).bearer(&anna).send().await;
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "no-referrer"),
            ("cache-control", "no-store"),
            ("content-security-policy", "default-src 'none'; frame-ancestors 'none'"),
            ("vary", "origin"),
        ] {
            assert_eq!(answer.header(name), Some(value), "{path}");
        }
        assert!(answer.header("x-request-id").is_some_and(|id| id.len() == 32), "{path}");
    }
}

#[tokio::test]
async fn a_request_keeps_its_id_if_it_has_a_good_one() {
    let world = World::new().await;
    let id = async |id: &str| {
        let answer = world.get("/healthz").header("x-request-id", id).send().await;
        answer.header("x-request-id").expect("an id").to_owned()
    };
    assert_eq!(id("a-b_c.7").await, "a-b_c.7");
    for broken in ["a b", "a\tb", "", &"x".repeat(65)] {
        assert_eq!(id(broken).await.len(), 32, "{broken}");
    }
    assert_ne!(id("").await, id("").await);
}

#[tokio::test]
async fn s26_a_principal_has_so_many_requests_and_is_told() {
    let mut limits = roomy();
    limits.requests = Rate::per_minute(1, 3);
    let world = World::with(limits).await;
    let (vera, other) = (world.visitor(&world.acme).await, world.visitor(&world.acme).await);
    for remaining in ["2", "1", "0"] {
        let answer = world.get("/v1/visitor").bearer(&vera).send().await.expect(200);
        assert_eq!(answer.header("ratelimit-limit"), Some("3"));
        assert_eq!(answer.header("ratelimit-remaining"), Some(remaining));
    }
    let refused = world.get("/v1/visitor").bearer(&vera).send().await;
    refused.refused(429, "rate_limited");
    assert_eq!(refused.header("ratelimit-remaining"), Some("0"));
    assert_eq!(refused.header("retry-after"), Some("60"));
    assert_eq!(refused.header("ratelimit-reset"), Some("60"));
    world.get("/v1/visitor").bearer(&other).send().await.expect(200);
    let public = world.get(&format!("/v1/site?site={}", world.acme.site_key())).send().await.expect(200);
    assert_eq!(public.header("ratelimit-limit"), None, "there is no principal");
}

#[tokio::test]
async fn s30_only_the_hosts_word_for_an_address_counts() {
    let mut limits = roomy();
    limits.registrations = Rate::per_minute(1, 1);
    let world = World::with(limits).await;
    let register = async |address: &str, claimed: &str| {
        let asking = world.post("/v1/visitors").from(address).header("x-forwarded-for", claimed);
        let asking = asking.header("forwarded", &format!("for={claimed}")).header("x-real-ip", claimed);
        asking.json(&json!({"site": world.acme.site_key()})).await.status.as_u16()
    };
    assert_eq!(register("192.0.2.1", "198.51.100.1").await, 201);
    assert_eq!(register("192.0.2.1", "198.51.100.2").await, 429, "another claim is no other address");
    assert_eq!(register("192.0.2.2", "198.51.100.1").await, 201, "the same claim is no same address");
}

#[tokio::test]
async fn s11_signing_in_is_slowed_down_for_an_account_and_for_an_address() {
    let mut limits = roomy();
    limits.sign_ins = Rate::per_minute(1, 1);
    limits.sign_ins_per_account = Rate::per_minute(1, 2);
    limits.sign_ins_per_address = Rate::per_minute(1, 3);
    let world = World::with(limits).await;
    let attempt = async |email: &str, address: &str| {
        let request = json!({"tenant": world.acme.key(), "email": email, "password": PASSWORD});
        world.post("/v1/sessions").from(address).json(&request).await
    };
    attempt("anna@example.org", "192.0.2.1").await.refused(401, "unauthenticated");
    let again = attempt("anna@example.org", "192.0.2.1").await;
    again.refused(429, "rate_limited");
    assert!(again.header("retry-after").is_some());
    attempt("anna@example.org", "192.0.2.2").await.refused(401, "unauthenticated");
    attempt("anna@example.org", "192.0.2.3").await.refused(429, "rate_limited");
    attempt("b@example.org", "192.0.2.1").await.refused(401, "unauthenticated");
    attempt("c@example.org", "192.0.2.1").await.refused(429, "rate_limited");
}

#[tokio::test]
async fn s29_a_panic_is_one_requests_own() {
    /// Panics at one credential and fails at another.
    #[derive(Debug)]
    struct Broken;

    #[async_trait]
    impl Authenticator for Broken {
        async fn authenticate(&self, credential: &str) -> Result<Option<Authenticated>, Error> {
            match credential {
                "boom" => panic!("boom"),
                "later" => Err(Error::Unavailable),
                _ => Ok(None),
            }
        }
    }

    let chat = Chat::builder(Arc::new(MemoryStorage::new())).authenticator(Arc::new(Broken)).start();
    let world = World::of(chat).await;
    let (panicking, fine) = tokio::join!(
        world.get("/v1/visitor").bearer("boom").send(),
        world.get(&format!("/v1/site?site={}", world.acme.site_key())).send(),
    );
    panicking.refused(500, "internal");
    assert!(!String::from_utf8_lossy(&panicking.body).contains("boom"));
    assert!(panicking.header("x-request-id").is_some());
    fine.expect(200);
    let later = world.get("/v1/visitor").bearer("later").send().await;
    later.refused(503, "unavailable");
    assert!(later.header("retry-after").is_some_and(|pause| ["1", "2", "3"].contains(&pause)));
    world.get("/v1/visitor").bearer("x").send().await.refused(401, "unauthenticated");

    let address = crate::served::served(&world).await;
    let mut client = crate::served::dial(address, "/v1/socket").open().await;
    let mut other = crate::served::dial(address, "/v1/socket").open().await;
    client.send(json!({"type": "hello", "token": "boom"})).await;
    assert_eq!(client.end().await, 4004, "it may come back");
    other.send(json!({"type": "hello", "token": "x"})).await;
    assert_eq!(other.end().await, 4100, "and the others are still served");
    assert_eq!(world.service.drain().await, 0, "nothing of it is left");
}

#[tokio::test]
async fn s01_no_route_but_the_public_ones_answers_without_a_credential() {
    let world = World::new().await;
    for route in routes() {
        let path = route.path().replace("{id}", &new_id());
        let status = world.ask(route.method().clone(), &path).send().await.status.as_u16();
        let expected = match route.access() {
            Access::Public => continue,
            // Its credential comes later, or with the cookie.
            Access::Hello => 400,
            _ => 401,
        };
        assert_eq!(status, expected, "{route:?}");
    }
}
