//! SQLite storage for Convor: one file, no server, the embedded default.
//!
//! [`SqliteStorage`] keeps every contract of [`convor::ports::storage`], the optional groups included, and runs the whole
//! conformance suite. It needs no server beside it and no setting up: a path is enough.
//!
//! ```
//! # let folder = std::env::temp_dir().join(format!("convor-sqlite-doc-{}", std::process::id()));
//! # std::fs::create_dir_all(&folder)?;
//! # tokio::runtime::Builder::new_current_thread().enable_time().build()?.block_on(async {
//! use std::sync::Arc;
//!
//! use convor::domain::{TenantRecord, TenantState};
//! use convor::ports::Storage;
//! use convor::time::Timestamp;
//! use convor_sqlite::{SqliteOptions, SqliteStorage};
//!
//! let path = folder.join("chat.db");
//! let storage = Arc::new(SqliteStorage::open(&path, SqliteOptions::default()).await?);
//! let record = TenantRecord {
//!     id: uuid::Uuid::from_u128(1).into(),
//!     region: "eu".to_owned(),
//!     state: TenantState::Active,
//!     created_at: Timestamp::from_millis(0),
//! };
//! assert!(storage.registry().insert(&record).await?);
//! storage.close().await;
//!
//! // It is all there when the file is opened again.
//! let storage = SqliteStorage::open(&path, SqliteOptions::default()).await?;
//! assert_eq!(storage.registry().find(record.id).await?, Some(record));
//! # storage.close().await;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # })?;
//! # std::fs::remove_dir_all(&folder)?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # The files
//! Beside `chat.db` stand `chat.db-wal`, the log of what is not folded into it yet, `chat.db-shm`, which is made anew from the log, and
//! `chat.db-lock`, which is empty. The first two belong together: whoever copies the one without the other copies half.
//! While a server runs, `sqlite3 chat.db ".backup copy.db"` makes a sound copy. What is made can be read by its owner only
//! (mode 600); a file that is there keeps its mode.
//!
//! A file has one server. A second one is refused by a lock, which the operating system releases when the process ends, however
//! it ends. The file belongs on a local disk: locks and shared memory do not work over most networks.
//!
//! # What `Ok` means
//! `Ok` comes after the commit is on the disk (`journal_mode=WAL`, `synchronous=FULL`): neither a killed process nor a loss of power
//! takes it back. One connection writes. What waits for it is committed together, so that many writers share one wait for the
//! disk; each gets its own answer, and a failure of one is not a failure of the others. Other connections read, each call on a
//! snapshot of its own; they do not wait for the writer, nor the writer for them. [`Durability::Normal`] does without the wait
//! and without the promise.
//!
//! A call whose future is dropped is carried out to its end or not at all. A file that cannot grow any more
//! ([`SqliteOptions::bytes_max`], a full disk) makes calls [`Unavailable`](convor::ports::StorageErrorKind::Unavailable) that need
//! room, and works again once there is some.
//!
//! # What is left of what was erased
//! - When [`erase`](convor::ports::storage::VisitorRepository::erase), a purge, a discarded upload or a change of contact details or
//!   of a password answers, the rows are gone, what they held in their pages is overwritten with zeros (`secure_delete=ON`), and the
//!   log is emptied (`wal_checkpoint(TRUNCATE)`). If somebody is reading the file just then and goes on for more than a quarter
//!   of a second, as a backup may, the log is emptied afterwards: it is tried again every ten seconds or more often, also while
//!   nothing is written.
//! - A page on which a visitor was before leaves the log about a second later in the same way: so many are replaced that nobody
//!   waits for it.
//! - When SQLite moves rows from a full page to another one, it may leave copies in the unused part of the page, and does not
//!   look for them when the rows are deleted. They are few, no query finds them, and they are overwritten as the page fills.
//!   [`SqliteStorage::compact`] rewrites the file without them: call it in a quiet hour after erasures where no byte may stay.
//! - What the file system and the disk keep of overwritten and removed files, and backups, are beyond what a storage can reach.

mod connections;
mod failure;
mod lock;
mod migrations;
mod open;
mod options;
mod storage;

pub use open::OpenError;
pub use options::{Durability, SqliteOptions};
pub use storage::SqliteStorage;
