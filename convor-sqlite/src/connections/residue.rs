//! What the log beside the file may still hold of what is gone from the file, and when it is emptied.

use std::pin::Pin;
use std::time::Duration;

use sqlx::sqlite::SqliteConnection;
use sqlx::{AssertSqlSafe, Executor, Row};
use tokio::time::{Sleep, sleep};

use super::BUSY_TIMEOUT;

/// How long the writer waits for snapshots that are being read.
const PATIENCE: Duration = Duration::from_millis(250);
/// How long what was replaced may stay while nothing is erased.
const SOON: Duration = Duration::from_secs(1);
/// How long until the second try, and twice as long each time after that.
const PAUSE_MIN: Duration = Duration::from_millis(100);
/// How long until the next try at most.
const PAUSE_MAX: Duration = Duration::from_secs(10);

/// What work leaves in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Residue {
    /// Nothing that must not stay.
    None,
    /// What has been replaced in the course of things: it goes soon, and nobody waits for that.
    Replaced,
    /// What has been erased: it goes before the answer.
    Erased,
}

impl Residue {
    pub(crate) const fn erased_if(erased: bool) -> Self {
        if erased { Self::Erased } else { Self::None }
    }
}

/// The log, as far as it is to be emptied.
pub(super) struct Log {
    /// Whether it may hold what is gone.
    unclean: bool,
    /// How often in a row it could not be emptied.
    failed: u32,
    /// When it is tried next.
    next: Pin<Box<Sleep>>,
}

impl Log {
    /// A log of which nothing is known: what an earlier process has erased may not have left it.
    pub(super) fn unknown() -> Self {
        Self { unclean: true, failed: 0, next: Box::pin(sleep(Duration::ZERO)) }
    }

    /// Notes what committed work has left. Who leaves what was erased calls [`Self::clean`] next.
    pub(super) fn mark(&mut self, residue: Residue) {
        if residue == Residue::Replaced && !self.unclean {
            self.next.as_mut().set(sleep(SOON));
        }
        self.unclean |= residue != Residue::None;
    }

    /// Waits until it is to be emptied.
    pub(super) async fn due(&mut self) {
        if self.unclean { self.next.as_mut().await } else { std::future::pending().await }
    }

    /// Empties it, if there may be something in it that is gone. It waits a moment for snapshots that are being read, unless it
    /// has done so in vain; if it cannot be emptied now, it is due again after a pause.
    pub(super) async fn clean(&mut self, db: Option<&mut SqliteConnection>) {
        if !self.unclean {
            return;
        }
        let patience = if self.failed == 0 { PATIENCE } else { Duration::ZERO };
        let emptied = match db {
            Some(db) => empty(db, patience).await.unwrap_or(false),
            None => false,
        };
        if emptied {
            (self.unclean, self.failed) = (false, 0);
        } else {
            let pause = PAUSE_MIN.saturating_mul(2_u32.saturating_pow(self.failed)).min(PAUSE_MAX);
            self.failed = self.failed.saturating_add(1);
            self.next.as_mut().set(sleep(pause));
        }
    }
}

/// Folds the log into the file and cuts it to nothing; `false` if somebody still reads it.
async fn empty(db: &mut SqliteConnection, patience: Duration) -> Result<bool, sqlx::Error> {
    wait_at_most(db, patience).await?;
    let checkpoint = sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)").fetch_one(&mut *db).await;
    wait_at_most(db, BUSY_TIMEOUT).await?;
    let busy: i64 = checkpoint?.try_get(0)?;
    Ok(busy == 0)
}

async fn wait_at_most(db: &mut SqliteConnection, patience: Duration) -> Result<(), sqlx::Error> {
    let wait = format!("PRAGMA busy_timeout = {}", patience.as_millis());
    db.execute(AssertSqlSafe(wait)).await?;
    Ok(())
}
