//! [`MemoryNotifier`]: collects what it is told, for tests.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use convor::domain::Notification;
use convor::ids::{OutboxId, TenantId};
use convor::ports::{Notifier, NotifyError};

/// So many deliveries are kept; a further one pushes the oldest out.
const DELIVERIES_MAX: usize = 10_000;

/// Collects what it is told instead of telling anybody. It keeps the last 10,000 deliveries.
#[derive(Debug, Default)]
pub struct MemoryNotifier {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    deliveries: VecDeque<Delivery>,
    fail: usize,
}

/// One call of [`Notifier::notify`] that was answered with `Ok`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Delivery {
    /// For whom.
    pub tenant: TenantId,
    /// By what a repeat is recognised.
    pub id: OutboxId,
    /// What was told.
    pub notification: Notification,
}

impl MemoryNotifier {
    /// A notifier that has been told nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes the next `calls` calls fail, so that what they tell comes again.
    pub fn fail_next(&self, calls: usize) {
        self.state().fail = calls;
    }

    /// What it has been told since it was last asked, the oldest first.
    #[must_use]
    pub fn take(&self) -> Vec<Delivery> {
        self.state().deliveries.drain(..).collect()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Notifier for MemoryNotifier {
    async fn notify(
        &self,
        tenant: TenantId,
        id: OutboxId,
        notification: &Notification,
    ) -> Result<(), NotifyError> {
        let mut state = self.state();
        if state.fail > 0 {
            state.fail -= 1;
            return Err(NotifyError::default());
        }
        if state.deliveries.len() >= DELIVERIES_MAX {
            state.deliveries.pop_front();
        }
        state.deliveries.push_back(Delivery { tenant, id, notification: *notification });
        Ok(())
    }
}
