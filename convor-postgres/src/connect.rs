//! What is checked of a database before it is used, and each time somebody asks whether it is ready.

use convor::ports::{StorageError, StorageErrorKind};
use sqlx::PgPool;

use crate::call::Call;
use crate::error::Failure;
use crate::migrate::SCHEMA_VERSION;
use crate::rows::{field, first};

/// Why a database is not used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// The URL names no database.
    #[error("the URL names no PostgreSQL database")]
    Url,
    /// The database cannot be asked.
    #[error("the database cannot be asked")]
    Storage(#[source] StorageError),
    /// There is no schema, or the role may not see it: [`migrate`](crate::migrate()) has not been run for this role.
    #[error("there is no schema `convor` that this role may use")]
    NoSchema,
    /// The schema is another one than this crate knows.
    #[error("the schema has version {found}, and this program knows version {known}")]
    Version {
        /// Which it is.
        found: i64,
        /// Which it must be.
        known: i64,
    },
    /// The role is a superuser, to whom no row-level security applies.
    #[error("the role is a superuser, whom row-level security does not bind")]
    Superuser,
    /// The role has `BYPASSRLS`.
    #[error("the role has BYPASSRLS, so that row-level security does not bind it")]
    BypassesRowSecurity,
    /// The role owns a table of the schema, or is a member of a role that does: it could take the policies away.
    #[error("the role owns the tables, and could take their row-level security away")]
    OwnsTables,
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
        ) AS owns,
        EXISTS (
            SELECT FROM pg_class AS c
            WHERE c.relnamespace = to_regnamespace('convor') AND c.relkind IN ('r', 'p')
                AND c.relname NOT IN ('tenants', 'due_work', 'migrations')
                AND NOT (c.relrowsecurity AND c.relforcerowsecurity)
        ) AS is_open
    FROM pg_roles AS r WHERE pg_has_role(r.oid, 'MEMBER')";

/// Looks at the role and the schema.
pub(crate) async fn check(pool: &PgPool) -> Result<(), ConnectError> {
    let rows = Call::registry(SCHEMA).rows(pool).await?;
    if !field::<bool>(first(&rows)?, "usable")? {
        return Err(ConnectError::NoSchema);
    }
    let rows = Call::registry(STATE).rows(pool).await?;
    let state = first(&rows)?;
    for (column, error) in [
        ("is_superuser", ConnectError::Superuser),
        ("bypasses", ConnectError::BypassesRowSecurity),
        ("owns", ConnectError::OwnsTables),
        ("is_open", ConnectError::NoRowSecurity),
    ] {
        if field(state, column)? {
            return Err(error);
        }
    }
    match field::<Option<i64>>(state, "version")? {
        Some(SCHEMA_VERSION) => Ok(()),
        found => Err(ConnectError::Version { found: found.unwrap_or(0), known: SCHEMA_VERSION }),
    }
}

/// Whether the database answers and would still be used.
pub(crate) async fn ping(pool: &PgPool) -> Result<(), StorageError> {
    let rows = Call::registry(STATE).rows(pool).await?;
    let state = first(&rows)?;
    let mut is_harmless = true;
    for column in ["is_superuser", "bypasses", "owns", "is_open"] {
        is_harmless &= !field::<bool>(state, column)?;
    }
    if !is_harmless {
        return Err(Failure::new(StorageErrorKind::Other, "the role may do too much").into());
    }
    if field::<Option<i64>>(state, "version")? != Some(SCHEMA_VERSION) {
        return Err(Failure::new(StorageErrorKind::Other, "another version of the schema").into());
    }
    Ok(())
}
