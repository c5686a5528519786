//! One connection of the bare server.

use std::io::{ErrorKind, Read, Write};

use mio::net::TcpStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use crate::wire::{CLOSE, Frame, TEXT, head_end};

/// One connection. There may be many, so it is small.
#[derive(Debug)]
pub(super) struct Member {
    stream: TcpStream,
    /// Where it is; the largest number before its upgrade.
    room: u32,
    /// What is not whole yet, and what could not be sent yet; most have neither.
    waiting: Option<Box<Waiting>>,
}

#[derive(Debug, Default)]
struct Waiting {
    begun: Vec<u8>,
    unsent: Vec<u8>,
}

/// What a member has done.
#[derive(Debug)]
pub(super) enum Seen<'a> {
    Entered(usize),
    Said(usize, &'a [u8]),
}

impl Member {
    pub(super) fn new(stream: TcpStream) -> Self {
        Self { stream, room: u32::MAX, waiting: None }
    }

    pub(super) fn room(&self) -> Option<usize> {
        (self.room != u32::MAX).then_some(self.room as usize)
    }

    /// Reads what there is; whether the connection is still good.
    pub(super) fn read(&mut self, buffer: &mut [u8], mut seen: impl FnMut(Seen<'_>)) -> bool {
        loop {
            let begun = self.waiting.as_ref().map_or(0, |waiting| waiting.begun.len());
            if begun == buffer.len() {
                return false;
            }
            if let Some(waiting) = &mut self.waiting {
                buffer[..begun].copy_from_slice(&waiting.begun);
                waiting.begun.clear();
                if waiting.unsent.is_empty() {
                    self.waiting = None;
                }
            }
            let read = match self.stream.read(&mut buffer[begun..]) {
                Ok(0) => return false,
                Ok(read) => read,
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    self.keep(&buffer[..begun]);
                    return true;
                }
                Err(_) => return false,
            };
            let (end, is_full) = (begun + read, begun + read == buffer.len());
            let Some(taken) = self.take(&mut buffer[..end], &mut seen) else { return false };
            self.keep(&buffer[taken..end]);
            if !is_full {
                return true;
            }
        }
    }

    /// Takes what is whole and says how many bytes that was; `None` if the connection is to end.
    fn take(&mut self, bytes: &mut [u8], seen: &mut impl FnMut(Seen<'_>)) -> Option<usize> {
        let mut at = 0;
        if self.room == u32::MAX {
            at = match head_end(bytes) {
                Some(end) => end,
                None => return Some(0),
            };
            let (room, accept) = asked(std::str::from_utf8(&bytes[..at]).ok()?)?;
            self.room = room;
            self.send(accept.as_bytes());
            seen(Seen::Entered(room as usize));
        }
        while let Some(frame) = Frame::at(at, bytes).ok()? {
            match frame.opcode {
                TEXT => seen(Seen::Said(self.room as usize, frame.unmasked(bytes))),
                CLOSE => return None,
                _ => {}
            }
            at = frame.end;
        }
        Some(at)
    }

    fn keep(&mut self, begun: &[u8]) {
        if !begun.is_empty() {
            self.waiting.get_or_insert_default().begun.extend_from_slice(begun);
        }
    }

    /// Sends it, or as much as there is room for and the rest later.
    pub(super) fn send(&mut self, bytes: &[u8]) {
        if let Some(waiting) = self.waiting.as_mut().filter(|waiting| !waiting.unsent.is_empty()) {
            waiting.unsent.extend_from_slice(bytes);
            return;
        }
        // A connection that is broken is found out when it is read.
        let sent = self.stream.write(bytes).unwrap_or(0);
        if sent < bytes.len() {
            self.waiting.get_or_insert_default().unsent.extend_from_slice(&bytes[sent..]);
        }
    }

    /// Sends what there was no room for.
    pub(super) fn flush(&mut self) {
        let Some(waiting) = &mut self.waiting else { return };
        if let Ok(sent) = self.stream.write(&waiting.unsent) {
            waiting.unsent.drain(..sent);
        }
        if waiting.unsent.is_empty() && waiting.begun.is_empty() {
            self.waiting = None;
        }
    }
}

/// The room that is asked for, and what to answer.
fn asked(head: &str) -> Option<(u32, String)> {
    let mut lines = head.split("\r\n");
    let path = lines.next()?.split(' ').nth(1)?;
    let room = path.strip_prefix('/')?.parse().ok().filter(|room| *room < 1_000_000)?;
    let key = lines.find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("sec-websocket-key").then_some(value.trim())
    })?;
    let accept = derive_accept_key(key.as_bytes());
    let answer = format!(
        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Accept: {accept}\r\n\r\n"
    );
    Some((room, answer))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_names_the_room_and_the_key_is_answered() {
        let head = "GET /17 HTTP/1.1\r\nhost: x\r\nsec-websocket-KEY: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
        let (room, answer) = asked(head).expect("an upgrade");
        assert_eq!(room, 17);
        assert!(answer.contains("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="), "the example of RFC 6455, 1.3");
        assert!(asked("GET /chat HTTP/1.1\r\nsec-websocket-key: x\r\n\r\n").is_none());
    }
}
