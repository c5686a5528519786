//! Work for a connection, and the caller who waits for its answer.

use std::future::Future;
use std::pin::Pin;

use convor::ports::StorageError;
use sqlx::SqliteConnection;
use tokio::sync::oneshot;

use crate::failure::Failure;

/// What work on a connection is, boxed.
pub(crate) type Working<'c, T> = Pin<Box<dyn Future<Output = Result<T, Failure>> + Send + 'c>>;

/// Work for a connection. It is run once, and answered once the transaction in which it ran has ended.
pub(super) trait Job: Send {
    /// Runs; `false` if it has failed, so that what it has stored must be taken back.
    fn run<'c>(&'c mut self, db: &'c mut SqliteConnection)
    -> Pin<Box<dyn Future<Output = bool> + Send + 'c>>;

    /// Tells the caller what became of it: what it has answered if its transaction was committed, and a failure otherwise.
    /// Nobody may be waiting any more.
    fn answer(self: Box<Self>, committed: bool);

    /// What it needs.
    fn needs(&self) -> Needs;
}

/// What a job needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Needs {
    /// A transaction.
    Transaction,
    /// A transaction, after which nothing of what it has removed stays in the log beside the file.
    Erasure,
    /// The connection for itself, outside a transaction.
    Connection,
}

/// A job made of a closure.
struct Closure<T, W> {
    work: Option<W>,
    done: Option<Result<T, Failure>>,
    caller: oneshot::Sender<Result<T, StorageError>>,
    needs: Needs,
}

/// A job, and where its answer arrives.
pub(super) fn job<T, W>(needs: Needs, work: W) -> (Box<dyn Job>, oneshot::Receiver<Result<T, StorageError>>)
where
    T: Send + 'static,
    W: for<'c> FnOnce(&'c mut SqliteConnection) -> Working<'c, T> + Send + 'static,
{
    let (caller, answer) = oneshot::channel();
    (Box::new(Closure { work: Some(work), done: None, caller, needs }), answer)
}

impl<T, W> Job for Closure<T, W>
where
    T: Send + 'static,
    W: for<'c> FnOnce(&'c mut SqliteConnection) -> Working<'c, T> + Send + 'static,
{
    fn run<'c>(
        &'c mut self,
        db: &'c mut SqliteConnection,
    ) -> Pin<Box<dyn Future<Output = bool> + Send + 'c>> {
        Box::pin(async move {
            let Some(work) = self.work.take() else { return false };
            self.done = Some(work(db).await);
            matches!(self.done, Some(Ok(_)))
        })
    }

    fn answer(self: Box<Self>, committed: bool) {
        let answer = match self.done {
            Some(Ok(answer)) if committed => Ok(answer),
            Some(Err(failure)) => Err(failure.into()),
            _ => Err(Failure::unavailable().into()),
        };
        // A caller who has gone away needs no answer.
        let _ = self.caller.send(answer);
    }

    fn needs(&self) -> Needs {
        self.needs
    }
}
