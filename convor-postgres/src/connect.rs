//! What is checked of a database before it is used, and each time somebody asks whether it is ready.

use std::time::Duration;

use convor::ports::{StorageError, StorageErrorKind};
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions, Connection, PgConnection};

use crate::call::Call;
use crate::connections::Connections;
use crate::error::Failure;
use crate::migrate::SCHEMA_VERSION;
use crate::rows::{field, first};
use crate::url::UrlError;

/// Why a database is not used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// The URL names no database.
    #[error(transparent)]
    Url(#[from] UrlError),
    /// The database cannot be asked.
    #[error("the database cannot be asked")]
    Storage(#[source] StorageError),
    /// There is no schema, or the role may not see it: [`migrate`](crate::migrate()) has not been run for this role.
    #[error("there is no schema `convor` that this role may use")]
    NoSchema,
    /// The schema is older than this crate: [`migrate`](crate::migrate()) has not been run since. A newer one is used, because a
    /// migration never takes away what the version before it uses.
    #[error("the schema has version {found}, and this program needs version {known}")]
    Version {
        /// Which it is.
        found: i64,
        /// Which it must be at least.
        known: i64,
    },
    /// The role is a superuser, to whom no row-level security applies.
    #[error("the role is a superuser, whom row-level security does not bind")]
    Superuser,
    /// The role has `BYPASSRLS`.
    #[error("the role has BYPASSRLS, so that row-level security does not bind it")]
    BypassesRowSecurity,
    /// The role owns the schema, a table or a function of it, or is a member of a role that does: it could take the policies away.
    #[error("the role owns the schema or what is in it, and could take the row-level security away")]
    OwnsTables,
    /// The role may create something in the schema.
    #[error("the role may create something in the schema")]
    MayCreate,
    /// The role has `CREATEROLE`, with which it may become the owner before PostgreSQL 16.
    #[error("the role has CREATEROLE, and may become the owner")]
    MayBecomeOwner,
    /// The search path holds another schema than `pg_catalog`, and with it functions of others that may be taken for
    /// PostgreSQL's own.
    #[error("the search path must hold nothing but pg_catalog and pg_temp")]
    SearchPath,
    /// A table has no forced row-level security.
    #[error("a table is without forced row-level security")]
    NoRowSecurity,
    /// A channel's name has 1 to 63 bytes, none of them zero.
    #[error("a channel's name has 1 to 63 bytes, none of them zero")]
    Channel,
    /// Notifications are not heard: a pooler in transaction mode takes them for somebody else's.
    #[error("the database, or a pooler before it, passes on no notifications")]
    Deaf,
    /// The database does not store UTF-8, so that anyone could notify what is no text.
    #[error("the database does not store UTF-8")]
    Encoding,
}

impl From<Failure> for ConnectError {
    fn from(failure: Failure) -> Self {
        Self::Storage(failure.into())
    }
}

const SCHEMA: &str = "SELECT coalesce(has_schema_privilege(to_regnamespace('convor'), 'USAGE'), false)
        AND to_regclass('convor.migrations') IS NOT NULL AS usable";
/// A role that another one is a member of counts as that one's: it may become it at any time.
const STATE: &str = "SELECT
        (SELECT max(m.version) FROM convor.migrations AS m WHERE m.success) AS version,
        bool_or(r.rolsuper) AS is_superuser,
        bool_or(r.rolbypassrls) AS bypasses,
        EXISTS (
            SELECT FROM pg_class AS c
            WHERE c.relnamespace = to_regnamespace('convor') AND pg_has_role(c.relowner, 'MEMBER')
        ) OR EXISTS (
            SELECT FROM pg_proc AS p
            WHERE p.pronamespace = to_regnamespace('convor') AND pg_has_role(p.proowner, 'MEMBER')
        ) OR EXISTS (
            SELECT FROM pg_namespace AS n
            WHERE n.oid = to_regnamespace('convor') AND pg_has_role(n.nspowner, 'MEMBER')
        ) AS owns,
        has_schema_privilege(to_regnamespace('convor'), 'CREATE') AS may_create,
        bool_or(r.rolcreaterole) AND current_setting('server_version_num')::int < 160000 AS may_become_owner,
        EXISTS (
            SELECT FROM pg_class AS c
            WHERE c.relnamespace = to_regnamespace('convor') AND c.relkind IN ('r', 'p')
                AND c.relname NOT IN ('tenants', 'due_work', 'migrations')
                AND NOT (c.relrowsecurity AND c.relforcerowsecurity)
        ) AS is_open,
        EXISTS (
            SELECT FROM unnest(current_schemas(false)) AS s (name)
            WHERE s.name <> 'pg_catalog' AND s.name NOT LIKE 'pg\\_temp\\_%'
        ) AS sees_others,
        current_setting('transaction_read_only')::boolean AS is_read_only
    FROM pg_roles AS r WHERE pg_has_role(r.oid, 'MEMBER')";

/// How long a server may take to accept a connection that is made alone.
const PATIENCE: Duration = Duration::from_secs(10);

/// A connection apart from any pool.
pub(crate) async fn alone(options: &PgConnectOptions) -> Result<PgConnection, Failure> {
    match tokio::time::timeout(PATIENCE, options.connect()).await {
        Ok(connected) => Ok(connected?),
        Err(_) => Err(Failure::no_answer()),
    }
}

/// Looks at the role and the schema.
pub(crate) async fn check(connections: &Connections) -> Result<(), ConnectError> {
    let rows = match Call::registry(SCHEMA).rows(connections).await {
        // A pool goes on trying where nothing listens, and then says no more than that.
        Err(failure) if failure.is_without_connection() => {
            return Err(cause(connections, failure).await.into());
        }
        rows => rows?,
    };
    if !field::<bool>(first(&rows)?, "usable")? {
        return Err(ConnectError::NoSchema);
    }
    judge(connections).await.map(drop)
}

/// Why a pool has no connection.
async fn cause(connections: &Connections, failure: Failure) -> Failure {
    match alone(&connections.options()).await {
        Ok(connection) => {
            // It is closed by its drop, too.
            drop(connection.close().await);
            failure
        }
        Err(cause) => cause,
    }
}

/// Whether the database answers, would still be used, and can be written to.
pub(crate) async fn ping(connections: &Connections) -> Result<(), StorageError> {
    let can = judge(connections).await.map_err(|error| match error {
        ConnectError::Storage(error) => error,
        ConnectError::Version { .. } => {
            Failure::new(StorageErrorKind::Other, "an older version of the schema").into()
        }
        _ => Failure::new(StorageErrorKind::Other, "the role may do too much").into(),
    })?;
    match can {
        Can::Write => Ok(()),
        Can::ReadOnly => Err(Failure::new(StorageErrorKind::Unavailable, "a read-only server").into()),
    }
}

/// What the server lets anyone do. A standby is one that may be promoted at any time, so a program may start on it.
enum Can {
    Write,
    ReadOnly,
}

async fn judge(connections: &Connections) -> Result<Can, ConnectError> {
    let rows = Call::registry(STATE).rows(connections).await?;
    let state = first(&rows)?;
    for (column, error) in [
        ("is_superuser", ConnectError::Superuser),
        ("bypasses", ConnectError::BypassesRowSecurity),
        ("owns", ConnectError::OwnsTables),
        ("may_create", ConnectError::MayCreate),
        ("may_become_owner", ConnectError::MayBecomeOwner),
        ("is_open", ConnectError::NoRowSecurity),
        ("sees_others", ConnectError::SearchPath),
    ] {
        if field(state, column)? {
            return Err(error);
        }
    }
    let found = field::<Option<i64>>(state, "version")?.unwrap_or(0);
    if found < SCHEMA_VERSION {
        return Err(ConnectError::Version { found, known: SCHEMA_VERSION });
    }
    Ok(if field(state, "is_read_only")? { Can::ReadOnly } else { Can::Write })
}
