//! A connection whose frames are held against the documents, and two people who talk over such.

use std::collections::BTreeSet;
use std::sync::Arc;

use convor::Chat;
use convor::credentials::TenantKey;
use convor::domain::Principal;
use convor::hub::{Batch, Outlet};
use convor::ids::ConversationId;
use convor::ports::{Close, Transport};
use convor::session::{Entrance, Session};
use convor_tests::fixture::{PASSWORD, Tenant, chat, new_id, opening};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::documents::{Documents, Eyes};

/// One connection, each frame of which is held against the documents.
pub(crate) struct Line {
    documents: Arc<Documents>,
    eyes: Eyes,
    pub(crate) session: Session,
    pub(crate) outlet: Arc<Outlet>,
    /// The types of all frames, `client.…` and `server.…`.
    pub(crate) seen: BTreeSet<String>,
}

impl Line {
    pub(crate) fn new(documents: &Arc<Documents>, chat: &Chat, eyes: Eyes) -> Self {
        let outlet = Arc::new(Outlet::new(chat.limits()));
        let transport: Arc<dyn Transport> = Arc::clone(&outlet) as _;
        let session = Session::new(chat, transport, Entrance::default());
        Self { documents: Arc::clone(documents), eyes, session, outlet, seen: BTreeSet::new() }
    }

    /// Says something that is as documented, and answers what has been heard since.
    pub(crate) async fn say(&mut self, frame: Value) -> Vec<Value> {
        let pointer = self.pointer("client", &frame);
        self.documents.check(self.eyes, "asyncapi.json", &pointer, &frame);
        self.session.receive(&frame.to_string()).await;
        self.hear().await.expect("an open connection")
    }

    /// What has been heard, each frame as documented. Frames are handled in their order, so the answer to one that is sent
    /// now comes after all others.
    pub(crate) async fn hear(&mut self) -> Result<Vec<Value>, Close> {
        self.session.receive(r#"{"type": "no such type", "ref": "the end"}"#).await;
        let (mut batch, mut heard) = (Vec::new(), Vec::new());
        loop {
            match self.outlet.next(&mut batch).await {
                Batch::Frames => {
                    heard.extend(batch.drain(..).map(|frame| self.documented(&frame.text)));
                    if heard.last().is_some_and(|last| last["ref"] == "the end") {
                        heard.pop();
                        return Ok(heard);
                    }
                }
                Batch::Close(reason) => return Err(reason),
            }
        }
    }

    /// A frame of the server, which must be as documented.
    pub(crate) fn documented(&mut self, text: &[u8]) -> Value {
        let frame = serde_json::from_slice(text).expect("JSON");
        let pointer = self.pointer("server", &frame);
        self.documents.check(self.eyes, "asyncapi.json", &pointer, &frame);
        frame
    }

    pub(crate) fn pointer(&mut self, side: &str, frame: &Value) -> String {
        let name = format!("{side}.{}", frame["type"].as_str().expect("a type"));
        self.seen.insert(name.clone());
        format!("/components/messages/{name}/payload")
    }
}

/// A tenant with a visitor and an operator who are connected, and the conversation that the visitor has opened.
pub(crate) struct Scene {
    pub(crate) tenant: Tenant,
    pub(crate) documents: Arc<Documents>,
    pub(crate) vera: Line,
    pub(crate) anna: Line,
    pub(crate) visitor: Principal,
    pub(crate) visitors_token: String,
    pub(crate) conversation: ConversationId,
}

pub(crate) async fn scene() -> Scene {
    let tenant = Tenant::new(&chat(), "Acme").await;
    let documents = Arc::new(Documents::read());
    let (chat, key) = (&tenant.chat, tenant.site_key());
    let (record, token) = chat.register_visitor(&key, None).await.expect("a visitor");
    let visitor = Principal::visitor(tenant.id, tenant.site.id, record.id);
    let (mut vera, mut anna) =
        (Line::new(&documents, chat, Eyes::Visitor), Line::new(&documents, chat, Eyes::Staff));
    chat.set_password(tenant.id, tenant.anna.id, PASSWORD).await.expect("a password");
    let key = TenantKey::new(tenant.id).to_string();
    let session = chat.sign_in(&key, "anna@example.org", PASSWORD, None).await.expect("a session");
    let heard = anna.say(json!({"type": "hello", "token": session.token.reveal()})).await;
    assert_eq!(types(&heard), ["welcome"]);
    assert_eq!(
        types(&anna.say(json!({"type": "subscribe", "ref": "i", "inbox": true})).await),
        ["subscribed"]
    );
    let heard = vera.say(json!({"type": "hello", "token": token.reveal(), "resume": []})).await;
    assert_eq!(types(&heard), ["welcome", "presence"]);
    assert_eq!(types(&anna.hear().await.expect("frames")), ["presence"]);
    let opened = chat.open(&visitor, opening("Hello?")).await.expect("open");
    let conversation = opened.conversation.view.conversation.id;
    let visitors_token = token.reveal().to_owned();
    Scene { tenant, documents, vera, anna, visitor, visitors_token, conversation }
}

/// The types of these frames.
pub(crate) fn types(frames: &[Value]) -> Vec<&str> {
    frames.iter().filter_map(|frame| frame["type"].as_str()).collect()
}

/// An id that nothing has.
pub(crate) fn id() -> Uuid {
    new_id()
}
