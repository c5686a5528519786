//! [`PostgresStorage`]: one file a repository, as in `convor::ports::storage`, each method one [`Call`].

#[cfg(feature = "accounts")]
mod account;
mod audit;
mod control;
mod conversation;
pub(crate) mod event;
mod operator;
mod outbox;
mod page;
mod read;
mod registry;
mod search;
mod site;
mod tenant;
mod transfer;
mod upload;
mod visitor;

use std::fmt;

use async_trait::async_trait;
use convor::ports::storage::{
    AuditRepository, ControlRepository, ConversationRepository, EventRepository, OperatorRepository,
    OutboxRepository, PageRepository, ReadRepository, SearchRepository, SiteRepository, TenantRegistry,
    TenantRepository, TransferRepository, UploadRepository, VisitorRepository,
};
use convor::ports::{Storage, StorageError};
use sqlx::PgPool;
use sqlx::postgres::PgRow;

use crate::batch::{Batcher, Batching};
use crate::call::Call;
use crate::connect::{self, ConnectError};
use crate::connections::Connections;
use crate::error::Failure;
use crate::options::PostgresOptions;
use crate::rows;

/// Keeps everything in a PostgreSQL database. See the [crate's documentation](crate) for how it is set up.
#[derive(Clone)]
pub struct PostgresStorage {
    connections: Connections,
    batcher: Batcher,
}

impl PostgresStorage {
    /// Connects as the application's role.
    ///
    /// # Errors
    /// [`ConnectError`] if the database cannot be reached, if the role may do more than is safe, or if the schema is not the
    /// one that this crate knows.
    pub async fn connect(options: PostgresOptions) -> Result<Self, ConnectError> {
        let batching = options.batching;
        Self::from_pool(options.pool(), batching).await
    }

    /// Uses a pool that the host has made. Its role has to pass the same checks, and its connections must come back to it without
    /// an open transaction and without settings: nothing else keeps one tenant's setting from another's statement.
    ///
    /// The pool's hooks do not run for each call. Calls pass a connection on among themselves, for at most 64 calls, 100 ms and
    /// 10 ms without one, so that one which the pool lends in a bad state serves several tenants before a hook can look at it.
    /// What sqlx logs about a slow acquire is about these turns.
    ///
    /// # Errors
    /// As [`Self::connect`].
    pub async fn from_pool(pool: PgPool, batching: Batching) -> Result<Self, ConnectError> {
        let connections = Connections::new(pool);
        connect::check(&connections).await?;
        Ok(Self { batcher: Batcher::new(connections.clone(), batching), connections })
    }

    /// Closes every connection once it is no longer in use. Calls after it fail.
    pub async fn close(&self) {
        self.connections.close().await;
    }

    /// The rows of a call.
    async fn rows(&self, call: Call) -> Result<Vec<PgRow>, StorageError> {
        Ok(call.rows(&self.connections).await?)
    }

    /// What a call answers in the one column of its one row.
    async fn value<T>(&self, call: Call) -> Result<T, StorageError>
    where
        T: for<'r> sqlx::Decode<'r, sqlx::Postgres> + sqlx::Type<sqlx::Postgres>,
    {
        Ok(rows::only(&self.rows(call).await?)?)
    }

    /// What `read` makes of each row of a call.
    async fn all<T>(
        &self,
        call: Call,
        read: impl Fn(&PgRow) -> Result<T, Failure> + Send,
    ) -> Result<Vec<T>, StorageError> {
        let rows = self.rows(call).await?;
        Ok(rows.iter().map(read).collect::<Result<_, _>>()?)
    }

    /// What `read` makes of the first row of a call, if there is one.
    async fn optional<T>(
        &self,
        call: Call,
        read: impl Fn(&PgRow) -> Result<T, Failure> + Send,
    ) -> Result<Option<T>, StorageError> {
        let rows = self.rows(call).await?;
        Ok(rows.first().map(read).transpose()?)
    }
}

impl fmt::Debug for PostgresStorage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresStorage").finish_non_exhaustive()
    }
}

#[async_trait]
impl Storage for PostgresStorage {
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

    /// Whether the database answers, and is what it was when this was made: the schema of this crate, and a role that row-level
    /// security binds.
    async fn ping(&self) -> Result<(), StorageError> {
        connect::ping(&self.connections).await
    }
}
