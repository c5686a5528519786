//! How much a node does at once. Each request or frame holds a place (an in-flight permit) while it is carried out; where
//! none is left it is refused at once (load shedding), so that what has been begun is finished in time, and whether the
//! node lives can always be asked.
//!
//! Whoever is not authenticated may claim to be of any tenant. So what is done for strangers, to find out who they are
//! included, has places of its own: they can fill those of the tenant that they name, and no others.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crate::config::Limits;
use crate::error::Error;
use crate::hub::Shards;
use crate::ids::TenantId;

use super::Chat;

/// What is being done at this moment.
#[derive(Debug)]
pub(super) struct Works {
    known: Arc<Places>,
    strangers: Arc<Places>,
}

impl Works {
    pub(super) fn new(limits: &Limits) -> Self {
        let (of_strangers, of_one) = (limits.work_of_strangers_max, limits.work_of_strangers_per_tenant_max);
        Self {
            known: Places::new(limits.work_max, limits.work_per_tenant_max),
            strangers: Places::new(of_strangers, of_one),
        }
    }
}

/// So many places, and so many of them for one tenant.
#[derive(Debug)]
struct Places {
    max: usize,
    per_tenant_max: usize,
    taken: AtomicUsize,
    tenants: Shards<TenantId, usize>,
}

impl Places {
    fn new(max: usize, per_tenant_max: usize) -> Arc<Self> {
        let (taken, tenants) = (AtomicUsize::new(0), Shards::default());
        Arc::new(Self { max, per_tenant_max: per_tenant_max.max(1), taken, tenants })
    }

    fn take(self: &Arc<Self>, tenant: Option<TenantId>) -> Result<Work, Error> {
        if self.taken.fetch_add(1, Ordering::Relaxed) >= self.max {
            self.taken.fetch_sub(1, Ordering::Relaxed);
            return Err(Error::Unavailable);
        }
        let mut work = Work { places: Arc::clone(self), tenant: None };
        if let Some(tenant) = tenant {
            let mut tenants = self.tenants.of(&tenant);
            let own = tenants.entry(tenant).or_default();
            if *own >= self.per_tenant_max {
                return Err(Error::Unavailable);
            }
            *own += 1;
            work.tenant = Some(tenant);
        }
        Ok(work)
    }

    fn has_room(&self, tenant: Option<TenantId>) -> bool {
        let own = tenant.and_then(|tenant| self.tenants.of(&tenant).get(&tenant).copied());
        self.taken.load(Ordering::Relaxed) < self.max && own.is_none_or(|own| own < self.per_tenant_max)
    }
}

/// A request or a frame that is being carried out; it is over when this is dropped.
#[must_use]
pub struct Work {
    places: Arc<Places>,
    tenant: Option<TenantId>,
}

impl Chat {
    /// Begins to carry out a request or a frame of one of this tenant's principals.
    ///
    /// # Errors
    /// [`Error::Unavailable`] beyond [`Limits::work_max`] and [`Limits::work_per_tenant_max`].
    pub fn begin(&self, tenant: TenantId) -> Result<Work, Error> {
        self.inner.works.known.take(Some(tenant))
    }

    /// Begins to do something for somebody who is not authenticated and names this tenant, truly or not. Where there would be no
    /// room for what comes next, it is not even begun.
    ///
    /// # Errors
    /// [`Error::Unavailable`] beyond [`Limits::work_of_strangers_max`] and [`Limits::work_of_strangers_per_tenant_max`], and where
    /// [`begin`](Self::begin) would answer it.
    pub fn begin_for_stranger(&self, named: Option<TenantId>) -> Result<Work, Error> {
        let Works { known, strangers } = &self.inner.works;
        if !known.has_room(named) {
            return Err(Error::Unavailable);
        }
        strangers.take(named)
    }

    /// After how long it is worth asking again what has been answered with [`Error::Unavailable`]: 0.5 to 3 s, and not the same for
    /// all, so that those who are refused together do not come back together.
    #[must_use]
    pub fn retry_after(&self) -> Duration {
        Duration::from_millis(self.spread(500, 3_000))
    }

    /// A random number of milliseconds.
    pub(super) fn spread(&self, from: u64, to: u64) -> u64 {
        let random = self.random_bytes();
        from + u64::from(u16::from_be_bytes([random[0], random[1]])) % (to - from)
    }
}

impl Drop for Work {
    fn drop(&mut self) {
        self.places.taken.fetch_sub(1, Ordering::Relaxed);
        let Some(tenant) = self.tenant else { return };
        let mut tenants = self.places.tenants.of(&tenant);
        if let Some(own) = tenants.get_mut(&tenant) {
            *own -= 1;
            if *own == 0 {
                tenants.remove(&tenant);
            }
        }
    }
}

impl fmt::Debug for Work {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Work").field("tenant", &self.tenant).finish_non_exhaustive()
    }
}
