//! The way to the servers, and what somebody who goes it has to bear.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use convor_tests::patience::PATIENCE;

use crate::retry::Retry;

/// After how much silence a client gives up a server that may be dead.
const SILENCE_MAX: Duration = Duration::from_secs(2);

/// What befalls the servers. What is worse than this is a fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Fate {
    /// They stay, and answer.
    Stay,
    /// They end in good order: a socket is told to come back, and for a moment nobody may be there.
    Restart,
    /// They are gone, or silent, at any time.
    Die,
}

/// Servers that are all the same to a client, of which it goes to one.
#[derive(Debug, Clone)]
pub(crate) struct Way {
    addresses: Vec<SocketAddr>,
    /// Counted round.
    at: Arc<AtomicUsize>,
    fate: Fate,
}

impl Way {
    /// The first of them comes first.
    pub(crate) fn to(addresses: &[SocketAddr], fate: Fate) -> Self {
        Self { addresses: addresses.to_vec(), at: Arc::default(), fate }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.addresses[self.at.load(Ordering::Relaxed) % self.addresses.len()]
    }

    /// How long to wait for a server.
    pub(crate) fn patience(&self) -> Duration {
        if self.fate == Fate::Die { SILENCE_MAX } else { PATIENCE }
    }

    /// Next time another server is asked, if there is one.
    pub(crate) fn elsewhere(&self) {
        self.at.fetch_add(1, Ordering::Relaxed);
    }

    /// Nobody is there, or nobody any more who had promised nothing yet.
    pub(crate) fn nobody(&self, what: &str) -> Retry {
        assert!(self.fate >= Fate::Restart, "a server that stays is there: {what}");
        self.elsewhere();
        Retry::lost("nobody is there")
    }

    /// What was promised ends without a word.
    pub(crate) fn broken(&self, what: &str) -> Retry {
        assert!(self.fate == Fate::Die, "a server that lives says so before it ends something: {what}");
        self.elsewhere();
        Retry::lost("it breaks off")
    }

    /// Nothing has come for as long as one waits.
    pub(crate) fn silence(&self, what: &str) -> Retry {
        assert!(self.fate == Fate::Die, "a server that lives answers in time: {what}");
        self.elsewhere();
        Retry::lost("silence")
    }
}
