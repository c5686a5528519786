//! [`PostgresOptions`]: where the database is, and how its connections are used.

use std::fmt;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{Connection, PgConnection, PgPool, Row};

use crate::batch::Batching;
use crate::connect::ConnectError;

/// Where the database is, and how its connections are used.
///
/// ```
/// use std::time::Duration;
///
/// use convor_postgres::PostgresOptions;
///
/// let options = PostgresOptions::new("postgres://convor_app@db.example/chat?sslmode=verify-full")?
///     .connections_max(32)
///     .acquire_timeout(Duration::from_secs(3));
/// # Ok::<(), convor_postgres::ConnectError>(())
/// ```
#[derive(Clone)]
#[must_use]
pub struct PostgresOptions {
    connection: PgConnectOptions,
    pool: PgPoolOptions,
    ping_after: Duration,
    statement_timeout: Option<Duration>,
    lock_timeout: Option<Duration>,
    search_path: bool,
    reset_on_release: bool,
    pub(crate) batching: Batching,
}

impl PostgresOptions {
    /// The database that the URL names: `postgres://user:password@host:port/database?sslmode=…`, with those
    /// parameters of libpq that sqlx knows. What it leaves out comes from the environment, as with libpq (`PGHOST`,
    /// `PGPASSWORD`, …), but nothing is made up: without a host or a database it is refused.
    ///
    /// # Errors
    /// [`ConnectError::Url`] if it is none, and if a parameter is not known.
    pub fn new(url: &str) -> Result<Self, ConnectError> {
        let connection = crate::url::parse(url)?;
        // Nothing here is a float, and the server need not know the parameter.
        let connection = connection.extra_float_digits(None).application_name("convor");
        let pool = PgPoolOptions::new()
            .max_connections(16)
            .acquire_timeout(Duration::from_secs(5))
            .idle_timeout(Duration::from_secs(600))
            .max_lifetime(Duration::from_secs(1_800))
            .test_before_acquire(false);
        Ok(Self {
            connection,
            pool,
            ping_after: Duration::from_secs(10),
            statement_timeout: Some(Duration::from_secs(30)),
            lock_timeout: Some(Duration::from_secs(2)),
            search_path: true,
            reset_on_release: true,
            batching: Batching::default(),
        })
    }

    /// How many connections there are at most; 16 unless it is said. A method uses one for one round trip, so that a few
    /// times the server's cores are enough. All nodes together must stay below the server's `max_connections`.
    pub fn connections_max(mut self, connections: u32) -> Self {
        self.pool = self.pool.max_connections(connections.max(1));
        self
    }

    /// How many connections are kept even if nobody needs them; none unless it is said.
    pub fn connections_min(mut self, connections: u32) -> Self {
        self.pool = self.pool.min_connections(connections);
        self
    }

    /// How long a method waits for a connection, the time of making one included, before it fails as unavailable; 5 s unless
    /// it is said.
    pub fn acquire_timeout(mut self, timeout: Duration) -> Self {
        self.pool = self.pool.acquire_timeout(timeout);
        self
    }

    /// After how long without use a connection is closed; 10 min unless it is said, `None` for never.
    pub fn idle_timeout(mut self, timeout: Option<Duration>) -> Self {
        self.pool = self.pool.idle_timeout(timeout);
        self
    }

    /// After how long a connection is closed whether it is used or not, so that a server which has moved is found again;
    /// 30 min unless it is said, `None` for never.
    pub fn lifetime_max(mut self, lifetime: Option<Duration>) -> Self {
        self.pool = self.pool.max_lifetime(lifetime);
        self
    }

    /// A connection that has lain in the pool for so long is asked whether it lives before it is used; 10 s unless it is said.
    /// Another is not, which saves a round trip, nor one that calls pass on within 10 ms; if it has died meanwhile, what may be
    /// repeated is, and what may not fails as unavailable.
    pub fn ping_after(mut self, idle: Duration) -> Self {
        self.ping_after = idle;
        self
    }

    /// How long a statement may take before the server cuts it off; 30 s unless it is said, `None` for what the server or the
    /// role says. It has at least 1 ms and at most 2³¹ − 1. A connection that has not answered after 35 s is given up. It is a
    /// parameter of the connection, which a pooler may not let pass: see [`Self::pooled`].
    pub fn statement_timeout(mut self, timeout: Option<Duration>) -> Self {
        self.statement_timeout = timeout;
        self
    }

