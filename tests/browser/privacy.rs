//! What a visitor's browser does, and does not do, before the chat is opened.

use convor_tests::browser::Window;
use convor_tests::proxy::Proxy;
use convor_tests::stage::Stage;
use serde_json::{Value, json};

/// Everything that a page can keep in a browser.
const STORED: &str = "
    const done = arguments[arguments.length - 1];
    return Promise.all([indexedDB.databases(), caches.keys(), navigator.serviceWorker.getRegistrations()]).then(
        ([databases, stores, workers]) => ({
            cookies: document.cookie, local: localStorage.length, session: sessionStorage.length,
            databases: databases.length, caches: stores.length, workers: workers.length,
        }));";

#[tokio::test(flavor = "multi_thread")]
async fn s42_before_the_chat_is_opened_nothing_is_stored_and_nothing_but_its_module_is_asked_for() {
    let stage = Stage::new().await;
    let visitor = stage.visitor().await;
    let page = visitor.window.run("return location.pathname", &[]).await;
    let line = &stage.visitors_line;
    // The page has dressed itself in its site's name: all that it asks for, it has asked for.
    let name = stage.tenant().name.clone();
    visitor
        .window
        .until("the page is dressed", async |window| window.page_text().await.contains(&name))
        .await;

    assert_eq!(stored(&visitor.window).await, nothing());
    assert_eq!(widgets_requests(line), ["/convor/widget/loader.js"]);
    for request in line.recordings().iter().flat_map(|recording| recording.requests()) {
        assert_eq!(request.method, "GET");
        assert_eq!(request.header("cookie"), None);
        assert!(!request.headers.contains("upgrade: websocket"), "{request:?}");
        let pages_own = request.target.starts_with("/assets/") || page == request.target.as_str();
        let of_the_site = request.target.starts_with("/chat/v1/site?");
        let widgets = request.target.starts_with("/convor/");
        assert!(pages_own || of_the_site || widgets, "{request:?}");
    }

    visitor.open().await;
    visitor.window.until("the greeting", async |window| window.shows("greeting").await).await;
    assert!(widgets_requests(line).len() > 1, "the rest of it comes when it is wanted");
    assert_eq!(stored(&visitor.window).await, nothing(), "opened, and nothing said");

    visitor.say("hello").await;
    visitor.until_messages(&["hello"]).await;
    let stored = stored(&visitor.window).await;
    assert_eq!(stored["cookies"], "", "a visitor has no cookie");
    assert_eq!(stored["local"], 1, "the token, so that a reload finds the conversation");
}

#[tokio::test(flavor = "multi_thread")]
async fn s42_a_visitor_is_made_by_the_first_message_and_by_nothing_before() {
    let stage = Stage::new().await;
    let visitor = stage.visitor().await;
    visitor.open().await;
    visitor.window.find("greeting").await;
    visitor.window.fill("composer", "not sent").await;
    visitor.window.click("close").await;
    let posts = |line: &Proxy| {
        let recordings = line.recordings();
        let requests = recordings.iter().flat_map(|recording| recording.requests());
        requests.filter(|request| request.method == "POST").count()
    };
    assert_eq!(posts(&stage.visitors_line), 0);
    assert_eq!(stored(&visitor.window).await, nothing());
}

#[tokio::test(flavor = "multi_thread")]
async fn s23_no_credential_is_in_any_address() {
    let stage = Stage::new().await;
    let (_visitor, _operator) = stage.conversation("hello").await;
    for line in [&stage.visitors_line, &stage.operators_line] {
        for request in line.recordings().iter().flat_map(|recording| recording.requests()) {
            for secret in ["cvv_", "cvs_", "token", "password"] {
                assert!(!request.target.contains(secret), "{}", request.target);
            }
        }
    }
    let log = stage.server.log();
    for secret in ["cvv_", "cvs_"] {
        assert!(!log.contains(secret), "{log}");
    }
}

fn nothing() -> Value {
    json!({"cookies": "", "local": 0, "session": 0, "databases": 0, "caches": 0, "workers": 0})
}

async fn stored(window: &Window) -> Value {
    window.run(STORED, &[]).await
}

/// What has been asked for of the widget's, in order.
fn widgets_requests(line: &Proxy) -> Vec<String> {
    let recordings = line.recordings();
    let requests = recordings.iter().flat_map(|recording| recording.requests());
    let targets = requests.map(|request| request.target);
    targets.filter(|target| target.starts_with("/convor/")).collect()
}
