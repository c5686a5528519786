//! What a client is told when something cannot be done now.

use std::time::Duration;

/// How long a client waits that has been told nothing else.
const PAUSE: Duration = Duration::from_millis(250);

/// What may be tried again later, in the words of the protocol.
#[derive(Debug)]
pub(crate) struct Retry {
    /// A problem's code or that of a close frame, or what befell the server.
    pub(crate) code: String,
    pub(crate) pause: Duration,
}

impl Retry {
    /// A problem, or the end of the test: other problems are the server's faults, or the test's.
    pub(crate) fn problem(code: &str, pause: Option<Duration>) -> Self {
        let retryable = ["rate_limited", "request_timeout", "unavailable"].contains(&code);
        assert!(retryable, "`{code}` says that trying again is in vain");
        Self { code: code.to_owned(), pause: pause.unwrap_or(PAUSE) }
    }

    /// The end of a socket, after which one comes back.
    pub(crate) fn close(code: u16, pause: Option<Duration>) -> Self {
        assert!((4000..4100).contains(&code), "a socket ends with {code}, after which nobody comes back");
        Self { code: code.to_string(), pause: pause.unwrap_or(PAUSE) }
    }

    /// A server is not there, which says nothing.
    pub(crate) fn lost(what: &str) -> Self {
        Self { code: what.to_owned(), pause: PAUSE }
    }
}
