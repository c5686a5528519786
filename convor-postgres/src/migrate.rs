//! [`migrate`]: makes the schema, or brings it up to date, and says what the application's role may do.

use std::borrow::Cow;

use convor::ports::StorageError;
use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::{AssertSqlSafe, Connection, PgConnection, SqlSafeStr};

use crate::connect::{self, ConnectError};
use crate::error::Failure;
use crate::grants::GRANTS;
use crate::options::SEARCH_PATH;
use crate::roles;
use crate::url::UrlError;

/// The migrations, in their order. One that has been released is never changed.
const MIGRATIONS: &[(i64, &str, &str)] = &[
    (1, "tables", include_str!("../migrations/0001_tables.sql")),
    (2, "policies", include_str!("../migrations/0002_policies.sql")),
    (3, "change", include_str!("../migrations/0003_change.sql")),
    (4, "registry", include_str!("../migrations/0004_registry.sql")),
    (5, "people", include_str!("../migrations/0005_people.sql")),
    (6, "erase", include_str!("../migrations/0006_erase.sql")),
    (7, "conversations", include_str!("../migrations/0007_conversations.sql")),
    (8, "update", include_str!("../migrations/0008_update.sql")),
    (9, "events", include_str!("../migrations/0009_events.sql")),
    (10, "purge", include_str!("../migrations/0010_purge.sql")),
    (11, "reads", include_str!("../migrations/0011_reads.sql")),
    (12, "outbox", include_str!("../migrations/0012_outbox.sql")),
    (13, "logs", include_str!("../migrations/0013_logs.sql")),
    (14, "accounts", include_str!("../migrations/0014_accounts.sql")),
    (15, "search", include_str!("../migrations/0015_search.sql")),
    (16, "uploads", include_str!("../migrations/0016_uploads.sql")),
    (17, "export", include_str!("../migrations/0017_export.sql")),
    (18, "import", include_str!("../migrations/0018_import.sql")),
];

/// The version of the schema that this crate knows: that of its last migration.
pub(crate) const SCHEMA_VERSION: i64 = MIGRATIONS[MIGRATIONS.len() - 1].0;

/// What [`migrate`] has done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Migrated {
    /// The version of the schema before; 0 if there was none.
    pub from: i64,
    /// The version of the schema now.
    pub to: i64,
    /// Whether the application's role was made. It has no password yet.
    pub made_role: bool,
}

/// Why a schema was not migrated. What is wrong with the roles is told before anything is changed. Every migration is a
/// transaction: those before the one that failed have been made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MigrateError {
    /// The URL names no database.
    #[error(transparent)]
    Url(#[from] UrlError),
    /// The database cannot be asked, or refuses.
    #[error("the database refused")]
    Storage(#[source] StorageError),
    /// A newer version of this crate has migrated the schema.
    #[error("the schema has version {0}, which this program does not know")]
    Newer(i64),
    /// A migration that has been made was another one.
    #[error("migration {0} was another one when it was made")]
    Changed(i64),
    /// A migration was begun and is not done.
    #[error("migration {0} was begun and is not done")]
    Unfinished(i64),
    /// The migrations cannot be run, whatever the database.
    #[error("the migrations cannot be run")]
    Unrunnable,
    /// There is no such role, and the owner may not make one.
    #[error(
        "there is no role \"{0}\"; make it (CREATE ROLE {name} LOGIN PASSWORD '…'), or give the owner CREATEROLE. Nothing was \
         changed",
        name = roles::identifier(.0)
    )]
    NoRole(String),
    /// The application would have the role that owns the tables.
    #[error("the application's role must not be the one that owns the tables")]
    SameRole,
    /// The application would be refused with this role, for this reason.
    #[error("the application would be refused with the role \"{role}\": {reason}. Nothing was changed")]
    Role {
        /// The application's role.
        role: String,
        /// Why it would be refused.
        reason: ConnectError,
    },
    /// A superuser would own what it makes, and the schema's owner could not migrate it any more.
    #[error(
        "the role that migrates is a superuser, who would own what is made; use a role of its own for it, which need be none. \
         Nothing was changed"
    )]
    Superuser,
    /// The schema is another role's.
    #[error("this role may not change the schema; it belongs to \"{0}\". Nothing was changed")]
    NotOwner(String),
    /// There is no schema, and the role may not make one in the database.
    #[error("this role may not make a schema in the database, which belongs to \"{0}\". Nothing was changed")]
    MayNotCreate(String),
}

impl From<Failure> for MigrateError {
    fn from(failure: Failure) -> Self {
        Self::Storage(failure.into())
    }
}

impl From<sqlx::Error> for MigrateError {
    fn from(error: sqlx::Error) -> Self {
        Failure::from(error).into()
    }
}

impl From<sqlx::migrate::MigrateError> for MigrateError {
    fn from(error: sqlx::migrate::MigrateError) -> Self {
        use sqlx::migrate::MigrateError as Error;
        match error {
            Error::Execute(error) | Error::ExecuteMigration(error, _) => error.into(),
            Error::VersionMissing(version) => Self::Newer(version),
            Error::VersionMismatch(version) => Self::Changed(version),
            Error::Dirty(version) => Self::Unfinished(version),
            _ => Self::Unrunnable,
        }
    }
}

