//! Every call of a storage, handed on.

#![deny(clippy::missing_trait_methods, reason = "what is not handed on cannot be in trouble")]

use std::sync::Arc;

use async_trait::async_trait;
use convor::conformance::methods::*;
use convor::domain::TenantRecord;
use convor::ports::Storage;
use convor::ports::storage::TenantRegistry;
use tokio::time::sleep;

use super::{Hooked, lock, unavailable};

macro_rules! hooked {
    // It may be told to append later.
    (@ EventRepository $($methods:tt)*) => {};
    (@ $repository:ident at $accessor:ident {
        $(fn $method:ident($($argument:ident: $kind:ty),* $(,)?) -> $answer:ty;)*
    }) => {
        #[async_trait]
        impl $repository for Hooked {
            $(async fn $method(&self, tenant: TenantId, $($argument: $kind),*) -> Result<$answer, StorageError> {
                let work = convor::repository_of!(self.inner, $accessor).$method(tenant, $($argument),*);
                self.call(concat!(stringify!($accessor), ".", stringify!($method)), Some(tenant), work).await
            })*
        }
    };
    ($($repository:ident at $accessor:ident { $(fn $method:ident $arguments:tt -> $answer:ty;)* })*) => {
        /// What there is to be called.
        pub(super) const CALLS: &[&str] = &[
            "registry.insert", "registry.find", "registry.list", "registry.control_heads", "registry.due", "storage.ping",
            $($(concat!(stringify!($accessor), ".", stringify!($method)),)*)*
        ];

        $(hooked!(@ $repository at $accessor { $(fn $method $arguments -> $answer;)* });)*
    };
}

convor::repository_methods!(hooked);

#[async_trait]
impl EventRepository for Hooked {
    async fn append(
        &self,
        tenant: TenantId,
        append: &Append,
        change: &Change,
    ) -> Result<AppendOutcome, StorageError> {
        let work = async {
            let later = lock(&self.append_later).take();
            let Some(by) = later else { return self.inner.events().append(tenant, append, change).await };
            let (inner, append, change) = (Arc::clone(&self.inner), append.clone(), change.clone());
            tokio::spawn(async move {
                sleep(by).await;
                inner.events().append(tenant, &append, &change).await
            });
            Err(unavailable())
        };
        self.call("events.append", Some(tenant), work).await
    }

    async fn page(
        &self,
        tenant: TenantId,
        conversation: ConversationId,
        audience: Audience,
        window: Window,
        limit: usize,
    ) -> Result<Option<EventPage>, StorageError> {
        let work = self.inner.events().page(tenant, conversation, audience, window, limit);
        self.call("events.page", Some(tenant), work).await
    }

    async fn purge(&self, tenant: TenantId, before: Timestamp, limit: usize) -> Result<usize, StorageError> {
        let work = self.inner.events().purge(tenant, before, limit);
        self.call("events.purge", Some(tenant), work).await
    }
}

#[async_trait]
impl TenantRegistry for Hooked {
    async fn insert(&self, record: &TenantRecord) -> Result<bool, StorageError> {
        self.call("registry.insert", Some(record.id), self.inner.registry().insert(record)).await
    }

    async fn find(&self, tenant: TenantId) -> Result<Option<TenantRecord>, StorageError> {
        self.call("registry.find", Some(tenant), self.inner.registry().find(tenant)).await
    }

    async fn list(&self, after: Option<TenantId>, limit: usize) -> Result<Vec<TenantRecord>, StorageError> {
        self.call("registry.list", None, self.inner.registry().list(after, limit)).await
    }

    async fn control_heads(&self, tenants: &[TenantId]) -> Result<Vec<u64>, StorageError> {
        self.call("registry.control_heads", None, self.inner.registry().control_heads(tenants)).await
    }

    async fn due(
        &self,
        now: Timestamp,
        after: Option<TenantId>,
        limit: usize,
    ) -> Result<Vec<TenantId>, StorageError> {
        self.call("registry.due", None, self.inner.registry().due(now, after, limit)).await
    }
}

#[async_trait]
impl Storage for Hooked {
    fn registry(&self) -> &dyn TenantRegistry {
        self
    }

    convor::decorated_repositories!(inner);

    async fn ping(&self) -> Result<(), StorageError> {
        self.call("storage.ping", None, self.inner.ping()).await
    }
}
