//! A tenant with a visitor and an operator, and connections within the process.

use std::sync::Arc;

use convor::credentials::SiteKey;
use convor::domain::{Principal, Role};
use convor::ids::{ConversationId, TenantId};
use convor::protocol::{FirstMessage, MessageRequest, OpenRequest};
use convor::service::{NewOperator, NewSite};
use convor::{Chat, ChatBuilder};
use convor_memory::{Client, InProcess, MemoryStorage};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::ports::Clock;
use crate::testing::{FixedClock, FixedEntropy};

/// A tenant with a visitor and an operator.
#[derive(Debug)]
pub(crate) struct Stage {
    pub(crate) chat: Chat,
    pub(crate) clock: Arc<FixedClock>,
    pub(crate) tenant: TenantId,
    pub(crate) visitor: Principal,
    pub(crate) operator: Principal,
}

impl Stage {
    pub(crate) async fn new() -> Self {
        Self::with(|chat| chat).await
    }

    /// The same with more than the builder's defaults.
    pub(crate) async fn with(more: impl FnOnce(ChatBuilder) -> ChatBuilder) -> Self {
        let clock = Arc::new(FixedClock::default());
        let ticking: Arc<dyn Clock> = Arc::clone(&clock) as _;
        let builder =
            Chat::builder_with(Arc::new(MemoryStorage::new()), ticking, Arc::new(FixedEntropy::new(1)));
        let chat = more(builder).start();
        let tenant = chat.create_tenant("Acme", "eu").await.expect("a tenant");
        let new = NewSite { name: "Shop", title: "Talk", greeting: "Hello!", color: "#0b6e4f", origins: &[] };
        let site = chat.create_site(tenant, new).await.expect("a site");
        let anna = NewOperator { name: "Anna", email: "anna@example.org", role: Role::Owner };
        let anna = chat.create_operator(tenant, anna).await.expect("an operator");
        let (visitor, _) =
            chat.register_visitor(&SiteKey::new(tenant, site.id), None).await.expect("a visitor");
        let visitor = Principal::visitor(tenant, site.id, visitor.id);
        Self { chat, clock, tenant, visitor, operator: Principal::operator(tenant, anna.id, anna.role) }
    }

    /// The visitor opens a conversation with these words.
    pub(crate) async fn open(&self, text: &str) -> ConversationId {
        let first_message = Some(FirstMessage { client_id: id(2), text: text.to_owned() });
        let request = OpenRequest { client_id: id(1), subject: None, first_message };
        let opened = self.chat.open(&self.visitor, request).await.expect("an open conversation");
        opened.conversation.view.conversation.id
    }

    /// What a principal sees of a conversation.
    pub(crate) async fn view(&self, principal: &Principal, conversation: ConversationId) -> Value {
        let viewed = self.chat.conversation(principal, conversation).await.expect("a view");
        json!({"tag": viewed.tag(), "object": serde_json::to_value(viewed.object()).expect("JSON")})
    }

    pub(crate) async fn connect(&self, principal: Principal) -> Wire {
        Wire(InProcess::new(&self.chat).connect(principal).await.expect("a welcome"))
    }
}

/// A message with these words.
pub(crate) fn message(client_id: u128, text: &str) -> MessageRequest {
    MessageRequest {
        client_id: id(client_id),
        text: text.to_owned(),
        kind: convor::domain::MessageKind::Message,
    }
}

/// The id of this number.
pub(crate) fn id<I: From<Uuid>>(number: u128) -> I {
    Uuid::from_u128(number).into()
}

/// A client's end of a connection.
#[derive(Debug)]
pub(crate) struct Wire(Client);

impl Wire {
    /// Sends a frame, and answers what has come up to its being handled.
    pub(crate) async fn say(&mut self, frame: Value) -> Vec<Value> {
        self.0.send(frame.to_string()).await.expect("an open connection");
        self.heard().await
    }

    /// What has come since it was last asked. Frames are handled in their order, so the answer to one that is sent now comes
    /// after all others.
    pub(crate) async fn heard(&mut self) -> Vec<Value> {
        let last = json!({"type": "no such type", "ref": "the end"});
        self.0.send(last.to_string()).await.expect("an open connection");
        let mut heard = Vec::new();
        loop {
            let frame = self.0.next().await.expect("an open connection");
            let frame: Value = serde_json::from_slice(&frame).expect("JSON");
            if frame["ref"] == "the end" {
                return heard;
            }
            heard.push(frame);
        }
    }
}
