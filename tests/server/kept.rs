//! What was said is there after the server was killed.

use std::os::unix::fs::PermissionsExt;

use convor::ids::ClientId;
use convor_tests::database::Database;
use convor_tests::fixture::new_id;
use convor_tests::folder::Folder;
use convor_tests::host::Ask;
use convor_tests::patience::PATIENCE;
use convor_tests::server::{AnnouncedOperator, AnnouncedTenant, Server, command};
use serde_json::{Value, json};
use tokio::time::timeout;

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
    let body = json!({"tenant": tenant.tenant_key, "email": owner.email, "password": owner.password()});
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
    let passwords = tenants.iter().flat_map(|tenant| &tenant.operators).map(AnnouncedOperator::password);
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

/// Of a database that is shared, a password that was set and not kept would be nobody's.
#[tokio::test]
async fn a_demonstration_that_cannot_keep_its_passwords_makes_nothing() {
    let (database, folder) = (Database::fresh().await, Folder::new());
    let storage = database.app_url();
    let arguments = ["--demo", "--storage", &storage];
    // Even root cannot write a file where a folder is.
    std::fs::create_dir(folder.path("convor.db-demo-new")).expect("a folder");
    let mut failing = command();
    failing.args(arguments).args(["--listen", "127.0.0.1:0"]).current_dir(folder.root()).kill_on_drop(true);
    let failed = timeout(PATIENCE, failing.output()).await.expect("it ends in time").expect("it starts");
    assert!(!failed.status.success());
    let said = String::from_utf8_lossy(&failed.stderr);
    assert!(said.contains("the demonstration's passwords in convor.db-demo"), "{said}");
    std::fs::remove_dir(folder.path("convor.db-demo-new")).expect("it is empty");

    let without = Server::start(&["--storage", &storage]).await;
    without.terminate();
    let log = without.ended().await.log;
    assert!(log.contains("There is no tenant yet"), "{log}");
    let second = Server::start_in(folder.root(), &arguments).await;
    sign_in(&second, second.tenant()).await;
}

/// A start that was cut off after it had written a password down, and before or after it had set it, is made good.
#[tokio::test]
async fn a_password_that_was_begun_is_set_again() {
    let (database, folder) = (Database::fresh().await, Folder::new());
    let storage = database.app_url();
    let arguments = ["--demo", "--storage", &storage];
    Server::start_in(folder.root(), &arguments).await.kill().await;
    std::fs::rename(folder.path("convor.db-demo"), folder.path("convor.db-demo-new")).expect("it was there");
    let second = Server::start_in(folder.root(), &arguments).await;
    sign_in(&second, second.tenant()).await;
    assert_eq!(folder.names(), ["convor.db-demo"]);
}

#[tokio::test]
async fn without_a_demonstration_what_is_stored_is_served_and_not_called_nothing() {
    let folder = Folder::new();
    let first = Server::start_in(folder.root(), &["--demo"]).await;
    let tenant = first.tenant().clone();
    first.kill().await;
    let second = Server::start_in(folder.root(), &[]).await;
    sign_in(&second, &tenant).await;
    second.terminate();
    let log = second.ended().await.log;
    assert!(log.contains("It serves the tenants that are stored."), "{log}");
    assert!(!log.contains("There is no tenant yet"), "{log}");
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
    assert_ne!(before.operator("owner").password(), after.operator("owner").password());
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
