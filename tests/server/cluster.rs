//! Servers on one database are one cluster.

use convor::ids::ClientId;
use convor_tests::database::Database;
use convor_tests::fixture::new_id;
use convor_tests::host::Ask;
use convor_tests::line::Line;
use convor_tests::server::Server;
use serde_json::json;
use tokio::net::TcpStream;

use super::kept::{said, sign_in, visit};

/// The passwords stand in the folder where the demonstration was first started; elsewhere they are neither known nor reset.
#[tokio::test]
async fn a_demonstration_elsewhere_leaves_the_passwords_as_they_are() {
    let database = Database::fresh().await;
    let arguments = ["--demo", "--storage", &database.app_url()];
    let here = Server::start(&arguments).await;
    let tenant = here.tenant().clone();
    let operator = sign_in(&here, &tenant).await;
    let there = Server::start(&arguments).await;
    assert_eq!(there.tenant().tenant_key, tenant.tenant_key);
    let known = here.announced.tenants.iter().flat_map(|tenant| &tenant.operators);
    for (known, unknown) in known.zip(there.announced.tenants.iter().flat_map(|tenant| &tenant.operators)) {
        assert_eq!((&unknown.email, &unknown.role), (&known.email, &known.role));
        assert_eq!(unknown.password, None, "it was set elsewhere");
    }
    let session = Ask::get("/v1/sessions/current").by(Some(&operator));
    assert_eq!(there.ask(session).await.status, 200, "the session goes on");
    sign_in(&there, &tenant).await;
    assert_eq!(there.tenant().operators.len(), 2);
    there.terminate();
    let ended = there.ended().await;
    assert!(ended.log.contains("where the demonstration was first started"), "{}", ended.log);
    assert!(ended.log.contains("If that file is lost, start with another database."), "{}", ended.log);
}

#[tokio::test]
async fn what_is_said_at_one_server_is_heard_at_the_other() {
    let database = Database::fresh().await;
    let url = database.app_url();
    let here = Server::start(&["--demo", "--storage", &url]).await;
    let there = Server::start(&["--storage", &url]).await;
    let tenant = here.tenant().clone();
    let (visitor, conversation) = visit(&here, &tenant, "Hello").await;
    let operator = sign_in(&there, &tenant).await;
    assert_eq!(said(&there, &operator, &conversation).await, ["Hello"]);

    let stream = TcpStream::connect(there.announced.listen).await.expect("it listens");
    let mut line = Line::over(stream, "/chat/v1/socket").await;
    line.say(json!({"type": "hello", "token": operator})).await;
    line.until("welcome").await;
    line.say(json!({"type": "subscribe", "ref": "s", "conversation": conversation, "after": 1})).await;
    line.until("subscribed").await;
    let id: ClientId = new_id();
    let path = format!("/v1/conversations/{conversation}/messages");
    let message = json!({"client_id": id, "text": "Over here"});
    assert_eq!(here.ask(Ask::post(path, &message).by(Some(&visitor))).await.status, 201);
    let event = line.until("event").await;
    assert_eq!(event["message"]["text"], "Over here", "{event}");
}
