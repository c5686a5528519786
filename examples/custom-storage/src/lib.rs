//! A storage of one's own, after `docs/storage-adapters.md`: the required groups on [redb](https://docs.rs/redb), an embedded
//! key-value store. It passes the conformance suite, and is short enough to be read in one sitting:
//!
//! - `keys` builds every key, `index` says what is derived from a record, `kept` what is read of one.
//! - `store` is what a transaction sees and does: the one place that writes, and that stores what goes with a change.
//! - `plain`, `visitors`, `conversations`, `events`, `reads` and `work` are the groups.
//! - [`skeleton`] is no part of it: it is where to begin an adapter of your own.
//!
//! What is stored are the records of [`convor::transfer`], in its canonical form. What else is needed (what is unique, the
//! orders of lists, what is due) is an index, whose entries are derived from a record and change with it.

mod conversations;
mod events;
mod failure;
mod index;
mod kept;
mod keys;
mod plain;
mod reads;
pub mod skeleton;
mod store;
mod visitors;
mod work;

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use convor::async_trait;
use convor::ids::TenantId;
use convor::ports::storage::{
    AuditRepository, ControlRepository, ConversationRepository, EventRepository, OperatorRepository,
    OutboxRepository, PageRepository, ReadRepository, Record, SiteRepository, TenantRegistry,
    TenantRepository, VisitorRepository,
};
use convor::ports::{Change, Storage, StorageError, StorageErrorKind};
use redb::{Database, ReadableDatabase, ReadableTable, TableDefinition};
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;
use uuid::Uuid;

use failure::{Failure, Result};
use kept::Kept;
use store::{Reading, Writing};

/// How many calls read at once; others wait.
const READERS_MAX: usize = 32;

/// A storage in one file, which one process has open at a time.
///
/// `Ok` means that the file has been synced. What is erased can be read no more, but its bytes stay in the file until redb uses
/// their page again: keep it on an encrypted volume.
pub struct RedbStorage {
    database: Arc<Database>,
    writer: Arc<Semaphore>,
    readers: Arc<Semaphore>,
}

impl RedbStorage {
    /// Opens the storage in this file, or makes it. It blocks, and takes longer after a crash: redb then looks through the
    /// whole file.
    ///
    /// # Errors
    /// [`StorageError`] if the file cannot be opened, or holds something else.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, StorageError> {
        Ok(Self {
            database: Arc::new(open(path.as_ref())?),
            writer: Arc::new(Semaphore::new(1)),
            readers: Arc::new(Semaphore::new(READERS_MAX)),
        })
    }

    /// Reads from one snapshot.
    async fn read<R: Send + 'static>(
        &self,
        work: impl FnOnce(&Reading) -> Result<R> + Send + 'static,
    ) -> Result<R, StorageError> {
        let read = |database: &Database| work(&Reading::of(&database.begin_read()?)?);
        self.aside(&self.readers, read).await
    }

    /// Writes in one transaction. It is committed if the work has changed something, and not if it fails.
    async fn write<R: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Writing<'_>) -> Result<R> + Send + 'static,
    ) -> Result<R, StorageError> {
        let write = |database: &Database| {
            let transaction = database.begin_write()?;
            let mut store = Writing::of(&transaction)?;
            let answer = work(&mut store)?;
            let changed = store.changed;
            drop(store);
            if changed {
                transaction.commit()?;
            }
            Ok(answer)
        };
        self.aside(&self.writer, write).await
    }

    /// Runs a transaction on a thread that may block, for a commit waits for the disk. A call that is dropped while it waits for
    /// its turn has not happened; one that is dropped later happens whole, for the thread does not hear of it.
    async fn aside<R: Send + 'static>(
        &self,
        turns: &Arc<Semaphore>,
        work: impl FnOnce(&Database) -> Result<R> + Send + 'static,
    ) -> Result<R, StorageError> {
        let broken = || StorageError::new(StorageErrorKind::Other);
        let turn = Arc::clone(turns).acquire_owned().await.map_err(|_| broken())?;
        let database = Arc::clone(&self.database);
        let done = spawn_blocking(move || {
            let _turn = turn;
            work(&database)
        });
        Ok(done.await.map_err(|_| broken())??)
    }

    /// Adds a record with the change that brings it; `false`, and no change, if it is there already.
    async fn add(&self, tenant: TenantId, record: Record, change: &Change) -> Result<bool, StorageError> {
        let change = change.clone();
        self.write(move |store| {
            let added = store.insert(tenant, &record)?;
            if added {
                store.carry(tenant, &change)?;
            }
            Ok(added)
        })
        .await
    }

    /// One record.
    async fn get<K: Kept>(&self, tenant: TenantId, id: Uuid) -> Result<Option<K>, StorageError> {
        self.read(move |store| store.get(tenant, id)).await
    }

    /// At most `limit` records of a kind with ids above `after`, in the order of their ids.
    async fn above<K: Kept>(
        &self,
        tenant: TenantId,
        after: Option<Uuid>,
        limit: usize,
    ) -> Result<Vec<K>, StorageError> {
        self.read(move |store| store.page(tenant, after, limit)).await
    }
}

/// Opens a file, and makes sure that it holds what this version writes.
fn open(path: &Path) -> Result<Database> {
    let database = Database::create(path)?;
    let transaction = database.begin_write()?;
    let mut meta = transaction.open_table(TableDefinition::<&str, u32>::new("meta"))?;
    let format = meta.get("format")?.map(|format| format.value());
    if format.is_some_and(|format| format != convor::transfer::FORMAT) {
        return Err(Failure(StorageErrorKind::Unsupported));
    }
    meta.insert("format", convor::transfer::FORMAT)?;
    drop(meta);
    drop(Writing::of(&transaction)?);
    transaction.commit()?;
    Ok(database)
}

impl fmt::Debug for RedbStorage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedbStorage").finish_non_exhaustive()
    }
}

#[async_trait]
impl Storage for RedbStorage {
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

    /// After an error of the disk redb refuses to write until the file is opened again, so that to ask for a turn tells.
    async fn ping(&self) -> Result<(), StorageError> {
        self.write(|_| Ok(())).await
    }
}
