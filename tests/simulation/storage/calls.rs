//! Every call of a storage, on its way.

#![deny(clippy::missing_trait_methods, reason = "a node that has crashed must not get through")]

use std::sync::Arc;

use async_trait::async_trait;
use convor::conformance::methods::*;
use convor::domain::TenantRecord;
use convor::ports::Storage;
use convor::ports::storage::TenantRegistry;
use tokio::time::sleep;

use super::{Reach, planted, saw_opened, saw_stored, unavailable};
use crate::bug::Bug;

macro_rules! on_their_way {
    // What becomes of these is watched, below.
    (@ ConversationRepository $($methods:tt)*) => {};
    (@ EventRepository $($methods:tt)*) => {};
    (@ $repository:ident at $accessor:ident {
        $(fn $method:ident($($argument:ident: $kind:ty),* $(,)?) -> $answer:ty;)*
    }) => {
        #[async_trait]
        impl $repository for Reach {
            $(async fn $method(&self, tenant: TenantId, $($argument: $kind),*) -> Result<$answer, StorageError> {
                let work = convor::repository_of!(self.inner, $accessor).$method(tenant, $($argument),*);
                let name = concat!(stringify!($accessor), ".", stringify!($method));
                self.call(name, &(tenant, $(&$argument),*), work).await
            })*
        }
    };
    ($($repository:ident at $accessor:ident $methods:tt)*) => {
        $(on_their_way!(@ $repository at $accessor $methods);)*
    };
}

convor::repository_methods!(on_their_way);

#[async_trait]
impl ConversationRepository for Reach {
    async fn open(
        &self,
        tenant: TenantId,
        open: &Open,
        change: &Change,
    ) -> Result<OpenOutcome, StorageError> {
        let work = async {
            let outcome = self.inner.conversations().open(tenant, open, change).await?;
            if let OpenOutcome::Opened { conversation, first } = &outcome {
                saw_opened(&self.watcher, (tenant, conversation.id), conversation.visitor);
                saw_stored(&self.watcher, tenant, first);
            }
            Ok(outcome)
        };
        self.call("conversations.open", &(tenant, open), work).await
    }

    async fn find(
        &self,
        tenant: TenantId,
        conversation: ConversationId,
    ) -> Result<Option<Conversation>, StorageError> {
        let work = self.inner.conversations().find(tenant, conversation);
        self.call("conversations.find", &(tenant, conversation), work).await
    }

    async fn view(
        &self,
        tenant: TenantId,
        conversation: ConversationId,
        reader: Author,
    ) -> Result<Option<ConversationView>, StorageError> {
        let work = self.inner.conversations().view(tenant, conversation, reader);
        self.call("conversations.view", &(tenant, conversation, reader), work).await
    }

    async fn page(
        &self,
        tenant: TenantId,
        page: &ConversationPage,
    ) -> Result<Vec<ConversationView>, StorageError> {
        let tenant = self.mixed_up(tenant);
        self.call("conversations.page", &(tenant, page), self.inner.conversations().page(tenant, page)).await
    }

    async fn update(
        &self,
        tenant: TenantId,
        id: ConversationId,
        version: u64,
        patch: &ConversationPatch,
        change: &Change,
    ) -> Result<UpdateOutcome, StorageError> {
        let work = async {
            let outcome = self.inner.conversations().update(tenant, id, version, patch, change).await?;
            if let UpdateOutcome::Updated { events, .. } = &outcome {
                saw_stored(&self.watcher, tenant, events);
            }
            Ok(outcome)
        };
        self.call("conversations.update", &(tenant, id, version, patch), work).await
    }

