//! A conversation sleeps, and wakes when its time has come.

use std::time::Duration;

use serde_json::json;

use crate::stage::{Stage, message};

const HOUR: Duration = Duration::from_secs(3600);

#[tokio::test(start_paused = true)]
async fn a_snoozed_conversation_wakes_when_its_time_has_come_and_the_visitor_is_not_told() {
    let stage = Stage::new().await;
    let conversation = stage.open("Until tomorrow?").await;
    let (mut vera, mut anna) = (stage.connect(stage.visitor).await, stage.connect(stage.operator).await);
    anna.say(json!({"type": "subscribe", "ref": "s", "conversation": conversation})).await;
    vera.heard().await;
    let before = stage.view(&stage.visitor, conversation).await;

    let until = stage.chat.now().plus(HOUR);
    stage.chat.snooze(&stage.operator, conversation, 1, until).await.expect("snoozed");
    stage.clock.advance(HOUR - Duration::from_millis(1));
    stage.chat.work().await.expect("work");
    assert_eq!(
        stage.view(&stage.operator, conversation).await["object"]["status"],
        "snoozed",
        "it is not time yet"
    );

    stage.clock.advance(Duration::from_millis(1));
    stage.chat.work().await.expect("work");
    let woken = stage.view(&stage.operator, conversation).await;
    assert_eq!(
        (&woken["object"]["status"], &woken["object"]["snoozed_until"]),
        (&json!("open"), &json!(null))
    );
    let heard = anna.heard().await;
    let events: Vec<_> = heard.iter().map(|event| (&event["status"], &event["by"]["kind"])).collect();
    assert_eq!(events, [(&json!("snoozed"), &json!("operator")), (&json!("open"), &json!("system"))]);

    assert!(vera.heard().await.is_empty(), "the visitor hears of neither");
    assert_eq!(stage.view(&stage.visitor, conversation).await, before, "and sees no trace of it");
}

#[tokio::test(start_paused = true)]
async fn a_conversation_that_was_woken_by_its_visitor_is_not_woken_again() {
    let stage = Stage::new().await;
    let conversation = stage.open("1").await;
    let until = stage.chat.now().plus(HOUR);
    stage.chat.snooze(&stage.operator, conversation, 1, until).await.expect("snoozed");
    stage.chat.post(&stage.visitor, conversation, message(3, "2")).await.expect("a message");
    let before = stage.view(&stage.operator, conversation).await;
    assert_eq!(before["object"]["status"], "open");
    stage.clock.advance(HOUR * 2);
    stage.chat.work().await.expect("work");
    assert_eq!(stage.view(&stage.operator, conversation).await, before);
}
