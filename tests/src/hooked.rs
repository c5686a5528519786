//! A storage in front of another one, in which the calls that a test names are late, fail, or are held.

mod storage;

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use convor::ids::TenantId;
use convor::ports::{Storage, StorageError, StorageErrorKind};
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use crate::patience::PATIENCE;

use storage::CALLS;

/// A storage that hands everything on to another one, except for the trouble that it is told to make.
pub struct Hooked {
    inner: Arc<dyn Storage>,
    rules: Mutex<Vec<Rule>>,
    counts: Mutex<HashMap<&'static str, usize>>,
    /// How much later the next message is stored.
    append_later: Mutex<Option<Duration>>,
}

/// Which calls, by accessor and method, as in `events.append`.
#[derive(Debug, Clone, Copy)]
pub struct Calls {
    name: &'static str,
    skip: usize,
    times: usize,
    tenant: Option<TenantId>,
}

/// On which side of what the storage does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "there is no third side")]
pub enum Side {
    /// Nothing has been done yet.
    Before,
    /// It is done, and has not been answered.
    After,
}

/// Calls that are held until this is dropped.
#[derive(Debug)]
pub struct Held {
    waiting: Arc<watch::Sender<usize>>,
    _open: watch::Sender<()>,
}

#[derive(Debug)]
struct Rule {
    calls: Calls,
    trouble: Trouble,
}

#[derive(Debug, Clone)]
enum Trouble {
    Late(Side, Duration),
    Fails(Side),
    Held(Side, Arc<watch::Sender<usize>>, watch::Receiver<()>),
}

/// The next call of this name.
#[must_use]
pub const fn next(name: &'static str) -> Calls {
    Calls { name, skip: 0, times: 1, tenant: None }
}

/// Every call of this name from now on.
#[must_use]
pub const fn every(name: &'static str) -> Calls {
    Calls { times: usize::MAX, ..next(name) }
}

impl Calls {
    /// Not the first ones of them.
    #[must_use]
    pub const fn but(self, first: usize) -> Self {
        Self { skip: first, ..self }
    }

    /// Those for this tenant.
    #[must_use]
    pub const fn of(self, tenant: TenantId) -> Self {
        Self { tenant: Some(tenant), ..self }
    }

    /// Whether a call is one of them; it is counted.
    fn take(&mut self, name: &str, tenant: Option<TenantId>) -> bool {
        if self.name != name || (self.tenant.is_some() && self.tenant != tenant) {
            return false;
        }
        if self.skip > 0 {
            self.skip -= 1;
            return false;
        }
        let taken = self.times > 0;
        self.times = self.times.saturating_sub(1);
        taken
    }
}

impl Hooked {
    /// In front of this storage, and without trouble.
    #[must_use]
    pub fn new(inner: Arc<dyn Storage>) -> Arc<Self> {
        Arc::new(Self {
            inner,
            rules: Mutex::default(),
            counts: Mutex::default(),
            append_later: Mutex::default(),
        })
    }

    /// Makes calls fail as unavailable. After the storage has done it, the caller cannot know that.
    pub fn fail(&self, calls: Calls, side: Side) {
        self.rule(calls, Trouble::Fails(side));
    }

    /// Makes calls late.
    pub fn delay(&self, calls: Calls, side: Side, by: Duration) {
        self.rule(calls, Trouble::Late(side, by));
    }

    /// Holds calls.
    #[must_use]
    pub fn hold(&self, calls: Calls, side: Side) -> Held {
        let (waiting, (open, opened)) = (Arc::new(watch::channel(0).0), watch::channel(()));
        self.rule(calls, Trouble::Held(side, Arc::clone(&waiting), opened));
        Held { waiting, _open: open }
    }

    /// Makes the next message fail at once and be stored all the same, so much later, as by a server that goes on with
    /// what its client has given up.
    pub fn append_later(&self, by: Duration) {
        *lock(&self.append_later) = Some(by);
    }

    /// Makes no trouble any more; what is held stays so.
    pub fn recover(&self) {
        lock(&self.rules).clear();
    }

    /// How many calls of this name there were.
    #[must_use]
    pub fn count(&self, name: &'static str) -> usize {
        assert_known(name);
        lock(&self.counts).get(name).copied().unwrap_or(0)
    }

    fn rule(&self, calls: Calls, trouble: Trouble) {
        assert_known(calls.name);
        lock(&self.rules).push(Rule { calls, trouble });
    }

    /// Does a call, with the trouble that is made to it.
    async fn call<T>(
        &self,
        name: &'static str,
        tenant: Option<TenantId>,
        work: impl Future<Output = Result<T, StorageError>> + Send,
    ) -> Result<T, StorageError> {
        let troubles = self.troubles(name, tenant);
        for trouble in &troubles {
            trouble.meet(Side::Before).await?;
        }
        let answer = work.await;
        for trouble in &troubles {
            trouble.meet(Side::After).await?;
        }
        answer
    }

    fn troubles(&self, name: &'static str, tenant: Option<TenantId>) -> Vec<Trouble> {
        *lock(&self.counts).entry(name).or_default() += 1;
        let mut rules = lock(&self.rules);
        let met = rules.iter_mut().filter_map(|rule| rule.calls.take(name, tenant).then_some(&rule.trouble));
        met.cloned().collect()
    }
}

impl Trouble {
    async fn meet(&self, now: Side) -> Result<(), StorageError> {
        match self {
            Self::Fails(side) if *side == now => Err(unavailable()),
            Self::Late(side, by) if *side == now => {
                sleep(*by).await;
                Ok(())
            }
            Self::Held(side, waiting, open) if *side == now => {
                waiting.send_modify(|waiting| *waiting += 1);
                // It ends with an error, when the sender is dropped.
                let _ = open.clone().changed().await;
                Ok(())
            }
            _ => Ok(()),
        }
    }
}

impl Held {
    /// Waits until a call is held.
    pub async fn reached(&self) {
        let mut waiting = self.waiting.subscribe();
        let reached = timeout(PATIENCE, waiting.wait_for(|waiting| *waiting > 0)).await;
        reached.expect("the call comes in time").expect("the sender is here");
    }

    /// Lets go of the calls.
    pub fn release(self) {}
}

impl fmt::Debug for Hooked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hooked").field("rules", &lock(&self.rules)).finish_non_exhaustive()
    }
}

fn unavailable() -> StorageError {
    StorageError::new(StorageErrorKind::Unavailable)
}

fn assert_known(name: &str) {
    assert!(CALLS.contains(&name), "a storage has no call {name}");
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
