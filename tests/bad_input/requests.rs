//! Ids that name nothing of one's own, and requests that are not repeats.

use convor_tests::host::Ask;
use http::Method;
use serde_json::json;

use crate::talk::{Talk, id};

#[tokio::test]
async fn s05_an_id_that_was_made_up_or_is_somebody_elses_is_not_found_and_nothing_is_lost() {
    let mut talk = Talk::new().await;
    let (_, other) = talk.host.register(talk.tenant.site_key()).await;
    let theirs = talk
        .host
        .ask(Ask::post("/v1/conversations", &json!({"client_id": id()})).by(Some(&other)))
        .await
        .json();
    let foreign = theirs["conversation"]["id"].as_str().expect("an id").to_owned();
    for conversation in [foreign.clone(), id().to_string()] {
        let path = format!("/v1/conversations/{conversation}");
        for ask in [
            Ask::get(&path),
            Ask::get(format!("{path}/events")),
            Ask::post(format!("{path}/messages"), &json!({"client_id": id(), "text": "hello"})),
        ] {
            let answer = talk.ask(ask).await;
            assert_eq!((answer.status, answer.code().as_str()), (404, "not_found"));
        }
        let send = json!({"type": "send", "ref": "r", "conversation": conversation, "client_id": id(), "text": "hello"});
        talk.refused(&send, "not_found").await;
        for frame in [
            json!({"type": "typing", "conversation": conversation, "active": true}),
            json!({"type": "read", "conversation": conversation, "seq": 1}),
        ] {
            talk.refused(&frame, "not_found").await;
        }
    }
    let untouched =
        talk.host.ask(Ask::get(format!("/v1/conversations/{foreign}/events")).by(Some(&other))).await;
    assert_eq!(untouched.json()["data"], json!([]));
    talk.goes_on().await;
}

#[tokio::test]
async fn the_same_client_id_with_another_body_is_a_conflict_and_nothing_is_lost() {
    let mut talk = Talk::new().await;
    let once = id();
    let body = json!({"client_id": once, "text": "one"});
    let first = talk.ask(Ask::post(talk.messages(), &body)).await;
    talk.said("one");
    assert_eq!(first.status, 201);

    let other = talk.ask(Ask::post(talk.messages(), &json!({"client_id": once, "text": "another"}))).await;
    assert_eq!((other.status, other.code().as_str()), (409, "conflict"));
    let frame = json!({"type": "send", "ref": "r", "conversation": talk.conversation, "client_id": once, "text": "another"});
    talk.refused(&frame, "conflict").await;

    let again = talk.ask(Ask::post(talk.messages(), &body)).await;
    assert_eq!((again.status, &again.json()["message"]["duplicate"]), (200, &json!(true)));
    assert_eq!(again.json()["message"]["message_id"], first.json()["message"]["message_id"]);
    talk.goes_on().await;

    // The same of an operator's, for whom a note is another body than a message.
    let by_operator = async |talk: &Talk, kind: &str| {
        let body = json!({"client_id": once, "text": "from the desk", "kind": kind});
        talk.host.ask(Ask::post(talk.messages(), &body).by(Some(&talk.operator))).await
    };
    assert_eq!(by_operator(&talk, "message").await.status, 201, "another sender's client_id is another");
    talk.said("from the desk");
    assert_eq!(by_operator(&talk, "note").await.code(), "conflict");
    assert_eq!(by_operator(&talk, "message").await.status, 200);
    talk.goes_on().await;
}

#[tokio::test]
async fn the_same_opening_with_another_body_is_a_conflict_and_nothing_is_lost() {
    let mut talk = Talk::new().await;
    let (once, first) = (id(), id());
    let opening = |subject: &str, text: &str| json!({"client_id": once, "subject": subject, "first_message": {"client_id": first, "text": text}});
    let open = async |body: &serde_json::Value| talk.ask(Ask::post("/v1/conversations", body)).await;
    let opened = open(&opening("A saddle", "hello")).await;
    assert_eq!(opened.status, 201);
    for other in
        [opening("A chain", "hello"), opening("A saddle", "good evening"), json!({"client_id": once})]
    {
        assert_eq!(open(&other).await.code(), "conflict", "{other}");
    }
    let again = open(&opening("A saddle", "hello")).await;
    assert_eq!(again.status, 200);
    assert_eq!(again.json()["conversation"]["id"], opened.json()["conversation"]["id"]);
    let listed = talk.ask(Ask::get("/v1/conversations")).await.json();
    assert_eq!(listed["data"].as_array().map(Vec::len), Some(2), "one was there, one has been opened");
    talk.goes_on().await;
}

#[tokio::test]
async fn an_older_state_is_no_ground_to_change_from_and_nothing_is_lost() {
    let mut talk = Talk::new().await;
    let path = format!("/v1/conversations/{}", talk.conversation);
    let change = async |tag: Option<&str>, body: serde_json::Value| {
        let mut ask = Ask::new(Method::PATCH, &path).by(Some(&talk.operator)).json(&body);
        if let Some(tag) = tag {
            ask = ask.header("if-match", tag);
        }
        talk.host.ask(ask).await
    };
    for (tag, status) in [
        (None, 428),
        (Some("\"99\""), 412),
        (Some("\"0\""), 412),
        (Some("99999999999999999999"), 400),
        (Some("*"), 400),
        (Some("W/\"1\""), 400),
        (Some("\"1\", \"2\""), 400),
    ] {
        assert_eq!(change(tag, json!({"tags": ["x"]})).await.status, status, "{tag:?}");
    }
    let tag = talk.host.ask(Ask::get(&path).by(Some(&talk.operator))).await.header("etag").expect("a tag");
    for body in [
        json!({"status": "lost"}),
        json!({"status": "snoozed"}),
        json!({"status": "snoozed", "snoozed_until": "yesterday"}),
        json!({"status": "snoozed", "snoozed_until": "2020-01-01T00:00:00.000Z"}),
        json!({"snoozed_until": "2030-01-01T00:00:00.000Z"}),
        json!({"tags": "x"}),
        json!({"tags": ["x".repeat(51)]}),
        json!({"tags": (0..21).map(|n| n.to_string()).collect::<Vec<_>>()}),
        json!({"tags": ["a\0b"]}),
        json!({"assignee": "nobody"}),
    ] {
        assert_eq!(change(Some(&tag), body.clone()).await.status, 400, "{body}");
    }
    talk.goes_on().await;
}
