//! What is on its way in one room.

use std::collections::VecDeque;

use anyhow::{Context, Result, bail};

use crate::message::{Finder, TEXT_BYTES, write_text};
use crate::plan::{Acknowledged, Room as Planned};
use crate::refusal::refusal;
use crate::wire::{TEXT, write_masked};

/// One who posts and those who hear it.
#[derive(Debug)]
pub(super) struct Room {
    /// Its number among the client's sockets.
    pub(super) poster: usize,
    subscribers: usize,
    acknowledged: Acknowledged,
    conversation: Option<String>,
    payload_bytes: usize,
    /// Posted and not yet with everybody, in order.
    on_the_way: VecDeque<OnTheWay>,
    /// The number of the first of them.
    first: u64,
    /// How many have been acknowledged.
    acks: u64,
    /// Whether it is among those that are looked at for the next post.
    pub(super) is_due: bool,
}

#[derive(Debug)]
struct OnTheWay {
    posted_at: u64,
    missing: usize,
}

impl Room {
    pub(super) fn new(planned: &Planned, poster: usize, payload_bytes: usize) -> Self {
        Self {
            poster,
            subscribers: planned.subscribers,
            acknowledged: planned.acknowledged,
            conversation: planned.member.as_ref().map(|member| member.conversation.clone()),
            payload_bytes,
            on_the_way: VecDeque::new(),
            first: 0,
            acks: 0,
            is_due: false,
        }
    }

    /// How many are on their way.
    pub(super) fn in_flight(&self) -> usize {
        self.on_the_way.len()
    }

    /// Adds the frame with the next message.
    pub(super) fn post(&mut self, now: u64, frames: &mut Vec<u8>, text: &mut String) {
        let number = self.first + self.on_the_way.len() as u64;
        match &self.conversation {
            None => {
                write_text(text, number, self.payload_bytes);
                write_masked(frames, TEXT, text.as_bytes());
            }
            Some(conversation) => {
                write_text(text, number, TEXT_BYTES);
                let process = std::process::id();
                let frame = format!(
                    r#"{{"type":"send","ref":"1","conversation":"{conversation}","client_id":"{process:08x}-0000-4000-8000-{number:012x}","text":"{text}"}}"#
                );
                write_masked(frames, TEXT, frame.as_bytes());
            }
        }
        self.on_the_way.push_back(OnTheWay { posted_at: now, missing: self.subscribers });
    }

    /// A subscriber has it; when it was posted.
    pub(super) fn delivered(&mut self, number: u64) -> Result<u64> {
        let at = number.checked_sub(self.first).and_then(|at| usize::try_from(at).ok());
        let one = at.and_then(|at| self.on_the_way.get_mut(at)).context("nobody has posted that")?;
        one.missing = one.missing.checked_sub(1).context("somebody has heard it twice")?;
        let posted_at = one.posted_at;
        self.settle();
        Ok(posted_at)
    }

    /// Something has come to the one who posts; if it is an acknowledgement, when its post was posted.
    pub(super) fn answered(&mut self, payload: &[u8], finder: &mut Finder) -> Result<Option<u64>> {
        let is_ack = match self.acknowledged {
            Acknowledged::Never => false,
            Acknowledged::Echo => finder.number(payload).is_some(),
            Acknowledged::Frame => {
                if payload.starts_with(b"{\"type\":\"error\"") {
                    bail!("the server refuses: {}", refusal(&String::from_utf8_lossy(payload)));
                }
                payload.starts_with(b"{\"type\":\"ack\"")
            }
        };
        if !is_ack {
            return Ok(None);
        }
        let at = usize::try_from(self.acks - self.first)?;
        let one = self.on_the_way.get(at).context("nobody has posted what is acknowledged")?;
        let posted_at = one.posted_at;
        self.acks += 1;
        self.settle();
        Ok(Some(posted_at))
    }

    /// Forgets those that everybody has and that have been acknowledged.
    fn settle(&mut self) {
        while let Some(OnTheWay { missing: 0, .. }) = self.on_the_way.front()
            && (self.acknowledged == Acknowledged::Never || self.acks > self.first)
        {
            self.on_the_way.pop_front();
            self.first += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn room(subscribers: usize, acknowledged: Acknowledged) -> Room {
        let planned = Planned { path: String::new(), subscribers, acknowledged, member: None };
        Room::new(&planned, 0, TEXT_BYTES)
    }

    #[test]
    fn a_message_is_on_its_way_until_everybody_has_it_and_it_has_been_acknowledged() {
        let (mut room, mut finder) = (room(2, Acknowledged::Echo), Finder::default());
        room.post(5, &mut Vec::new(), &mut String::new());
        room.post(6, &mut Vec::new(), &mut String::new());
        assert_eq!((room.delivered(0).expect("posted"), room.in_flight()), (5, 2));
        assert_eq!((room.delivered(0).expect("posted"), room.in_flight()), (5, 2));
        let ack = room.answered(b"~#0000000000", &mut finder).expect("posted");
        assert_eq!((ack, room.in_flight()), (Some(5), 1));
        assert!(room.delivered(2).is_err() && room.delivered(0).is_err());
    }

    #[test]
    fn without_acknowledgements_what_everybody_has_is_done() {
        let mut room = room(1, Acknowledged::Never);
        room.post(5, &mut Vec::new(), &mut String::new());
        assert_eq!((room.delivered(0).expect("posted"), room.in_flight()), (5, 0));
    }

    #[test]
    fn a_refusal_ends_the_measurement() {
        let refused = room(1, Acknowledged::Frame).answered(b"{\"type\":\"error\"}", &mut Finder::default());
        assert!(refused.is_err());
    }
}
