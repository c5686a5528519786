//! As much of RFC 6455 as it takes to count frames: their heads, the upgrade, and frames to send.

use anyhow::{Result, bail};

pub(crate) const TEXT: u8 = 1;
pub(crate) const CLOSE: u8 = 8;
pub(crate) const PING: u8 = 9;
pub(crate) const PONG: u8 = 10;

/// With what every client here asks for its upgrade; it need not be random, since nothing stands between.
const KEY: &str = "Y29udm9yIGJlbmNoIGtleQ==";

/// A frame that has come whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Frame {
    pub(crate) opcode: u8,
    mask: Option<[u8; 4]>,
    /// Where in the bytes its payload begins, and where it and the frame end.
    pub(crate) start: usize,
    pub(crate) end: usize,
}

impl Frame {
    /// The frame that begins at `at`; `None` while a part of it is missing.
    pub(crate) fn at(at: usize, bytes: &[u8]) -> Result<Option<Self>> {
        let Some([first, second, rest @ ..]) = bytes.get(at..) else { return Ok(None) };
        if first & 0xf0 != 0x80 {
            bail!("the other side sends in fragments or with an extension");
        }
        let length = match second & 0x7f {
            126 => rest.first_chunk().map(|length| (u64::from(u16::from_be_bytes(*length)), 4)),
            127 => rest.first_chunk().map(|length| (u64::from_be_bytes(*length), 10)),
            short => Some((short.into(), 2)),
        };
        let Some((length, mut start)) = length else { return Ok(None) };
        let length = usize::try_from(length)?;
        let mut mask = None;
        if second & 0x80 != 0 {
            mask = bytes.get(at + start..).and_then(<[u8]>::first_chunk).copied();
            start += 4;
        }
        let (start, end) = (at + start, at + start + length);
        Ok((end <= bytes.len()).then_some(Self { opcode: first & 0x0f, mask, start, end }))
    }

    /// Its payload in the bytes from which it was read, and without its mask.
    pub(crate) fn unmasked(self, bytes: &mut [u8]) -> &[u8] {
        let payload = &mut bytes[self.start..self.end];
        // A mask of zeros costs as much as any.
        if let Some(mask) = self.mask {
            payload.iter_mut().zip(mask.iter().cycle()).for_each(|(byte, mask)| *byte ^= mask);
        }
        payload
    }
}

/// Adds a frame as a server sends it.
pub(crate) fn write_frame(out: &mut Vec<u8>, opcode: u8, payload: &[u8]) {
    write_head(out, opcode, payload.len(), 0);
    out.extend_from_slice(payload);
}

/// Adds a frame as a client sends it. Its mask is zero, which saves the client the work and the server none.
pub(crate) fn write_masked(out: &mut Vec<u8>, opcode: u8, payload: &[u8]) {
    write_head(out, opcode, payload.len(), 0x80);
    out.extend_from_slice(&[0; 4]);
    out.extend_from_slice(payload);
}

fn write_head(out: &mut Vec<u8>, opcode: u8, length: usize, masked: u8) {
    out.push(0x80 | opcode);
    match (u8::try_from(length), u16::try_from(length)) {
        (Ok(short @ ..126), _) => out.push(masked | short),
        (_, Ok(middle)) => {
            out.push(masked | 126);
            out.extend_from_slice(&middle.to_be_bytes());
        }
        _ => {
            out.push(masked | 127);
            out.extend_from_slice(&(length as u64).to_be_bytes());
        }
    }
}

/// What a client asks for its upgrade with.
pub(crate) fn upgrade(host: &str, path: &str, subprotocol: Option<&str>) -> String {
    let subprotocol =
        subprotocol.map(|name| format!("Sec-WebSocket-Protocol: {name}\r\n")).unwrap_or_default();
    format!(
        "GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {KEY}\r\n{subprotocol}\r\n"
    )
}

/// The bytes of a head, the blank line included; `None` while a part of it is missing.
pub(crate) fn head_end(bytes: &[u8]) -> Option<usize> {
    bytes.windows(4).position(|four| four == b"\r\n\r\n").map(|at| at + 4)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_of_every_length_are_read_as_they_were_written() {
        for length in [0, 1, 125, 126, 65_535, 65_536] {
            let payload = vec![7; length];
            let mut bytes = b"before".to_vec();
            write_frame(&mut bytes, TEXT, &payload);
            write_masked(&mut bytes, PONG, &payload);
            let first = Frame::at(6, &bytes).expect("frames").expect("a whole one");
            assert_eq!((first.opcode, &bytes[first.start..first.end]), (TEXT, &payload[..]));
            let second = Frame::at(first.end, &bytes).expect("frames").expect("a whole one");
            assert_eq!((second.opcode, second.end), (PONG, bytes.len()));
            assert_eq!(second.unmasked(&mut bytes), payload);
        }
    }

    #[test]
    fn a_frame_is_none_until_its_last_byte_has_come() {
        for length in [3, 300, 70_000] {
            let mut bytes = Vec::new();
            write_masked(&mut bytes, TEXT, &vec![7; length]);
            for end in (0..20).chain([bytes.len() - 1]) {
                assert_eq!(Frame::at(0, &bytes[..end.min(bytes.len() - 1)]).expect("frames"), None);
            }
            assert!(Frame::at(0, &bytes).expect("frames").is_some());
        }
    }

    #[test]
    fn a_mask_is_taken_off() {
        let mut bytes = vec![0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58];
        let frame = Frame::at(0, &bytes).expect("frames").expect("a whole one");
        assert_eq!(frame.unmasked(&mut bytes), b"Hello", "the example of RFC 6455, 5.7");
    }
}
