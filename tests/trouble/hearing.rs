//! What somebody hears.

use std::time::Duration;

use convor::ports::Close;
use convor_tests::person::{PATIENCE, Person};
use serde_json::Value;
use tokio::time::timeout;

/// What somebody has heard.
#[derive(Debug)]
pub(crate) struct Heard {
    pub(crate) frames: Vec<Value>,
    /// Why the connection has ended, if it has.
    pub(crate) end: Option<Close>,
}

/// All that somebody hears in this time, and has passed over before.
pub(crate) async fn heard(person: &mut Person, during: Duration) -> Heard {
    let mut frames = std::mem::take(&mut person.seen);
    let hearing = async {
        loop {
            // It must not come to the end of the person's own patience.
            match timeout(PATIENCE / 2, person.next()).await {
                Ok(Ok(frame)) => frames.push(frame),
                Ok(Err(end)) => break end,
                Err(_) => {}
            }
        }
    };
    let end = timeout(during, hearing).await.ok();
    Heard { frames, end }
}

impl Heard {
    /// The events, as position and kind, over a connection that goes on.
    pub(crate) fn events(&self) -> Vec<String> {
        assert_eq!(self.end, None, "the connection has ended, after {:?}", self.frames);
        let events = self.of("event");
        events.map(|event| format!("{} {}", event["seq"], event["kind"].as_str().expect("a kind"))).collect()
    }

    /// The same, each once: an inbox may hear an event again.
    pub(crate) fn distinct_events(&self) -> Vec<String> {
        let mut events = self.events();
        events.sort();
        events.dedup();
        events
    }

    /// The frames of this type.
    pub(crate) fn of(&self, kind: &str) -> impl Iterator<Item = &Value> {
        self.frames.iter().filter(move |frame| frame["type"] == kind)
    }
}
