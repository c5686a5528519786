//! What was said is there after the server was killed.

use std::os::unix::fs::PermissionsExt;

use convor::ids::ClientId;
use convor_tests::fixture::new_id;
use convor_tests::folder::Folder;
use convor_tests::host::Ask;
use convor_tests::server::{AnnouncedTenant, Server};
use serde_json::{Value, json};

/// Makes a visitor who says something; gives the token and the conversation.
pub(crate) async fn visit(server: &Server, tenant: &AnnouncedTenant, text: &str) -> (String, String) {
    let made = server.ask(Ask::post("/v1/visitors", &json!({"site": tenant.site_key}))).await.json();
    let token = string(&made["token"]);
    let (id, first): (ClientId, ClientId) = (new_id(), new_id());
    let opening = json!({"client_id": id, "first_message": {"client_id": first, "text": text}});
    let opened = server.ask(Ask::post("/v1/conversations", &opening).by(Some(&token))).await;
    assert_eq!(opened.status, 201, "{:?}", opened.json());
    let conversation = string(&opened.json()["conversation"]["id"]);
    (token, conversation)
}

/// Signs the tenant's owner in; gives the token.
pub(crate) async fn sign_in(server: &Server, tenant: &AnnouncedTenant) -> String {
    let owner = tenant.operator("owner");
    let body = json!({"tenant": tenant.tenant_key, "email": owner.email, "password": owner.password});
    let answer = server.ask(Ask::post("/v1/sessions", &body)).await;
    assert_eq!(answer.status, 201, "{:?}", answer.json());
    string(&answer.json()["token"])
}

/// What has been said in a conversation.
pub(crate) async fn said(server: &Server, token: &str, conversation: &str) -> Vec<String> {
    let page = server.ask(Ask::get(format!("/v1/conversations/{conversation}/events")).by(Some(token))).await;
    assert_eq!(page.status, 200, "{:?}", page.json());
    let page = page.json();
    let events = page["data"].as_array().expect("a page");
    events.iter().filter_map(|event| event["message"]["text"].as_str()).map(str::to_owned).collect()
}

fn string(value: &Value) -> String {
    value.as_str().expect("a text").to_owned()
}

#[tokio::test]
async fn what_was_said_is_there_after_the_server_was_killed() {
    let folder = Folder::new();
    let first = Server::start_in(folder.root(), &["--demo"]).await;
    let listen = first.announced.listen.to_string();
    let announced = serde_json::to_value(&first.announced).expect("JSON");
    let tenant = first.tenant().clone();
    let (visitor, conversation) = visit(&first, &tenant, "Are you still there?").await;
    let operator = sign_in(&first, &tenant).await;
    let id: ClientId = new_id();
    let reply = json!({"client_id": id, "text": "We are."});
    let path = format!("/v1/conversations/{conversation}/messages");
    let posted = first.ask(Ask::post(&path, &reply).by(Some(&operator))).await;
    assert_eq!(posted.status, 201, "{:?}", posted.json());
    // What has been acknowledged is kept, whatever happens the moment after.
    first.kill().await;

    let second = Server::start_in(folder.root(), &["--demo", "--listen", &listen]).await;
    assert_eq!(serde_json::to_value(&second.announced).expect("JSON"), announced, "what was printed is good");
    for token in [&visitor, &operator, &sign_in(&second, &tenant).await] {
        assert_eq!(said(&second, token, &conversation).await, ["Are you still there?", "We are."]);
    }
    let repeat = second.ask(Ask::post(&path, &reply).by(Some(&operator))).await;
    assert_eq!(repeat.status, 200, "a repeat is one");
    let again = visit(&second, &tenant, "And I am new").await;
    assert_eq!(said(&second, &again.0, &again.1).await, ["And I am new"]);
}

#[tokio::test]
async fn passwords_of_the_demonstration_stand_beside_the_storage_and_not_in_it() {
    let folder = Folder::new();
    let server = Server::start_in(folder.root(), &["--demo"]).await;
    let tenants = server.announced.tenants.clone();
    server.kill().await;
    let passwords = tenants.iter().flat_map(|tenant| &tenant.operators).map(|operator| &operator.password);
    let passwords: Vec<_> = passwords.collect();
    for name in folder.names() {
        let path = folder.path(&name);
        let content = std::fs::read(&path).expect("a file");
        let holds = |password: &str| content.windows(password.len()).any(|part| part == password.as_bytes());
        assert_eq!(passwords.iter().any(|password| holds(password)), name == "convor.db-demo", "{name}");
        let mode = std::fs::metadata(&path).expect("a file").permissions().mode();
        assert_eq!(mode & 0o077, 0, "{name} is its owner's");
    }
}

#[tokio::test]
async fn without_its_passwords_the_demonstration_gets_new_ones_and_keeps_its_tenants() {
    let folder = Folder::new();
    let first = Server::start_in(folder.root(), &["--demo"]).await;
    let (listen, before) = (first.announced.listen.to_string(), first.tenant().clone());
    first.kill().await;
    std::fs::remove_file(folder.path("convor.db-demo")).expect("it was there");
    let second = Server::start_in(folder.root(), &["--demo", "--listen", &listen]).await;
    let after = second.tenant().clone();
    assert_eq!((&before.tenant_key, &before.site_key), (&after.tenant_key, &after.site_key));
    assert_ne!(before.operator("owner").password, after.operator("owner").password);
    sign_in(&second, &after).await;
}

#[tokio::test]
async fn at_another_address_the_pages_work_and_the_tenants_are_the_same() {
    let folder = Folder::new();
    let first = Server::start_in(folder.root(), &["--demo"]).await;
    let before = first.tenant().clone();
    let (visitor, conversation) = visit(&first, &before, "Hello").await;
    first.kill().await;
    let second = Server::start_in(folder.root(), &["--demo"]).await;
    let after = second.tenant().clone();
    assert_eq!(before.tenant_key, after.tenant_key);
    let site = Ask::get(format!("/v1/site?site={}", after.site_key)).header("origin", second.origin());
    assert_eq!(second.ask(site).await.status, 200, "the page's origin is the site's");
    assert_eq!(said(&second, &visitor, &conversation).await, ["Hello"]);
}