/// Makes the schema `convor`, or brings it up to date, and grants `application_role` what [`PostgresStorage`] needs and
/// nothing else. Whatever is done already is left as it is, so that every start of a program may call it; of concurrent
/// calls one waits for the other.
///
/// `owner_url` names the role that owns the schema from then on; it must be allowed to create one in the database, and is no
/// superuser. It connects to the server itself, and not through a pooler, because it takes a lock for its session. If there is no role
/// `application_role`, one is made that may log in and has no password, provided that the owner may make roles.
///
/// The table `convor.migrations` knows what has been done; a host's own migrations are not concerned.
///
/// [`PostgresStorage`]: crate::PostgresStorage
///
/// # Errors
/// [`MigrateError`].
pub async fn migrate(owner_url: &str, application_role: &str) -> Result<Migrated, MigrateError> {
    let options = crate::url::parse(owner_url)?.application_name("convor migrate");
    // That something is there already is no news.
    let options = options.options([("search_path", SEARCH_PATH), ("client_min_messages", "warning")]);
    let mut connection = connect::alone(&options).await?;
    let migrated = migrate_on(&mut connection, application_role).await;
    // What went wrong before says more than what goes wrong with the farewell.
    let closed = connection.close().await;
    let migrated = migrated?;
    closed?;
    Ok(migrated)
}

async fn migrate_on(connection: &mut PgConnection, role: &str) -> Result<Migrated, MigrateError> {
    roles::check(connection, role).await?;
    let from = version(connection).await?;
    migrator().run_direct(None, &mut *connection, false).await?;
    let to = version(connection).await?;
    let made_role = grant(connection, role).await?;
    Ok(Migrated { from, to, made_role })
}

fn migrator() -> Migrator {
    let migrations = MIGRATIONS.iter().map(|&(version, name, sql)| {
        let sql = sql.into_sql_str();
        Migration::new(version, Cow::Borrowed(name), MigrationType::Simple, sql, false)
    });
    let mut migrator = Migrator::with_migrations(migrations.collect());
    migrator.create_schema("convor");
    migrator.dangerous_set_table_name("convor.migrations");
    migrator
}

async fn version(connection: &mut PgConnection) -> Result<i64, sqlx::Error> {
    let is_there = sqlx::query_scalar("SELECT to_regclass('convor.migrations') IS NOT NULL");
    if !is_there.fetch_one(&mut *connection).await? {
        return Ok(0);
    }
    let version = sqlx::query_scalar("SELECT coalesce(max(version), 0) FROM convor.migrations WHERE success");
    version.fetch_one(&mut *connection).await
}

/// Takes everything from the role and gives it what it needs, in one transaction. Answers whether it has made the role.
async fn grant(connection: &mut PgConnection, role: &str) -> Result<bool, MigrateError> {
    let mut transaction = connection.begin().await?;
    // Two that grant at the same time would trip over the same rows of the catalogue.
    sqlx::query("SELECT pg_advisory_xact_lock(hashtext('convor grants'))").execute(&mut *transaction).await?;
    let exists = sqlx::query_scalar("SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = $1)").bind(role);
    let role_is_there: bool = exists.fetch_one(&mut *transaction).await?;
    // The only name that is not a constant; a quoted identifier may hold anything but a lone quote.
    let role = roles::quoted(role);
    if !role_is_there {
        sqlx::raw_sql(AssertSqlSafe(format!("CREATE ROLE {role} LOGIN"))).execute(&mut *transaction).await?;
    }
    let mut statements = vec![
        "REVOKE ALL ON SCHEMA convor FROM PUBLIC".to_owned(),
        "REVOKE ALL ON ALL TABLES IN SCHEMA convor FROM PUBLIC".to_owned(),
        "REVOKE ALL ON ALL FUNCTIONS IN SCHEMA convor FROM PUBLIC".to_owned(),
        format!("REVOKE ALL ON SCHEMA convor FROM {role}"),
        format!("REVOKE ALL ON ALL TABLES IN SCHEMA convor FROM {role}"),
        format!("REVOKE ALL ON ALL FUNCTIONS IN SCHEMA convor FROM {role}"),
        format!("GRANT USAGE ON SCHEMA convor TO {role}"),
        format!("GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA convor TO {role}"),
    ];
    let tables = GRANTS.iter().map(|(table, rights)| format!("GRANT {rights} ON convor.{table} TO {role}"));
    statements.extend(tables);
    for statement in statements {
        sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut *transaction).await?;
    }
    transaction.commit().await?;
    Ok(!role_is_there)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stops_a_migration_is_told() {
        use sqlx::migrate::MigrateError as Error;
        for (error, expected) in [
            (Error::Dirty(3), "migration 3 was begun and is not done"),
            (Error::VersionMismatch(3), "migration 3 was another one when it was made"),
            (Error::VersionMissing(99), "the schema has version 99, which this program does not know"),
            (Error::ForceNotSupported, "the migrations cannot be run"),
        ] {
            assert_eq!(MigrateError::from(error).to_string(), expected);
        }
    }

    #[test]
    fn every_migration_has_the_next_version_and_is_listed() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/migrations");
        let mut files: Vec<String> = std::fs::read_dir(folder)
            .expect("the folder is part of the crate")
            .map(|entry| entry.expect("an entry").file_name().into_string().expect("a name"))
            .collect();
        files.sort();
        let listed = MIGRATIONS.iter().map(|(version, name, _)| format!("{version:04}_{name}.sql"));
        assert_eq!(listed.collect::<Vec<_>>(), files);
        let versions: Vec<i64> = MIGRATIONS.iter().map(|(version, ..)| *version).collect();
        assert_eq!(versions, (1..=SCHEMA_VERSION).collect::<Vec<_>>());
    }
}
