//! What axe-core says of both pages in the states in which people meet them.

use convor_tests::browser::{Screen, Window};
use convor_tests::stage::Stage;

const SCREENS: [Screen; 3] = [
    Screen { width: 1280, height: 800, dark: false },
    Screen { width: 1280, height: 800, dark: true },
    Screen { width: 390, height: 844, dark: false },
];

#[tokio::test(flavor = "multi_thread")]
async fn axe_finds_no_violation_on_the_visitors_page() {
    let stage = Stage::new().await;
    let operator = stage.operator_at_work().await;
    let visitor = stage.visitor().await;
    let window = &visitor.window;
    let mut found = look(window, "closed").await;
    visitor.open().await;
    window.find("greeting").await;
    found.extend(look(window, "open").await);
    visitor.say("Do you deliver to Norway?").await;
    operator.open_first().await;
    operator.reply("We do.").await;
    visitor.until_messages(&["Do you deliver to Norway?", "We do."]).await;
    found.extend(look(window, "conversation").await);
    window.click("introduce").await;
    window.find("visitor-name").await;
    found.extend(look(window, "introduction").await);
    stage.visitors_line.cut();
    window.until_texts("connection", &["Reconnecting…"]).await;
    found.extend(look(window, "reconnecting").await);
    assert_eq!(found, [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn axe_finds_no_violation_on_the_dashboard() {
    let stage = Stage::new().await;
    let operator = stage.somebody().await;
    let window = &operator.window;
    let mut found = look(window, "sign-in").await;
    operator.sign_in(stage.operator()).await;
    found.extend(look(window, "empty inbox").await);
    let visitor = stage.visitor().await;
    visitor.open().await;
    visitor.say("Do you deliver to Norway?").await;
    window.find("inbox-item").await;
    found.extend(look(window, "inbox").await);
    operator.open_first().await;
    operator.note("Ask Ben.").await;
    operator.reply("We do.").await;
    operator.until_messages(&["Do you deliver to Norway?", "We do."]).await;
    operator.until_notes(&["Ask Ben."]).await;
    found.extend(look(window, "conversation").await);
    window.click("note-switch").await;
    window.click("snooze").await;
    found.extend(look(window, "menu").await);
    assert_eq!(found, [""; 0]);
}

/// What is wrong in this state, on every screen.
async fn look(window: &Window, state: &str) -> Vec<String> {
    let mut found = Vec::new();
    for screen in SCREENS {
        window.resize(screen).await;
        let violations = window.violations().await;
        found.extend(violations.into_iter().map(|violation| format!("{state}, {screen:?}: {violation}")));
    }
    window.resize(SCREENS[0]).await;
    found
}
