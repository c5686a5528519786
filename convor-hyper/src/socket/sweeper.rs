//! What is delivered to many connections at once is written by few tasks, not by one a connection: waking a task costs as much
//! as writing.

use std::collections::HashMap;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::runtime::{self, Handle};
use tokio::sync::Notify;
use tokio::task::{AbortHandle, unconstrained};

use super::Line;

/// For how many connections a list keeps room between two sweeps.
const KEPT: usize = 1024;

/// The tasks that write: one for each worker of each runtime that connections are served on.
#[derive(Debug, Default)]
pub(super) struct Sweepers(Mutex<HashMap<runtime::Id, Crew>>);

/// Those of one runtime.
#[derive(Debug)]
struct Crew {
    sweepers: Box<[Arc<Sweeper>]>,
    tasks: Box<[AbortHandle]>,
    next: usize,
}

/// Writes what has been delivered to its connections.
pub(super) struct Sweeper {
    /// Connections to which something has been delivered since they were last looked at; `None` when there is no task that would
    /// look at them.
    ready: Mutex<Option<Vec<Arc<Line>>>>,
    filled: Notify,
}

impl Sweepers {
    /// The one for a new connection on this runtime.
    pub(super) fn next(&self) -> Arc<Sweeper> {
        let handle = Handle::current();
        let mut crews = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !crews.contains_key(&handle.id()) {
            crews.retain(|_, crew| crew.sweepers.iter().any(|sweeper| sweeper.ready().is_some()));
        }
        crews.entry(handle.id()).or_insert_with(|| Crew::spawn(&handle)).next()
    }
}

impl Crew {
    fn spawn(runtime: &Handle) -> Self {
        let workers = runtime.metrics().num_workers().max(1);
        let sweepers: Box<[Arc<Sweeper>]> = (0..workers).map(|_| Arc::new(Sweeper::new())).collect();
        let spawn = |sweeper| runtime.spawn(sweep(Sweeping::new(sweeper))).abort_handle();
        let tasks = sweepers.iter().map(spawn).collect();
        Self { sweepers, tasks, next: 0 }
    }

    fn next(&mut self) -> Arc<Sweeper> {
        self.next = (self.next + 1) % self.sweepers.len();
        Arc::clone(&self.sweepers[self.next])
    }
}

impl Drop for Crew {
    fn drop(&mut self) {
        self.tasks.iter().for_each(AbortHandle::abort);
    }
}

impl Sweeper {
    fn new() -> Self {
        Self { ready: Mutex::new(Some(Vec::new())), filled: Notify::new() }
    }

    /// Something has been delivered to a connection. Where there is no task any more, its own one writes.
    pub(super) fn push(&self, line: Arc<Line>) {
        let mut ready = self.ready();
        let Some(lines) = ready.as_mut() else {
            drop(ready);
            line.leave();
            return;
        };
        let was_empty = lines.is_empty();
        lines.push(line);
        drop(ready);
        if was_empty {
            self.filled.notify_one();
        }
    }

    fn ready(&self) -> MutexGuard<'_, Option<Vec<Arc<Line>>>> {
        self.ready.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Sweeper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sweeper").finish_non_exhaustive()
    }
}

/// A sweeper's task, and the connections that it is at. When it ends, however it does, each of them is left to its own task.
struct Sweeping {
    sweeper: Arc<Sweeper>,
    lines: Vec<Arc<Line>>,
}

impl Sweeping {
    fn new(sweeper: &Arc<Sweeper>) -> Self {
        Self { sweeper: Arc::clone(sweeper), lines: Vec::new() }
    }

    /// Waits for the next connections.
    async fn fill(&mut self) {
        self.sweeper.filled.notified().await;
        if let Some(ready) = self.sweeper.ready().as_mut() {
            std::mem::swap(&mut self.lines, ready);
        }
        // The one that has waited longest is the last now.
        self.lines.reverse();
    }
}

impl Drop for Sweeping {
    fn drop(&mut self) {
        let ready = self.sweeper.ready().take();
        for line in self.lines.drain(..).chain(ready.into_iter().flatten()) {
            line.leave();
        }
    }
}

async fn sweep(mut sweeping: Sweeping) {
    loop {
        sweeping.fill().await;
        while let Some(line) = sweeping.lines.pop() {
            // The task's budget says when others have a turn. A write that it refused would look like one to a connection that
            // is full, which would be left to its own task.
            let sweep = unconstrained(async {
                // A mistake with one connection is not the end of the others.
                catch_unwind(AssertUnwindSafe(|| line.sweep_or_leave()))
            });
            if sweep.await.is_err() {
                line.fail();
            }
            drop(line);
            // Others have a turn, the task of a connection that something was left to among them.
            tokio::task::consume_budget().await;
        }
        sweeping.lines.shrink_to(KEPT);
    }
}
