//! Clients that come back together wait their turn (an admission queue), so that a storm of them is served one part after
//! the other and leaves the storage to those who are talking. Each tenant has a queue of its own, and those at the heads of the
//! queues wait for each other. Who has not shown yet who it is waits in queues of its own as well: whoever only claims to be a
//! tenant's is in nobody's way who is.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, SemaphorePermit};
use tokio::time::timeout;

use crate::config::Limits;
use crate::error::Error;
use crate::hub::Shards;
use crate::ids::TenantId;

use super::Chat;

/// Who waits to be recognised, welcomed or brought up to date.
#[derive(Debug)]
pub(super) struct Arrivals {
    known: Queues,
    strangers: Queues,
    patience: Duration,
}

impl Arrivals {
    pub(super) fn new(limits: &Limits) -> Self {
        let (known, strangers) = (Queues::new(limits), Queues::new(limits));
        Self { known, strangers, patience: limits.storage_timeout }
    }
}

/// The tenants' queues, while anybody is in them, and the places at their end.
#[derive(Debug)]
struct Queues {
    places: Semaphore,
    tenants: Shards<TenantId, Queue>,
    users: AtomicUsize,
    places_per_tenant_max: usize,
    users_max: usize,
    users_per_tenant_max: usize,
}

#[derive(Debug)]
struct Queue {
    places: Arc<Semaphore>,
    users: usize,
}

impl Queues {
    fn new(limits: &Limits) -> Self {
        Self {
            places: Semaphore::new(limits.arrival_reads_max.clamp(1, Semaphore::MAX_PERMITS)),
            tenants: Shards::default(),
            users: AtomicUsize::new(0),
            places_per_tenant_max: limits.arrival_reads_per_tenant_max.clamp(1, Semaphore::MAX_PERMITS),
            users_max: limits.arrivals_waiting_max.max(1),
            users_per_tenant_max: limits.arrivals_waiting_per_tenant_max.max(1),
        }
    }

    /// Enters a tenant's queue, if there is one. Who is refused has left again at once.
    fn join(&self, tenant: Option<TenantId>) -> Result<User<'_>, Error> {
        let mut user = User { queues: self, tenant: None };
        if self.users.fetch_add(1, Ordering::Relaxed) >= self.users_max {
            return Err(Error::Unavailable);
        }
        if let Some(tenant) = tenant {
            let mut tenants = self.tenants.of(&tenant);
            let queue = tenants.entry(tenant).or_insert_with(|| Queue {
                places: Arc::new(Semaphore::new(self.places_per_tenant_max)),
                users: 0,
            });
            if queue.users >= self.users_per_tenant_max {
                return Err(Error::Unavailable);
            }
            queue.users += 1;
            user.tenant = Some((tenant, Arc::clone(&queue.places)));
        }
        Ok(user)
    }

    fn has_room(&self, tenant: Option<TenantId>) -> bool {
        let own = tenant.and_then(|tenant| Some(self.tenants.of(&tenant).get(&tenant)?.users));
        self.users.load(Ordering::Relaxed) < self.users_max
            && own.is_none_or(|own| own < self.users_per_tenant_max)
    }

    async fn turn(&self, tenant: Option<TenantId>) -> Result<ReadTurn<'_>, Error> {
        let user = self.join(tenant)?;
        // No queue is ever closed.
        let own = match &user.tenant {
            Some((_, places)) => Arc::clone(places).acquire_owned().await.ok(),
            None => None,
        };
        Ok(ReadTurn { _all: self.places.acquire().await.ok(), _own: own, _user: user })
    }
}

/// One who waits in its tenant's queue, or has come to its end; the last one takes the queue away.
struct User<'a> {
    queues: &'a Queues,
    tenant: Option<(TenantId, Arc<Semaphore>)>,
}

impl Drop for User<'_> {
    fn drop(&mut self) {
        self.queues.users.fetch_sub(1, Ordering::Relaxed);
        let Some((tenant, _)) = &self.tenant else { return };
        let mut tenants = self.queues.tenants.of(tenant);
        if let Some(queue) = tenants.get_mut(tenant) {
            queue.users -= 1;
            if queue.users == 0 {
                tenants.remove(tenant);
            }
        }
    }
}

/// The turn to read for a client that arrives, until it is dropped.
pub(super) struct ReadTurn<'a> {
    _all: Option<SemaphorePermit<'a>>,
    _own: Option<OwnedSemaphorePermit>,
    _user: User<'a>,
}

impl Chat {
    /// Calls the storage for a client of this tenant that arrives, when it is its turn. Whoever waits for longer than a call
    /// may take, or behind too many, is told to come back.
    pub(crate) async fn in_turn<T, E: Into<Error>>(
        &self,
        tenant: TenantId,
        call: impl Future<Output = Result<T, E>>,
    ) -> Result<T, Error> {
        let _turn = self.read_turn(tenant).await?;
        self.in_time(call).await
    }

    /// The same for one who is not authenticated and names this tenant, truly or not. Where there would be no room for what comes
    /// next, it is not even begun.
    pub(crate) async fn in_strangers_turn<T, E: Into<Error>>(
        &self,
        named: Option<TenantId>,
        call: impl Future<Output = Result<T, E>>,
    ) -> Result<T, Error> {
        let Arrivals { known, strangers, patience } = &self.inner.arrivals;
        if !known.has_room(named) {
            return Err(Error::Unavailable);
        }
        let _turn = timeout(*patience, strangers.turn(named)).await.map_err(|_| Error::Unavailable)??;
        self.in_time(call).await
    }

    /// The turn to read for a client of this tenant that arrives. How long it may take counts from this call, also while nobody
    /// waits for it yet.
    pub(super) fn read_turn(
        &self,
        tenant: TenantId,
    ) -> impl Future<Output = Result<ReadTurn<'_>, Error>> + Send {
        let Arrivals { known, patience, .. } = &self.inner.arrivals;
        let turn = timeout(*patience, known.turn(Some(tenant)));
        async { turn.await.map_err(|_| Error::Unavailable)? }
    }
}
