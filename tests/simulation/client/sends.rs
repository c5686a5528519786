//! How a client says something until somebody has acknowledged it.

use std::time::Duration;

use convor::ids::{ClientId, ConversationId};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::Client;
use super::http::Ask;
use crate::checker::Observation;
use crate::clock::now;

/// After how long without an answer something is said again, in milliseconds.
const REPEAT: (u64, u64) = (3_000, 9_000);

/// How many acknowledged messages a client remembers, to repeat one by mistake.
const REMEMBERED: usize = 8;

/// Something that is said in a conversation.
#[derive(Debug, Clone)]
pub(super) struct Saying {
    pub(super) conversation: ConversationId,
    pub(super) client_id: ClientId,
    pub(super) text: String,
    pub(super) note: bool,
    /// When it is said again.
    pub(super) due: Instant,
}

/// A conversation that is to be opened.
#[derive(Debug, Clone)]
pub(super) struct Opening {
    pub(super) client_id: ClientId,
    pub(super) subject: String,
    /// What is said first.
    pub(super) first: Option<(ClientId, String)>,
    pub(super) due: Instant,
}

impl Client {
    /// Says something for the first time.
    pub(super) fn begin_to_say(&mut self, conversation: ConversationId, text: String, note: bool) {
        let client_id: ClientId = self.dice.id();
        self.saw(&Observation::Said { client_id, text: text.clone() });
        self.sayings.push(Saying { conversation, client_id, text, note, due: now() });
    }

    pub(super) async fn say_what_is_due(&mut self) {
        while let Some(index) = self.openings.iter().position(|opening| opening.due <= now()) {
            self.openings[index].due = now() + self.dice.millis(REPEAT.0, REPEAT.1);
            let opening = self.openings[index].clone();
            self.open(opening).await;
        }
        while let Some(index) = self.sayings.iter().position(|saying| saying.due <= now()) {
            self.sayings[index].due = now() + self.dice.millis(REPEAT.0, REPEAT.1);
            let saying = self.sayings[index].clone();
            if self.dice.chance(150) {
                self.say_over_http(saying).await;
            } else {
                self.say_over_socket(&saying).await;
            }
        }
    }

    async fn say_over_socket(&mut self, saying: &Saying) {
        let Some(socket) = self.socket.as_mut().filter(|socket| socket.welcomed) else { return };
        let Saying { conversation, client_id, text, note, .. } = saying;
        let kind = if *note { "note" } else { "message" };
        let frame = json!({"type": "send", "ref": client_id, "conversation": conversation,
            "client_id": client_id, "text": text, "kind": kind});
        if !socket.say(&frame).await {
            self.socket = None;
        }
    }

    async fn say_over_http(&mut self, saying: Saying) {
        let Saying { conversation, client_id, text, note, .. } = saying;
        let kind = if note { "note" } else { "message" };
        let body = json!({"client_id": client_id, "text": text, "kind": kind});
        let path = format!("/v1/conversations/{conversation}/messages");
        if let Some(answer) = self.ask_rightly(Ask::post(path, body)).await {
            let mut message = answer.body["message"].clone();
            message["client_id"] = json!(client_id);
            self.acknowledged(conversation, &message);
        }
    }

    async fn open(&mut self, opening: Opening) {
        let mut body = json!({"client_id": opening.client_id, "subject": opening.subject});
        if let Some((client_id, text)) = &opening.first {
            body["first_message"] = json!({"client_id": client_id, "text": text});
        }
        let Some(answer) = self.ask_rightly(Ask::post("/v1/conversations", body)).await else { return };
        let id = answer.body["conversation"]["id"].as_str().and_then(|id| id.parse().ok());
        let Some(conversation) = id else { return };
        self.openings.retain(|other| other.client_id != opening.client_id);
        let secret = self.person.secret.clone();
        let epoch = answer.body["conversation"]["epoch"].as_u64();
        let is_new = !self.book.contains_key(&conversation);
        let log = self.book.entry(conversation).or_default();
        (log.secret, log.epoch) = (secret, epoch);
        if is_new {
            log.read_at = Some(now());
        }
        if let Some((client_id, _)) = &opening.first {
            let mut message = answer.body["message"].clone();
            message["client_id"] = json!(client_id);
            self.acknowledged(conversation, &message);
        }
    }

    /// Somebody says that something is stored.
    pub(super) fn acknowledged(&mut self, conversation: ConversationId, ack: &Value) {
        let id = |key: &str| ack[key].as_str().unwrap_or_default();
        let (client_id, message) = (id("client_id").parse(), id("message_id").parse());
        let (Ok(client_id), Ok(message), Some(seq)) = (client_id, message, ack["seq"].as_u64()) else {
            return self.world.watcher.violated("an acknowledgement says what is stored", None, ack);
        };
        let duplicate = ack["duplicate"].as_bool().unwrap_or(false);
        let (reader, at) = (self.person.reader, self.at(conversation));
        self.saw(&Observation::Acknowledged { reader, at, client_id, message, seq, duplicate });
        if let Some(index) = self.sayings.iter().position(|saying| saying.client_id == client_id) {
            let saying = self.sayings.swap_remove(index);
            self.acknowledged.truncate(REMEMBERED - 1);
            self.acknowledged.push(saying);
        }
    }

    /// Something was not done. What passes is tried again; anything else is wrong, for a client does nothing wrong.
    pub(super) fn refused(&mut self, error: &Value) {
        let code = error["code"].as_str().unwrap_or_default();
        let reference = error["ref"].as_str().unwrap_or_default();
        let pause = Duration::from_millis(error["retry_after_ms"].as_u64().unwrap_or(500).min(3_000));
        let due = now() + pause;
        self.world.watcher.count("refusals");
        if !matches!(code, "unavailable" | "rate_limited") {
            let what = format!("{}: {error}", self.person.name);
            return self.world.watcher.violated("what is right is not refused for good", None, what);
        }
        if reference == "inbox" {
            // A new connection asks for it again.
            self.socket = None;
            return;
        }
        if let Some(socket) = self.socket.as_mut()
            && let Some((conversation, _)) = socket.asked.remove(reference)
        {
            socket.tuned.remove(&conversation);
            self.book.entry(conversation).or_default().subscribe_at = Some(due);
        }
        if let Some(saying) = self.sayings.iter_mut().find(|saying| saying.client_id.to_string() == reference)
        {
            saying.due = due;
        }
    }
}
