//! A reader: a connection that reads one snapshot after the other.

use std::sync::Arc;

use sqlx::ConnectOptions;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{Connection, Executor};
use tokio::sync::{Mutex, mpsc, watch};

use super::closed;
use super::job::Job;
use crate::lock::FileLock;

/// A task with a connection that only reads.
pub(super) struct Reader {
    options: SqliteConnectOptions,
    /// Shared with the other readers: who is free takes what comes next.
    jobs: Arc<Mutex<mpsc::Receiver<Box<dyn Job>>>>,
    db: Option<SqliteConnection>,
    _lock: Arc<FileLock>,
}

impl Reader {
    pub(super) fn new(
        options: SqliteConnectOptions,
        jobs: Arc<Mutex<mpsc::Receiver<Box<dyn Job>>>>,
        lock: Arc<FileLock>,
    ) -> Self {
        Self { options, jobs, db: None, _lock: lock }
    }

    /// Works until the queue is closed and empty.
    pub(super) async fn run(mut self, mut closing: watch::Receiver<bool>) {
        while let Some(mut job) = self.next(&mut closing).await {
            let read = self.snapshot(&mut *job).await;
            if read.is_none() {
                // A connection of which nobody knows in what state it is, is closed; that ends its transaction.
                self.db = None;
            }
            job.answer(read.is_some());
        }
        if let Some(db) = self.db {
            let _ = db.close().await;
        }
    }

    async fn next(&self, closing: &mut watch::Receiver<bool>) -> Option<Box<dyn Job>> {
        let mut jobs = self.jobs.lock().await;
        tokio::select! {
            biased;
            job = jobs.recv() => job,
            () = closed(closing) => {
                jobs.close();
                jobs.recv().await
            }
        }
    }

    /// Runs a job in a transaction, which in WAL mode is a snapshot; `None` if the connection has failed.
    async fn snapshot(&mut self, job: &mut dyn Job) -> Option<()> {
        if self.db.is_none() {
            self.db = self.options.connect().await.ok();
        }
        let db = self.db.as_mut()?;
        db.execute("BEGIN").await.ok()?;
        let read = job.run(db).await?;
        db.execute(if read { "COMMIT" } else { "ROLLBACK" }).await.ok()?;
        Some(())
    }
}
