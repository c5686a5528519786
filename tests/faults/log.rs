//! What is stored of a conversation in the end.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::api::{Api, text};
use crate::writer::Acknowledged;

/// The events of a conversation, as staff read them.
pub(crate) struct Log(Vec<Value>);

impl Log {
    pub(crate) async fn read(api: &Api, token: &str, conversation: &str) -> Self {
        let mut log = Self(Vec::new());
        loop {
            let after = log.seq();
            let path = format!("/v1/conversations/{conversation}/events?after={after}&limit=200");
            let page = api.find(&path, token).await;
            log.0.extend(page["data"].as_array().expect("a list").iter().cloned());
            if log.seq() == after {
                return log;
            }
        }
    }

    /// The last position.
    pub(crate) fn seq(&self) -> u64 {
        self.0.last().and_then(|event| event["seq"].as_u64()).unwrap_or(0)
    }

    pub(crate) fn messages(&self) -> impl Iterator<Item = &Value> {
        self.0.iter().filter(|event| event["kind"] == "message")
    }

    /// How many positions are not what follows the one before.
    pub(crate) fn gaps(&self) -> usize {
        (1u64..).zip(&self.0).filter(|(seq, event)| event["seq"].as_u64() != Some(*seq)).count()
    }

    pub(crate) fn duplicates(&self) -> usize {
        let ids: BTreeSet<_> = self.messages().map(|event| text(&event["message"]["client_id"])).collect();
        self.messages().count() - ids.len()
    }

    /// What was acknowledged stands where the acknowledgement said.
    pub(crate) fn holds(&self, said: &Acknowledged) {
        let event = self.messages().find(|event| event["seq"].as_u64() == Some(said.seq));
        let event = event.unwrap_or_else(|| panic!("{said:?} was acknowledged and is not there"));
        let message = &event["message"];
        let ids = (text(&message["id"]), text(&message["client_id"]));
        assert_eq!(ids, (said.message_id.clone(), said.client_id.clone()), "{said:?}");
    }
}
