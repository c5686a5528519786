//! One connection of a principal, as the hub knows it.

use std::collections::HashSet;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::domain::{Author, Principal};
use crate::ids::{ConnectionId, ConversationId, SessionId};
use crate::ports::{Authenticated, Close, Frame, Transport};
use crate::time::Timestamp;

/// One connection of a principal.
pub struct Connection {
    id: ConnectionId,
    authenticated: Authenticated,
    transport: Arc<dyn Transport>,
    /// `None` once it has been disconnected: then it can enter nothing any more.
    topics: Mutex<Option<HashSet<ConversationId>>>,
}

impl Connection {
    pub(crate) fn new(
        id: ConnectionId,
        authenticated: Authenticated,
        transport: Arc<dyn Transport>,
    ) -> Arc<Self> {
        Arc::new(Self { id, authenticated, transport, topics: Mutex::new(Some(HashSet::new())) })
    }

    /// Its id.
    #[must_use]
    pub const fn id(&self) -> ConnectionId {
        self.id
    }

    /// Who is there.
    #[must_use]
    pub const fn principal(&self) -> Principal {
        self.authenticated.principal
    }

    pub(crate) const fn author(&self) -> Author {
        self.principal().author()
    }

    pub(crate) const fn session(&self) -> Option<SessionId> {
        self.authenticated.session
    }

    /// Whether its credential ends by itself.
    pub(crate) const fn expires(&self) -> bool {
        self.authenticated.expires_at.is_some()
    }

    /// Whether its credential is too old at `now`.
    #[must_use]
    pub fn has_expired(&self, now: Timestamp) -> bool {
        self.authenticated.expires_at.is_some_and(|at| at <= now)
    }

    pub(crate) const fn transport(&self) -> &Arc<dyn Transport> {
        &self.transport
    }

    /// Hands it a frame. A connection that refuses it is closing, and is taken out by whoever serves it.
    pub(crate) fn offer(&self, frame: &Frame) {
        let _ = self.transport.try_send(frame.clone());
    }

    /// Ends it. Who may not be here any more does not hear what waits, either.
    pub(crate) fn close(&self, reason: Close) {
        match reason {
            Close::Revoked | Close::Forbidden | Close::Erased => self.transport.withdraw(reason),
            _ => self.transport.close(reason),
        }
    }

    /// The conversations in whose topics it is a member; `None` once it has been disconnected.
    pub(crate) fn topics(&self) -> MutexGuard<'_, Option<HashSet<ConversationId>>> {
        self.topics.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection")
            .field("id", &self.id)
            .field("principal", &self.principal())
            .finish_non_exhaustive()
    }
}
