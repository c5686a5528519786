//! One WebSocket of many: what it has read of a frame that is not whole, and what it waits for.

use std::io::{ErrorKind, Read, Write};

use anyhow::{Result, bail, ensure};
use mio::net::TcpStream;

use crate::message::Finder;
use crate::wire::{CLOSE, Frame, PING, PONG, TEXT, write_masked};

/// A WebSocket.
#[derive(Debug)]
pub(super) struct Socket {
    pub(super) stream: TcpStream,
    pub(super) room: usize,
    /// The number of the message that a subscriber waits for; `None` for the one who posts.
    pub(super) expects: Option<u64>,
    /// The beginning of a frame.
    begun: Vec<u8>,
}

/// What came.
#[derive(Debug, Clone, Copy)]
pub(super) enum Heard<'a> {
    /// The next message, in a frame of so many bytes.
    Message { number: u64, bytes: usize },
    /// Something else, to the one who posts.
    Posting(&'a [u8]),
}

impl Socket {
    pub(super) fn new(stream: TcpStream, room: usize, posts: bool, begun: Vec<u8>) -> Self {
        Self { stream, room, expects: (!posts).then_some(0), begun }
    }

    /// Reads what there is, through a buffer that all share.
    pub(super) fn read(
        &mut self,
        buffer: &mut [u8],
        finder: &mut Finder,
        mut heard: impl FnMut(Heard<'_>) -> Result<()>,
    ) -> Result<()> {
        loop {
            let kept = self.begun.len();
            ensure!(kept < buffer.len(), "a frame is larger than {} bytes", buffer.len());
            buffer[..kept].copy_from_slice(&self.begun);
            let read = match self.stream.read(&mut buffer[kept..]) {
                Ok(0) => bail!("the server has hung up"),
                Ok(read) => read,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Err(error.into()),
            };
            let bytes = &buffer[..kept + read];
            let mut at = 0;
            while let Some(frame) = Frame::at(at, bytes)? {
                at = frame.end;
                self.take(frame, bytes, finder, &mut heard)?;
            }
            self.begun.clear();
            self.begun.extend_from_slice(&bytes[at..]);
            // Less than there was room for: for now, that was all (epoll(7)).
            if kept + read < buffer.len() {
                return Ok(());
            }
        }
    }

    fn take(
        &mut self,
        frame: Frame,
        bytes: &[u8],
        finder: &mut Finder,
        heard: &mut impl FnMut(Heard<'_>) -> Result<()>,
    ) -> Result<()> {
        let payload = &bytes[frame.start..frame.end];
        match (frame.opcode, &mut self.expects) {
            (TEXT, Some(expected)) => {
                let Some(number) = finder.number(payload) else { return Ok(()) };
                ensure!(number <= *expected, "message {expected} is lost: {number} came instead");
                ensure!(number == *expected, "message {number} comes again, where {expected} was to come");
                *expected += 1;
                heard(Heard::Message { number, bytes: payload.len() })?;
            }
            (TEXT, None) => heard(Heard::Posting(payload))?,
            (PING, _) => {
                let mut pong = Vec::new();
                write_masked(&mut pong, PONG, payload);
                self.write(&pong)?;
            }
            (PONG, _) => {}
            (CLOSE, _) => {
                bail!(
                    "the server closes a connection: {}",
                    String::from_utf8_lossy(payload.get(2..).unwrap_or_default())
                )
            }
            (opcode, _) => bail!("the server sends frames of type {opcode}"),
        }
        Ok(())
    }

    /// Writes all of it: a client's frames are few and small.
    pub(super) fn write(&mut self, frames: &[u8]) -> Result<()> {
        let written = self.stream.write(frames)?;
        ensure!(written == frames.len(), "the server does not read what it is sent");
        Ok(())
    }
}
