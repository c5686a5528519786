//! Somebody who follows conversations over a socket, comes back whenever it ends, and notices what is missing.

use std::collections::BTreeMap;

use convor_tests::patience::PATIENCE;
use serde_json::{Value, json};
use tokio::time::{sleep, timeout};

use crate::api::text;
use crate::progress::Progress;
use crate::socket::Socket;
use crate::way::Way;

#[derive(Debug)]
pub(crate) struct Follower {
    /// Which of the followers it is.
    number: usize,
    way: Way,
    token: String,
    /// How far it has read each conversation.
    held: BTreeMap<String, Position>,
    socket: Option<Socket>,
    progress: Progress,
    pub(crate) account: Account,
}

/// What a follower has got.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Account {
    pub(crate) messages: usize,
    /// Events that came before one that should have preceded them.
    pub(crate) gaps: usize,
    /// Events that it had already.
    pub(crate) repeated: usize,
}

#[derive(Debug, Clone, Copy)]
struct Position {
    epoch: u64,
    seq: u64,
}

/// What has come.
#[derive(Debug)]
pub(crate) enum Seen {
    Frame(Value),
    /// A new socket: what was asked on the last one may never be answered.
    Back,
}

impl Follower {
    /// Follows these conversations from their beginning.
    pub(crate) fn new(
        number: usize,
        way: Way,
        token: String,
        conversations: &[Value],
        progress: Progress,
    ) -> Self {
        let held = conversations.iter().map(|conversation| {
            let number = |key: &str| conversation[key].as_u64().expect("a number");
            (text(&conversation["id"]), Position { epoch: number("epoch"), seq: 0 })
        });
        let (held, account) = (held.collect(), Account::default());
        Self { number, way, token, held, socket: None, progress, account }
    }

    pub(crate) async fn say(&mut self, frame: &Value) {
        if let Some(socket) = &mut self.socket {
            socket.say(frame).await;
        }
    }

    /// What comes next.
    pub(crate) async fn next(&mut self) -> Seen {
        let Some(socket) = &mut self.socket else {
            self.come_back().await;
            return Seen::Back;
        };
        match socket.next().await {
            Ok(frame) => {
                self.take(&frame);
                Seen::Frame(frame)
            }
            Err(retry) => {
                self.socket = None;
                self.progress.refused(&retry.code);
                sleep(retry.pause).await;
                self.come_back().await;
                Seen::Back
            }
        }
    }

    /// Reads on until this much of a conversation has come.
    pub(crate) async fn catch_up(&mut self, conversation: &str, seq: u64) {
        let caught_up = timeout(PATIENCE, async {
            while self.held[conversation].seq < seq {
                self.next().await;
            }
        });
        let caught_up = caught_up.await;
        assert!(caught_up.is_ok(), "a follower gets to {:?} of {seq}", self.held[conversation]);
    }

    async fn come_back(&mut self) {
        let resume = |(conversation, position): (&String, &Position)| json!({"conversation": conversation, "epoch": position.epoch, "after": position.seq});
        let resume: Vec<_> = self.held.iter().map(resume).collect();
        loop {
            match Socket::open(&self.way, &self.token, json!(resume)).await {
                Ok(socket) => return self.socket = Some(socket),
                Err(retry) => {
                    self.progress.refused(&retry.code);
                    sleep(retry.pause).await;
                }
            }
        }
    }

    fn take(&mut self, frame: &Value) {
        match frame["type"].as_str() {
            Some("reset") => panic!("what a follower holds is a part of the truth, and it is told: {frame}"),
            Some("event") => {}
            _ => return,
        }
        let position = self.held.get_mut(&text(&frame["conversation"])).expect("one that is followed");
        let seq = frame["seq"].as_u64().expect("a number");
        if seq <= position.seq {
            self.account.repeated += 1;
            return;
        }
        self.account.gaps += usize::from(seq != position.seq + 1);
        position.seq = seq;
        if frame["kind"] == "message" {
            self.account.messages += 1;
            self.progress.heard(self.number, &text(&frame["message"]["client_id"]));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::way::Fate;

    #[test]
    fn what_is_missing_and_what_comes_again_is_noticed() {
        let followed = [json!({"id": "one", "epoch": 1, "seq": 0})];
        let way = Way::to(&[([127, 0, 0, 1], 1).into()], Fate::Stay);
        let progress = Progress::of(1);
        let mut follower = Follower::new(0, way, String::new(), &followed, progress);
        let client_id = uuid::Uuid::from_u64_pair(1, 0);
        for seq in [1, 2, 4, 4, 3, 5] {
            let message = json!({"client_id": client_id});
            follower.take(&json!({"type": "event", "conversation": "one", "seq": seq, "kind": "message",
                "message": message}));
        }
        let Account { messages, gaps, repeated } = follower.account;
        assert_eq!((messages, gaps, repeated), (4, 1, 2));
    }
}
