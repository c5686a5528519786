//! What a client holds of a conversation.

use std::collections::BTreeMap;

use serde_json::Value;
use tokio::time::Instant;

/// What a client holds of a conversation: a beginning of its log, and what has come too early.
#[derive(Debug, Default)]
pub(super) struct Log {
    pub(super) epoch: Option<u64>,
    /// Up to which position it is held.
    pub(super) last: u64,
    /// When the last event happened.
    pub(super) last_at: String,
    /// What has come before something that precedes it.
    pub(super) early: BTreeMap<u64, Value>,
    /// When it is to be read over HTTP, if it is.
    pub(super) read_at: Option<Instant>,
    /// The client has been told that what it held was no beginning of the truth.
    pub(super) was_reset: bool,
    /// When the client is to subscribe, if it is.
    pub(super) subscribe_at: Option<Instant>,
    /// How secret words of its visitor begin.
    pub(super) secret: String,
}

impl Log {
    /// The next event, if it has come.
    pub(super) fn next(&mut self) -> Option<Value> {
        let next = self.early.remove(&(self.last + 1));
        self.early.retain(|seq, _| *seq > self.last);
        next
    }
}
