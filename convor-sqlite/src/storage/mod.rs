//! [`SqliteStorage`]: one file a repository, as in `convor::ports::storage`, over the connections that they share.

#[cfg(feature = "accounts")]
mod account;
mod audit;
mod change;
mod columns;
mod control;
mod conversation;
mod event;
mod inbox;
mod log;
mod operator;
mod outbox;
mod page;
mod read;
mod registry;
mod search;
mod site;
mod statement;
mod tenant;
mod transfer;
mod upload;
mod view;
mod visitor;

#[cfg(test)]
mod plans;

use std::fmt;
use std::path::Path;

use async_trait::async_trait;
use convor::ports::storage::{
    AuditRepository, ControlRepository, ConversationRepository, EventRepository, OperatorRepository,
    OutboxRepository, PageRepository, ReadRepository, SearchRepository, SiteRepository, TenantRegistry,
    TenantRepository, TransferRepository, UploadRepository, VisitorRepository,
};
use convor::ports::{Storage, StorageError, StorageErrorKind};

use crate::connections::Connections;
use crate::open::{self, OpenError};
use crate::options::SqliteOptions;

/// Keeps everything in one SQLite file.
///
/// It is opened within a tokio runtime that has a clock (`enable_time`) and works as long as that runs: its connections belong to tasks there. What was begun is
/// brought to its end whether or not the caller still waits for it.
pub struct SqliteStorage {
    db: Connections,
}

impl SqliteStorage {
    /// Opens the file at `path`; makes it if it is not there, and brings its schema up to date.
    ///
    /// What is made can be read by its owner only. A file that is not Convor's is left as it is.
    ///
    /// # Errors
    /// [`OpenError`], which names the file.
    ///
    /// # Panics
    /// Outside a tokio runtime, and in one without a clock.
    pub async fn open(path: impl AsRef<Path>, options: SqliteOptions) -> Result<Self, OpenError> {
        Ok(Self { db: open::open(path.as_ref(), &options).await? })
    }

    /// Rewrites the file without its unused parts: it becomes smaller, and no byte remains of what was erased (see the
    /// [front page](crate#what-is-left-of-what-was-erased)).
    ///
    /// It takes time and memory in proportion to the file; reading goes on, and writing waits for it.
    ///
    /// # Errors
    /// [`StorageError`].
    pub async fn compact(&self) -> Result<(), StorageError> {
        self.db.compact().await
    }

    /// Finishes what waits, folds the log into the file and releases it. Later calls are
    /// [`Unavailable`](convor::ports::StorageErrorKind::Unavailable).
    ///
    /// Without it the same happens in the background once the storage is dropped; nothing is lost either way.
    pub async fn close(&self) {
        self.db.close().await;
    }
}

impl fmt::Debug for SqliteStorage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteStorage").finish_non_exhaustive()
    }
}

#[async_trait]
impl Storage for SqliteStorage {
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
        if !self.db.can_write() {
            return Err(StorageError::new(StorageErrorKind::Unavailable));
        }
        self.db.read(|db| Box::pin(registry::ping(db))).await
    }
}
