//! What is kept to recognise people by is in no answer and in no frame.

use convor::credentials::Token;
use convor::domain::Email;
use convor::ports::Storage;
use convor_hyper::routes;
use convor_tests::fixture::{PASSWORD, new_id};
use convor_tests::host::Ask;
use convor_tests::line::Line;
use http::Method;
use serde_json::json;
use uuid::Uuid;

use crate::world::{Side, World};

#[tokio::test]
async fn s28_s19_no_answer_and_no_frame_has_a_secret_in_it() {
    let world = World::new().await;
    let secrets = [secrets(&world, &world.acme).await, secrets(&world, &world.bolt).await].concat();
    let said = said_to_everybody(&world).await;
    assert!(said.len() > 10_000, "there is something to search");
    for (what, spelling) in &secrets {
        assert!(!said.to_lowercase().contains(&spelling.to_lowercase()), "{what} stands there as {spelling}");
    }
    println!("proof-columns: Canaries | what | places | bytes searched");
    println!("proof: Canaries | secrets in answers and frames | {} | {}", secrets.len(), said.len());
}

/// What nobody may ever read, in every spelling that JSON has for bytes.
async fn secrets(world: &World, side: &Side) -> Vec<(&'static str, String)> {
    let tenant = side.tenant.id;
    let accounts = world.storage.accounts().expect("accounts");
    let email = Email::parse("anna@example.org").expect("an address");
    let login = accounts.find_login(tenant, &email).await.expect("it answers").expect("a login");
    let profile = world.storage.tenants().find(tenant).await.expect("it answers").expect("a tenant");
    let hash = login.hash.as_str();
    let mut secrets = vec![("a password", PASSWORD.to_owned()), ("a password's hash", "$argon2".to_owned())];
    secrets.extend(hash.rsplit('$').take(2).map(|part| ("a password's hash", part.to_owned())));
    secrets.extend(spellings(&profile.digest_key).map(|spelling| ("a digest key", spelling)));
    for token in [&side.owner, &side.operator, &side.member, &side.neighbour] {
        secrets.push(("a token", token.clone()));
        let token = Token::parse(token).expect("a token");
        secrets.extend(spellings(token.hash().bytes()).map(|spelling| ("a token's hash", spelling)));
    }
    secrets
}

/// All that is said to anybody: every route to everybody who may ask, and what comes over their sockets.
async fn said_to_everybody(world: &World) -> String {
    let acme = &world.acme;
    let listening = world.host.listen().await;
    let mut lines = Vec::new();
    for token in [&acme.owner, &acme.operator, &acme.member] {
        let held = json!([{"conversation": acme.conversation, "epoch": 1, "after": 0}]);
        let mut line = Line::resume(listening.address, token, held).await;
        line.say(json!({"type": "subscribe", "ref": "i", "inbox": true})).await;
        lines.push(line);
    }
    let mut said = String::new();
    let mut hear = |answer: convor_tests::host::Answer| {
        said.push_str(&format!("{} {:?} ", answer.status, answer.headers));
        said.push_str(&String::from_utf8_lossy(&answer.body));
    };
    for token in [&acme.owner, &acme.admin, &acme.operator, &acme.member, &acme.neighbour, &world.bolt.owner]
    {
        for route in routes().filter(|route| *route.method() != Method::DELETE) {
            let path = route.path().replace("{id}", &acme.conversation);
            let ask = Ask::new(route.method().clone(), &path).by(Some(token));
            let tag = acme.tag(&world.host).await;
            // A session's answer shows its token once; that is what it is for.
            let body = match (route.method().as_str(), route.path()) {
                ("POST", "/v1/conversations") => {
                    json!({"client_id": new_id::<Uuid>(), "subject": "A saddle"})
                }
                ("POST", "/v1/conversations/{id}/messages") => {
                    json!({"client_id": new_id::<Uuid>(), "text": "hello"})
                }
                ("PATCH", "/v1/conversations/{id}") => {
                    json!({"tags": ["saddles"], "assignee": acme.tenant.ben.id})
                }
                ("POST", "/v1/search") => json!({"text": "hello"}),
                ("PATCH", "/v1/visitor") => json!({"name": "Iris"}),
                ("POST", "/v1/sessions") => {
                    json!({"tenant": acme.key(), "email": "x@example.org", "password": "wrong one"})
                }
                _ => json!({}),
            };
            hear(world.host.ask(ask.header("if-match", tag).json(&body)).await);
        }
    }
    let site = Ask::get(format!("/v1/site?site={}", acme.tenant.site_key()));
    hear(world.host.ask(site).await);
    for mut line in lines {
        line.say(json!({"type": "page", "url": "https://example.org/", "title": "Saddles"})).await;
        line.say(json!({"type": "typing", "conversation": acme.conversation, "active": true})).await;
        said.extend(line.settle().await);
    }
    said
}

/// Hexadecimal, base64 in both alphabets and without its padding, and a list of numbers.
fn spellings(bytes: &[u8]) -> impl Iterator<Item = String> {
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let base64 = base64(bytes);
    let url = base64.replace('+', "-").replace('/', "_");
    let list = serde_json::to_string(bytes).expect("JSON");
    [hex, base64, url, list].into_iter()
}

/// RFC 4648, 4, without padding.
fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let word =
            chunk.iter().fold(0u32, |word, byte| word << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
        for digit in 0..=chunk.len() {
            text.push(char::from(ALPHABET[(word >> (18 - 6 * digit) & 63) as usize]));
        }
    }
    text
}
