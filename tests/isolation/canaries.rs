//! What one tenant keeps is in no answer and in no frame that anybody else gets.

use convor::domain::Role;
use convor::service::NewOperator;
use convor_hyper::routes;
use convor_tests::fixture::new_id;
use convor_tests::host::Ask;
use convor_tests::line::Line;
use http::Method;
use serde_json::json;
use uuid::Uuid;

use crate::world::{Outsider, World};

/// Stands in everything that Acme keeps.
const CANARY: &str = "canary";

/// Where it stands.
const PLACES: [&str; 9] = [
    "visitor's name",
    "visitor's address",
    "subject",
    "message",
    "note",
    "tag",
    "operator's name",
    "page's address",
    "page's title",
];

#[tokio::test]
async fn s06_what_a_tenant_keeps_is_in_no_list_and_no_page_of_anybody_elses() {
    let world = World::new().await;
    plant(&world).await;
    let owner =
        Outsider { role: "owner", token: Some(&world.acme.owner), own: Some(&world.acme.conversation) };
    let seen = everything(&world, owner).await;
    for (number, place) in PLACES.iter().enumerate() {
        assert!(seen.contains(&canary(number)), "the search finds the {place}");
    }

    let mut searched = 0;
    for outsider in world.outsiders() {
        let seen = everything(&world, outsider).await;
        assert!(!seen.contains(CANARY), "{}: {seen}", outsider.role);
        searched += seen.len();
    }
    println!("proof-columns: Canaries | what | places | bytes searched");
    println!("proof: Canaries | answers to everybody else | {} | {searched}", PLACES.len());
}

#[tokio::test]
async fn s06_what_happens_in_a_tenant_is_in_no_frame_of_anybody_elses() {
    let world = World::new().await;
    let listening = world.host.listen().await;
    let mut lines = Vec::new();
    for outsider in world.outsiders() {
        let Some(token) = outsider.token else { continue };
        let mut line = Line::hello(listening.address, token).await;
        line.say(json!({"type": "subscribe", "ref": "i", "inbox": true})).await;
        line.settle().await;
        lines.push((outsider.role, line));
    }
    let mut owner = Line::hello(listening.address, &world.acme.owner).await;
    owner.say(json!({"type": "subscribe", "ref": "i", "inbox": true})).await;
    owner.settle().await;

    plant(&world).await;

    assert!(owner.settle().await.concat().contains(CANARY), "the search finds what is there");
    for (role, mut line) in lines {
        let heard = line.settle().await.concat();
        assert!(!heard.contains(CANARY) && !heard.contains(r#""type":"event""#), "{role}: {heard}");
    }
}

fn canary(number: usize) -> String {
    format!("{CANARY}-{number}-")
}

/// Writes a canary wherever Acme keeps something.
async fn plant(world: &World) {
    let (acme, host) = (&world.acme, &world.host);
    let (member, owner) = (Some(acme.member.as_str()), Some(acme.owner.as_str()));
    let text = |number| format!("{}text", canary(number));
    let new = NewOperator { name: &text(6), email: "canary-6-@example.org", role: Role::Operator };
    let operator = host.chat.create_operator(acme.tenant.id, new).await.expect("an operator");
    let who = json!({"name": text(0), "email": format!("{}@example.org", canary(1))});
    let named = Ask::new(Method::PATCH, "/v1/visitor").by(member).json(&who);
    let subject = Ask::post("/v1/conversations", &json!({"client_id": new_id::<Uuid>(), "subject": text(2)}))
        .by(member);
    let path = format!("/v1/conversations/{}/messages", acme.conversation);
    let message = Ask::post(&path, &json!({"client_id": new_id::<Uuid>(), "text": text(3)})).by(member);
    let note =
        Ask::post(&path, &json!({"client_id": new_id::<Uuid>(), "text": text(4), "kind": "note"})).by(owner);
    for ask in [named, subject, message, note] {
        let answer = host.ask(ask).await;
        assert_eq!(answer.status / 100, 2, "{answer:?}");
    }
    assert_eq!(acme.change(host, &json!({"tags": [text(5)], "assignee": operator.id})).await, 200);

    let listening = host.listen().await;
    let mut member = Line::hello(listening.address, &acme.member).await;
    let url = format!("https://example.org/{}", text(7));
    member.say(json!({"type": "page", "url": url, "title": text(8)})).await;
    member.say(json!({"type": "typing", "conversation": acme.conversation, "active": true})).await;
    member.say(json!({"type": "read", "conversation": acme.conversation, "seq": 2})).await;
    member.settle().await;
}

/// Everything that somebody can get by asking, whatever is asked for.
async fn everything(world: &World, asker: Outsider<'_>) -> String {
    let filters = [
        "",
        "?limit=200",
        "?status=open",
        "?status=closed",
        "?status=snoozed",
        "?assignee=none",
        "?tag=canary-5-text",
    ];
    let own_assignee = format!("?assignee={}", world.acme.tenant.anna.id);
    let mut seen = String::new();
    for route in routes().filter(|route| *route.method() == Method::GET) {
        let id = asker.own.unwrap_or(&world.acme.conversation);
        let path = route.path().replace("{id}", id);
        let queries: Vec<&str> = match route.path() {
            "/v1/conversations" => filters.into_iter().chain([own_assignee.as_str()]).collect(),
            _ => vec![""],
        };
        for query in queries {
            let answer = world.host.ask(Ask::get(format!("{path}{query}")).by(asker.token)).await;
            seen.push_str(&String::from_utf8_lossy(&answer.body));
            seen.push_str(&format!("{:?}", answer.headers));
        }
    }
    for text in [CANARY, "text", "canary-3-text", "4"] {
        let ask = Ask::post("/v1/search", &json!({"text": text, "limit": 200})).by(asker.token);
        seen.push_str(&String::from_utf8_lossy(&world.host.ask(ask).await.body));
    }
    seen
}
