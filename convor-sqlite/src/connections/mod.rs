//! Who works on the file: one writer, and readers that never wait for it.
//!
//! A connection belongs to a task, and a caller only waits for that task's answer. So a caller who goes away leaves nothing
//! open and nothing half done: its work is run to its end, or not at all.

mod job;
mod reader;
mod residue;
#[cfg(test)]
mod tests;
mod writer;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use convor::ports::StorageError;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;

use crate::failure::Failure;
use crate::lock::FileLock;
use job::{Job, Needs};

pub(crate) use job::Working;
pub(crate) use residue::Residue;

/// How long to wait for another process that has locked the file for a moment, such as a backup.
pub(crate) const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// The queues of the writer and the readers.
pub(crate) struct Connections {
    writes: mpsc::Sender<Box<dyn Job>>,
    reads: mpsc::Sender<Box<dyn Job>>,
    closing: watch::Sender<bool>,
    tasks: Mutex<Vec<JoinHandle<()>>>,
}

/// How the connections are made.
pub(crate) struct Plan {
    /// How the writer opens the file.
    pub(crate) write: SqliteConnectOptions,
    /// How a reader opens it.
    pub(crate) read: SqliteConnectOptions,
    /// How many readers there are.
    pub(crate) readers: usize,
    /// How many calls wait in each queue before the next ones wait outside.
    pub(crate) queue_max: usize,
}

impl Connections {
    /// Starts the tasks, which hold the lock until the last of them has ended. The writer has its first connection already.
    pub(crate) fn start(plan: &Plan, first: SqliteConnection, lock: FileLock) -> Self {
        let (lock, (closing, closed)) = (Arc::new(lock), watch::channel(false));
        let (writes, for_writer) = mpsc::channel(plan.queue_max);
        let (reads, for_readers) = mpsc::channel(plan.queue_max);
        let for_readers = Arc::new(tokio::sync::Mutex::new(for_readers));
        let mut tasks = Vec::with_capacity(plan.readers + 1);
        for _ in 0..plan.readers {
            let reader = reader::Reader::new(plan.read.clone(), Arc::clone(&for_readers), Arc::clone(&lock));
            tasks.push(tokio::spawn(reader.run(closed.clone())));
        }
        let writer = writer::Writer::new(plan.write.clone(), first, for_writer, lock);
        tasks.push(tokio::spawn(writer.run(closed)));
        Self { writes, reads, closing, tasks: Mutex::new(tasks) }
    }

    /// Runs work in a transaction of its own; its answer comes once that is durable.
    pub(crate) async fn write<T, W>(&self, work: W) -> Result<T, StorageError>
    where
        T: Send + 'static,
        W: for<'c> FnOnce(&'c mut SqliteConnection) -> Working<'c, T> + Send + 'static,
    {
        let (job, answer) = job::job(Needs::Transaction, |_| Residue::None, work);
        send(&self.writes, job, answer).await
    }

    /// The same for work that may remove what must not stay behind, and says beside its answer whether it has.
    pub(crate) async fn erase<T, W>(&self, work: W) -> Result<T, StorageError>
    where
        T: Send + 'static,
        W: for<'c> FnOnce(&'c mut SqliteConnection) -> Working<'c, (T, Residue)> + Send + 'static,
    {
        let (job, answer) = job::job(Needs::Transaction, |(_, residue)| *residue, work);
        Ok(send(&self.writes, job, answer).await?.0)
    }

    /// Rewrites the file without what is not used of it.
    pub(crate) async fn compact(&self) -> Result<(), StorageError> {
        let (job, answer) =
            job::job(Needs::Connection, |()| Residue::Erased, |db| Box::pin(writer::compact(db)));
        send(&self.writes, job, answer).await
    }

    /// Runs work that only reads, on one snapshot.
    pub(crate) async fn read<T, W>(&self, work: W) -> Result<T, StorageError>
    where
        T: Send + 'static,
        W: for<'c> FnOnce(&'c mut SqliteConnection) -> Working<'c, T> + Send + 'static,
    {
        let (job, answer) = job::job(Needs::Transaction, |_| Residue::None, work);
        send(&self.reads, job, answer).await
    }

    /// Whether the writer is there.
    pub(crate) fn can_write(&self) -> bool {
        !self.writes.is_closed()
    }

    /// Ends the tasks once they have done what is in their queues. Who calls second does not wait.
    pub(crate) async fn close(&self) {
        self.closing.send_replace(true);
        let tasks = std::mem::take(&mut *self.tasks.lock().unwrap_or_else(PoisonError::into_inner));
        for task in tasks {
            // A task that has panicked has ended, too.
            let _ = task.await;
        }
    }
}

async fn send<T>(
    queue: &mpsc::Sender<Box<dyn Job>>,
    job: Box<dyn Job>,
    answer: oneshot::Receiver<Result<T, StorageError>>,
) -> Result<T, StorageError> {
    queue.send(job).await.map_err(|_| StorageError::from(Failure::unavailable()))?;
    answer.await.unwrap_or_else(|_| Err(Failure::unavailable().into()))
}

/// Waits until the storage is to be closed, or nobody is left who could ask for that.
async fn closed(closing: &mut watch::Receiver<bool>) {
    let _ = closing.wait_for(|closing| *closing).await;
}
