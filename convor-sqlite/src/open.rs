//! Opening a file: what is checked before it is touched, and how the connections are set up.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection};

use crate::connections::{BUSY_TIMEOUT, Connections, Plan};
use crate::failure::ResultCode;
use crate::lock::{FileLock, create_private};
use crate::migrations;
use crate::options::{Durability, SqliteOptions};

/// With what every SQLite database begins (<https://sqlite.org/fileformat2.html>).
const MAGIC: &[u8; 16] = b"SQLite format 3\0";
/// By what Convor's are known: "CVOR". The first migration writes it.
const APPLICATION_ID: i64 = 0x4356_4F52;
/// How many bytes a page of a new file has.
const PAGE_BYTES: u32 = 4_096;
/// How many pages a file can have (<https://sqlite.org/limits.html>).
const PAGES_MAX: u64 = 4_294_967_294;
/// How large the log stays once it is folded into the file: 64 MiB.
const LOG_BYTES_MAX: &str = "67108864";
/// How many prepared statements a connection keeps: all there are.
const STATEMENTS_MAX: usize = 256;

/// Why a file was not opened. Nothing in it has been changed then.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// Another storage has it, in this process or another one: two servers do not share a file.
    #[error("{path} is in use: another server has opened it, and a file has but one")]
    #[non_exhaustive]
    InUse {
        /// The file.
        path: PathBuf,
    },
    /// It is something else than an SQLite database.
    #[error("{path} is not an SQLite database; it was left as it is")]
    #[non_exhaustive]
    NotADatabase {
        /// The file.
        path: PathBuf,
    },
    /// It is the SQLite database of another application.
    #[error("{path} is the database of another application; it was left as it is")]
    #[non_exhaustive]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// It was written by a newer version of this crate.
    #[error("{path} has schema version {found}, and this server knows {known}: a newer one has written it")]
    #[non_exhaustive]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: i64,
        /// The last version that is known here.
        known: i64,
    },
    /// Its schema is not the one that its version had.
    #[error("the schema of {path} is not the one that this server has made: version {version} differs")]
    #[non_exhaustive]
    Altered {
        /// The file.
        path: PathBuf,
        /// The version that differs.
        version: i64,
    },
    /// It is damaged.
    #[error("{path} is damaged; restore it from a backup")]
    #[non_exhaustive]
    Corrupt {
        /// The file.
        path: PathBuf,
    },
    /// It cannot be read and written where it is: the folder is missing or cannot be written to, or the path names a folder.
    #[error("{path} cannot be opened for reading and writing: {source}")]
    #[non_exhaustive]
    Inaccessible {
        /// The file.
        path: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
    /// Where it is, there can be no log beside it that several connections share: a network file system, as a rule.
    #[error("{path} stands on a file system without shared memory; put it on a local disk")]
    #[non_exhaustive]
    NoSharedLog {
        /// The file.
        path: PathBuf,
    },
    /// SQLite has refused it for another reason.
    #[error("SQLite has refused {path} with result code {code}")]
    #[non_exhaustive]
    Refused {
        /// The file.
        path: PathBuf,
        /// The result code (<https://sqlite.org/rescode.html>); 0 if there was none.
        code: i32,
    },
}

impl OpenError {
    pub(crate) fn inaccessible(path: &Path, source: io::Error) -> Self {
        Self::Inaccessible { path: path.to_owned(), source }
    }

    pub(crate) fn refused(path: &Path, error: &sqlx::Error) -> Self {
        let path = path.to_owned();
        match ResultCode::of(error) {
            Some(code) if code.is_corruption() => Self::Corrupt { path },
            code => Self::Refused { path, code: code.map_or(0, |code| code.0) },
        }
    }
}

/// Opens the file, makes and migrates it if need be, and starts the connections.
pub(crate) async fn open(path: &Path, options: &SqliteOptions) -> Result<Connections, OpenError> {
    let path = resolve(path).map_err(|error| OpenError::inaccessible(path, error))?;
    let lock = FileLock::take(&path)?;
    let new = prepare(&path)?;
    if !new {
        recognise(&path).await?;
    }
    let plan = plan(&path, options);
    let mut writer = plan.write.connect().await.map_err(|error| OpenError::refused(&path, &error))?;
    require_shared_log(&mut writer, &path).await?;
    migrations::run(&mut writer, &path).await?;
    Ok(Connections::start(&plan, writer, lock))
}

