//! Connections of the broker's own, apart from any pool of the storage.

use std::sync::Arc;
use std::time::Duration;

use convor::ports::StorageErrorKind;
use sqlx::postgres::{PgConnectOptions, PgListener, PgPoolOptions};
use sqlx::{ConnectOptions, Executor, PgConnection, Postgres};
use tokio::time::timeout;

use crate::connect::ConnectError;
use crate::error::Failure;
use crate::retry::jitter;

/// How long connecting may take, and any statement.
const PATIENCE: Duration = Duration::from_secs(5);

/// How long a notification to oneself may take.
const ECHO: Duration = Duration::from_secs(2);

/// Between the first two attempts to connect, at most; it doubles up to [`PAUSE_MAX`].
const PAUSE_MIN: Duration = Duration::from_millis(200);

/// Between two attempts to connect, at most.
const PAUSE_MAX: Duration = Duration::from_secs(5);

/// A hint need not outlive a crash, and a commit that waits for a disk holds up everybody's notifications meanwhile. A
/// session that listens is idle by nature. The server is to notice a dead client; a client notices the silence.
const SETTINGS: &str = "
    SELECT pg_catalog.set_config(name, wanted.value, false)
    FROM pg_catalog.pg_settings
    JOIN (VALUES
        ('synchronous_commit', 'off'),
        ('statement_timeout', '5000'),
        ('idle_session_timeout', '0'),
        ('tcp_keepalives_idle', '10'),
        ('tcp_keepalives_interval', '5'),
        ('tcp_keepalives_count', '3'),
        ('tcp_user_timeout', '20000')
    ) AS wanted (name, value) USING (name)";

const ENCODING: &str = "SELECT pg_catalog.current_setting('server_encoding')";

const NOTIFY: &str = "SELECT pg_catalog.pg_notify($1, payload) FROM pg_catalog.unnest($2::text[]) AS payload";

/// Where a broker connects to, and the channel there.
#[derive(Clone)]
pub(super) struct Server {
    options: PgConnectOptions,
    channel: Arc<str>,
}

impl Server {
    pub(super) fn new(url: &str, channel: &str) -> Result<Self, ConnectError> {
        if !(1..=63).contains(&channel.len()) || channel.contains('\0') {
            return Err(ConnectError::Channel);
        }
        let options = crate::url::parse(url)?;
        // A statement of every second is no news for a log.
        Ok(Self { options: options.disable_statement_logging(), channel: channel.into() })
    }

    /// A connection that is to notify, once it is known to be nobody else's, and [set up](set_up).
    pub(super) async fn connect(&self) -> Result<PgConnection, ConnectError> {
        let options = self.options.clone().application_name("convor notifier");
        answered(options.connect()).await
    }

    /// A connection that notifies.
    pub(super) async fn notifier(&self) -> Result<PgConnection, ConnectError> {
        let mut connection = self.connect().await?;
        set_up(&mut connection).await?;
        Ok(connection)
    }

    /// A connection that listens, and has heard itself.
    pub(super) async fn listener(&self) -> Result<PgListener, ConnectError> {
        // It is the listener's only way to a connection, and has only this one.
        let pool = PgPoolOptions::new()
            .max_connections(1)
            .acquire_timeout(PATIENCE)
            .idle_timeout(None)
            .max_lifetime(None)
            .connect_lazy_with(self.options.clone().application_name("convor listener"));
        let mut listener = answered(PgListener::connect_with(&pool)).await?;
        listener.ignore_pool_close_event(true);
        // What is lost is replaced as a whole, by whoever says so.
        listener.eager_reconnect(false);
        answered(listener.listen(&self.channel)).await?;
        self.notify(&mut listener, &[String::new()]).await?;
        match timeout(ECHO, listener.try_recv()).await {
            Ok(heard) => heard.map_err(Failure::from)?.ok_or_else(cut)?,
            Err(_) => return Err(ConnectError::Deaf),
        };
        // A pooler that lends this session to others would not have come so far.
        set_up(&mut listener).await?;
        Ok(listener)
    }

    /// Notifies the channel of each payload, in their order, in one transaction.
    pub(super) async fn notify<'c>(
        &self,
        connection: impl Executor<'c, Database = Postgres>,
        payloads: &[String],
    ) -> Result<(), ConnectError> {
        let notify = sqlx::query(NOTIFY).bind(&*self.channel).bind(payloads);
        answered(notify.execute(connection)).await.map(drop)
    }
}

async fn answered<T>(asked: impl Future<Output = Result<T, sqlx::Error>>) -> Result<T, ConnectError> {
    match timeout(PATIENCE, asked).await {
        Ok(answer) => Ok(answer.map_err(Failure::from)?),
        Err(_) => Err(Failure::new(StorageErrorKind::Unavailable, "no answer in time").into()),
    }
}

/// A connection has ended.
pub(super) fn cut() -> ConnectError {
    Failure::new(StorageErrorKind::Unavailable, "cut").into()
}

/// Settings for a whole session, which no pooler may lend to others.
pub(super) async fn set_up<'c, C>(connection: &'c mut C) -> Result<(), ConnectError>
where
    for<'e> &'e mut C: Executor<'e, Database = Postgres>,
{
    answered(sqlx::raw_sql(SETTINGS).execute(&mut *connection)).await?;
    let encoding: String = answered(sqlx::query_scalar(ENCODING).fetch_one(&mut *connection)).await?;
    if encoding == "UTF8" { Ok(()) } else { Err(ConnectError::Encoding) }
}

/// How long to wait before the attempt that follows `failed` failed ones: not as long as others who have lost the same
/// server.
pub(super) fn pause(failed: u32) -> Duration {
    jitter(PAUSE_MIN.saturating_mul(1 << failed.min(16)).min(PAUSE_MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_their_bound_and_differ() {
        for failed in 0..40 {
            let most = (200_u64 << failed.min(10)).min(5_000);
            let pauses: Vec<_> = (0..20).map(|_| pause(failed).as_millis()).collect();
            assert!(pauses.iter().all(|pause| (u128::from(most / 2)..=u128::from(most)).contains(pause)));
            assert!(pauses.iter().any(|pause| *pause != pauses[0]), "{pauses:?}");
        }
        assert!((0..40).all(|failed| pause(failed) <= PAUSE_MAX));
        assert!(pause(u32::MAX) >= PAUSE_MAX / 2);
    }

    #[test]
    fn what_is_no_url_or_no_channel_is_refused_before_anything_is_tried() {
        let url = "postgres://localhost/convor";
        for channel in ["", "a\0b", &"c".repeat(64)] {
            assert!(matches!(Server::new(url, channel), Err(ConnectError::Channel)), "{channel:?}");
        }
        assert!(matches!(Server::new("no url", "convor"), Err(ConnectError::Url(_))));
        assert!(Server::new(url, &"c".repeat(63)).is_ok());
    }
}
