//! A node's way to the storage that all nodes share: it takes its time, fails, hangs, and ends with the node. What the
//! storage commits is seen here.

mod calls;
mod planted;

use std::collections::HashSet;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use convor::domain::Event;
use convor::ids::{ClientId, ConversationId, TenantId, VisitorId};
use convor::ports::{Storage, StorageError, StorageErrorKind};
use tokio::time::sleep;

use crate::bug::Bug;
use crate::checker::{Observation, Record};
use crate::dice::Dice;
use crate::life::Life;
use crate::watcher::Watcher;

/// How long half of a call takes in good times, in milliseconds.
const LATENCY: (u64, u64) = (0, 6);

/// How much later a message may be stored whose caller has been told that it failed.
const LATE: (u64, u64) = (50, 20_000);

/// A node's way to the storage.
pub(crate) struct Reach {
    inner: Arc<dyn Storage>,
    watcher: Arc<Watcher>,
    life: Arc<Life>,
    bug: Option<Bug>,
    seed: u64,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    trouble: Trouble,
    planted: planted::Memory,
}

/// What is wrong with the storage at present; chances are in a thousand.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Trouble {
    /// It fails, and has done nothing.
    pub(crate) fails_before: u64,
    /// It fails, and has done what it was asked to.
    pub(crate) fails_after: u64,
    /// It never answers; before or after it has done it.
    pub(crate) hangs: u64,
    /// A message is stored long after it has failed.
    pub(crate) late: u64,
    /// Each half of a call takes up to so many milliseconds.
    pub(crate) slow: u64,
}

/// What befalls a call.
#[derive(Debug, Clone, Copy)]
struct Fate {
    before: Duration,
    after: Duration,
    fails_before: bool,
    fails_after: bool,
    hangs_before: bool,
    hangs_after: bool,
    late: Option<Duration>,
}

impl Reach {
    pub(crate) fn new(
        inner: Arc<dyn Storage>,
        watcher: Arc<Watcher>,
        life: Arc<Life>,
        (bug, seed): (Option<Bug>, u64),
    ) -> Self {
        Self { inner, watcher, life, bug, seed, state: Mutex::default() }
    }

    /// What is wrong from now on.
    pub(crate) fn suffer(&self, trouble: Trouble) {
        self.state().trouble = trouble;
    }

    /// Does a call, with what befalls it.
    async fn call<T>(
        &self,
        name: &'static str,
        what: &(dyn fmt::Debug + Sync),
        work: impl Future<Output = Result<T, StorageError>> + Send,
    ) -> Result<T, StorageError> {
        let fate = self.fate(name, what);
        self.call_with(fate, work).await
    }

    async fn call_with<T>(
        &self,
        fate: Fate,
        work: impl Future<Output = Result<T, StorageError>> + Send,
    ) -> Result<T, StorageError> {
        sleep(fate.before).await;
        self.life.goes_on().await;
        if fate.hangs_before {
            self.watcher.count("storage calls that hang");
            std::future::pending::<()>().await;
        }
        if fate.fails_before {
            self.watcher.count("storage calls that fail before");
            return Err(unavailable());
        }
        let answer = work.await;
        sleep(fate.after).await;
        self.life.goes_on().await;
        if fate.hangs_after {
            self.watcher.count("storage calls that hang");
            std::future::pending::<()>().await;
        }
        if fate.fails_after {
            self.watcher.count("storage calls that fail after");
            return Err(unavailable());
        }
        answer
    }

    fn fate(&self, name: &'static str, what: &dyn fmt::Debug) -> Fate {
        let trouble = self.state().trouble;
        let mut dice = Dice::now(self.seed, self.watcher.began(), &(name, what));
        let slowest = LATENCY.1.max(trouble.slow);
        let hangs = dice.chance(trouble.hangs);
        let first = dice.chance(500);
        Fate {
            before: dice.millis(LATENCY.0, slowest),
            after: dice.millis(LATENCY.0, slowest),
            fails_before: dice.chance(trouble.fails_before),
            fails_after: dice.chance(trouble.fails_after),
            hangs_before: hangs && first,
            hangs_after: hangs && !first,
            late: dice.chance(trouble.late).then(|| dice.millis(LATE.0, LATE.1)),
        }
    }

    fn has(&self, bug: Bug) -> bool {
        self.bug == Some(bug)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The storage has committed that there is a conversation.
fn saw_opened(watcher: &Watcher, at: (TenantId, ConversationId), visitor: VisitorId) {
    watcher.saw("the storage", &Observation::Opened { at, visitor });
}

/// The storage has committed events.
fn saw_stored<'a>(watcher: &Watcher, tenant: TenantId, events: impl IntoIterator<Item = &'a Event>) {
    for event in events {
        if event.kind.message().is_some() {
            watcher.count("messages");
        }
        let record = Record::of(event);
        watcher.saw("the storage", &Observation::Stored { at: (tenant, event.conversation), record });
    }
}

impl fmt::Debug for Reach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reach").finish_non_exhaustive()
    }
}

/// Ids under which something was stored, for what is wrong on purpose.
type Used = HashSet<ClientId>;

fn unavailable() -> StorageError {
    StorageError::new(StorageErrorKind::Unavailable)
}
