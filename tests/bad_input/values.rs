//! Keys and values that have no place.

use convor_tests::host::Ask;
use http::Method;
use serde_json::{Value, json};

use crate::talk::{Talk, id};

#[tokio::test]
async fn an_unknown_key_is_refused_and_nothing_is_lost() {
    let mut talk = Talk::new().await;
    for (method, target, body) in bodies(&talk) {
        let mut body = body;
        body["surprise"] = json!(true);
        refused(&talk, Ask::new(method, target).json(&body)).await;
    }
    for mut frame in frames(&talk.conversation) {
        frame["surprise"] = json!(true);
        talk.refused(&frame, "invalid_request").await;
    }
    talk.goes_on().await;
}

#[tokio::test]
async fn a_value_of_a_wrong_type_is_refused_and_nothing_is_lost() {
    let mut talk = Talk::new().await;
    let strange =
        [json!(7), json!(-1), json!(1.5), json!(true), json!([]), json!({}), json!(null), json!("\u{1F6B2}")];
    let mut tried = 0;
    for (method, target, body) in bodies(&talk) {
        for (key, good) in body.as_object().expect("an object") {
            for value in strange.iter().filter(|value| is_wrong(key, good, value)) {
                let mut body = body.clone();
                body[key] = value.clone();
                refused(&talk, Ask::new(method.clone(), target.clone()).json(&body)).await;
                tried += 1;
            }
        }
    }
    for frame in frames(&talk.conversation) {
        for (key, good) in frame.as_object().expect("an object") {
            for value in strange.iter().filter(|value| is_wrong(key, good, value)) {
                let mut frame = frame.clone();
                frame[key] = value.clone();
                // What has no usable name is answered without one.
                if key == "ref" {
                    talk.refused_text(&frame.to_string(), "invalid_request").await;
                } else {
                    talk.refused(&frame, "invalid_request").await;
                }
                tried += 1;
            }
        }
    }
    assert!(tried > 100, "{tried}");
    talk.goes_on().await;
    println!("proof-columns: Bad input | what | tried, each refused");
    println!("proof: Bad input | values of a wrong type | {tried}");
}

#[tokio::test]
async fn a_missing_key_is_refused_and_nothing_is_lost() {
    let mut talk = Talk::new().await;
    for (target, key) in
        [(talk.messages(), "client_id"), (talk.messages(), "text"), ("/v1/conversations".into(), "client_id")]
    {
        let mut body = json!({"client_id": id(), "text": "hello"});
        if target == "/v1/conversations" {
            body = json!({"client_id": id()});
        }
        body.as_object_mut().expect("an object").remove(key);
        refused(&talk, Ask::new(Method::POST, target).json(&body)).await;
    }
    for frame in frames(&talk.conversation) {
        let optional = ["kind", "title", "after", "type", "ref"];
        for key in
            frame.as_object().expect("an object").keys().filter(|key| !optional.contains(&key.as_str()))
        {
            let mut frame = frame.clone();
            frame.as_object_mut().expect("an object").remove(key);
            talk.refused(&frame, "invalid_request").await;
        }
    }
    talk.goes_on().await;
}

#[tokio::test]
async fn s35_nul_is_refused_wherever_there_is_text_and_nothing_is_lost() {
    let mut talk = Talk::new().await;
    let nul = "be\0ware";
    for (key, ask) in texts(&talk, nul) {
        let answer = talk.ask(ask).await;
        assert_eq!((answer.status, answer.code().as_str()), (400, "invalid_request"), "{key}");
        let problem = answer.json();
        let detail = problem["detail"].as_str().unwrap_or_default();
        assert!(detail.contains(key) && !detail.contains("ware"), "{key}: {detail}");
    }
    let send = json!({"type": "send", "ref": "r", "conversation": talk.conversation, "client_id": id(), "text": nul});
    talk.refused(&send, "invalid_request").await;
    let page = json!({"type": "page", "url": "https://example.org/", "title": nul});
    talk.refused(&page, "invalid_request").await;
    talk.refused(&json!({"type": "page", "url": "https://example.org/\0"}), "invalid_request").await;
    talk.goes_on().await;
}