/// The one name of the file, whichever way leads to it, so that all who open it meet at one lock.
fn resolve(path: &Path) -> io::Result<PathBuf> {
    if path.is_dir() {
        return Err(io::ErrorKind::IsADirectory.into());
    }
    // A link that leads nowhere is refused: what was made behind it would have two names.
    if path.exists() || path.is_symlink() {
        return path.canonicalize();
    }
    let name = path.file_name().ok_or(io::ErrorKind::InvalidFilename)?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    Ok(folder.canonicalize()?.join(name))
}

/// Makes the file if it is not there, and looks at its first bytes if it is; `true` if there is nothing in it.
fn prepare(path: &Path) -> Result<bool, OpenError> {
    let existed = path.exists();
    let inaccessible = |error| OpenError::inaccessible(path, error);
    let mut file = create_private(path).map_err(inaccessible)?;
    if !existed && let Some(folder) = path.parent() {
        // What is made must be there after a loss of power, too.
        File::open(folder).and_then(|folder| folder.sync_all()).map_err(inaccessible)?;
    }
    let mut head = Vec::with_capacity(MAGIC.len());
    Read::by_ref(&mut file).take(16).read_to_end(&mut head).map_err(inaccessible)?;
    match head.as_slice() {
        [] => Ok(true),
        head if head == MAGIC => Ok(false),
        _ => Err(OpenError::NotADatabase { path: path.to_owned() }),
    }
}

/// Looks whose database it is, without changing it.
async fn recognise(path: &Path) -> Result<(), OpenError> {
    let seen = match look(common(path).read_only(true)).await {
        // Whoever was cut off while making it has left a transaction that only a writer can take back.
        Err(error) if ResultCode::of(&error).is_some_and(ResultCode::asks_for_a_writer) => {
            look(common(path)).await
        }
        seen => seen,
    };
    let (application, filled) = seen.map_err(|error| OpenError::refused(path, &error))?;
    // A database without a table is nobody's yet, and one without another than this is of whoever was cut off while
    // making it: the first step names the application.
    if application == APPLICATION_ID || (application == 0 && !filled) {
        Ok(())
    } else {
        Err(OpenError::Foreign { path: path.to_owned() })
    }
}

/// Which application's database it is, and whether anything is in it.
async fn look(options: SqliteConnectOptions) -> Result<(i64, bool), sqlx::Error> {
    let mut db = options.connect().await?;
    let look = "SELECT (SELECT application_id FROM pragma_application_id),
        EXISTS (SELECT 1 FROM sqlite_schema WHERE tbl_name <> ?1)";
    let seen = sqlx::query_as(look).bind(migrations::TABLE).fetch_one(&mut db).await?;
    db.close().await?;
    Ok(seen)
}

fn common(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(false)
        .busy_timeout(BUSY_TIMEOUT)
        .statement_cache_capacity(STATEMENTS_MAX)
        // What is sorted and what a savepoint keeps is content: it does not go to temporary files.
        .pragma("temp_store", "MEMORY")
        .pragma("trusted_schema", "OFF")
        .disable_statement_logging()
}

fn plan(path: &Path, options: &SqliteOptions) -> Plan {
    let synchronous = match options.durability {
        Durability::Full => SqliteSynchronous::Full,
        Durability::Normal => SqliteSynchronous::Normal,
    };
    let mut write = common(path)
        .page_size(PAGE_BYTES)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(synchronous)
        .foreign_keys(true)
        // What is deleted is overwritten with zeros.
        .pragma("secure_delete", "ON")
        // A log that has grown while somebody read for long does not stay as large.
        .pragma("journal_size_limit", LOG_BYTES_MAX)
        // On macOS a disk keeps what it was given only if it is asked in this way; elsewhere these do nothing.
        .pragma("fullfsync", "ON")
        .pragma("checkpoint_fullfsync", "ON");
    if let Some(bytes) = options.bytes_max {
        write = write
            .pragma("max_page_count", (bytes.get() / u64::from(PAGE_BYTES)).clamp(1, PAGES_MAX).to_string());
    }
    let read = common(path).read_only(true);
    Plan { write, read, readers: options.readers, queue_max: options.queue_max }
}

async fn require_shared_log(db: &mut SqliteConnection, path: &Path) -> Result<(), OpenError> {
    let mode: String = sqlx::query_scalar("PRAGMA journal_mode")
        .fetch_one(db)
        .await
        .map_err(|error| OpenError::refused(path, &error))?;
    if mode == "wal" { Ok(()) } else { Err(OpenError::NoSharedLog { path: path.to_owned() }) }
}
