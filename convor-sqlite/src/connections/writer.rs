//! The writer: the one connection that changes the file.
//!
//! Whatever waits when it is free is committed together: one transaction with a savepoint for each job, one wait for the disk. A job
//! that fails is taken back alone. Nobody is answered before the commit.

use std::sync::Arc;

use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{ConnectOptions, Connection, Executor};
use tokio::sync::{mpsc, watch};

use super::closed;
use super::job::{Job, Needs};
use super::residue::{Log, Residue};
use crate::failure::Failure;
use crate::lock::FileLock;

/// How many jobs share a transaction at most.
const BATCH_MAX: usize = 128;

/// The task with the connection that writes.
pub(super) struct Writer {
    options: SqliteConnectOptions,
    db: Option<SqliteConnection>,
    jobs: mpsc::Receiver<Box<dyn Job>>,
    log: Log,
    _lock: Arc<FileLock>,
}

impl Writer {
    pub(super) fn new(
        options: SqliteConnectOptions,
        db: SqliteConnection,
        jobs: mpsc::Receiver<Box<dyn Job>>,
        lock: Arc<FileLock>,
    ) -> Self {
        Self { options, db: Some(db), jobs, log: Log::unknown(), _lock: lock }
    }

    /// Works until the queue is closed and empty.
    pub(super) async fn run(mut self, mut closing: watch::Receiver<bool>) {
        self.clean().await;
        loop {
            let batch = self.next(&mut closing).await;
            if batch.is_empty() {
                break;
            }
            self.commit(batch).await;
        }
        self.clean().await;
        if let Some(db) = self.db {
            let _ = db.close().await;
        }
    }

    /// What waits, and nothing once the queue is closed and empty. Until something does, it sees to the log.
    async fn next(&mut self, closing: &mut watch::Receiver<bool>) -> Vec<Box<dyn Job>> {
        let mut batch = Vec::new();
        loop {
            tokio::select! {
                biased;
                () = self.log.due() => self.clean().await,
                _ = self.jobs.recv_many(&mut batch, BATCH_MAX) => return batch,
                () = closed(closing) => {
                    self.jobs.close();
                    self.jobs.recv_many(&mut batch, BATCH_MAX).await;
                    return batch;
                }
            }
        }
    }

    /// Runs a batch in a transaction, and answers.
    async fn commit(&mut self, batch: Vec<Box<dyn Job>>) {
        let (alone, mut batch): (Vec<_>, Vec<_>) =
            batch.into_iter().partition(|job| job.needs() == Needs::Connection);
        let committed = self.transaction(&mut batch).await.is_some();
        if !committed {
            // A connection of which nobody knows in what state it is, is closed; that ends its transaction.
            self.db = None;
        }
        let residue = batch.iter().map(|job| job.leaves()).max().filter(|_| committed);
        self.log.mark(residue.unwrap_or(Residue::None));
        let (erasing, others): (Vec<_>, Vec<_>) =
            batch.into_iter().partition(|job| job.leaves() == Residue::Erased);
        others.into_iter().for_each(|job| job.answer(committed));
        if residue == Some(Residue::Erased) {
            self.clean().await;
        }
        erasing.into_iter().for_each(|job| job.answer(committed));
        for mut job in alone {
            let ran = match self.connected().await {
                Some(db) => job.run(db).await,
                None => Some(false),
            };
            if ran.is_none() {
                self.db = None;
            }
            self.log.mark(Residue::Erased);
            self.clean().await;
            job.answer(ran == Some(true));
        }
    }

    /// The connection; made anew if the last one has failed.
    async fn connected(&mut self) -> Option<&mut SqliteConnection> {
        if self.db.is_none() {
            self.db = self.options.connect().await.ok();
        }
        self.db.as_mut()
    }

    /// Runs a batch in a transaction; `None` if the transaction as a whole has failed.
    async fn transaction(&mut self, batch: &mut [Box<dyn Job>]) -> Option<()> {
        if batch.is_empty() {
            return Some(());
        }
        let db = self.connected().await?;
        db.execute("BEGIN IMMEDIATE").await.ok()?;
        if let [alone] = batch {
            let stored = alone.run(db).await?;
            db.execute(if stored { "COMMIT" } else { "ROLLBACK" }).await.ok()?;
            return Some(());
        }
        for job in batch {
            db.execute("SAVEPOINT job").await.ok()?;
            let stored = job.run(db).await?;
            // Where SQLite itself has taken the transaction back, as it may on a full disk, there is no savepoint any more.
            db.execute(if stored { "RELEASE job" } else { "ROLLBACK TO job; RELEASE job" }).await.ok()?;
        }
        db.execute("COMMIT").await.ok()?;
        Some(())
    }

    async fn clean(&mut self) {
        self.connected().await;
        self.log.clean(self.db.as_mut()).await;
    }
}

/// Writes the file anew. What SQLite leaves in the unused parts of pages when it moves rows does not come along.
pub(super) async fn compact(db: &mut SqliteConnection) -> Result<(), Failure> {
    db.execute("VACUUM").await?;
    Ok(())
}
