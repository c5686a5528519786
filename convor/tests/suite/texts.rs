//! Whatever is read: what has a text form comes back from it, and nothing that is sent makes a reader panic.

use convor::credentials::{SiteKey, TenantKey, Token, TokenKind};
use convor::domain::{Email, InvalidText, Text};
use convor::ids::ConversationId;
use convor::protocol::{
    ConversationRequest, MessageRequest, OpenRequest, RegisterRequest, VisitorRequest, decode_body,
    decode_frame,
};
use convor::time::Timestamp;
use proptest::prelude::*;
use uuid::Uuid;

use crate::testing::FixedEntropy;

/// Fewer cases on every change, more in the long proofs.
fn cases() -> ProptestConfig {
    let cases = if std::env::var_os("CONVOR_PROVE").is_some() { 10_000 } else { 200 };
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

/// What looks like a frame or a body: the protocol's words in all places, with values that mostly do not fit.
fn json() -> impl Strategy<Value = String> {
    let word = prop::sample::select(vec![
        "type",
        "ref",
        "conversation",
        "inbox",
        "after",
        "client_id",
        "text",
        "kind",
        "token",
        "resume",
        "seq",
        "url",
        "hello",
        "send",
        "subscribe",
        "typing",
        "page",
        "read",
        "status",
        "snoozed_until",
        "tags",
        "first_message",
        "x",
    ]);
    let scalar = prop_oneof![
        word.clone().prop_map(|word| format!("{word:?}")),
        Just("null".to_owned()),
        Just("true".to_owned()),
        any::<i64>().prop_map(|number| number.to_string()),
        any::<f64>().prop_map(|number| number.to_string()),
        any::<u128>().prop_map(|number| format!("\"{}\"", Uuid::from_u128(number))),
        any::<String>().prop_map(|text| format!("{text:?}")),
        Just("\"\\ud800\"".to_owned()),
    ];
    scalar.prop_recursive(3, 24, 6, move |inner| {
        let pair = (word.clone(), inner.clone()).prop_map(|(key, value)| format!("{key:?}:{value}"));
        prop_oneof![
            prop::collection::vec(pair, 0..6).prop_map(|pairs| format!("{{{}}}", pairs.join(","))),
            prop::collection::vec(inner, 0..4).prop_map(|values| format!("[{}]", values.join(","))),
        ]
    })
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn keys_come_back_from_their_text(tenant: u128, site: u128) {
        let (tenant, site) = (Uuid::from_u128(tenant).into(), Uuid::from_u128(site).into());
        let key = TenantKey::new(tenant);
        prop_assert_eq!(TenantKey::parse(&key.to_string()), Some(key));
        let key = SiteKey::new(tenant, site);
        prop_assert_eq!(SiteKey::parse(&key.to_string()), Some(key));
    }

    #[test]
    fn a_token_comes_back_from_its_text(tenant: u128, seed: u64, visitor: bool) {
        let kind = if visitor { TokenKind::Visitor } else { TokenKind::Session };
        let token = Token::generate(kind, Uuid::from_u128(tenant).into(), &FixedEntropy::new(seed));
        let back = Token::parse(token.reveal());
        prop_assert_eq!(back.as_ref().map(|back| (back.kind(), back.tenant())), Some((kind, token.tenant())));
        prop_assert_eq!(back.map(|back| back.hash()), Some(token.hash()));
    }

    #[test]
    fn what_is_read_as_a_key_a_token_or_an_id_has_no_other_spelling(
        text in prop_oneof!["cv[tkvs]_[0-9a-fA-F_-]{30,100}", "cv[tkvs]_[0-9a-f]{32}(_[0-9a-f]{32}){0,2}", "[0-9a-fA-F-]{36}", ".*"]
    ) {
        if let Some(key) = TenantKey::parse(&text) {
            prop_assert_eq!(key.to_string(), text.as_str());
        }
        if let Some(key) = SiteKey::parse(&text) {
            prop_assert_eq!(key.to_string(), text.as_str());
        }
        if let Some(token) = Token::parse(&text) {
            prop_assert_eq!(token.reveal(), text.as_str());
        }
        if let Ok(id) = text.parse::<ConversationId>() {
            prop_assert_eq!(id.to_string(), text.as_str());
        }
    }

    #[test]
    fn an_id_comes_back_from_its_text(number: u128) {
        let id = ConversationId::from(Uuid::from_u128(number));
        prop_assert_eq!(id.to_string().parse::<ConversationId>(), Ok(id));
    }

    #[test]
    fn a_time_comes_back_from_its_json(millis: i64) {
        let at = Timestamp::from_millis(millis);
        let json = serde_json::to_string(&at).expect("JSON");
        prop_assert_eq!(serde_json::from_str::<Timestamp>(&json).expect("a time"), at);
    }

    #[test]
    fn no_text_makes_a_reader_panic(text in prop_oneof![any::<String>(), json(), "\\PC*"]) {
        if let Err((reference, error)) = decode_frame(&text) {
            prop_assert_eq!(error.code(), "invalid_request");
            prop_assert!(reference.is_none_or(|reference| (1..=64).contains(&reference.chars().count())));
        }
        let body = text.as_bytes();
        let _ = decode_body::<RegisterRequest>(body);
        let _ = decode_body::<VisitorRequest>(body);
        let _ = decode_body::<OpenRequest>(body);
        let _ = decode_body::<MessageRequest>(body);
        let _ = decode_body::<ConversationRequest>(body);
    }

    #[test]
    fn no_bytes_make_a_reader_panic(body: Vec<u8>) {
        let _ = decode_body::<MessageRequest>(&body);
    }

    #[test]
    fn no_refusal_repeats_what_was_sent(kind in "hello|send|read|nothing", key in "canary[a-z]{0,4}", json in json()) {
        let frame = format!(r#"{{"type":"{kind}","{key}":"{key}","text":"{key}","other":{json}}}"#);
        if let Err((_, error)) = decode_frame(&frame) {
            prop_assert!(!error.to_string().contains("canary"), "{}", error);
        }
        let refused = decode_body::<MessageRequest>(frame.as_bytes()).expect_err("it has an unknown key");
        prop_assert!(!refused.to_string().contains("canary"), "{}", refused);
    }

    #[test]
    fn prose_is_what_is_not_blank_not_too_long_and_without_nul(text in "(\\s|\\PC|\\x00){0,12}", chars_max in 1..12_usize) {
        let blank = text.trim().is_empty();
        let fits = text.chars().count() <= chars_max && !text.contains('\0');
        match Text::prose(&text, chars_max) {
            Ok(prose) => prop_assert!(!blank && fits && prose.as_str() == text),
            Err(InvalidText::Empty) => prop_assert!(blank),
            Err(_) => prop_assert!(!fits),
        }
    }

    #[test]
    fn a_line_is_trimmed_not_empty_not_too_long_and_without_control_characters(
        text in "(\\s|\\PC|\\p{Cc}){0,12}",
        chars_max in 1..12_usize,
    ) {
        let trimmed = text.trim();
        let fits = trimmed.chars().count() <= chars_max && !trimmed.contains(char::is_control);
        match Text::line(&text, chars_max) {
            Ok(line) => prop_assert!(!trimmed.is_empty() && fits && line.as_str() == trimmed),
            Err(InvalidText::Empty) => prop_assert!(trimmed.is_empty()),
            Err(_) => prop_assert!(!fits),
        }
    }

    #[test]
    fn an_address_that_was_read_is_read_the_same_again(text in prop_oneof!["[ -~]{0,8}@[ -~]{0,8}", "\\PC*@\\PC*"]) {
        if let Ok(email) = Email::parse(&text) {
            prop_assert_eq!(email.as_str().matches('@').count(), 1);
            prop_assert!(!email.as_str().contains(char::is_control) && email.as_str().chars().count() <= 254);
            let again = Email::parse(email.as_str());
            prop_assert_eq!(again, Ok(email));
        }
    }
}
