//! One of a crowd: its WebSocket, as far as it has got, and what it has heard. It may be cut off, and comes back.

use std::io::{ErrorKind, Read, Write};
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, Result};
use mio::net::TcpStream;
use mio::{Interest, Registry, Token};
use serde_json::json;
use socket2::SockRef;

use super::frames::{Said, read};
use super::plan::{Conversation, Member as Planned};
use crate::message::Finder;
use crate::wire::{CLOSE, Frame, PING, PONG, TEXT, head_end, upgrade, write_masked};

/// How long somebody who is turned away waits who was not told how long, in milliseconds.
const BACK_AFTER: u64 = 1_000;

#[derive(Debug)]
pub(super) struct Member {
    token: String,
    /// What it hears: the number, id and epoch of a conversation.
    hears: Option<(usize, String, u64)>,
    is_staff: bool,
    pub(super) is_cut: bool,
    stream: Option<TcpStream>,
    stage: Stage,
    begun: Vec<u8>,
    unwritten: Vec<u8>,
    /// Up to where it has heard its conversation.
    position: u64,
    /// Which of the conversation's posts it has heard that are not settled.
    pub(super) heard: Vec<bool>,
}

/// How far a member has got.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// It comes at this time, in nanoseconds.
    Away(u64),
    /// It has asked for a WebSocket.
    Asking,
    /// It has one, and has said `hello`.
    Greeting,
    /// It has been welcomed.
    Here,
    /// It has been closed, and does not come back.
    Gone,
}

/// What has come to a member.
pub(super) enum Heard {
    Said(Said),
    /// Its WebSocket has ended, or it got none; why, and after how many milliseconds it may come back.
    Ended {
        why: String,
        after_ms: u64,
    },
}

/// What an event is to a member.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Place {
    Next,
    Known,
    /// So many before it have not come.
    Ahead(u64),
}

impl Member {
    pub(super) fn new(planned: &Planned, conversations: &[Conversation]) -> Self {
        let heard = planned.hears.map(|number| (number, &conversations[number]));
        Self {
            token: planned.token.clone(),
            position: heard.map_or(0, |(_, conversation)| conversation.seq),
            hears: heard.map(|(number, conversation)| (number, conversation.id.clone(), conversation.epoch)),
            is_staff: planned.is_staff,
            is_cut: planned.is_cut,
            stream: None,
            stage: Stage::Away(0),
            begun: Vec::new(),
            unwritten: Vec::new(),
            heard: Vec::new(),
        }
    }

    pub(super) fn stage(&self) -> Stage {
        self.stage
    }

    /// The number of what it hears.
    pub(super) fn hears(&self) -> Option<usize> {
        self.hears.as_ref().map(|(number, ..)| *number)
    }

    /// Whether staff's frames come to it.
    pub(super) fn is_staff(&self) -> bool {
        self.is_staff
    }

    pub(super) fn is_coming(&self) -> bool {
        matches!(self.stage, Stage::Asking | Stage::Greeting)
    }

    /// Begins to come, without waiting for anything.
    pub(super) fn come(&mut self, address: SocketAddr, path: &str, place: (&Registry, Token)) -> Result<()> {
        let mut stream = TcpStream::connect(address).context("no connection can be begun")?;
        let (registry, token) = place;
        registry.register(&mut stream, token, Interest::READABLE | Interest::WRITABLE)?;
        self.begun.clear();
        self.unwritten = upgrade(&address.to_string(), path, Some("convor.v1")).into_bytes();
        (self.stream, self.stage) = (Some(stream), Stage::Asking);
        Ok(())
    }

    /// Hangs up without a word, as somebody whose network is gone.
    pub(super) fn cut(&mut self, back_at: u64) -> Result<()> {
        if let Some(stream) = &self.stream {
            SockRef::from(stream).set_linger(Some(Duration::ZERO))?;
        }
        self.leave(Stage::Away(back_at));
        Ok(())
    }

    pub(super) fn leave(&mut self, stage: Stage) {
        self.stream = None;
        self.begun.clear();
        self.unwritten.clear();
        self.stage = stage;
    }

    /// Adds frames to what is to be written, and writes what it can. What cannot be written shows when it is read.
    pub(super) fn write(&mut self, frames: &[u8]) {
        self.unwritten.extend_from_slice(frames);
        let Some(stream) = &mut self.stream else { return };
        while !self.unwritten.is_empty() {
            match stream.write(&self.unwritten) {
                Ok(0) => return,
                Ok(written) => drop(self.unwritten.drain(..written)),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                // There is no room, or no connection yet: it is told when there is.
                Err(_) => return,
            }
        }
    }

