//! What a case stands on: a fresh store, a clock that only moves when it is asked, and ids that count.

use std::future::Future;
use std::ops::Deref;
use std::panic::Location;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Poll;

use uuid::Uuid;

use super::failure::told;
use super::tenant::Tenant;
use crate::credentials::TokenHash;
use crate::domain::{
    AuditAction, AuditRecord, Author, BodyDigest, ControlEvent, Notification, OutboxEntry, TenantRecord,
    TenantState, Text,
};
use crate::ids::TenantId;
use crate::ports::{Change, Storage, StorageError};
use crate::time::Timestamp;

/// 2026-01-01T00:00:00Z.
const BEGINNING: u64 = 1_767_225_600_000;

/// A fresh store with its clock and its ids.
#[derive(Clone)]
pub(super) struct World {
    storage: Arc<dyn Storage>,
    /// The second store of a case that moves what is stored.
    target: Option<Arc<dyn Storage>>,
    /// Counts the ids and the milliseconds alike, so that both only rise.
    count: Arc<AtomicU64>,
}

impl World {
    pub(super) fn new(storage: Arc<dyn Storage>) -> Self {
        Self { storage, target: None, count: Arc::default() }
    }

    /// The same clock and ids over another store.
    pub(super) fn over(&self, storage: Arc<dyn Storage>) -> Self {
        Self { storage, target: None, count: Arc::clone(&self.count) }
    }

    /// The same, with a second store to which things may be moved.
    pub(super) fn towards(self, target: Arc<dyn Storage>) -> Self {
        Self { target: Some(target), ..self }
    }

    /// The second store, with the same clock and ids.
    pub(super) fn target(&self) -> Self {
        let target = self.target.as_ref().expect("the cases that move what is stored have a second store");
        self.over(Arc::clone(target))
    }

    /// The store itself, to be put behind another one.
    pub(super) fn storage(&self) -> Arc<dyn Storage> {
        Arc::clone(&self.storage)
    }

    fn tick(&self) -> u64 {
        BEGINNING + self.count.fetch_add(1, Ordering::Relaxed)
    }

    /// A new id in the form of a UUIDv7, above all the earlier ones.
    pub(super) fn id<I: From<Uuid>>(&self) -> I {
        let millis = u128::from(self.tick());
        I::from(Uuid::from_u128((millis << 80) | (7 << 76) | (8 << 60)))
    }

    /// The time, a millisecond later with each look.
    pub(super) fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.tick().cast_signed())
    }

    /// The hash of a token that nobody has had yet.
    pub(super) fn token(&self) -> TokenHash {
        let count = u128::from(self.tick()).to_be_bytes();
        TokenHash::from(std::array::from_fn(|i| count[i % 16]))
    }

    /// A change that owes nothing.
    pub(super) fn change(&self, actor: Author) -> Change {
        Change::new(actor, self.now())
    }

    /// A change with everything that may go with one: an audit record, a notification and a control event.
    pub(super) fn loaded(&self, actor: Author) -> Change {
        let record = AuditRecord {
            id: self.id(),
            action: AuditAction::ConversationUpdated,
            target: self.id::<Uuid>(),
        };
        Change {
            audit: Some(record),
            outbox: vec![self.notification(), OutboxEntry::Control(ControlEvent::SessionEnded(self.id()))],
            ..self.change(actor)
        }
    }

    /// A new entry for the notifier.
    pub(super) fn notification(&self) -> OutboxEntry {
        let notification = Notification::MessageWaiting { conversation: self.id() };
        OutboxEntry::Notify { id: self.id(), notification }
    }

    /// A tenant that is registered and has nothing yet.
    pub(super) async fn empty_tenant(&self) -> TenantId {
        let id = self.id();
        assert!(
            self.registry().insert(&self.record(id)).await.answered(),
            "a tenant with an id that is not taken is added",
        );
        id
    }

    /// What the registry knows of a tenant.
    pub(super) fn record(&self, id: TenantId) -> TenantRecord {
        TenantRecord { id, region: "eu".to_owned(), state: TenantState::Active, created_at: self.now() }
    }

    /// A tenant with a profile, a site, a visitor and an operator.
    pub(super) async fn tenant(&self) -> Tenant {
        let tenant = Tenant::new(self, self.empty_tenant().await);
        tenant.settle_in("it").await;
        tenant
    }
}

impl Deref for World {
    type Target = dyn Storage;

    fn deref(&self) -> &Self::Target {
        &*self.storage
    }
}

/// A text that was typed.
pub(super) fn text(text: &str) -> Text {
    Text::prose(text, 8_000).expect("the fixtures use good texts")
}

/// The digest of a body that says `text`.
pub(super) fn digest(text: &str) -> BodyDigest {
    BodyDigest::new(&[7; 32], &[text.as_bytes()])
}

/// Takes an answer out of a result, or says that the storage failed where none of its contracts lets it.
pub(super) trait Answered<T> {
    fn answered(self) -> T;
}

impl<T> Answered<T> for Result<T, StorageError> {
    #[track_caller]
    fn answered(self) -> T {
        // Within the closure the caller would be the standard library.
        let caller = Location::caller();
        self.unwrap_or_else(|error| panic!("at {caller}: {}", told(&error)))
    }
}

/// Polls a future at most `polls` times and then drops it, as a caller does that goes away. `None` if it was not done.
pub(super) async fn cut_off<F: Future>(future: F, polls: usize) -> Option<F::Output> {
    let mut future = pin!(future);
    let mut left = polls;
    std::future::poll_fn(|context| {
        if left == 0 {
            return Poll::Ready(None);
        }
        left -= 1;
        match future.as_mut().poll(context) {
            Poll::Ready(output) => Poll::Ready(Some(output)),
            Poll::Pending if left == 0 => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}
