//! How much a node does at once. What is too much is refused before anything is read for it, so that what has been begun is
//! finished in time, and whether the node lives can always be asked.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::error::Error;
use crate::hub::Shards;
use crate::ids::TenantId;

use super::Chat;

/// What is being done at this moment.
#[derive(Debug, Default)]
pub(super) struct Works {
    all: AtomicUsize,
    tenants: Shards<TenantId, usize>,
}

/// A request or a frame that is being carried out; it is over when this is dropped.
#[must_use]
pub struct Work {
    works: Arc<Works>,
    tenant: Option<TenantId>,
}

impl Chat {
    /// Begins to carry out a request or a frame, of this tenant if that is known.
    ///
    /// # Errors
    /// [`Error::Unavailable`] beyond [`Limits::work_max`](crate::Limits::work_max) and
    /// [`Limits::work_per_tenant_max`](crate::Limits::work_per_tenant_max).
    pub fn begin(&self, tenant: Option<TenantId>) -> Result<Work, Error> {
        let works = Arc::clone(&self.inner.works);
        if works.all.fetch_add(1, Ordering::Relaxed) >= self.limits().work_max {
            works.all.fetch_sub(1, Ordering::Relaxed);
            return Err(Error::Unavailable);
        }
        let mut work = Work { works, tenant: None };
        if let Some(tenant) = tenant {
            work.belongs_to(tenant, self.limits().work_per_tenant_max)?;
        }
        Ok(work)
    }
}

impl Work {
    fn belongs_to(&mut self, tenant: TenantId, max: usize) -> Result<(), Error> {
        let mut tenants = self.works.tenants.of(&tenant);
        let own = tenants.entry(tenant).or_default();
        if *own >= max.max(1) {
            return Err(Error::Unavailable);
        }
        *own += 1;
        self.tenant = Some(tenant);
        Ok(())
    }
}

impl Drop for Work {
    fn drop(&mut self) {
        self.works.all.fetch_sub(1, Ordering::Relaxed);
        let Some(tenant) = self.tenant else { return };
        let mut tenants = self.works.tenants.of(&tenant);
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
