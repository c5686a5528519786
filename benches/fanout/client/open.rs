//! Opening WebSockets, some at a time and waiting for each answer: how long that takes is not measured.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use serde_json::json;

use crate::refusal::refusal;
use crate::wire::{CLOSE, Frame, TEXT, head_end, upgrade, write_masked};

/// How long a server may take for an answer.
const PATIENCE: Duration = Duration::from_secs(30);

/// An open WebSocket, and what has come on it that nobody has read yet.
pub(super) type Open = (mio::net::TcpStream, Vec<u8>);

/// One that is being opened.
pub(super) struct Opening {
    stream: TcpStream,
    unread: Vec<u8>,
    greeting: Option<Greeting>,
}

/// What is said first, and what answers it.
struct Greeting {
    frames: Vec<u8>,
    answer: &'static str,
}

impl Opening {
    /// Asks for one on which nothing needs to be said.
    pub(super) fn plain(address: SocketAddr, path: &str) -> Result<Self> {
        Self::ask(address, path, None, None)
    }

    /// Asks for one of Convor's. A visitor hears of its conversations unasked; an operator subscribes.
    pub(super) fn convor(
        address: SocketAddr,
        path: &str,
        token: &str,
        subscribe: Option<&str>,
    ) -> Result<Self> {
        let mut frames = Vec::new();
        write_masked(&mut frames, TEXT, json!({"type": "hello", "token": token}).to_string().as_bytes());
        if let Some(conversation) = subscribe {
            let subscribe = json!({"type": "subscribe", "ref": "1", "conversation": conversation});
            write_masked(&mut frames, TEXT, subscribe.to_string().as_bytes());
        }
        let answer = if subscribe.is_some() { "subscribed" } else { "welcome" };
        Self::ask(address, path, Some("convor.v1"), Some(Greeting { frames, answer }))
    }

    fn ask(
        address: SocketAddr,
        path: &str,
        subprotocol: Option<&str>,
        greeting: Option<Greeting>,
    ) -> Result<Self> {
        let mut stream =
            TcpStream::connect(address).with_context(|| format!("cannot connect to {address}"))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.write_all(upgrade(&address.to_string(), path, subprotocol).as_bytes())?;
        Ok(Self { stream, unread: Vec::new(), greeting })
    }

    /// Waits for the upgrade, and says what is said first.
    pub(super) fn greet(&mut self) -> Result<()> {
        let end = loop {
            if let Some(end) = head_end(&self.unread) {
                break end;
            }
            self.read()?;
        };
        let is_granted = self.unread.starts_with(b"HTTP/1.1 101 ");
        ensure!(is_granted, "it is no WebSocket: {}", refusal(&String::from_utf8_lossy(&self.unread)));
        self.unread.drain(..end);
        match &self.greeting {
            Some(greeting) => Ok(self.stream.write_all(&greeting.frames)?),
            None => Ok(()),
        }
    }

    /// Waits for the answer.
    pub(super) fn finish(mut self) -> Result<Open> {
        if let Some(Greeting { answer, .. }) = self.greeting.take() {
            self.until(answer)?;
        }
        self.stream.set_nonblocking(true)?;
        Ok((mio::net::TcpStream::from_std(self.stream), self.unread))
    }

    /// Reads until a frame of this type has come.
    fn until(&mut self, kind: &str) -> Result<()> {
        let wanted = format!("{{\"type\":\"{kind}\"");
        loop {
            while let Some(frame) = Frame::at(0, &self.unread)? {
                let payload = &self.unread[frame.start..frame.end];
                if frame.opcode == CLOSE || payload.starts_with(b"{\"type\":\"error\"") {
                    bail!("instead of `{kind}` came {}", refusal(&String::from_utf8_lossy(payload)));
                }
                let is_it = payload.starts_with(wanted.as_bytes());
                self.unread.drain(..frame.end);
                if is_it {
                    return Ok(());
                }
            }
            self.read()?;
        }
    }

    fn read(&mut self) -> Result<()> {
        let mut bytes = [0; 4096];
        let read = self.stream.read(&mut bytes).context("the server does not answer")?;
        ensure!(
            read > 0,
            "the server hangs up instead of an answer {}",
            String::from_utf8_lossy(&self.unread)
        );
        self.unread.extend_from_slice(&bytes[..read]);
        Ok(())
    }
}
