//! What has been stored becomes searchable, and if it does not, what already is can be found.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;

use crate::Limits;
use crate::domain::{Event, Principal, Role};
use crate::ids::{OperatorId, TenantId};
use crate::ports::storage::{SearchQuery, SearchRepository};
use crate::ports::{StorageError, StorageErrorKind};
use crate::protocol::SearchRequest;
use crate::service::Chat;

use super::background::tenant;
use super::{Parts, chat};

/// What is not searchable yet, by tenant.
#[derive(Debug, Default)]
pub(super) struct Backlog(Mutex<HashMap<TenantId, Waiting>>);

#[derive(Debug, Clone, Copy)]
struct Waiting {
    messages: usize,
    /// How many of the next calls fail.
    failures: usize,
}

impl Backlog {
    fn waits(&self, tenant: TenantId, messages: usize, failures: usize) {
        self.tenants().insert(tenant, Waiting { messages, failures });
    }

    fn left(&self, tenant: TenantId) -> Waiting {
        self.tenants()[&tenant]
    }

    fn tenants(&self) -> std::sync::MutexGuard<'_, HashMap<TenantId, Waiting>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl SearchRepository for Backlog {
    async fn index(&self, tenant: TenantId, limit: usize) -> Result<usize, StorageError> {
        let mut tenants = self.tenants();
        let waiting = tenants.get_mut(&tenant).expect("nothing is indexed for others");
        if waiting.failures > 0 {
            waiting.failures -= 1;
            return Err(StorageError::new(StorageErrorKind::Unavailable));
        }
        let indexed = waiting.messages.min(limit);
        waiting.messages -= indexed;
        Ok(indexed)
    }

    async fn find(&self, _: TenantId, _: &SearchQuery) -> Result<Vec<Event>, StorageError> {
        Ok(vec![])
    }
}

/// A chat, and what its storage has not made searchable yet.
fn searched(limits: Limits) -> (Chat, Arc<Backlog>) {
    let mut parts = Parts::default();
    let backlog = Arc::clone(&parts.search);
    parts.registry.expect_due().returning(|_, _, _| Ok(vec![]));
    (chat(parts, &Arc::default()).limits(limits).start(), backlog)
}

/// Whether a search says that every message could be found.
async fn is_complete(chat: &Chat, tenant: TenantId) -> bool {
    let staff = Principal::operator(tenant, OperatorId::from(uuid::Uuid::from_u128(1)), Role::Operator);
    let request = SearchRequest { text: "hello".to_owned(), cursor: None, limit: None };
    chat.search(&staff, request).await.expect("an answer").complete
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_made_searchable_leaves_the_search_answering() {
    let (chat, backlog) = searched(Limits::default());
    backlog.waits(tenant(1), 3, 1);
    assert!(!is_complete(&chat, tenant(1)).await);
    assert!(is_complete(&chat, tenant(1)).await, "it is tried again");
    assert_eq!(backlog.left(tenant(1)).messages, 0);
}

#[tokio::test(start_paused = true)]
async fn a_tenant_whose_messages_cannot_be_made_searchable_is_tried_again_and_holds_up_nobody() {
    let (chat, backlog) = searched(Limits::default());
    let tenants = || (1..=8).map(tenant);
    for tenant in tenants() {
        // All but one fail, so that whatever comes first, others come after a failure.
        backlog.waits(tenant, 3, usize::from(tenant != tenants().next().expect("one")));
        chat.inner.unindexed.add(tenant, 100);
    }
    chat.work().await.expect("that it fails for some is no failure of all");
    for tenant in tenants() {
        assert_eq!(backlog.left(tenant).failures, 0, "each has been tried");
    }
    assert_eq!(backlog.left(tenant(1)).messages, 0);
    assert_eq!(backlog.left(tenant(2)).messages, 3);
    chat.work().await.expect("work");
    assert!(tenants().all(|tenant| backlog.left(tenant).messages == 0), "{backlog:?}");
}

#[tokio::test(start_paused = true)]
async fn what_is_too_much_for_one_search_is_done_in_the_background() {
    let limits = Limits { search_batch_max: 2, search_indexed_max: 4, ..Limits::default() };
    let (chat, backlog) = searched(limits);
    backlog.waits(tenant(1), 10, 0);
    assert!(!is_complete(&chat, tenant(1)).await);
    assert_eq!(backlog.left(tenant(1)).messages, 6);
    // No more than that in a round.
    for left in [2, 0] {
        chat.work().await.expect("work");
        assert_eq!(backlog.left(tenant(1)).messages, left);
    }
    assert!(is_complete(&chat, tenant(1)).await);
}
