//! The whole conversation by somebody who has no mouse. Nothing here clicks.

use convor_tests::browser::{Key, Window};
use convor_tests::stage::Stage;

#[tokio::test(flavor = "multi_thread")]
async fn the_whole_conversation_works_by_keyboard_alone() {
    let stage = Stage::new().await;
    let (visitor, operator) = (stage.visitor().await, stage.somebody().await);
    let (seen, desk) = (&visitor.window, &operator.window);

    let somebody = stage.operator();
    desk.press_until(Key::Tab, "sign-in-email").await;
    desk.press(&format!("{}{}{}", somebody.email, char::from(Key::Tab), somebody.password())).await;
    enter(desk).await;
    operator.until_connected().await;

    seen.press_until(Key::Tab, "launcher").await;
    enter(seen).await;
    seen.until("the focus is where one writes", async |seen| seen.focus().await == "composer").await;
    seen.press("Is anybody there?").await;
    enter(seen).await;
    visitor.until_messages(&["Is anybody there?"]).await;
    assert_eq!(seen.focus().await, "composer", "one can go on writing");

    desk.find("inbox-item").await;
    desk.press_until(Key::Tab, "inbox-item").await;
    enter(desk).await;
    operator.until_messages(&["Is anybody there?"]).await;
    desk.press_until(Key::Tab, "note-switch").await;
    enter(desk).await;
    desk.until("the focus is where one writes", async |desk| desk.focus().await == "reply-composer").await;
    desk.press("A regular.").await;
    enter(desk).await;
    operator.until_notes(&["A regular."]).await;
    desk.press_with_shift(Key::Tab).await;
    desk.press_with_shift(Key::Tab).await;
    assert_eq!(desk.focus().await, "reply-switch");
    desk.press(" ").await;
    desk.press("Anna is.").await;
    enter(desk).await;
    visitor.until_messages(&["Is anybody there?", "Anna is."]).await;

    seen.press("Good.").await;
    seen.press_until(Key::Tab, "send").await;
    seen.press(" ").await;
    operator.until_messages(&["Is anybody there?", "Anna is.", "Good."]).await;

    take_care(desk).await;
    seen.press(&char::from(Key::Escape).to_string()).await;
    seen.until("the chat is closed", async |seen| !seen.shows("composer").await).await;
    assert_eq!(seen.focus().await, "launcher", "the focus is where it came from");
}

/// Assigns, files and closes.
async fn take_care(desk: &Window) {
    desk.press_until(Key::Tab, "assign-to-me").await;
    enter(desk).await;
    desk.until("it is assigned", async |desk| !desk.shows("assign-to-me").await).await;
    desk.press_until(Key::Tab, "tag-input").await;
    desk.press("travel").await;
    enter(desk).await;
    desk.until("it is filed", async |desk| desk.texts("tags").await.concat().contains("travel")).await;
    desk.press_until(Key::Tab, "close-conversation").await;
    enter(desk).await;
    desk.until_texts("status", &["Closed"]).await;
}

async fn enter(window: &Window) {
    window.press(&char::from(Key::Enter).to_string()).await;
}
