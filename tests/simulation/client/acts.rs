//! What a client does by itself.

use convor::ids::ConversationId;
use serde_json::{Value, json};

use super::Client;
use super::http::{Ask, Refusal};
use super::sends::Opening;
use crate::checker::Observation;
use crate::clock::{now, stamp};
use crate::world::Kind;

/// Between two acts, in milliseconds.
const PACE: (u64, u64) = (150, 3_000);

/// How many conversations a visitor opens.
const CONVERSATIONS_MAX: usize = 3;

/// How long somebody reads nothing, in milliseconds.
const DEAF: (u64, u64) = (500, 13_000);

impl Client {
    pub(super) async fn act(&mut self) {
        self.act_at = now() + self.dice.millis(PACE.0, PACE.1);
        if self.world.watcher.is_calm() {
            self.deaf_until = now();
            return;
        }
        let known: Vec<_> = self.book.keys().copied().collect();
        let Some(conversation) = self.dice.pick(&known) else {
            if self.person.kind == Kind::Visitor && self.openings.is_empty() {
                self.begin_to_open();
            }
            return;
        };
        match self.dice.below(100) {
            0..50 => self.say_something(conversation),
            50..56 => (0..self.dice.between(5, 40)).for_each(|_| self.say_something(conversation)),
            56..62 => self.repeat(),
            62..70 => self.whisper(conversation).await,
            70..75 => self.leave(),
            75..79 => self.stop_reading(),
            79..84 if known.len() < CONVERSATIONS_MAX && self.person.kind == Kind::Visitor => {
                self.begin_to_open()
            }
            84..96 if self.person.kind.is_staff() => self.change(conversation).await,
            96..98 => self.list_at = Some(now()),
            _ => {}
        }
        self.say_what_is_due().await;
    }

    fn say_something(&mut self, conversation: ConversationId) {
        let note = self.person.kind.is_staff() && self.dice.chance(350);
        let secret = self.book.get(&conversation).map(|log| log.secret.clone()).unwrap_or_default();
        if secret.is_empty() {
            return;
        }
        let text = self.text(&secret, note);
        self.begin_to_say(conversation, text, note);
    }

    /// A text that tells whose it is, and for whom.
    fn text(&mut self, secret: &str, note: bool) -> String {
        self.said += 1;
        let length =
            if self.dice.chance(100) { self.dice.between(500, 3_000) } else { self.dice.between(0, 80) };
        let kind = if note { "note" } else { "open" };
        let filling = "x".repeat(usize::try_from(length).unwrap_or(0));
        format!("{secret}{kind}-{} by {} {filling}.", self.said, self.person.name)
    }

    fn begin_to_open(&mut self) {
        let secret = self.person.secret.clone();
        let first = self.dice.chance(900).then(|| (self.dice.id(), self.text(&secret, false)));
        if let Some((client_id, text)) = &first {
            self.saw(&Observation::Said { client_id: *client_id, text: text.clone() });
        }
        // The subject tells staff how secret words of the conversation begin.
        let client_id = self.dice.id();
        self.openings.push(Opening { client_id, subject: format!("{secret}open"), first, due: now() });
    }

    /// Says something again that has been acknowledged, as a client does that has not heard of it.
    fn repeat(&mut self) {
        let Some(mut saying) = self.dice.pick(&self.acknowledged) else { return };
        saying.due = now();
        self.sayings.push(saying);
    }

    /// What is not stored in a log: typing, reading, being on a page.
    async fn whisper(&mut self, conversation: ConversationId) {
        let last = self.book.get(&conversation).map_or(0, |log| log.last);
        let frame = match self.dice.below(3) {
            0 => json!({"type": "typing", "conversation": conversation, "active": self.dice.chance(500)}),
            1 if self.person.kind == Kind::Visitor => {
                json!({"type": "page", "url": "https://www.example.org/a"})
            }
            _ => json!({"type": "read", "conversation": conversation, "seq": self.dice.between(0, last)}),
        };
        if let Some(socket) = self.socket.as_mut().filter(|socket| socket.welcomed)
            && !socket.say(&frame).await
        {
            self.socket = None;
        }
    }

    /// Goes away, and comes back.
    fn leave(&mut self) {
        if self.socket.take().is_some() {
            self.world.watcher.count("clients that leave");
        }
    }

    fn stop_reading(&mut self) {
        self.world.watcher.count("clients that stop reading");
        self.deaf_until = now() + self.dice.millis(DEAF.0, DEAF.1);
    }

    /// An operator changes a conversation that nobody else has changed meanwhile.
    async fn change(&mut self, conversation: ConversationId) {
        let path = format!("/v1/conversations/{conversation}");
        let Some(found) = self.ask_rightly(Ask::get(path.clone())).await else { return };
        let Some(tag) = found.etag else { return };
        let change = self.a_change();
        match self.ask(Ask::patch(path, change, tag)).await {
            Ok(_) | Err(Refusal::Passing) => {}
            // Somebody was faster; or the node's clock says that it is later.
            Err(Refusal::Lasting(code))
                if ["precondition_failed", "invalid_request"].contains(&code.as_str()) => {}
            Err(Refusal::Lasting(code)) => {
                let (what, at) = (format!("{}: {code}", self.person.name), self.at(conversation));
                self.world.watcher.violated("what is right is not refused for good", Some(at), what);
            }
        }
    }

    fn a_change(&mut self) -> Value {
        let until = stamp(self.world.watcher.began(), self.dice.millis(4_000, 20_000));
        match self.dice.below(5) {
            0 => json!({"status": "closed"}),
            1 => json!({"status": "open"}),
            2 => json!({"status": "snoozed", "snoozed_until": until}),
            3 => json!({"tags": [format!("{}note", self.person.secret)]}),
            _ => json!({"status": "closed", "tags": [], "assignee": null}),
        }
    }
}
