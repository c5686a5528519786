//! [`MemoryStorage`]: one file a repository, as in `convor::ports::storage`, over the state that they share.

#[cfg(feature = "accounts")]
mod account;
mod audit;
mod change;
mod control;
mod conversation;
mod event;
mod index;
mod log;
mod operator;
mod outbox;
mod page;
mod read;
mod registry;
mod search;
mod site;
mod state;
mod tenant;
mod transfer;
mod upload;
mod visitor;

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use async_trait::async_trait;
use convor::ids::TenantId;
use convor::ports::storage::{
    AuditRepository, ControlRepository, ConversationRepository, EventRepository, OperatorRepository,
    OutboxRepository, PageRepository, ReadRepository, SearchRepository, SiteRepository, TenantRegistry,
    TenantRepository, TransferRepository, UploadRepository, VisitorRepository,
};
use convor::ports::{Storage, StorageError};

use registry::Registry;
use state::TenantState;

/// The lifetime of the positions: there is but one, because they end with the process.
const EPOCH: u32 = 1;

/// Keeps everything in this process, for as long as it lives.
///
/// Each tenant has a lock of its own, so that tenants do not wait for each other. A lock is held for the time of one
/// method and never across an await, so that each method is one transaction and a dropped future leaves nothing half
/// done. What is asked for often is indexed: neither a page of a large inbox nor a message in a long conversation takes
/// time in proportion to what is stored.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// use convor::domain::{TenantRecord, TenantState};
/// use convor::ports::Storage;
/// use convor::time::Timestamp;
/// use convor_memory::MemoryStorage;
///
/// let storage = MemoryStorage::new();
/// let record = TenantRecord {
///     id: uuid::Uuid::from_u128(1).into(),
///     region: "eu".to_owned(),
///     state: TenantState::Active,
///     created_at: Timestamp::from_millis(0),
/// };
/// assert!(storage.registry().insert(&record).await?);
/// assert_eq!(storage.registry().find(record.id).await?, Some(record));
/// # Ok::<(), convor::ports::StorageError>(())
/// # }).unwrap();
/// ```
#[derive(Default)]
pub struct MemoryStorage {
    tenants: RwLock<HashMap<TenantId, Arc<Mutex<TenantState>>>>,
    registry: Mutex<Registry>,
}

impl MemoryStorage {
    /// A storage in which there is nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Looks at what a tenant has; `None` if nothing was ever stored for it, so that made-up tenants leave no trace.
    fn read<R>(&self, tenant: TenantId, look: impl FnOnce(&TenantState) -> R) -> Option<R> {
        let state = self.state(tenant)?;
        Some(look(&locked(&state)))
    }

    /// Changes what a tenant has; `None` if nothing was ever stored for it.
    fn write<R>(&self, tenant: TenantId, work: impl FnOnce(&mut TenantState) -> R) -> Option<R> {
        let state = self.state(tenant)?;
        Some(self.work_on(tenant, &state, work))
    }

    /// Changes what a tenant has, or is about to have.
    fn create<R>(&self, tenant: TenantId, work: impl FnOnce(&mut TenantState) -> R) -> R {
        let mut tenants = self.tenants.write().unwrap_or_else(PoisonError::into_inner);
        let state = Arc::clone(tenants.entry(tenant).or_default());
        drop(tenants);
        self.work_on(tenant, &state, work)
    }

    fn state(&self, tenant: TenantId) -> Option<Arc<Mutex<TenantState>>> {
        self.tenants.read().unwrap_or_else(PoisonError::into_inner).get(&tenant).cloned()
    }

    /// Works on a tenant's state, and tells the registry when the tenant next has background work. That is done under the
    /// tenant's lock, so that two changes cannot tell it in the wrong order.
    fn work_on<R>(
        &self,
        tenant: TenantId,
        state: &Mutex<TenantState>,
        work: impl FnOnce(&mut TenantState) -> R,
    ) -> R {
        let mut state = locked(state);
        let due_before = state.due_at();
        let result = work(&mut state);
        let due_at = state.due_at();
        if due_at != due_before {
            locked(&self.registry).schedule(tenant, due_at);
        }
        result
    }
}

impl fmt::Debug for MemoryStorage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStorage").finish_non_exhaustive()
    }
}

#[async_trait]
impl Storage for MemoryStorage {
    fn registry(&self) -> &dyn TenantRegistry {
        self
    }

    fn tenants(&self) -> &dyn TenantRepository {
        self
    }

    fn sites(&self) -> &dyn SiteRepository {
        self
    }

    fn visitors(&self) -> &dyn VisitorRepository {
        self
    }

    fn pages(&self) -> &dyn PageRepository {
        self
    }

    fn operators(&self) -> &dyn OperatorRepository {
        self
    }

    fn conversations(&self) -> &dyn ConversationRepository {
        self
    }

    fn events(&self) -> &dyn EventRepository {
        self
    }

    fn reads(&self) -> &dyn ReadRepository {
        self
    }

    fn outbox(&self) -> &dyn OutboxRepository {
        self
    }

    fn control(&self) -> &dyn ControlRepository {
        self
    }

    fn audit(&self) -> &dyn AuditRepository {
        self
    }

    #[cfg(feature = "accounts")]
    fn accounts(&self) -> Option<&dyn convor::ports::storage::AccountRepository> {
        Some(self)
    }

    fn search(&self) -> Option<&dyn SearchRepository> {
        Some(self)
    }

    fn uploads(&self) -> Option<&dyn UploadRepository> {
        Some(self)
    }

    fn transfer(&self) -> Option<&dyn TransferRepository> {
        Some(self)
    }

    async fn ping(&self) -> Result<(), StorageError> {
        Ok(())
    }
}

/// The lock's content. A panic elsewhere does not make it unusable: what is changed under a lock is checked before the
/// first change, so that a panic leaves no half.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
