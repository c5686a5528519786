//! Whether a node lives. One that has crashed still has tasks in this process; nothing that they do reaches anybody.

use std::sync::atomic::{AtomicBool, Ordering};

/// Whether a node lives.
#[derive(Debug, Default)]
pub(crate) struct Life(AtomicBool);

impl Life {
    /// Ends it, without a goodbye.
    pub(crate) fn end(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_over(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// Goes on, or never, if the node has crashed.
    pub(crate) async fn goes_on(&self) {
        if self.is_over() {
            std::future::pending().await
        }
    }
}