    async fn due_snoozes(
        &self,
        tenant: TenantId,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<DueSnooze>, StorageError> {
        let work = self.inner.conversations().due_snoozes(tenant, now, limit);
        self.call("conversations.due_snoozes", &tenant, work).await
    }
}

#[async_trait]
impl EventRepository for Reach {
    async fn append(
        &self,
        tenant: TenantId,
        append: &Append,
        change: &Change,
    ) -> Result<AppendOutcome, StorageError> {
        let fate = self.fate("events.append", &(tenant, append));
        let work = async {
            if let Some(by) = fate.late {
                self.watcher.count("messages that are stored late");
                self.append_later(tenant, append, change, by);
                return Err(unavailable());
            }
            if self.has(Bug::AcknowledgesFirst)
                && let Some(outcome) = planted::foreseen(self.inner.as_ref(), tenant, append, change).await?
            {
                self.append_later(tenant, append, change, planted::SOON);
                return Ok(outcome);
            }
            self.store(tenant, append, change).await
        };
        self.call_with(fate, work).await
    }

    async fn page(
        &self,
        tenant: TenantId,
        conversation: ConversationId,
        audience: Audience,
        window: Window,
        limit: usize,
    ) -> Result<Option<EventPage>, StorageError> {
        let work = async {
            let page = self.inner.events().page(tenant, conversation, audience, window, limit).await?;
            Ok(self.lagging(self.undisguised(page)))
        };
        let what = (tenant, conversation, audience, window, limit);
        self.call("events.page", &what, work).await
    }

    async fn purge(&self, tenant: TenantId, before: Timestamp, limit: usize) -> Result<usize, StorageError> {
        self.call("events.purge", &tenant, self.inner.events().purge(tenant, before, limit)).await
    }
}

impl Reach {
    /// Stores a message, and sees that it is stored.
    pub(super) async fn store(
        &self,
        tenant: TenantId,
        append: &Append,
        change: &Change,
    ) -> Result<AppendOutcome, StorageError> {
        let mut outcome = self.append_as_planted(tenant, append, change).await?;
        if let AppendOutcome::Stored { events, .. } = &mut outcome {
            saw_stored(&self.watcher, tenant, &*events);
            self.show_notes(events);
        }
        Ok(outcome)
    }

    /// Stores a message some time after its caller has gone, as a database that goes on with what its client has given up.
    fn append_later(&self, tenant: TenantId, append: &Append, change: &Change, by: std::time::Duration) {
        let (inner, watcher) = (Arc::clone(&self.inner), Arc::clone(&self.watcher));
        let (append, change) = (append.clone(), change.clone());
        tokio::spawn(async move {
            sleep(by).await;
            if let Ok(AppendOutcome::Stored { events, .. }) =
                inner.events().append(tenant, &append, &change).await
            {
                saw_stored(&watcher, tenant, &events);
            }
        });
    }
}

#[async_trait]
impl TenantRegistry for Reach {
    async fn insert(&self, record: &TenantRecord) -> Result<bool, StorageError> {
        self.call("registry.insert", &record.id, self.inner.registry().insert(record)).await
    }

    async fn find(&self, tenant: TenantId) -> Result<Option<TenantRecord>, StorageError> {
        self.call("registry.find", &tenant, self.inner.registry().find(tenant)).await
    }

    async fn list(&self, after: Option<TenantId>, limit: usize) -> Result<Vec<TenantRecord>, StorageError> {
        self.call("registry.list", &after, self.inner.registry().list(after, limit)).await
    }

    async fn control_heads(&self, tenants: &[TenantId]) -> Result<Vec<u64>, StorageError> {
        self.call("registry.control_heads", &(), self.inner.registry().control_heads(tenants)).await
    }

    async fn due(
        &self,
        now: Timestamp,
        after: Option<TenantId>,
        limit: usize,
    ) -> Result<Vec<TenantId>, StorageError> {
        self.call("registry.due", &after, self.inner.registry().due(now, after, limit)).await
    }
}

#[async_trait]
impl Storage for Reach {
    fn registry(&self) -> &dyn TenantRegistry {
        self
    }

    convor::decorated_repositories!(inner);

    async fn ping(&self) -> Result<(), StorageError> {
        self.call("storage.ping", &(), self.inner.ping()).await
    }
}
