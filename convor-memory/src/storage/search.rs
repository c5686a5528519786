//! Finding messages by their words: they can be found from the moment in which they are stored.

use std::collections::{BTreeSet, HashMap};

use async_trait::async_trait;
use convor::domain::{Audience, Event, Word};
use convor::ids::{ConversationId, TenantId};
use convor::ports::StorageError;
use convor::ports::storage::{SearchQuery, SearchRepository};
use convor::time::Timestamp;

use super::MemoryStorage;
use super::state::TenantState;

/// Where each word stands: time, conversation and staff position of the messages that hold it. A word that none holds is
/// not in it.
#[derive(Default)]
pub(super) struct Words(HashMap<Word, Places>);

type Places = BTreeSet<(Timestamp, ConversationId, u64)>;

impl Words {
    pub(super) fn insert(&mut self, event: &Event) {
        Word::each_in(text(event), |word| {
            if let Some(places) = self.0.get_mut(word) {
                places.insert(place(event));
            } else {
                self.0.insert(word.clone(), Places::from([place(event)]));
            }
        });
    }

    pub(super) fn remove(&mut self, event: &Event) {
        Word::each_in(text(event), |word| {
            if let Some(places) = self.0.get_mut(word) {
                places.remove(&place(event));
                if places.is_empty() {
                    self.0.remove(word);
                }
            }
        });
    }
}

fn text(event: &Event) -> &str {
    let message = event.kind.message().and_then(|message| message.text.as_ref());
    message.map_or("", |text| text.as_str())
}

const fn place(event: &Event) -> (Timestamp, ConversationId, u64) {
    (event.at, event.conversation, event.position.staff)
}

#[async_trait]
impl SearchRepository for MemoryStorage {
    async fn index(&self, _: TenantId, _: usize) -> Result<usize, StorageError> {
        Ok(0)
    }

    async fn find(&self, tenant: TenantId, query: &SearchQuery) -> Result<Vec<Event>, StorageError> {
        Ok(self.read(tenant, |state| state.search(query)).unwrap_or_default())
    }
}

impl TenantState {
    /// Walks through the places of the rarest word.
    fn search(&self, query: &SearchQuery) -> Vec<Event> {
        let places: Option<Vec<&Places>> = query.words.iter().map(|word| self.words.0.get(word)).collect();
        let mut places = places.unwrap_or_default();
        places.sort_unstable_by_key(|places| places.len());
        let Some((rarest, others)) = places.split_first() else {
            return Vec::new();
        };
        let below = match query.before {
            Some(before) => rarest.range(..before),
            None => rarest.range(..),
        };
        let found = below.rev().filter(|place| others.iter().all(|places| places.contains(place)));
        let found = found.take(query.limit).filter_map(|(_, conversation, seq)| {
            self.conversations.get(conversation)?.event(Audience::Staff, *seq)
        });
        found.cloned().collect()
    }
}
