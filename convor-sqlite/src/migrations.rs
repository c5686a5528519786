//! The schema, one step after the other. What was released is never edited: a change is a new step.

use std::borrow::Cow;
use std::path::Path;

use sqlx::SqlSafeStr;
use sqlx::migrate::{MigrateError, Migration, MigrationType, Migrator};
use sqlx::sqlite::SqliteConnection;

use crate::OpenError;

/// Where it is written down which steps have been taken. The host's own migrations are none of ours.
pub(crate) const TABLE: &str = "convor_migrations";

/// Each step: its version, what it is about, and what it does.
const STEPS: [(i64, &str, &str); 4] = [
    (1, "people", include_str!("../migrations/0001_people.sql")),
    (2, "conversations", include_str!("../migrations/0002_conversations.sql")),
    (3, "work", include_str!("../migrations/0003_work.sql")),
    (4, "statistics", include_str!("../migrations/0004_statistics.sql")),
];

/// Takes the steps that have not been taken, each in a transaction.
pub(crate) async fn run(db: &mut SqliteConnection, path: &Path) -> Result<(), OpenError> {
    let steps = STEPS.map(|(version, about, sql)| {
        Migration::new(version, Cow::Borrowed(about), MigrationType::Simple, sql.into_sql_str(), false)
    });
    let mut migrator = Migrator::with_migrations(steps.into());
    migrator.dangerous_set_table_name(TABLE);
    // Run on the connection itself: the generic way is not general enough for a future that is sent between threads.
    migrator.run_direct(None, db, false).await.map_err(|error| refusal(error, path))
}

fn refusal(error: MigrateError, path: &Path) -> OpenError {
    let known = STEPS.last().map_or(0, |(version, ..)| *version);
    let owned = path.to_owned();
    match error {
        MigrateError::VersionMissing(found) if found > known => {
            OpenError::Newer { path: owned, found, known }
        }
        MigrateError::VersionMissing(version)
        | MigrateError::VersionMismatch(version)
        | MigrateError::Dirty(version) => OpenError::Altered { path: owned, version },
        MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => {
            OpenError::refused(path, &error)
        }
        _ => OpenError::Refused { path: owned, code: 0 },
    }
}
