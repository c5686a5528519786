//! Somebody who is connected, and what it has seen.

use std::time::Duration;

use convor::Chat;
use convor::domain::Principal;
use convor::ids::ConversationId;
use convor::ports::Close;
use convor_memory::{Client, InProcess};
use serde_json::{Value, json};

/// How long anything may take here; a bound for a broken system, not a measure of a sound one.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// Somebody who is connected.
#[derive(Debug)]
#[non_exhaustive]
pub struct Person {
    /// Who it is.
    pub principal: Principal,
    chat: Chat,
    client: Client,
    /// Frames that were passed over in search of another.
    pub seen: Vec<Value>,
}

impl Person {
    /// Connects a principal.
    pub async fn connect(chat: &Chat, principal: Principal) -> Self {
        let client = InProcess::new(chat).connect(principal).await.expect("welcome");
        let mut person = Self { principal, chat: chat.clone(), client, seen: Vec::new() };
        person.until("welcome").await;
        person
    }

    /// The same person, who has lost the connection and comes back.
    pub async fn reconnect(self) -> Self {
        let Self { principal, chat, client, .. } = self;
        drop(client);
        Self::connect(&chat, principal).await
    }

    /// The next frame of this type; what comes before is kept in `seen`.
    pub async fn until(&mut self, kind: &str) -> Value {
        self.find(|frame| frame["type"] == kind).await
    }

    /// The next frame that `is` is true of; what comes before is kept in `seen`.
    pub async fn find(&mut self, is: impl Fn(&Value) -> bool) -> Value {
        loop {
            let frame = self.next().await.expect("an open connection");
            if is(&frame) {
                return frame;
            }
            self.seen.push(frame);
        }
    }

    /// The next frame.
    ///
    /// # Errors
    /// Why the connection has ended.
    pub async fn next(&mut self) -> Result<Value, Close> {
        let next = tokio::time::timeout(PATIENCE, self.client.next()).await;
        let text = next.expect("a frame in time")?;
        Ok(serde_json::from_slice(&text).expect("JSON"))
    }

    /// Why the connection has ended.
    pub async fn end(&mut self) -> Close {
        loop {
            match self.next().await {
                Ok(frame) => self.seen.push(frame),
                Err(reason) => return reason,
            }
        }
    }

    /// Sends a frame.
    pub async fn send(&self, frame: Value) {
        self.client.send(frame.to_string()).await.expect("an open connection");
    }

    /// Subscribes to a conversation, and waits for it.
    pub async fn subscribe(&mut self, conversation: ConversationId, after: Option<u64>) -> Value {
        let mut frame = json!({"type": "subscribe", "ref": "s", "conversation": conversation});
        if let Some(after) = after {
            frame["after"] = after.into();
        }
        self.send(frame).await;
        self.until("subscribed").await
    }

    /// Subscribes to the inbox, and waits for it.
    pub async fn open_inbox(&mut self) {
        self.send(json!({"type": "subscribe", "ref": "i", "inbox": true})).await;
        self.until("subscribed").await;
    }

    /// Lets everything that has been sent to this connection arrive: a frame that is answered at once comes last.
    pub async fn settle(&mut self) {
        self.send(json!({"type": "nothing", "ref": "settle"})).await;
        self.find(|frame| frame["ref"] == "settle").await;
    }

    /// The positions of the events of a conversation among `frames`.
    #[must_use]
    pub fn seqs(frames: &[Value], conversation: ConversationId) -> Vec<u64> {
        let id = conversation.to_string();
        let events =
            frames.iter().filter(|frame| frame["type"] == "event" && frame["conversation"] == id.as_str());
        events.filter_map(|event| event["seq"].as_u64()).collect()
    }
}