#[tokio::test]
async fn half_a_surrogate_pair_is_refused_and_nothing_is_lost() {
    let mut talk = Talk::new().await;
    for half in [r"\ud83d", r"\udeb2", r"\udeb2\ud83d", r"a\ud83db"] {
        let body = format!(r#"{{"client_id": "{}", "text": "{half}"}}"#, id());
        refused(&talk, Ask::new(Method::POST, talk.messages()).text(body)).await;
        let body = format!(r#"{{"name": "{half}"}}"#);
        refused(&talk, Ask::new(Method::PATCH, "/v1/visitor").text(body)).await;
        let conversation = talk.conversation.clone();
        let frame = format!(
            r#"{{"type":"send","ref":"r","conversation":"{conversation}","client_id":"{}","text":"{half}"}}"#,
            id()
        );
        talk.refused_text(&frame, "invalid_request").await;
    }
    // A whole pair is a character like any other.
    let whole = format!(r#"{{"client_id": "{}", "text": "\ud83d\udeb2"}}"#, id());
    assert_eq!(talk.ask(Ask::new(Method::POST, talk.messages()).text(whole)).await.status, 201);
    talk.said("\u{1F6B2}");
    talk.goes_on().await;
}

#[tokio::test]
async fn a_text_is_as_long_as_it_may_be_and_no_longer_and_nothing_is_lost() {
    let mut talk = Talk::new().await;
    let bounds = [("text", 8_000), ("subject", 200), ("name", 100)];
    for (key, chars_max) in bounds {
        let long = "ß".repeat(chars_max + 1);
        let found = texts(&talk, &long).into_iter().find(|(name, _)| *name == key);
        let answer = talk.ask(found.expect("a text").1).await;
        assert_eq!((answer.status, answer.code().as_str()), (400, "invalid_request"), "{key}");
        let fits = "ß".repeat(chars_max);
        let found = texts(&talk, &fits).into_iter().find(|(name, _)| *name == key);
        assert_eq!(talk.ask(found.expect("a text").1).await.status / 100, 2, "{key}");
    }
    talk.said(&"ß".repeat(8_000));
    for blank in ["", " ", "\n\t "] {
        for (key, ask) in texts(&talk, blank).into_iter().filter(|(key, _)| *key == "text") {
            assert_eq!(talk.ask(ask).await.status, 400, "{key}");
        }
    }
    talk.goes_on().await;
}

async fn refused(talk: &Talk, ask: Ask) {
    let answer = talk.ask(ask.clone()).await;
    assert_eq!((answer.status, answer.code().as_str()), (400, "invalid_request"), "{ask:?}: {answer:?}");
}

/// Whether this is no value for this key.
fn is_wrong(key: &str, good: &Value, value: &Value) -> bool {
    let optional = matches!(key, "name" | "email" | "subject" | "first_message" | "title");
    let free = matches!(key, "text" | "subject" | "name" | "title" | "ref");
    let number = good.is_u64() && value.is_u64();
    let absent = value.is_null() && optional;
    let same = good.is_boolean() && value.is_boolean();
    !(number || absent || same || (free && value.is_string()))
}

/// Good bodies of the visitor's.
fn bodies(talk: &Talk) -> Vec<(Method, String, Value)> {
    let first = json!({"client_id": id(), "text": "hello"});
    vec![
        (Method::POST, talk.messages(), json!({"client_id": id(), "text": "hello", "kind": "message"})),
        (
            Method::POST,
            "/v1/conversations".into(),
            json!({"client_id": id(), "subject": "A saddle", "first_message": first}),
        ),
        (Method::PATCH, "/v1/visitor".into(), json!({"name": "Iris", "email": "iris@example.org"})),
        (Method::POST, "/v1/visitors".into(), json!({"site": talk.tenant.site_key().to_string()})),
    ]
    .into_iter()
    // What is no site key names no site, which is another answer than this one.
    .filter(|(_, target, _)| target != "/v1/visitors")
    .collect()
}

/// Good frames of the visitor's.
fn frames(conversation: &str) -> Vec<Value> {
    vec![
        json!({"type": "send", "ref": "r", "conversation": conversation, "client_id": id(), "text": "x", "kind": "message"}),
        json!({"type": "typing", "conversation": conversation, "active": true, "kind": "message"}),
        json!({"type": "read", "conversation": conversation, "seq": 1}),
        json!({"type": "page", "url": "https://example.org/", "title": "Saddles"}),
    ]
}

/// The visitor's texts, each by its key, in good requests otherwise.
fn texts(talk: &Talk, text: &str) -> Vec<(&'static str, Ask)> {
    let first = json!({"client_id": id(), "text": text});
    vec![
        ("text", Ask::post(talk.messages(), &json!({"client_id": id(), "text": text}))),
        ("subject", Ask::post("/v1/conversations", &json!({"client_id": id(), "subject": text}))),
        (
            "first_message.text",
            Ask::post("/v1/conversations", &json!({"client_id": id(), "first_message": first})),
        ),
        ("name", Ask::new(Method::PATCH, "/v1/visitor").json(&json!({"name": text}))),
        (
            "email",
            Ask::new(Method::PATCH, "/v1/visitor").json(&json!({"email": format!("{text}@example.org")})),
        ),
    ]
}
