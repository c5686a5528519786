//! How a client lists conversations, reads their logs, and subscribes to them.

use std::time::Duration;

use convor::ids::ConversationId;
use serde_json::{Value, json};

use super::Client;
use super::http::Ask;
use crate::bug::Bug;
use crate::checker::Observation;
use crate::clock::now;
use crate::world::Kind;

/// How often a client lists conversations that does not listen to an inbox.
const BETWEEN_LISTS: Duration = Duration::from_secs(7);

/// After how long a client asks again.
const AGAIN: Duration = Duration::from_millis(700);

impl Client {
    /// Lists all conversations; those that are new are followed.
    pub(super) async fn list(&mut self) {
        self.list_at = None;
        let mut cursor = String::new();
        loop {
            let limit = self.dice.between(2, 20);
            let path = format!("/v1/conversations?limit={limit}{cursor}");
            let Some(answer) = self.ask_rightly(Ask::get(path)).await else {
                self.list_at = Some(now() + AGAIN);
                return;
            };
            let listed = answer.body["data"].as_array().cloned().unwrap_or_default();
            listed.iter().for_each(|conversation| self.listed(conversation));
            match answer.body["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
        }
        if self.person.kind == Kind::Follower {
            self.list_at = Some(now() + BETWEEN_LISTS);
        }
    }

    fn listed(&mut self, conversation: &Value) {
        let Some(id) = conversation["id"].as_str().and_then(|id| id.parse::<ConversationId>().ok()) else {
            return;
        };
        let (reader, at) = (self.person.reader, self.at(id));
        self.world.watcher.overheard(reader, "", Some(id));
        let seq = conversation["seq"].as_u64().unwrap_or(0);
        if self.person.kind == Kind::Lister {
            self.saw(&Observation::Viewed { reader, at, seq });
        }
        let is_new = !self.book.contains_key(&id);
        let subject = conversation["subject"].as_str().and_then(|subject| subject.strip_suffix("open"));
        let log = self.book.entry(id).or_default();
        log.epoch = log.epoch.or_else(|| conversation["epoch"].as_u64());
        log.secret = subject.unwrap_or_default().to_owned();
        match self.person.kind {
            Kind::Lister => {}
            Kind::Desk | Kind::Follower if is_new => log.subscribe_at = Some(now()),
            Kind::Visitor if is_new => log.read_at = Some(now()),
            _ => {}
        }
    }

    pub(super) async fn read_what_is_due(&mut self) {
        let is_due = |log: &super::book::Log| log.read_at.is_some_and(|at| at <= now());
        let due: Vec<_> = self.book.iter().filter(|(_, log)| is_due(log)).map(|(id, _)| *id).collect();
        for conversation in due {
            self.read(conversation).await;
        }
    }

    /// Reads a log over HTTP, from what is held to its end.
    pub(super) async fn read(&mut self, conversation: ConversationId) {
        let by_time = self.world.has(Bug::RemembersTheTime);
        let mut from = None;
        loop {
            let log = self.book.entry(conversation).or_default();
            log.read_at = None;
            let after = from.unwrap_or(if by_time { 0 } else { log.last });
            let limit = self.dice.between(3, 60);
            let path = format!("/v1/conversations/{conversation}/events?after={after}&limit={limit}");
            let Some(page) = self.ask_rightly(Ask::get(path)).await else {
                let log = self.book.entry(conversation).or_default();
                log.read_at = Some(now() + AGAIN);
                return;
            };
            let events = page.body["data"].as_array().cloned().unwrap_or_default();
            let end = page.body["seq"].as_u64().unwrap_or(0);
            let read = events.last().and_then(|event| event["seq"].as_u64()).unwrap_or(after);
            events.into_iter().for_each(|event| self.accept(conversation, event));
            from = Some(read);
            if read >= end {
                break;
            }
        }
        let log = self.book.entry(conversation).or_default();
        if std::mem::take(&mut log.was_reset) {
            let (reader, at) = (self.person.reader, self.at(conversation));
            self.saw(&Observation::Reread { reader, at });
        }
    }

    pub(super) async fn subscribe_where_it_is_due(&mut self) {
        if !self.socket.as_ref().is_some_and(|socket| socket.welcomed) {
            // It is due again with the next welcome.
            self.book.values_mut().for_each(|log| log.subscribe_at = None);
            return;
        }
        let is_due = |log: &super::book::Log| log.subscribe_at.is_some_and(|at| at <= now());
        let due: Vec<_> = self.book.iter().filter(|(_, log)| is_due(log)).map(|(id, _)| *id).collect();
        for conversation in due {
            self.subscribe(conversation).await;
        }
    }

    /// Subscribes to what follows what is held; some clients read most of it before.
    async fn subscribe(&mut self, conversation: ConversationId) {
        let after_reading = self.world.has(Bug::SubscribesAfterReading);
        if after_reading || self.world.has(Bug::RemembersTheTime) || self.dice.chance(400) {
            self.read(conversation).await;
        }
        let Some(log) = self.book.get_mut(&conversation) else { return };
        log.subscribe_at = None;
        let Some(socket) = self.socket.as_mut().filter(|socket| socket.welcomed) else { return };
        let after = (!after_reading).then_some(log.last);
        let reference = format!("s{}", self.dice.roll());
        let mut frame = json!({"type": "subscribe", "ref": reference, "conversation": conversation});
        if let Some(after) = after {
            frame["after"] = json!(after);
        }
        socket.asked.insert(reference, (conversation, after));
        if !socket.say(&frame).await {
            self.socket = None;
        }
    }
}
