//! The connections of a pool, passed from call to call.
//!
//! What comes back to a pool costs its server two round trips more: sqlx asks whether the connection lives, and the pool's
//! hook whether it is clean. A call has one. So a connection whose call has been answered stays out for a moment, and the next
//! call takes it from there. Each is then as clean as the pool has lent it, because a call is one statement, which the server
//! begins and ends; what has not been answered goes back at once, and so does what has served long enough.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sqlx::pool::PoolConnection;
use sqlx::postgres::PgConnectOptions;
use sqlx::{PgPool, Postgres};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::error::Failure;

/// How long a connection waits for another call before it goes back.
const PATIENCE: Duration = Duration::from_millis(10);

/// How many calls a connection serves before it goes back, so that others who use the pool have their turn, and what the pool
/// asks of connections is asked.
const CALLS_MAX: u32 = 64;

#[derive(Clone)]
pub(crate) struct Connections(Arc<Shared>);

struct Shared {
    pool: PgPool,
    /// As many as the pool has connections. Whoever has none of those that wait finds one in the pool: what is out of it is at
    /// most one for each place.
    places: Arc<Semaphore>,
    waiting: Mutex<Waiting>,
}

/// Connections whose calls have been answered, the last one last.
#[derive(Default)]
struct Waiting {
    connections: Vec<(u64, Used)>,
    next: u64,
}

struct Used {
    connection: PoolConnection<Postgres>,
    calls: u32,
}

/// A connection for one call. Without [`Lent::pass_on`] it goes back to the pool.
pub(crate) struct Lent {
    used: Used,
    shared: Arc<Shared>,
    _place: OwnedSemaphorePermit,
}

impl Connections {
    pub(crate) fn new(pool: PgPool) -> Self {
        let places = usize::try_from(pool.options().get_max_connections()).unwrap_or(Semaphore::MAX_PERMITS);
        let places = Arc::new(Semaphore::new(places.min(Semaphore::MAX_PERMITS)));
        Self(Arc::new(Shared { pool, places, waiting: Mutex::default() }))
    }

    /// How connections are made.
    pub(crate) fn options(&self) -> Arc<PgConnectOptions> {
        self.0.pool.connect_options()
    }

    /// A connection, in the order in which they are asked for.
    ///
    /// # Errors
    /// If there is none within the time that the pool says.
    pub(crate) async fn lend(&self) -> Result<Lent, Failure> {
        let patience = self.0.pool.options().get_acquire_timeout();
        let lent = tokio::time::timeout(patience, self.next()).await;
        lent.unwrap_or(Err(sqlx::Error::PoolTimedOut)).map_err(Failure::from)
    }

    async fn next(&self) -> Result<Lent, sqlx::Error> {
        let shared = Arc::clone(&self.0);
        let place = Arc::clone(&shared.places).acquire_owned().await.map_err(|_| sqlx::Error::PoolClosed)?;
        if shared.pool.is_closed() {
            return Err(sqlx::Error::PoolClosed);
        }
        let waiting = shared.waiting().connections.pop();
        let used = match waiting {
            Some((_, used)) => used,
            None => Used { connection: shared.pool.acquire().await?, calls: 0 },
        };
        Ok(Lent { used, shared, _place: place })
    }

    /// Closes every connection once it is no longer in use.
    pub(crate) async fn close(&self) {
        self.0.pool.close().await;
    }
}

impl Lent {
    pub(crate) fn connection(&mut self) -> &mut PoolConnection<Postgres> {
        &mut self.used.connection
    }

    /// Leaves the connection, whose call has been answered, to the next one, and waits until one has taken it or its time is
    /// over.
    pub(crate) async fn pass_on(self) {
        let Self { mut used, shared, _place: place } = self;
        used.calls += 1;
        if used.calls >= CALLS_MAX {
            return;
        }
        let waits = Waits::new(shared, used);
        drop(place);
        tokio::time::sleep(PATIENCE).await;
        drop(waits);
    }
}

impl Shared {
    /// A panic elsewhere leaves them as they should be: they are never locked for more than a step.
    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The stay of a connection among those that wait. It ends with this, whatever ends it, a runtime included: a connection goes
/// back with the help of one.
struct Waits {
    shared: Arc<Shared>,
    number: u64,
}

impl Waits {
    fn new(shared: Arc<Shared>, used: Used) -> Self {
        let mut waiting = shared.waiting();
        let number = waiting.next;
        waiting.next += 1;
        waiting.connections.push((number, used));
        drop(waiting);
        Self { shared, number }
    }
}

impl Drop for Waits {
    fn drop(&mut self) {
        let mut waiting = self.shared.waiting();
        let place = waiting.connections.iter().position(|(number, _)| *number == self.number);
        let over = place.map(|place| waiting.connections.remove(place));
        drop(waiting);
        drop(over);
    }
}
