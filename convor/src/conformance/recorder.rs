//! A storage that notes which of its methods are called: with it the isolation cases prove that they forget none. It also
//! names the method in what fails, so that the writer of an adapter reads which one it was.
//!
//! The decorator and the list of its methods come from one text, [`repository_methods`](crate::repository_methods).

#![deny(clippy::missing_trait_methods)]

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;

use super::failure::named;
use super::methods::*;
use crate::domain::TenantRecord;
use crate::ports::Storage;
use crate::ports::storage::TenantRegistry;

/// Notes which methods are called, and hands the calls on.
#[derive(Debug)]
pub(super) struct Recorder {
    inner: Arc<dyn Storage>,
    called: Mutex<BTreeSet<&'static str>>,
}

impl Recorder {
    pub(super) fn new(inner: Arc<dyn Storage>) -> Self {
        Self { inner, called: Mutex::default() }
    }

    /// The methods that have been called.
    pub(super) fn called(&self) -> BTreeSet<&'static str> {
        self.called.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn note(&self, method: &'static str) {
        self.called.lock().unwrap_or_else(PoisonError::into_inner).insert(method);
    }
}

macro_rules! recorded {
    ($($repository:ident at $accessor:ident {
        $(fn $method:ident($($argument:ident: $kind:ty),* $(,)?) -> $answer:ty;)*
    })*) => {
        /// Every method whose first argument is a tenant, as `repository.method`.
        pub(super) const METHODS: &[&str] = &[$($(concat!(stringify!($accessor), ".", stringify!($method)),)*)*];

        $(
            #[async_trait]
            impl $repository for Recorder {
                $(
                    async fn $method(
                        &self,
                        tenant: TenantId,
                        $($argument: $kind),*
                    ) -> Result<$answer, StorageError> {
                        let method = concat!(stringify!($accessor), ".", stringify!($method));
                        self.note(method);
                        let repository = crate::repository_of!(self.inner, $accessor);
                        named(method, repository.$method(tenant, $($argument),*).await)
                    }
                )*
            }
        )*
    };
}

crate::repository_methods!(recorded);

/// It reads across tenants, and so it is none of [`METHODS`].
#[async_trait]
impl TenantRegistry for Recorder {
    async fn insert(&self, record: &TenantRecord) -> Result<bool, StorageError> {
        named("registry.insert", self.inner.registry().insert(record).await)
    }

    async fn find(&self, tenant: TenantId) -> Result<Option<TenantRecord>, StorageError> {
        named("registry.find", self.inner.registry().find(tenant).await)
    }

    async fn list(&self, after: Option<TenantId>, limit: usize) -> Result<Vec<TenantRecord>, StorageError> {
        named("registry.list", self.inner.registry().list(after, limit).await)
    }

    async fn control_heads(&self, tenants: &[TenantId]) -> Result<Vec<u64>, StorageError> {
        named("registry.control_heads", self.inner.registry().control_heads(tenants).await)
    }

    async fn due(
        &self,
        now: Timestamp,
        after: Option<TenantId>,
        limit: usize,
    ) -> Result<Vec<TenantId>, StorageError> {
        named("registry.due", self.inner.registry().due(now, after, limit).await)
    }
}

#[async_trait]
impl Storage for Recorder {
    fn registry(&self) -> &dyn TenantRegistry {
        self
    }

    crate::decorated_repositories!(inner);

    async fn ping(&self) -> Result<(), StorageError> {
        named("ping", self.inner.ping().await)
    }
}
