//! A conversation that is going on, and must go on.

use std::net::SocketAddr;
use std::sync::Arc;

use convor::{Chat, Limits};
use convor_memory::MemoryStorage;
use convor_tests::fixture::{PASSWORD, Tenant, new_id};
use convor_tests::host::{Answer, Ask, Host, Listening, generous};
use convor_tests::line::Line;
use serde_json::{Value, json};
use uuid::Uuid;

/// A visitor and an operator who talk, each over a socket.
#[derive(Debug)]
pub(crate) struct Talk {
    pub(crate) host: Host,
    pub(crate) tenant: Tenant,
    pub(crate) visitor: String,
    pub(crate) operator: String,
    pub(crate) conversation: String,
    listening: Listening,
    hers: Line,
    theirs: Line,
    said: Vec<String>,
}

impl Talk {
    pub(crate) async fn new() -> Self {
        Self::with(generous()).await
    }

    pub(crate) async fn with(limits: Limits) -> Self {
        let host = Host::new(Chat::builder(Arc::new(MemoryStorage::new())).limits(limits).start());
        let tenant = Tenant::new(&host.chat, "Acme").await;
        host.chat.set_password(tenant.id, tenant.anna.id, PASSWORD).await.expect("a password");
        let (_, visitor) = host.register(tenant.site_key()).await;
        let operator = host.sign_in(&tenant, "anna@example.org").await;
        let opening = json!({"client_id": id(), "first_message": {"client_id": id(), "text": "hello"}});
        let opened = host.ask(Ask::post("/v1/conversations", &opening).by(Some(&visitor))).await.json();
        let conversation = opened["conversation"]["id"].as_str().expect("an id").to_owned();
        let listening = host.listen().await;
        let hers = Line::hello(listening.address, &visitor).await;
        let mut theirs = Line::hello(listening.address, &operator).await;
        theirs.say(json!({"type": "subscribe", "ref": "s", "conversation": conversation})).await;
        theirs.until("subscribed").await;
        Self {
            host,
            tenant,
            visitor,
            operator,
            conversation,
            listening,
            hers,
            theirs,
            said: vec!["hello".into()],
        }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.listening.address
    }

    /// The path of its messages.
    pub(crate) fn messages(&self) -> String {
        format!("/v1/conversations/{}/messages", self.conversation)
    }

    /// The visitor asks for something.
    pub(crate) async fn ask(&self, ask: Ask) -> Answer {
        self.host.ask(ask.by(Some(&self.visitor))).await
    }

    /// The visitor sends a frame, and gets this refusal; its socket stays.
    pub(crate) async fn refused(&mut self, frame: &Value, code: &str) {
        self.hers.say(frame.clone()).await;
        let error = self.hers.until("error").await;
        assert_eq!((&error["code"], &error["ref"]), (&json!(code), &frame["ref"]), "{frame}: {error}");
    }

    /// The visitor sends something that is no frame, and is told so; its socket stays.
    pub(crate) async fn refused_text(&mut self, text: &str, code: &str) {
        self.hers.send(convor_tests::line::Message::text(text)).await;
        let error = self.hers.until("error").await;
        assert_eq!(error["code"], code, "{text}: {error}");
    }

    /// Both say something over the sockets that they have had all the time, and hear each other; and all that was ever
    /// said is there, once, in its order, and nothing else.
    pub(crate) async fn goes_on(&mut self) {
        for is_visitor in [true, false] {
            let text = format!("message {}", self.said.len() + 1);
            self.say(is_visitor, &text).await;
        }
        let path = format!("/v1/conversations/{}/events?after=0&limit=200", self.conversation);
        for reader in [&self.visitor, &self.operator] {
            let page = self.host.ask(Ask::get(&path).by(Some(reader))).await.json();
            let events = page["data"].as_array().expect("events");
            let texts: Vec<_> = events.iter().map(|event| event["message"]["text"].as_str()).collect();
            assert_eq!(texts, self.said.iter().map(|text| Some(text.as_str())).collect::<Vec<_>>());
            let seqs: Vec<_> = events.iter().map(|event| event["seq"].as_u64()).collect();
            assert_eq!(seqs, (1..=self.said.len() as u64).map(Some).collect::<Vec<_>>());
        }
    }

    /// Says something over a socket; the other side hears it next.
    async fn say(&mut self, is_visitor: bool, text: &str) {
        let frame = json!({"type": "send", "ref": "s", "conversation": self.conversation, "client_id": id(), "text": text});
        let (from, to) = match is_visitor {
            true => (&mut self.hers, &mut self.theirs),
            false => (&mut self.theirs, &mut self.hers),
        };
        from.say(frame).await;
        assert_eq!(from.until("ack").await["duplicate"], false);
        self.said.push(text.to_owned());
        loop {
            let event = to.until("event").await;
            if event["seq"].as_u64() == Some(self.said.len() as u64) {
                assert_eq!(event["message"]["text"], text);
                return;
            }
        }
    }

    /// Remembers what was said in another way than by [`Talk::goes_on`].
    pub(crate) fn said(&mut self, text: &str) {
        self.said.push(text.to_owned());
    }
}

/// An id that nothing has.
pub(crate) fn id() -> Uuid {
    new_id()
}
