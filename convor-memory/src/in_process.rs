//! Connections within the process: how an application without HTTP embeds chat, and how tests talk to it.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use convor::domain::Principal;
use convor::hub::{Batch, Outlet};
use convor::ports::{Authenticated, Close, Frame, Transport};
use convor::session::Session;
use convor::{Chat, Error};
use tokio::sync::mpsc;

/// Frames of a client that wait for the session. Frames are handled one by one, as on a socket.
const WAITING_MAX: usize = 64;

/// Connects principals within the process. The host has verified them itself, so there is no `hello`: a connection is
/// welcomed at once.
#[derive(Debug, Clone)]
pub struct InProcess {
    chat: Chat,
}

impl InProcess {
    /// A transport for this chat.
    #[must_use]
    pub fn new(chat: &Chat) -> Self {
        Self { chat: chat.clone() }
    }

    /// Connects a principal. A visitor hears its own conversations from now on; an operator subscribes.
    ///
    /// # Errors
    /// [`Error`] if the principal could not be welcomed.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub async fn connect(&self, principal: Principal) -> Result<Client, Error> {
        let outlet = Arc::new(Outlet::new(self.chat.limits()));
        let transport: Arc<dyn Transport> = Arc::clone(&outlet) as _;
        let mut session = Session::welcomed(&self.chat, transport, Authenticated::new(principal)).await?;
        let (frames, mut waiting) = mpsc::channel::<String>(WAITING_MAX);
        let closing = Arc::clone(&outlet);
        tokio::spawn(async move {
            loop {
                tokio::select! {
                    frame = waiting.recv() => match frame {
                        Some(frame) => session.receive(&frame).await,
                        None => break,
                    },
                    _ = closing.closed() => break,
                }
            }
        });
        Ok(Client { frames, outlet, batch: Vec::new(), ready: VecDeque::new() })
    }
}

/// The client's end of a connection. Dropping it is leaving.
#[derive(Debug)]
pub struct Client {
    frames: mpsc::Sender<String>,
    outlet: Arc<Outlet>,
    batch: Vec<Frame>,
    ready: VecDeque<Frame>,
}

impl Client {
    /// Sends a frame: the JSON text of one of the client's frames in `docs/protocol.md`. It is on its way when this returns,
    /// and its answer tells when it has been handled; it waits while many are being worked on.
    ///
    /// # Errors
    /// Why the connection has ended.
    pub async fn send(&self, frame: impl Into<String>) -> Result<(), Close> {
        self.frames.send(frame.into()).await.map_err(|_| self.outlet.closing().unwrap_or(Close::Normal))
    }

    /// The JSON text of the next frame of the server. A call that is dropped while it waits loses nothing.
    ///
    /// # Errors
    /// Why the connection has ended, once all frames before have been taken.
    pub async fn next(&mut self) -> Result<Bytes, Close> {
        loop {
            if let Some(frame) = self.ready.pop_front() {
                return Ok(frame.text);
            }
            match self.outlet.next(&mut self.batch).await {
                Batch::Frames => self.ready.extend(self.batch.drain(..)),
                Batch::Close(reason) => return Err(reason),
            }
        }
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        self.outlet.close(Close::Normal);
    }
}
