//! Panics of a run: each has a thread of its own, and a runtime that lets nothing of it out.

use std::cell::RefCell;
use std::sync::Once;

thread_local! {
    static LAST: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Forgets those so far, and sees those that come.
pub(crate) fn forget() {
    static SEES: Once = Once::new();
    SEES.call_once(|| {
        let usual = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            LAST.set(Some(info.to_string()));
            usual(info);
        }));
    });
    LAST.set(None);
}

/// The last one on this thread.
pub(crate) fn last() -> Option<String> {
    LAST.take()
}
