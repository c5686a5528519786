//! Nothing waits for ever, whichever call of the storage hangs; and whether a node is ready is known in time.

use convor::domain::Principal;
use convor::ids::ConversationId;
use convor_tests::fixture::{PASSWORD, Tenant, message, new_id};
use convor_tests::hooked::Side::Before;
use convor_tests::hooked::{Calls, every};
use convor_tests::host::{Ask, Host, generous};
use http::Method;
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::socket::anna_signs_in;
use crate::world::{MINUTE, Node, SECOND, alone, alone_with, asked, open, pass};

/// What can be asked for, and the last call of the storage that it needs.
fn questions(tenant: &Tenant, id: ConversationId, visitor: &str, anna: &str) -> Vec<(Calls, Ask)> {
    let (visitor, anna) = (|ask: Ask| ask.by(Some(visitor)), |ask: Ask| ask.by(Some(anna)));
    let conversation = format!("/v1/conversations/{id}");
    let key = convor::credentials::TenantKey::new(tenant.id).to_string();
    let patch = |path: &str, body: &Value| Ask::new(Method::PATCH, path).json(body);
    let sign_in = json!({"tenant": key, "email": "anna@example.org", "password": PASSWORD});
    let said = json!({"client_id": new_id::<convor::ids::ClientId>(), "text": "another thing"});
    let change = patch(&conversation, &json!({"status": "closed"})).header("if-match", "\"1\"");
    vec![
        (every("visitors.find_by_token"), visitor(Ask::get("/v1/visitor"))),
        (every("visitors.find"), visitor(Ask::get("/v1/visitor"))),
        (every("visitors.update"), visitor(patch("/v1/visitor", &json!({"name": "Vera"})))),
        (every("conversations.page"), visitor(Ask::get("/v1/conversations"))),
        (every("conversations.view"), visitor(Ask::get(&conversation))),
        (every("events.page"), visitor(Ask::get(format!("{conversation}/events")))),
        (every("events.append"), visitor(Ask::post(format!("{conversation}/messages"), &said))),
        (
            every("conversations.open"),
            visitor(Ask::post("/v1/conversations", &json!({"client_id": new_id::<convor::ids::ClientId>()}))),
        ),
        (every("operators.page"), anna(Ask::get("/v1/operators"))),
        (every("conversations.update"), anna(change)),
        (every("search.find"), anna(Ask::post("/v1/search", &json!({"text": "one"})))),
        (every("accounts.find_session").but(1), anna(Ask::get("/v1/sessions/current"))),
        (every("accounts.end_session"), anna(Ask::new(Method::DELETE, "/v1/sessions/current"))),
        (every("accounts.find_login"), Ask::post("/v1/sessions", &sign_in)),
        (every("accounts.insert_session"), Ask::post("/v1/sessions", &sign_in)),
        (every("sites.find"), Ask::get(format!("/v1/site?site={}", tenant.site_key()))),
        (
            every("visitors.register"),
            Ask::post("/v1/visitors", &json!({"site": tenant.site_key().to_string()})),
        ),
    ]
}

async fn visitor_with_token(node: &Node, tenant: &Tenant) -> (Principal, String) {
    let (visitor, token) = node.chat.register_visitor(&tenant.site_key(), None).await.expect("a visitor");
    (Principal::visitor(tenant.id, tenant.site.id, visitor.id), token.reveal().to_owned())
}

#[tokio::test(start_paused = true)]
async fn whichever_call_hangs_a_request_is_answered_in_time() {
    let (node, tenant) = alone_with(|builder| builder.limits(generous())).await;
    let host = Host::new(node.chat.clone());
    let (visitor, token) = visitor_with_token(&node, &tenant).await;
    let id = open(&tenant, &visitor).await;
    let anna = anna_signs_in(&tenant).await;
    for (calls, ask) in questions(&tenant, id, &token, anna.reveal()) {
        let held = node.storage.hold(calls, Before);
        let asking = timeout(MINUTE, host.ask(ask.clone()));
        let (answer, ()) = tokio::join!(asking, held.reached());
        let answer = answer.unwrap_or_else(|_| panic!("{ask:?} is not answered"));
        assert_eq!(answer.status, 503, "{ask:?}");
        node.storage.recover();
    }
}

#[tokio::test(start_paused = true)]
async fn who_waits_behind_a_message_that_hangs_is_answered_in_time() {
    let (node, tenant) = alone().await;
    let (visitor, id) = asked(&tenant).await;
    let _held = node.storage.hold(every("events.append"), Before);
    let posts = (0..8).map(|_| {
        let (chat, visitor) = (node.chat.clone(), visitor);
        tokio::spawn(
            async move { chat.post(&visitor, id, message("one")).await.map_err(|error| error.code()) },
        )
    });
    let posts: Vec<_> = posts.collect();
    let patience = 2 * node.chat.limits().storage_timeout + SECOND;
    pass(patience).await;
    for post in posts {
        assert!(post.is_finished(), "it still waits");
        assert_eq!(post.await.expect("no panic").expect_err("nothing is stored"), "unavailable");
    }
}

#[tokio::test(start_paused = true)]
async fn a_node_whose_storage_does_not_answer_is_not_ready() {
    let (node, _tenant) = alone().await;
    let host = Host::new(node.chat.clone());
    // Nor does it answer what the node does by itself.
    let _silent = ["storage.ping", "registry.due"].map(|call| node.storage.hold(every(call), Before));
    pass(2 * SECOND).await;
    let answer = timeout(2 * SECOND, host.ask(Ask::get("/readyz"))).await;
    assert_eq!(answer.expect("in time").status, 503);
    node.storage.recover();
    assert_eq!(host.ask(Ask::get("/readyz")).await.status, 200);
}

#[tokio::test(start_paused = true)]
async fn a_node_whose_storage_is_only_busy_stays_ready() {
    let (node, _tenant) = alone().await;
    let host = Host::new(node.chat.clone());
    let _busy = node.storage.hold(every("storage.ping"), Before);
    // What the node does by itself each second is answered.
    pass(SECOND / 2).await;
    let answer = timeout(2 * SECOND, host.ask(Ask::get("/readyz"))).await;
    assert_eq!(answer.expect("in time").status, 200);
}

#[tokio::test(start_paused = true)]
async fn who_asks_whether_a_node_is_ready_shares_the_look() {
    let (node, _tenant) = alone().await;
    let host = Host::new(node.chat.clone());
    node.storage.delay(every("storage.ping"), Before, SECOND / 10);
    let before = node.storage.count("storage.ping");
    let asking = (0..1_000).map(|_| {
        let host = host.clone();
        tokio::spawn(async move { host.ask(Ask::get("/readyz")).await.status })
    });
    for asked in asking.collect::<Vec<_>>() {
        assert_eq!(asked.await.expect("no panic"), 200);
    }
    assert_eq!(node.storage.count("storage.ping") - before, 2, "one for the first, one for the rest");
}

#[tokio::test(start_paused = true)]
async fn nothing_is_read_to_tell_that_the_node_lives() {
    let (node, tenant) = alone().await;
    let host = Host::new(node.chat.clone());
    let before = node.storage.count("sites.find");
    let ask = Ask::get(format!("/healthz?site={}", tenant.site_key()));
    assert_eq!(host.ask(ask.header("origin", "https://shop.example.org")).await.status, 200);
    assert_eq!(node.storage.count("sites.find"), before);
}