    /// Reads what there is, through a buffer that all share.
    pub(super) fn read(
        &mut self,
        buffer: &mut [u8],
        finder: &mut Finder,
        mut heard: impl FnMut(&mut Self, Heard) -> Result<()>,
    ) -> Result<()> {
        loop {
            let Some(stream) = &mut self.stream else { return Ok(()) };
            let kept = self.begun.len();
            anyhow::ensure!(kept < buffer.len(), "a frame is larger than {} bytes", buffer.len());
            buffer[..kept].copy_from_slice(&self.begun);
            let read = match stream.read(&mut buffer[kept..]) {
                Ok(read) => read,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::NotConnected) => {
                    return Ok(());
                }
                Err(error) => return heard(self, ended(&error.kind().to_string(), None)),
            };
            if read == 0 {
                return heard(self, ended("hung up", None));
            }
            let bytes = &buffer[..kept + read];
            let mut at = 0;
            if self.stage == Stage::Asking {
                match self.upgraded(bytes) {
                    Ok(Some(end)) => at = end,
                    Ok(None) => {}
                    Err(refusal) => return heard(self, refusal),
                }
            }
            if self.stage != Stage::Asking {
                at = self.frames(at, bytes, finder, &mut heard)?;
            }
            if self.stream.is_none() {
                return Ok(());
            }
            self.begun.clear();
            self.begun.extend_from_slice(&bytes[at..]);
            // Less than there was room for: for now, that was all (epoll(7)).
            if kept + read < buffer.len() {
                return Ok(());
            }
        }
    }

    /// Says `hello` when the upgrade has been granted; where the answer's head ends.
    fn upgraded(&mut self, bytes: &[u8]) -> Result<Option<usize>, Heard> {
        let Some(end) = head_end(bytes) else { return Ok(None) };
        let head = String::from_utf8_lossy(&bytes[..end]).to_lowercase();
        if !head.starts_with("http/1.1 101 ") {
            let status = head.split_whitespace().nth(1).unwrap_or("no answer");
            let header = head.lines().find_map(|line| line.strip_prefix("retry-after:")?.trim().parse().ok());
            return Err(ended(status, header.map(|seconds: u64| seconds * 1_000)));
        }
        let mut frames = Vec::new();
        let mut say =
            |frame: serde_json::Value| write_masked(&mut frames, TEXT, frame.to_string().as_bytes());
        let token = &self.token;
        match &self.hears {
            None => say(json!({"type": "hello", "token": token})),
            Some((_, id, epoch)) => {
                let resume = json!([{"conversation": id, "epoch": epoch, "after": self.position}]);
                say(json!({"type": "hello", "token": token, "resume": resume}));
            }
        }
        self.stage = Stage::Greeting;
        self.write(&frames);
        Ok(Some(end))
    }

    fn frames(
        &mut self,
        mut at: usize,
        bytes: &[u8],
        finder: &mut Finder,
        heard: &mut impl FnMut(&mut Self, Heard) -> Result<()>,
    ) -> Result<usize> {
        while self.stream.is_some()
            && let Some(frame) = Frame::at(at, bytes)?
        {
            at = frame.end;
            let payload = &bytes[frame.start..frame.end];
            match frame.opcode {
                TEXT => {
                    let said = read(payload, finder)?;
                    if said == Said::Welcome {
                        self.stage = Stage::Here;
                    }
                    heard(self, Heard::Said(said))?;
                }
                PING => {
                    let mut pong = Vec::new();
                    write_masked(&mut pong, PONG, payload);
                    self.write(&pong);
                }
                CLOSE => {
                    let code = payload.first_chunk().map_or(0, |code| u16::from_be_bytes(*code));
                    heard(self, ended(&code.to_string(), None))?;
                }
                _ => {}
            }
        }
        Ok(at)
    }

    /// Where an event at this position of what it hears belongs.
    pub(super) fn moved(&mut self, seq: u64) -> Place {
        let before = self.position;
        self.position = before.max(seq);
        match seq.checked_sub(before) {
            None | Some(0) => Place::Known,
            Some(1) => Place::Next,
            Some(ahead) => Place::Ahead(ahead - 1),
        }
    }

    /// Notes that it has heard the post at this place; whether it had before.
    pub(super) fn note(&mut self, place: usize) -> bool {
        if self.heard.len() <= place {
            self.heard.resize(place + 1, false);
        }
        std::mem::replace(&mut self.heard[place], true)
    }
}

fn ended(why: &str, after_ms: Option<u64>) -> Heard {
    Heard::Ended { why: why.to_owned(), after_ms: after_ms.unwrap_or(BACK_AFTER) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_out_and_what_comes_again_is_told_apart() {
        let planned = Planned { token: String::new(), hears: Some(0), is_staff: false, is_cut: true };
        let conversation = Conversation { id: String::new(), epoch: 1, seq: 4, poster: 0 };
        let mut member = Member::new(&planned, &[conversation]);
        let moved = [5, 5, 4, 8, 9].map(|seq| member.moved(seq));
        assert_eq!(moved, [Place::Next, Place::Known, Place::Known, Place::Ahead(2), Place::Next]);
        assert!(!member.note(3) && member.note(3) && !member.note(0));
    }
}
