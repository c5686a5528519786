//! What is delivered to many connections at once is written by few tasks, not by one a connection: waking a task costs as much
//! as writing.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::runtime::Handle;
use tokio::sync::Notify;
use tokio::task::AbortHandle;

use super::Line;

/// After how many connections others have a turn.
const TURN: usize = 32;

/// For how many connections a list keeps room between two sweeps.
const KEPT: usize = 1024;

/// The tasks that write, one for each of the runtime's workers.
#[derive(Debug)]
pub(super) struct Sweepers {
    all: Box<[Arc<Sweeper>]>,
    tasks: Box<[AbortHandle]>,
    next: AtomicUsize,
}

/// A task that writes what has been delivered to its connections.
#[derive(Debug, Default)]
pub(super) struct Sweeper {
    /// Connections to which something has been delivered since they were last looked at, each of them once.
    ready: Mutex<Vec<Arc<Line>>>,
    filled: Notify,
}

impl Sweepers {
    /// Spawns the tasks; they end when this is dropped.
    pub(super) fn spawn() -> Self {
        let workers = Handle::current().metrics().num_workers();
        let all: Box<[Arc<Sweeper>]> = (0..workers.max(1)).map(|_| Arc::default()).collect();
        let spawn = |sweeper: &Arc<Sweeper>| tokio::spawn(Arc::clone(sweeper).run()).abort_handle();
        let tasks = all.iter().map(spawn).collect();
        Self { all, tasks, next: AtomicUsize::new(0) }
    }

    /// The one for a new connection.
    pub(super) fn next(&self) -> Arc<Sweeper> {
        let next = self.next.fetch_add(1, Ordering::Relaxed) % self.all.len();
        Arc::clone(&self.all[next])
    }
}

impl Drop for Sweepers {
    fn drop(&mut self) {
        self.tasks.iter().for_each(AbortHandle::abort);
    }
}

impl Sweeper {
    /// Something has been delivered to a connection.
    pub(super) fn push(&self, line: Arc<Line>) {
        let mut ready = self.ready();
        let was_empty = ready.is_empty();
        ready.push(line);
        drop(ready);
        if was_empty {
            self.filled.notify_one();
        }
    }

    async fn run(self: Arc<Self>) {
        let mut lines = Vec::new();
        loop {
            self.filled.notified().await;
            std::mem::swap(&mut lines, &mut self.ready());
            for (number, line) in lines.drain(..).enumerate() {
                // A mistake with one connection is not the end of the others.
                if catch_unwind(AssertUnwindSafe(|| line.sweep_or_leave())).is_err() {
                    line.fail();
                }
                drop(line);
                if number % TURN == TURN - 1 {
                    tokio::task::yield_now().await;
                }
            }
            lines.shrink_to(KEPT);
        }
    }

    fn ready(&self) -> MutexGuard<'_, Vec<Arc<Line>>> {
        self.ready.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
