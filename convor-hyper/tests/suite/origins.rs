//! Which pages may speak here.

use http::Method;
use serde_json::json;

use crate::fixture::{DESK, SITE, World, new_id};
use crate::served::{dial, served};

/// Origins that look like the site's or the dashboard's and are not.
const TRICKS: &[&str] = &[
    "null",
    "https://www.example.org.evil.example",
    "https://evil-www.example.org",
    "https://evil.example?https://www.example.org",
    "https://example.org",
    "http://www.example.org",
    "https://www.example.org:443",
    "https://www.example.org:8443",
    "https://www.example.org/",
    "https://WWW.example.org",
    "https://www.example.org https://evil.example",
    "https://www.example.org,https://evil.example",
    "",
    "https://desk.example.org.evil.example",
];

#[tokio::test]
async fn s22_origin_is_exact() {
    let world = World::new().await;
    let address = served(&world).await;
    let (vera, anna) = (world.visitor(&world.acme).await, world.anna(&world.acme).await);
    let key = world.acme.site_key();
    for trick in TRICKS {
        let refused = [
            world.get(&format!("/v1/site?site={key}")).origin(trick).send().await,
            world.get(&format!("/v1/visitor?site={key}")).origin(trick).bearer(&vera).send().await,
            world.get("/v1/visitor").origin(trick).bearer(&vera).send().await,
            world.get("/v1/operators").origin(trick).bearer(&anna).send().await,
            world.get("/v1/operators").origin(trick).cookie(&anna).send().await,
            world.post("/v1/visitors").origin(trick).json(&json!({"site": key})).await,
            world.post(&format!("/v1/visitors?site={key}")).origin(trick).json(&json!({"site": key})).await,
            world.post("/v1/sessions").origin(trick).json(&json!({})).await,
            preflight(&world, "/v1/visitor", Some(&key), trick).await,
            preflight(&world, "/v1/visitor", None, trick).await,
        ];
        for answer in refused {
            answer.refused(403, "origin_forbidden");
            assert_eq!(answer.header("access-control-allow-origin"), None, "{trick}");
        }
        for path in ["/v1/socket".to_owned(), format!("/v1/socket?site={key}")] {
            assert_eq!(dial(address, &path).origin(trick).attempt().await.err(), Some(403), "{trick}");
            assert_eq!(
                dial(address, &path).origin(trick).cookie(&anna).attempt().await.err(),
                Some(403),
                "{trick}"
            );
        }
    }
    let twice =
        world.get("/v1/visitor").origin(SITE).origin("https://evil.example").bearer(&vera).send().await;
    twice.refused(403, "origin_forbidden");
}

async fn preflight(world: &World, path: &str, site: Option<&str>, origin: &str) -> crate::fixture::Answer {
    let path = site.map_or_else(|| path.to_owned(), |site| format!("{path}?site={site}"));
    let asking = world.ask(Method::OPTIONS, &path).origin(origin);
    asking.header("access-control-request-method", "PATCH").send().await
}

#[tokio::test]
async fn a_page_of_the_site_may_ask_and_read() {
    let world = World::new().await;
    let (vera, key) = (world.visitor(&world.acme).await, world.acme.site_key());
    let asked = preflight(&world, "/v1/visitor", Some(&key), SITE).await.expect(204);
    assert_eq!(asked.header("access-control-allow-origin"), Some(SITE));
    assert_eq!(asked.header("access-control-allow-methods"), Some("GET, HEAD, PATCH, OPTIONS"));
    let sent = asked.header("access-control-allow-headers").expect("a list");
    assert_eq!(sent, "content-type, authorization, if-match, x-request-id");
    assert_eq!(asked.header("access-control-allow-credentials"), None);
    assert_eq!(asked.header("access-control-max-age"), Some("600"));
    for path in ["/v1/visitor".to_owned(), format!("/v1/visitor?site={key}")] {
        let answer = world.get(&path).origin(SITE).bearer(&vera).send().await.expect(200);
        assert_eq!(answer.header("access-control-allow-origin"), Some(SITE));
        let exposed = answer.header("access-control-expose-headers").expect("a list");
        for name in ["etag", "x-request-id", "retry-after", "ratelimit-remaining"] {
            assert!(exposed.contains(name), "{exposed}");
        }
    }
    // What goes wrong can be read as well, so that the page can say why.
    let refused = world.get(&format!("/v1/visitor?site={key}&nope=1")).origin(SITE).send().await;
    refused.refused(400, "invalid_request");
    assert_eq!(refused.header("access-control-allow-origin"), Some(SITE));
}