    /// How long a statement waits for a lock, such as that of a visitor who is being erased, before it fails as unavailable and is
    /// tried again; 2 s unless it is said, `None` for what the server or the role says. A parameter of the connection, too.
    pub fn lock_timeout(mut self, timeout: Option<Duration>) -> Self {
        self.lock_timeout = timeout;
        self
    }

    /// How many prepared statements each connection keeps, at least 1; 100 unless it is said. Without any, those that have been
    /// prepared would stay on the server.
    pub fn statement_cache_capacity(mut self, statements: usize) -> Self {
        self.connection = self.connection.statement_cache_capacity(statements.max(1));
        self
    }

    /// For a pooler that lets no parameters of a connection pass: none is sent. Say `statement_timeout`, `lock_timeout` and
    /// `search_path = pg_catalog, pg_temp` with `ALTER ROLE` then; without the last one the connection is refused.
    ///
    /// In transaction mode the pooler must know prepared statements: PgBouncer does from 1.21 on, with
    /// `max_prepared_statements` above 0. No setting here makes up for one that does not, because a statement would be prepared
    /// on one server's connection and run on another.
    pub fn pooled(mut self) -> Self {
        self.search_path = false;
        self.statement_timeout(None).lock_timeout(None)
    }

    /// Whether a connection that comes back to the pool is looked at, and closed if a transaction is open on it or a tenant is
    /// set; `true` unless it is said. Convor's own statements never leave one in this state, dropped or not: each is a
    /// transaction of its own. So it is a second wall. It costs a round trip that nobody waits for, whenever a connection goes
    /// back; until then calls pass it on, at most 64 of them within 100 ms.
    pub fn reset_on_release(mut self, reset: bool) -> Self {
        self.reset_on_release = reset;
        self
    }

    /// How messages that are appended at the same time share statements.
    pub fn batching(mut self, batching: Batching) -> Self {
        self.batching = batching;
        self
    }

    /// A pool that connects when a connection is first needed.
    pub(crate) fn pool(self) -> PgPool {
        let ping_after = self.ping_after;
        let mut pool = self.pool.before_acquire(move |connection, meta| {
            Box::pin(async move {
                if meta.idle_for < ping_after {
                    return Ok(true);
                }
                // The pool makes another connection instead of one that does not answer.
                Ok(connection.ping().await.is_ok())
            })
        });
        if self.reset_on_release {
            pool = pool.after_release(|connection, _| Box::pin(is_clean(connection)));
        }
        let bounds = [("statement_timeout", self.statement_timeout), ("lock_timeout", self.lock_timeout)];
        let bounds = bounds.into_iter().filter_map(|(name, timeout)| Some((name, millis(timeout?))));
        let mut connection = self.connection.options(bounds);
        if self.search_path {
            connection = connection.options([("search_path", SEARCH_PATH)]);
        }
        pool.connect_lazy_with(connection)
    }
}

/// Nothing but what is PostgreSQL's own. What is Convor's is named with its schema, and nobody else's function is run with
/// the application's rights in the place of one of PostgreSQL's.
pub(crate) const SEARCH_PATH: &str = "pg_catalog,pg_temp";

/// A bound as the server takes it: 0 would be none, and it knows none above 2³¹ − 1.
fn millis(timeout: Duration) -> String {
    timeout.as_millis().clamp(1, i32::MAX.unsigned_abs().into()).to_string()
}

/// Whether no transaction is open and no tenant is set. A transaction that is open began before this statement; one that has
/// failed refuses the statement, and the pool closes the connection. The statement goes as one message, because with several
/// each has a time of its own.
async fn is_clean(connection: &mut PgConnection) -> Result<bool, sqlx::Error> {
    let state = sqlx::raw_sql(
        "SELECT now() = statement_timestamp() AND coalesce(current_setting('convor.tenant', true), '') = ''",
    );
    state.fetch_one(connection).await?.try_get(0)
}

impl fmt::Debug for PostgresOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The connection's own options hold a password.
        f.debug_struct("PostgresOptions")
            .field("connections_max", &self.pool.get_max_connections())
            .field("acquire_timeout", &self.pool.get_acquire_timeout())
            .field("statement_timeout", &self.statement_timeout)
            .field("lock_timeout", &self.lock_timeout)
            .field("reset_on_release", &self.reset_on_release)
            .field("batching", &self.batching)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bound_is_never_none_and_never_more_than_the_server_takes() {
        let bounds =
            [Duration::ZERO, Duration::from_micros(1), Duration::from_millis(7), Duration::MAX].map(millis);
        assert_eq!(bounds, ["1", "1", "7", "2147483647"]);
    }
}
