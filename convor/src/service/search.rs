//! Staff find messages by their words.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

use crate::domain::{Audience, Event, Principal, Word};
use crate::error::Error;
use crate::ids::{ConversationId, TenantId};
use crate::ports::StorageError;
use crate::ports::storage::{SearchQuery, SearchRepository};
use crate::protocol::{EventObject, FoundObject, ListObject, Names, SearchRequest};
use crate::time::Timestamp;

use super::{Chat, line, staff_only};

/// Messages that were found.
#[derive(Debug)]
#[non_exhaustive]
pub struct Found {
    /// Their events, the newest first.
    pub events: Vec<Event>,
    /// Where the next page begins.
    pub next_cursor: Option<String>,
    /// Whether every message could be found; otherwise the newest of the tenant are still being made searchable.
    pub complete: bool,
    names: Names,
}

impl Found {
    /// The page as the protocol shows it.
    #[must_use]
    pub fn object(&self) -> FoundObject<'_> {
        let shown = |event| EventObject::new(event, Audience::Staff, &self.names);
        let data = self.events.iter().filter_map(shown).collect();
        FoundObject::new(ListObject::new(data, self.next_cursor.clone()), self.complete)
    }
}

impl Chat {
    /// A page of the messages and notes that hold all words of `request.text`, the newest first. What has just been
    /// stored is made searchable first, up to [`Limits::search_indexed_max`](crate::Limits::search_indexed_max); if that
    /// fails, what is searchable already is found all the same.
    ///
    /// # Errors
    /// [`Error::Forbidden`] for a visitor, [`Error::Invalid`] for a text without words or with too many, or a `limit` out of
    /// bounds, [`Error::InvalidCursor`], [`Error::Unsupported`] if the storage has no search.
    pub async fn search(&self, principal: &Principal, request: SearchRequest) -> Result<Found, Error> {
        staff_only(principal)?;
        let limit = self.page_limit(request.limit)?;
        let words = self.words(&request.text)?;
        let before = request
            .cursor
            .as_deref()
            .map(|cursor| read_cursor(cursor).ok_or(Error::InvalidCursor))
            .transpose()?;
        let search = self.storage().search().ok_or(Error::Unsupported)?;
        let tenant = principal.tenant();
        let complete = self.make_searchable(search, tenant).await;
        // One more than asked for tells whether there is another page.
        let query = SearchQuery { words, before, limit: limit + 1 };
        let mut events = self.within(search.find(tenant, &query)).await?;
        let more = events.len() > limit;
        events.truncate(limit);
        let next_cursor = events.last().filter(|_| more).map(write_cursor);
        let names = self.names(tenant, &events).await?;
        Ok(Found { events, next_cursor, complete, names })
    }

    fn words(&self, text: &str) -> Result<Vec<Word>, Error> {
        let text = line("text", text, self.limits().search_chars_max)?;
        let words: Vec<Word> = Word::all_in(text.as_str()).into_iter().collect();
        if words.is_empty() {
            return Err(Error::invalid("text", "must hold a word"));
        }
        Ok(words)
    }

    /// Makes what this node has stored searchable, a tenant after the other.
    pub(super) async fn index_all(&self) {
        let Some(search) = self.storage().search() else { return };
        for tenant in self.inner.unindexed.take() {
            self.make_searchable(search, tenant).await;
        }
    }

    /// `true` once every message of the tenant can be found. If there are too many for one round, or it fails, the
    /// background work goes on with it.
    async fn make_searchable(&self, search: &dyn SearchRepository, tenant: TenantId) -> bool {
        let limits = self.limits();
        let round = async {
            let mut indexed = 0;
            while indexed < limits.search_indexed_max {
                match search.index(tenant, limits.search_batch_max).await? {
                    0 => return Ok(true),
                    some => indexed += some,
                }
            }
            Ok::<_, StorageError>(false)
        };
        match self.within(round).await {
            Ok(true) => return true,
            Ok(false) => {}
            Err(error) => {
                tracing::warn!(%tenant, code = error.code(), "messages could not be made searchable yet");
            }
        }
        self.inner.unindexed.add(tenant, limits.tenants_cached_max);
        false
    }
}

/// The tenants in which this node knows of messages that may not be searchable yet. What is forgotten here becomes so
/// with the next search.
#[derive(Debug, Default)]
pub(super) struct Unindexed(Mutex<HashSet<TenantId>>);

impl Unindexed {
    pub(super) fn add(&self, tenant: TenantId, tenants_max: usize) {
        let mut tenants = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if tenants.len() < tenants_max {
            tenants.insert(tenant);
        }
    }

    fn take(&self) -> HashSet<TenantId> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

fn write_cursor(last: &Event) -> String {
    format!("{:x}.{}.{:x}", last.at.millis(), last.conversation, last.position.staff)
}

fn read_cursor(cursor: &str) -> Option<(Timestamp, ConversationId, u64)> {
    let mut parts = cursor.split('.');
    let at = Timestamp::from_millis(i64::from_str_radix(parts.next()?, 16).ok()?);
    let conversation = parts.next()?.parse().ok()?;
    let seq = u64::from_str_radix(parts.next()?, 16).ok()?;
    parts.next().is_none().then_some((at, conversation, seq))
}
