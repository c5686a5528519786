//! Work for a connection, and the caller who waits for its answer.

use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::task::Poll;

use convor::ports::StorageError;
use sqlx::SqliteConnection;
use tokio::sync::oneshot;

use super::residue::Residue;
use crate::failure::Failure;

/// What work on a connection is, boxed.
pub(crate) type Working<'c, T> = Pin<Box<dyn Future<Output = Result<T, Failure>> + Send + 'c>>;

/// Work for a connection. It is run once, and answered once the transaction in which it ran has ended.
pub(super) trait Job: Send {
    /// Runs; `false` if it has failed, so that what it has stored must be taken back; `None` if it has panicked, so that nobody
    /// knows in what state the connection is.
    fn run<'c>(
        &'c mut self,
        db: &'c mut SqliteConnection,
    ) -> Pin<Box<dyn Future<Output = Option<bool>> + Send + 'c>>;

    /// Tells the caller what became of it: what it has answered if its transaction was committed, and a failure otherwise.
    /// Nobody may be waiting any more.
    fn answer(self: Box<Self>, committed: bool);

    /// What it needs.
    fn needs(&self) -> Needs;

    /// What it has left in the log beside the file, if its transaction was committed.
    fn leaves(&self) -> Residue;
}

/// What a job needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Needs {
    /// A transaction.
    Transaction,
    /// The connection for itself, outside a transaction.
    Connection,
}

/// A job made of a closure.
struct Closure<T, W> {
    work: Option<W>,
    done: Option<Result<T, Failure>>,
    caller: oneshot::Sender<Result<T, StorageError>>,
    needs: Needs,
    leaves: fn(&T) -> Residue,
}

/// A job, and where its answer arrives. `leaves` sees by the answer what the work has left in the log.
pub(super) fn job<T, W>(
    needs: Needs,
    leaves: fn(&T) -> Residue,
    work: W,
) -> (Box<dyn Job>, oneshot::Receiver<Result<T, StorageError>>)
where
    T: Send + 'static,
    W: for<'c> FnOnce(&'c mut SqliteConnection) -> Working<'c, T> + Send + 'static,
{
    let (caller, answer) = oneshot::channel();
    (Box::new(Closure { work: Some(work), done: None, caller, needs, leaves }), answer)
}

impl<T, W> Job for Closure<T, W>
where
    T: Send + 'static,
    W: for<'c> FnOnce(&'c mut SqliteConnection) -> Working<'c, T> + Send + 'static,
{
    fn run<'c>(
        &'c mut self,
        db: &'c mut SqliteConnection,
    ) -> Pin<Box<dyn Future<Output = Option<bool>> + Send + 'c>> {
        Box::pin(async move {
            let Some(work) = self.work.take() else { return Some(false) };
            let done = caught(async move { work(db).await }).await;
            let stored = done.as_ref().map(Result::is_ok);
            self.done = Some(done.unwrap_or_else(|| Err(Failure::other())));
            stored
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

    fn leaves(&self) -> Residue {
        match &self.done {
            Some(Ok(answer)) => (self.leaves)(answer),
            _ => Residue::None,
        }
    }
}

/// What becomes of work; `None` if it panics. A panic ends the call in which it happened, and not the task that all calls share.
async fn caught<T>(work: impl Future<Output = T> + Send) -> Option<T> {
    let mut work = pin!(work);
    poll_fn(|context| match catch_unwind(AssertUnwindSafe(|| work.as_mut().poll(context))) {
        Ok(polled) => polled.map(Some),
        Err(_) => Poll::Ready(None),
    })
    .await
}
