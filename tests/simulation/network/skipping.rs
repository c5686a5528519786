//! What a writer does who does not want to wait for a slow reader: frames are left out.

use bytes::{Bytes, BytesMut};

/// Leaves frames of a WebSocket out when there is no room for them.
#[derive(Debug, Default)]
pub(super) struct Skipping {
    seen: BytesMut,
    phase: Phase,
}

#[derive(Debug, Default, PartialEq, Eq)]
enum Phase {
    /// Nobody knows yet what the server answers.
    #[default]
    Beginning,
    /// No WebSocket: everything passes.
    Plain,
    /// Frames follow.
    Upgraded,
}

impl Skipping {
    /// What of these bytes goes on its way, if there is room for so many.
    pub(super) fn pass(&mut self, bytes: &[u8], room: usize) -> Bytes {
        const UPGRADED: &[u8] = b"HTTP/1.1 101";
        self.seen.extend_from_slice(bytes);
        if self.phase == Phase::Beginning {
            if !self.seen.starts_with(UPGRADED) {
                self.phase = Phase::Plain;
            } else if let Some(end) = self.seen.windows(4).position(|window| window == b"\r\n\r\n") {
                self.phase = Phase::Upgraded;
                return self.seen.split_to(end + 4).freeze();
            }
        }
        if self.phase != Phase::Upgraded {
            return self.seen.split().freeze();
        }
        let mut passed = BytesMut::new();
        while let Some(length) = frame_length(&self.seen)
            && self.seen.len() >= length
        {
            let frame = self.seen.split_to(length);
            let is_event = frame.windows(14).any(|window| window == b"\"type\":\"event\"");
            if !is_event || passed.len() + length <= room {
                passed.extend_from_slice(&frame);
            }
        }
        passed.freeze()
    }
}

/// How long a server's frame is (RFC 6455, 5.2), if its head is there.
fn frame_length(bytes: &[u8]) -> Option<usize> {
    let number = |from: usize, to: usize| {
        let bytes = bytes.get(from..to)?;
        Some(bytes.iter().fold(0, |number: usize, byte| (number << 8) | usize::from(*byte)))
    };
    match bytes.get(1)? & 0x7f {
        126 => Some(4 + number(2, 4)?),
        127 => Some(10 + number(2, 10)?),
        short => Some(2 + usize::from(short)),
    }
}
