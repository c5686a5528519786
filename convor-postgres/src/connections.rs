//! The connections of a pool, passed from call to call.
//!
//! What comes back to a pool costs its server two round trips more: sqlx asks whether the connection lives, and the pool's
//! hook whether it is clean. A call has one. So a connection whose call has succeeded stays out for a moment, and the next
//! call takes it from there. Each is then as clean as the pool has lent it, because a call is one statement, which the server
//! begins and ends. It goes back after a failure, because nobody but the pool asks whether it is still good, and once its turn
//! is over, so that others who use the pool have theirs.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sqlx::pool::PoolConnection;
use sqlx::postgres::PgConnectOptions;
use sqlx::{PgPool, Postgres};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

use crate::error::Failure;

/// How long a connection stays without a call before it goes back.
const STAY_MAX: Duration = Duration::from_millis(10);

/// How many calls a connection serves in its turn.
const CALLS_MAX: u32 = 64;

/// How long a turn is: the first call that ends after it is the last one.
const TURN_MAX: Duration = Duration::from_millis(100);

#[derive(Clone)]
pub(crate) struct Connections(Arc<Shared>);

struct Shared {
    pool: PgPool,
    /// As many as the pool has connections, each for a call that has one or asks the pool for one.
    places: Arc<Semaphore>,
    idle: Mutex<Idle>,
}

/// Connections whose calls have succeeded, the last one last.
#[derive(Default)]
struct Idle {
    connections: Vec<IdleConnection>,
    next: u64,
}

struct IdleConnection {
    number: u64,
    since: Instant,
    used: Used,
}

struct Used {
    connection: PoolConnection<Postgres>,
    calls: u32,
    since: Instant,
}

/// A connection for one call. Without [`Lent::pass_on`] it goes back to the pool.
pub(crate) struct Lent {
    // Before the place: whoever has that next finds the connection on its way back.
    used: Used,
    shared: Arc<Shared>,
    _place: OwnedSemaphorePermit,
}

impl Connections {
    pub(crate) fn new(pool: PgPool) -> Self {
        let places = usize::try_from(pool.options().get_max_connections()).unwrap_or(Semaphore::MAX_PERMITS);
        let places = Arc::new(Semaphore::new(places.min(Semaphore::MAX_PERMITS)));
        Self(Arc::new(Shared { pool, places, idle: Mutex::default() }))
    }

    /// How connections are made.
    pub(crate) fn options(&self) -> Arc<PgConnectOptions> {
        self.0.pool.connect_options()
    }

    /// A connection. Places go in the order in which they are asked for; whoever has one takes an idle connection, or waits in
    /// the pool's own line.
    ///
    /// # Errors
    /// If there is none within the time that the pool says, and at once if the pool is closed, by whomever.
    pub(crate) async fn lend(&self) -> Result<Lent, Failure> {
        let patience = self.0.pool.options().get_acquire_timeout();
        let mut closed = self.0.pool.close_event();
        match tokio::time::timeout(patience, closed.do_until(self.next())).await {
            Ok(lent) => Ok(lent??),
            Err(_) => Err(sqlx::Error::PoolTimedOut.into()),
        }
    }

    async fn next(&self) -> Result<Lent, sqlx::Error> {
        let shared = Arc::clone(&self.0);
        let place = Arc::clone(&shared.places).acquire_owned().await.map_err(|_| sqlx::Error::PoolClosed)?;
        let used = match shared.take_idle() {
            Some(used) => used,
            None => Used { connection: shared.pool.acquire().await?, calls: 0, since: now() },
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

    /// Leaves the connection, whose call has succeeded, to the next one, for as long as it stays; nothing if its turn is over.
    pub(crate) fn pass_on(self) -> Option<Stay> {
        let Self { mut used, shared, _place: place } = self;
        used.calls += 1;
        if used.calls >= CALLS_MAX || used.since.elapsed() >= TURN_MAX {
            drop(used);
            return None;
        }
        let mut idle = shared.idle();
        let number = idle.next;
        idle.next += 1;
        idle.connections.push(IdleConnection { number, since: now(), used });
        drop(idle);
        drop(place);
        Some(Stay { shared, number })
    }
}

impl Shared {
    /// A panic elsewhere leaves them as they should be: they are never locked for more than a step.
    fn idle(&self) -> MutexGuard<'_, Idle> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The connection that was used last. One whose stay is over, but was not ended yet because the runtime was held up, goes
    /// back: nobody knows whether it still lives.
    fn take_idle(&self) -> Option<Used> {
        let last = self.idle().connections.pop()?;
        (last.since.elapsed() < STAY_MAX).then_some(last.used)
    }
}

/// The stay of a connection among the idle ones. It ends with this, whatever ends it, a runtime included: a connection goes
/// back with the help of one.
pub(crate) struct Stay {
    shared: Arc<Shared>,
    number: u64,
}

impl Stay {
    /// Waits until the time is over, even if a call has taken the connection meanwhile.
    pub(crate) async fn end(self) {
        tokio::time::sleep(STAY_MAX).await;
    }
}

impl Drop for Stay {
    fn drop(&mut self) {
        let mut idle = self.shared.idle();
        let index = idle.connections.iter().position(|connection| connection.number == self.number);
        let over = index.map(|index| idle.connections.remove(index));
        // The connection goes back without the lock.
        drop(idle);
        drop(over);
    }
}

#[expect(clippy::disallowed_methods, reason = "how long a connection is held, which is about no event")]
fn now() -> Instant {
    Instant::now()
}
