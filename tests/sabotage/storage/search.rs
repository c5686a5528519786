//! Finding messages, with its faults.

use async_trait::async_trait;
use convor::domain::{Event, Word};
use convor::ids::TenantId;
use convor::ports::storage::{SearchQuery, SearchRepository};
use convor::ports::{Storage, StorageError};

use super::Sabotaged;
use crate::fault::Fault;

impl Sabotaged {
    fn kept_search(&self) -> &dyn SearchRepository {
        self.inner.search().expect("the decorator offers search where the storage does")
    }

    /// Messages with these words that should be gone.
    fn ghosts(&self, tenant: TenantId, query: &SearchQuery) -> Vec<Event> {
        let holds = |event: &Event| {
            let text = event.kind.message().and_then(|message| message.text.as_ref());
            let words = text.map(|text| Word::all_in(text.as_str())).unwrap_or_default();
            !query.words.is_empty() && query.words.iter().all(|word| words.contains(word))
        };
        let memory = self.memory();
        let ghosts = memory.ghosts.iter().filter(|(of, event)| *of == tenant && holds(event));
        ghosts.map(|(_, event)| event.clone()).collect()
    }
}

#[async_trait]
impl SearchRepository for Sabotaged {
    async fn index(&self, tenant: TenantId, limit: usize) -> Result<usize, StorageError> {
        self.kept_search().index(tenant, limit).await
    }

    async fn find(&self, tenant: TenantId, query: &SearchQuery) -> Result<Vec<Event>, StorageError> {
        let mut query = query.clone();
        if self.has(Fault::IgnoresAWord) {
            query.words.truncate(1);
        }
        if self.has(Fault::RepeatsTheCursorOfASearch) {
            query.before = query.before.map(|(at, id, position)| (at, id, position.saturating_add(1)));
        }
        let mut found = Vec::new();
        for tenant in self.reach(tenant, Fault::SearchesAllTenants) {
            found.extend(self.kept_search().find(tenant, &query).await?);
        }
        if self.has(Fault::SkipsAnEventOfTheIndex) {
            found.retain(|event| event.position.staff != 3);
        }
        if self.has(Fault::FindsNoNotes) {
            found.retain(|event| event.position.visitor.is_some());
        }
        found.extend(self.ghosts(tenant, &query));
        Ok(found)
    }
}
