//! They talk, lose the network and find each other again.

use convor_tests::browser::Window;
use convor_tests::recording::{seqs, traces};
use convor_tests::stage::Stage;

const NOTE: &str = "canary: do not promise a date";

#[tokio::test(flavor = "multi_thread")]
async fn a_visitor_asks_an_operator_answers_and_a_note_stays_in_the_house() {
    let stage = Stage::new().await;
    let operator = stage.operator_at_work().await;
    let visitor = stage.visitor().await;

    visitor.open().await;
    visitor.say("Do you deliver to Norway?").await;
    // The operator does nothing but look.
    operator.window.find("inbox-item").await;
    operator.open_first().await;
    operator.until_messages(&["Do you deliver to Norway?"]).await;

    operator.note(NOTE).await;
    operator.until_notes(&[NOTE]).await;
    operator.reply("We do.").await;
    let said = ["Do you deliver to Norway?", "We do."];
    visitor.until_messages(&said).await;
    operator.until_messages(&said).await;

    visitor.say("Lovely!").await;
    let said = ["Do you deliver to Norway?", "We do.", "Lovely!"];
    operator.until_messages(&said).await;

    visitor.reload().await;
    visitor.until_messages(&said).await;
    operator.window.reload().await;
    operator.until_connected().await;
    operator.until_messages(&said).await;
    operator.until_notes(&[NOTE]).await;

    let recordings = stage.visitors_line.recordings();
    assert_eq!(traces(&recordings, NOTE), [""; 0], "the note is in no byte of the visitor's");
    assert!(!traces(&stage.operators_line.recordings(), NOTE).is_empty(), "the search finds what is there");
    assert!(!traces(&recordings, "We do.").is_empty(), "the search finds what is there");
    assert_eq!(seqs(&stage.visitors_line.recordings()), [1, 2, 3], "the visitor counts no hole");
    assert_eq!(seqs(&stage.operators_line.recordings()), [1, 2, 3, 4]);
    assert_quiet(&[&visitor.window, &operator.window]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cut_loses_nothing_and_shows_nothing_twice() {
    let stage = Stage::new().await;
    let (visitor, operator) = stage.conversation("one").await;
    operator.reply("two").await;
    visitor.until_messages(&["one", "two"]).await;

    stage.visitors_line.cut();
    stage.operators_line.cut();
    visitor.window.until_texts("connection", &["Reconnecting…"]).await;
    operator.window.until_texts("connection", &["Reconnecting…"]).await;
    // What is written now waits in the window; the visitor sees it as not yet sent.
    visitor.say("three").await;
    visitor.say("four").await;
    operator.note("note").await;
    operator.reply("five").await;
    visitor
        .window
        .until("what is written waits", async |window| {
            window.parts("message", ".delivery").await.contains(&"Sending…".to_owned())
        })
        .await;
    assert_eq!(visitor.messages().await, ["one", "two", "three", "four"]);
    assert_eq!(operator.messages().await, ["one", "two", "five"]);

    // The visitor is back first, so that the order of all is known.
    stage.visitors_line.mend();
    visitor.until_messages(&["one", "two", "three", "four"]).await;
    stage.operators_line.mend();
    let said = ["one", "two", "three", "four", "five"];
    operator.until_messages(&said).await;
    operator.until_notes(&["note"]).await;
    visitor.until_messages(&said).await;

    visitor.say("six").await;
    operator.until_messages(&["one", "two", "three", "four", "five", "six"]).await;
    for said_again in [seqs(&stage.visitors_line.recordings()), seqs(&stage.operators_line.recordings())] {
        let whole: Vec<_> = (1..=said_again.len() as u64).collect();
        assert_eq!(said_again, whole, "every position was brought");
    }
    assert_quiet(&[&visitor.window, &operator.window]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_on_its_way_when_the_line_broke_arrives_once() {
    let stage = Stage::new().await;
    let (visitor, operator) = stage.conversation("one").await;
    for (round, text) in ["two", "three", "four"].into_iter().enumerate() {
        // It is written and lies in the cable; whether the server has it, nobody knows.
        stage.visitors_line.stall();
        visitor.say(text).await;
        stage.visitors_line.cut();
        stage.visitors_line.mend();
        let said = &["one", "two", "three", "four"][..round + 2];
        visitor.until_messages(said).await;
        operator.until_messages(said).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_server_has_stored_but_not_confirmed_arrives_once() {
    let stage = Stage::new().await;
    let (visitor, operator) = stage.conversation("one").await;
    stage.visitors_line.hold_answers();
    visitor.say("two").await;
    operator.until_messages(&["one", "two"]).await;
    stage.visitors_line.cut();
    stage.visitors_line.mend();
    visitor.until_messages(&["one", "two"]).await;
    visitor.say("three").await;
    operator.until_messages(&["one", "two", "three"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_sees_what_the_other_is_about() {
    let stage = Stage::new().await;
    let (visitor, operator) = stage.conversation("one").await;
    let (seen, desk) = (&visitor.window, &operator.window);

    seen.until_texts("presence", &["We are here"]).await;
    desk.until("the visitor is there", async |desk| {
        desk.attribute("presence", "data-online").await.as_deref() == Some("true")
    })
    .await;
    let site = &stage.tenant().name;
    desk.until("the page on which the visitor is", async |desk| {
        let page = desk.texts("current-page").await.concat();
        page.contains(site.as_str()) && page.contains("/visit/")
    })
    .await;
    seen.run("location.hash = '#returns'", &[]).await;
    desk.until("the page to which the visitor has gone", async |desk| {
        desk.texts("current-page").await.concat().contains("Returns")
    })
    .await;

    seen.fill("composer", "t").await;
    desk.until("the visitor types", async |desk| desk.texts("typing").await.concat().contains("is typing"))
        .await;
    seen.fill("composer", &char::from(convor_tests::browser::Key::Backspace).to_string()).await;
    desk.until("the visitor has stopped", async |desk| {
        !desk.texts("typing").await.concat().contains("typing")
    })
    .await;
    desk.fill("reply-composer", "t").await;
    seen.until("the operator types", async |seen| seen.texts("typing").await.concat().contains("Anna")).await;

    seen.click("close").await;
    operator.reply("wo").await;
    seen.until_texts("unread", &["1"]).await;
    seen.click("launcher").await;
    seen.until("everything is read", async |seen| seen.texts("unread").await.concat().is_empty()).await;
    desk.until("the operator sees that it was seen", async |desk| {
        desk.parts("message", ".delivery").await.contains(&"Seen".to_owned())
    })
    .await;

    desk.run("location.hash = ''", &[]).await;
    desk.until("the inbox", async |desk| !desk.shows("reply-composer").await).await;
    visitor.say("three").await;
    visitor.say("four").await;
    desk.until_texts("unread", &["2"]).await;
    operator.open_first().await;
    desk.until("everything is read", async |desk| desk.texts("unread").await.concat().is_empty()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_visitor_who_leaves_the_page_is_seen_to_leave_and_to_come_back() {
    let stage = Stage::new().await;
    let (visitor, operator) = stage.conversation("one").await;
    let (seen, desk) = (&visitor.window, &operator.window);
    let is_there = async |desk: &Window, is: &str| {
        desk.attribute("presence", "data-online").await.as_deref() == Some(is)
    };
    desk.until("the visitor is there", async |desk| is_there(desk, "true").await).await;
    seen.visit(&format!("{}/healthz", stage.visitors_line.origin())).await;
    desk.until("the visitor has gone", async |desk| is_there(desk, "false").await).await;
    operator.reply("two").await;

    // A browser may show the page as it was left, or load it anew.
    seen.run("history.back()", &[]).await;
    seen.find("launcher").await;
    if !seen.shows("composer").await {
        visitor.open().await;
    }
    desk.until("the visitor is there", async |desk| is_there(desk, "true").await).await;
    visitor.until_messages(&["one", "two"]).await;
}

async fn assert_quiet(windows: &[&Window]) {
    for window in windows {
        assert_eq!(window.complaints().await, [""; 0], "the console is quiet");
    }
}
