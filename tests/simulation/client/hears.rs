//! What a client does with the frames of its socket.

use std::time::Duration;

use convor::ids::ConversationId;
use serde_json::{Value, json};

use super::Client;
use crate::bug::Bug;
use crate::checker::{Observation, heard};
use crate::clock::now;
use crate::world::Kind;

/// How long a client waits for what is missing before it asks for it: a replay that is under way closes most gaps.
const GAP_PATIENCE: Duration = Duration::from_millis(400);

impl Client {
    pub(super) async fn hears(&mut self, text: &str) {
        let frame: Value = serde_json::from_str(text).unwrap_or_default();
        let conversation = conversation_of(&frame);
        self.world.watcher.overheard(self.person.reader, text, conversation);
        self.world.watcher.count("frames");
        match (frame["type"].as_str().unwrap_or_default(), conversation) {
            ("welcome", _) => self.welcomed().await,
            ("event", Some(conversation)) => self.happened(conversation, frame),
            ("ack", Some(conversation)) => self.acknowledged(conversation, &frame),
            ("subscribed", conversation) => self.subscribed(conversation, &frame),
            ("reset", Some(conversation)) => self.reset(conversation, frame["seq"].as_u64().unwrap_or(0)),
            ("reset", None) => {
                self.world.watcher.count("inbox resets");
                self.list_at = Some(now());
            }
            ("error", _) => self.refused(&frame),
            _ => {}
        }
    }

    async fn welcomed(&mut self) {
        let inbox = self.person.kind.hears_inbox();
        let Some(socket) = self.socket.as_mut() else { return };
        socket.welcomed = true;
        if inbox {
            let subscribe = json!({"type": "subscribe", "ref": "inbox", "inbox": true});
            if !socket.say(&subscribe).await {
                self.socket = None;
                return;
            }
        } else {
            self.list_at = Some(now());
        }
        self.catch_up_where_nothing_was_resumed();
        let due = now() + self.dice.millis(0, 300);
        self.sayings.iter_mut().for_each(|saying| saying.due = saying.due.min(due));
    }

    /// What this connection does not bring is asked for: staff subscribe, a visitor hears it anyway and reads what lies
    /// between.
    fn catch_up_where_nothing_was_resumed(&mut self) {
        let Some(socket) = &self.socket else { return };
        for (conversation, log) in &mut self.book {
            if socket.tuned.contains(conversation) || self.person.kind == Kind::Lister {
                continue;
            }
            if self.person.kind.is_staff() {
                log.subscribe_at = Some(now());
            } else {
                log.read_at = Some(now());
            }
        }
    }

    fn subscribed(&mut self, conversation: Option<ConversationId>, frame: &Value) {
        let Some(conversation) = conversation else {
            self.list_at = Some(now());
            return;
        };
        let reference = frame["ref"].as_str().unwrap_or_default();
        let Some(socket) = self.socket.as_mut() else { return };
        // It may still be refused: what was to follow could not be read.
        let Some((_, after)) = socket.asked.get(reference).copied() else { return };
        socket.tuned.insert(conversation);
        let line = socket.line;
        let after = after.or_else(|| frame["seq"].as_u64()).unwrap_or(0);
        if let Some(log) = self.book.get_mut(&conversation) {
            log.epoch = log.epoch.or_else(|| frame["epoch"].as_u64());
        }
        self.saw(&Observation::Began { line, at: self.at(conversation), after });
    }

    fn reset(&mut self, conversation: ConversationId, after: u64) {
        self.world.watcher.count("resets");
        let (reader, at) = (self.person.reader, self.at(conversation));
        self.saw(&Observation::Reset { reader, at });
        if let Some(socket) = &self.socket {
            self.saw(&Observation::Began { line: socket.line, at, after });
        }
        if self.world.has(Bug::IgnoresResets) {
            return;
        }
        self.saw(&Observation::Dropped { reader, at });
        let log = self.book.entry(conversation).or_default();
        (log.last, log.was_reset, log.read_at) = (0, true, Some(now()));
        log.last_at.clear();
        log.early.clear();
    }

    /// An event has come, over the conversation's own subscription or the inbox's.
    fn happened(&mut self, conversation: ConversationId, event: Value) {
        let (reader, at) = (self.person.reader, self.at(conversation));
        let seq = event["seq"].as_u64().unwrap_or(0);
        if self.person.kind == Kind::Lister {
            return self.saw(&Observation::Viewed { reader, at, seq });
        }
        if !self.person.kind.hears_inbox()
            && let Some(socket) = &self.socket
        {
            self.saw(&Observation::Heard { reader, line: socket.line, at, seq });
        }
        let is_new = !self.book.contains_key(&conversation);
        self.accept(conversation, event);
        let subscribes = is_new && self.person.kind.is_staff();
        let log = self.book.entry(conversation).or_default();
        if subscribes {
            log.subscribe_at = Some(now());
        }
        if !log.early.is_empty() && log.read_at.is_none() {
            log.read_at = Some(now() + GAP_PATIENCE);
        }
    }

    /// Adds an event to what is held, if it is the next one; keeps it aside, if it has come too early.
    pub(super) fn accept(&mut self, conversation: ConversationId, event: Value) {
        let seq = event["seq"].as_u64().unwrap_or(0);
        let at = event["at"].as_str().unwrap_or_default().to_owned();
        let bug = self.world.bug;
        let log = self.book.entry(conversation).or_default();
        log.epoch = log.epoch.or_else(|| event["epoch"].as_u64());
        let takes_as_it_comes = match bug {
            Some(Bug::TakesRepeats) => seq <= log.last + 1,
            Some(Bug::RemembersTheTime) => at > log.last_at,
            Some(Bug::SubscribesAfterReading) => seq > log.last,
            _ => false,
        };
        if takes_as_it_comes {
            return self.take(conversation, &event);
        }
        if bug == Some(Bug::RemembersTheTime) || seq <= log.last {
            return;
        }
        log.early.insert(seq, event);
        while let Some(next) = self.book.get_mut(&conversation).and_then(super::book::Log::next) {
            self.take(conversation, &next);
        }
    }

    fn take(&mut self, conversation: ConversationId, event: &Value) {
        let (reader, at) = (self.person.reader, self.at(conversation));
        let seq = event["seq"].as_u64().unwrap_or(0);
        let log = self.book.entry(conversation).or_default();
        log.last = log.last.max(seq);
        log.last_at = event["at"].as_str().unwrap_or_default().to_owned();
        self.saw(&Observation::Took { reader, at, seq, entry: heard(event) });
    }
}

fn conversation_of(frame: &Value) -> Option<ConversationId> {
    frame["conversation"].as_str()?.parse().ok()
}
