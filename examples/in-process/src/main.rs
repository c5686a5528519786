//! Chat in an application without HTTP: the host knows its people, and connects them within the process.

use std::sync::Arc;

use anyhow::anyhow;
use convor::Chat;
use convor::credentials::SiteKey;
use convor::domain::{MessageKind, Principal, Role};
use convor::protocol::{FirstMessage, MessageRequest, OpenRequest};
use convor::service::{NewOperator, NewSite};
use convor_memory::{Client, InProcess, MemoryStorage};
use serde_json::Value;
use uuid::Uuid;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let chat = Chat::builder(Arc::new(MemoryStorage::new())).start();
    let tenant = chat.create_tenant("Acme", "eu").await?;
    let site =
        NewSite { name: "Shop", title: "Talk to us", greeting: "Hello!", color: "#0b6e4f", origins: &[] };
    let site = chat.create_site(tenant, site).await?;
    let anna = NewOperator { name: "Anna", email: "anna@acme.example", role: Role::Operator };
    let anna = chat.create_operator(tenant, anna).await?;

    // The host has verified both itself, so that they need no token.
    let anna = Principal::operator(tenant, anna.id, anna.role);
    let (visitor, _) = chat.register_visitor(&SiteKey::new(tenant, site.id), None).await?;
    let visitor = Principal::visitor(tenant, site.id, visitor.id);
    let transport = InProcess::new(&chat);
    let (mut desk, mut phone) = (transport.connect(anna).await?, transport.connect(visitor).await?);
    desk.send(r#"{"type": "subscribe", "ref": "1", "inbox": true}"#)
        .await
        .map_err(|end| anyhow!(end.reason()))?;
    // The frame is on its way; what happens before it has arrived is not heard.
    next(&mut desk, |frame| frame["type"] == "subscribed").await?;

    let first_message = Some(FirstMessage { client_id: id(), text: "Is this seat taken?".into() });
    let opened = chat.open(&visitor, OpenRequest { client_id: id(), subject: None, first_message }).await?;
    let conversation = opened.conversation.view.conversation.id;
    println!("Anna reads: {}", next_message(&mut desk, "visitor").await?);

    let answer = MessageRequest { client_id: id(), text: "No, please!".into(), kind: MessageKind::Message };
    chat.post(&anna, conversation, answer).await?;
    println!("The visitor reads: {}", next_message(&mut phone, "operator").await?);
    Ok(())
}

/// A client picks an id for everything it creates, so that it can repeat the request.
fn id() -> convor::ids::ClientId {
    #[expect(clippy::disallowed_methods, reason = "this is a client's id, and this is the client")]
    Uuid::new_v4().into()
}

async fn next_message(client: &mut Client, from: &str) -> anyhow::Result<Value> {
    let is_message = |frame: &Value| frame["kind"] == "message" && frame["message"]["author"]["kind"] == from;
    Ok(next(client, is_message).await?["message"]["text"].clone())
}

async fn next(client: &mut Client, is: impl Fn(&Value) -> bool) -> anyhow::Result<Value> {
    loop {
        let frame = client.next().await.map_err(|end| anyhow!(end.reason()))?;
        let frame: Value = serde_json::from_slice(&frame)?;
        if frame["type"] == "error" {
            return Err(anyhow!("refused: {frame}"));
        }
        if is(&frame) {
            return Ok(frame);
        }
    }
}
