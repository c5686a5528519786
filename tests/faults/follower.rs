//! Somebody who follows conversations over a socket, comes back whenever it ends, and notices what is missing.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use convor_tests::patience::PATIENCE;
use serde_json::{Value, json};
use tokio::time::{sleep, timeout};

use crate::api::text;
use crate::socket::Socket;
use crate::talk::Progress;

#[derive(Debug)]
pub(crate) struct Follower {
    address: SocketAddr,
    token: String,
    /// How far it has read each conversation.
    held: BTreeMap<String, Position>,
    socket: Option<Socket>,
    progress: Progress,
    /// Events that came before one that should have preceded them.
    pub(crate) gaps: usize,
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
        address: SocketAddr,
        token: String,
        conversations: &[Value],
        progress: Progress,
    ) -> Self {
        let held = conversations.iter().map(|conversation| {
            let number = |key: &str| conversation[key].as_u64().expect("a number");
            (text(&conversation["id"]), Position { epoch: number("epoch"), seq: 0 })
        });
        Self { address, token, held: held.collect(), socket: None, progress, gaps: 0 }
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
            match Socket::open(self.address, &self.token, json!(resume)).await {
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
        if seq > position.seq {
            self.gaps += usize::from(seq != position.seq + 1);
            position.seq = seq;
        }
    }
}