#[tokio::test]
async fn s22_a_token_is_good_on_pages_of_its_own_site_only() {
    let world = World::new().await;
    let address = served(&world).await;
    let (vera, anna) = (world.visitor(&world.acme).await, world.anna(&world.acme).await);
    let (own, other) = (world.acme.site_key(), world.other.site_key());
    // Both sites allow the same origin; the token still belongs to one.
    let elsewhere = format!("/v1/visitor?site={other}");
    world.get(&elsewhere).origin(SITE).bearer(&vera).send().await.refused(403, "origin_forbidden");
    world.get(&elsewhere).bearer(&vera).send().await.refused(403, "origin_forbidden");
    let swapped =
        world.post(&format!("/v1/visitors?site={other}")).origin(SITE).json(&json!({"site": own})).await;
    swapped.refused(403, "origin_forbidden");
    let on_site = format!("/v1/operators?site={own}");
    world.get(&on_site).origin(SITE).bearer(&anna).send().await.refused(403, "origin_forbidden");
    world.get("/v1/visitor").origin(DESK).bearer(&vera).send().await.refused(403, "origin_forbidden");
    for (path, origin, token) in [
        (format!("/v1/socket?site={other}"), Some(SITE), &vera),
        (format!("/v1/socket?site={other}"), None, &vera),
        (format!("/v1/socket?site={own}"), Some(SITE), &anna),
        ("/v1/socket".to_owned(), Some(DESK), &vera),
    ] {
        let dialing = dial(address, &path);
        let mut client = match origin {
            Some(origin) => dialing.origin(origin).open().await,
            None => dialing.open().await,
        };
        client.send(json!({"type": "hello", "token": token})).await;
        assert_eq!(client.end().await, 4101, "{path}");
    }
    let mut welcome = dial(address, &format!("/v1/socket?site={own}")).origin(SITE).open().await;
    welcome.hello(&vera).await;
    let mut welcome = dial(address, "/v1/socket").origin(DESK).open().await;
    welcome.hello(&anna).await;
}

#[tokio::test]
async fn s22_a_site_that_is_not_there_allows_nobody() {
    let world = World::new().await;
    let nowhere = format!("cvk_{0}_{0}", world.acme.id.uuid().as_simple());
    for key in [nowhere.as_str(), "x", ""] {
        let refused = world.get(&format!("/v1/site?site={key}")).origin(SITE).send().await;
        refused.refused(403, "origin_forbidden");
    }
    let refused = world.post("/v1/visitors").origin(SITE).json(&json!({"site": nowhere})).await;
    refused.refused(403, "origin_forbidden");
}

#[tokio::test]
async fn a_page_of_the_dashboard_may_ask_and_read() {
    let world = World::new().await;
    let anna = world.anna(&world.acme).await;
    let asked = preflight(&world, "/v1/conversations/x", None, DESK).await.expect(204);
    assert_eq!(asked.header("access-control-allow-credentials"), Some("true"));
    assert!(asked.header("access-control-allow-headers").expect("a list").contains("x-csrf-token"));
    let answer = world.get("/v1/operators").origin(DESK).bearer(&anna).send().await.expect(200);
    assert_eq!(answer.header("access-control-allow-origin"), Some(DESK));
    let opened =
        world.get(&format!("/v1/conversations/{}", new_id())).origin(DESK).bearer(&anna).send().await;
    opened.refused(404, "not_found");
    assert_eq!(opened.header("access-control-allow-origin"), Some(DESK));
}
