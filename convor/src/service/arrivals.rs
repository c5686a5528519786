//! Clients that come back together wait their turn, so that a storm of them is served one part after the other and leaves
//! the storage to those who are talking.

use std::sync::Arc;

use tokio::sync::Semaphore;
use tokio::time::timeout;

use crate::config::Limits;
use crate::error::Error;
use crate::hub::Shards;
use crate::ids::TenantId;

use super::Chat;

/// Who waits to be welcomed or brought up to date.
#[derive(Debug)]
pub(super) struct Arrivals {
    all: Semaphore,
    tenants: Shards<TenantId, Queue>,
    per_tenant_max: usize,
}

/// A tenant's part, while anybody of it is there.
#[derive(Debug)]
struct Queue {
    places: Arc<Semaphore>,
    users: usize,
}

impl Arrivals {
    pub(super) fn new(limits: &Limits) -> Self {
        Self {
            all: Semaphore::new(limits.arrival_reads_max.max(1)),
            tenants: Shards::default(),
            per_tenant_max: limits.arrival_reads_per_tenant_max.max(1),
        }
    }
}

/// One who waits in its tenant's queue, or has come to its end; the last one takes the queue away.
struct User<'a> {
    arrivals: &'a Arrivals,
    tenant: TenantId,
    places: Arc<Semaphore>,
}

impl<'a> User<'a> {
    fn join(arrivals: &'a Arrivals, tenant: TenantId) -> Self {
        let mut tenants = arrivals.tenants.of(&tenant);
        let queue = tenants
            .entry(tenant)
            .or_insert_with(|| Queue { places: Arc::new(Semaphore::new(arrivals.per_tenant_max)), users: 0 });
        queue.users += 1;
        Self { arrivals, tenant, places: Arc::clone(&queue.places) }
    }
}

impl Drop for User<'_> {
    fn drop(&mut self) {
        let mut tenants = self.arrivals.tenants.of(&self.tenant);
        if let Some(queue) = tenants.get_mut(&self.tenant) {
            queue.users -= 1;
            if queue.users == 0 {
                tenants.remove(&self.tenant);
            }
        }
    }
}

impl Chat {
    /// Calls the storage for a client that arrives, when it is its turn: within its tenant, where that is known, and then
    /// among all. Whoever waits for longer than a call may take is told to come back.
    pub(crate) async fn in_turn<T, E: Into<Error>>(
        &self,
        tenant: Option<TenantId>,
        call: impl Future<Output = Result<T, E>>,
    ) -> Result<T, Error> {
        let arrivals = &self.inner.arrivals;
        let user = tenant.map(|tenant| User::join(arrivals, tenant));
        let waiting = async {
            let own = match &user {
                Some(user) => Some(user.places.acquire().await),
                None => None,
            };
            (own, arrivals.all.acquire().await)
        };
        let _place = timeout(self.limits().storage_timeout, waiting).await.map_err(|_| Error::Unavailable)?;
        self.within(call).await
    }
}
