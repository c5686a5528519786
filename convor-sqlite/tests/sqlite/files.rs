//! What is opened, what is refused, and what is made.

use std::fs;
use std::num::NonZeroU64;
use std::path::{Path, PathBuf};

use crate::folder::Folder;
use crate::support::{Tenant, id, open};
use convor::ports::storage::AppendOutcome;
use convor::ports::{Storage, StorageErrorKind};
use convor_sqlite::{Durability, OpenError, SqliteOptions, SqliteStorage};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Executor};

fn folder_of(folder: &Folder) -> PathBuf {
    folder.file().parent().expect("a file is in a folder").to_owned()
}

async fn refused(path: &Path) -> OpenError {
    let opened = SqliteStorage::open(path, SqliteOptions::default()).await;
    opened.expect_err("it is refused")
}

/// Changes a file behind the storage's back.
async fn meddle(path: &Path, sql: &str) {
    let options = SqliteConnectOptions::new().filename(path).create_if_missing(true);
    let mut db = options.connect().await.expect("SQLite opens it");
    db.execute(AssertSqlSafe(sql.to_owned())).await.expect("SQLite does it");
    db.close().await.expect("it is closed");
}

#[tokio::test]
async fn what_was_stored_is_there_when_the_file_is_opened_again() {
    let folder = Folder::new();
    let storage = open(&folder.file()).await;
    let tenant = Tenant::settle(&storage).await;
    storage.close().await;
    let error = storage.ping().await.expect_err("it is closed");
    assert_eq!(error.kind(), StorageErrorKind::Unavailable);
    let storage = open(&folder.file()).await;
    assert!(storage.tenants().find(tenant.id).await.expect("it is read").is_some());
    storage.ping().await.expect("it answers");
}

/// A process that was killed while it made the file has left a transaction that the next one takes back.
#[tokio::test]
async fn a_file_whose_making_was_cut_off_is_opened() {
    let folder = Folder::new();
    let making = folder_of(&folder).join("making.db");
    let options = SqliteConnectOptions::new().filename(&making).create_if_missing(true);
    let mut db = options.connect().await.expect("SQLite makes it");
    let cut_off = "PRAGMA synchronous = OFF; PRAGMA journal_mode = DELETE; PRAGMA user_version = 7; PRAGMA cache_size = 2;
        BEGIN; CREATE TABLE half (content BLOB); INSERT INTO half VALUES (randomblob(1000000));
        INSERT INTO half VALUES (randomblob(1000000));";
    db.execute(cut_off).await.expect("it is begun");
    let journal = |file: &Path| PathBuf::from(format!("{}-journal", file.display()));
    // What is on the disk at this moment is what a kill leaves.
    fs::copy(&making, folder.file()).expect("copied");
    fs::copy(journal(&making), journal(&folder.file())).expect("there is a journal");
    db.close().await.expect("it is closed");
    let storage = open(&folder.file()).await;
    Tenant::settle(&storage).await;
    assert!(!journal(&folder.file()).exists(), "it has been taken back");
}

#[tokio::test]
async fn a_second_server_is_refused_and_the_first_goes_on() {
    let folder = Folder::new();
    let storage = open(&folder.file()).await;
    for other_way in [folder.file(), folder_of(&folder).join("../").join(folder_of(&folder)).join("chat.db")]
    {
        let error = refused(&other_way).await;
        assert!(matches!(&error, OpenError::InUse { .. }), "{error}");
        assert!(error.to_string().contains("chat.db"), "it names the file: {error}");
    }
    Tenant::settle(&storage).await;
    storage.close().await;
    open(&folder.file()).await.close().await;
}

#[cfg(unix)]
#[tokio::test]
async fn a_link_leads_to_the_same_lock() {
    let folder = Folder::new();
    let storage = open(&folder.file()).await;
    let link = folder_of(&folder).join("link.db");
    std::os::unix::fs::symlink(folder.file(), &link).expect("a link can be made");
    let error = refused(&link).await;
    assert!(matches!(error, OpenError::InUse { .. }), "{error}");
    storage.close().await;
    let nowhere = folder_of(&folder).join("nowhere.db");
    std::os::unix::fs::symlink(folder_of(&folder).join("missing.db"), &nowhere).expect("a link can be made");
    let error = refused(&nowhere).await;
    assert!(matches!(error, OpenError::Inaccessible { .. }), "{error}");
}

#[tokio::test]
async fn a_file_of_a_newer_version_is_refused() {
    let folder = Folder::new();
    open(&folder.file()).await.close().await;
    let newer = "INSERT INTO convor_migrations (version, description, success, checksum, execution_time)
        VALUES (9999, 'to come', true, x'00', 0)";
    meddle(&folder.file(), newer).await;
    let error = refused(&folder.file()).await;
    assert!(matches!(error, OpenError::Newer { found: 9999, known: ..9999, .. }), "{error}");
}

#[tokio::test]
async fn a_file_whose_schema_was_altered_is_refused() {
    let folder = Folder::new();
    open(&folder.file()).await.close().await;
    meddle(&folder.file(), "UPDATE convor_migrations SET checksum = x'00' WHERE version = 2").await;
    let error = refused(&folder.file()).await;
    assert!(matches!(error, OpenError::Altered { version: 2, .. }), "{error}");
}

#[tokio::test]
async fn a_file_that_is_no_database_is_refused_and_left_as_it_is() {
    let folder = Folder::new();
    for content in ["Dear diary,\n", "x", &"SQLite format 3, they say. ".repeat(400)] {
        fs::write(folder.file(), content).expect("a file can be written");
        let error = refused(&folder.file()).await;
        assert!(matches!(error, OpenError::NotADatabase { .. }), "{error}");
        assert_eq!(fs::read_to_string(folder.file()).expect("it is there"), content);
    }
}

#[tokio::test]
async fn a_file_that_was_cut_off_while_it_was_made_is_made() {
    let folder = Folder::new();
    let table = "CREATE TABLE convor_migrations (version BIGINT PRIMARY KEY, description TEXT NOT NULL,
        installed_on TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP, success BOOLEAN NOT NULL, checksum BLOB NOT NULL,
        execution_time BIGINT NOT NULL)";
    meddle(&folder.file(), table).await;
    let storage = SqliteStorage::open(folder.file(), SqliteOptions::default()).await.expect("it opens");
    assert!(storage.registry().list(None, 1).await.expect("it answers").is_empty());
}

#[tokio::test]
async fn the_database_of_another_application_is_refused_and_left_as_it_is() {
    let folder = Folder::new();
    meddle(&folder.file(), "CREATE TABLE bookmarks (url TEXT)").await;
    let before = fs::read(folder.file()).expect("it is there");
    let error = refused(&folder.file()).await;
    assert!(matches!(error, OpenError::Foreign { .. }), "{error}");
    assert_eq!(fs::read(folder.file()).expect("it is there"), before);
}

#[tokio::test]
async fn a_database_in_which_there_is_nothing_is_taken() {
    let folder = Folder::new();
    meddle(&folder.file(), "VACUUM").await;
    open(&folder.file()).await.close().await;
}

#[tokio::test]
async fn a_damaged_file_is_refused() {
    let folder = Folder::new();
    open(&folder.file()).await.close().await;
    let mut bytes = fs::read(folder.file()).expect("it is there");
    bytes[100..4_096].fill(0xff);
    fs::write(folder.file(), bytes).expect("a file can be written");
    let error = refused(&folder.file()).await;
    assert!(matches!(error, OpenError::Corrupt { .. }), "{error}");
}

#[tokio::test]
async fn a_folder_that_is_missing_or_none_is_named() {
    let folder = Folder::new();
    fs::write(folder_of(&folder).join("file"), "x").expect("a file can be written");
    for path in [
        folder_of(&folder).join("missing/chat.db"),
        folder_of(&folder).join("file/chat.db"),
        folder_of(&folder),
    ] {
        let error = refused(&path).await;
        assert!(matches!(error, OpenError::Inaccessible { .. }), "{error}");
        assert!(error.to_string().contains(&path.display().to_string()), "it names the path: {error}");
    }
}

#[cfg(unix)]
#[tokio::test]
async fn what_is_made_can_be_read_by_its_owner_only() {
    use std::os::unix::fs::PermissionsExt;
    let folder = Folder::new();
    let storage = open(&folder.file()).await;
    Tenant::settle(&storage).await;
    let mut names = Vec::new();
    for entry in fs::read_dir(folder_of(&folder)).expect("a folder") {
        let entry = entry.expect("an entry");
        let mode = entry.metadata().expect("it is there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{:?}", entry.file_name());
        names.push(entry.file_name().into_string().expect("a plain name"));
    }
    names.sort();
    assert_eq!(names, ["chat.db", "chat.db-lock", "chat.db-shm", "chat.db-wal"]);
    storage.close().await;
}

#[tokio::test]
async fn a_full_disk_is_unavailable_and_works_again_once_there_is_room() {
    let folder = Folder::new();
    let bounded = SqliteOptions::default().bytes_max(NonZeroU64::new(600_000).expect("more than none"));
    let storage = SqliteStorage::open(folder.file(), bounded).await.expect("it is opened");
    let tenant = Tenant::settle(&storage).await;
    let visitor = tenant.visitor(&storage, "Ann").await;
    let conversation = tenant.conversation(&storage, visitor).await;
    let says = "A long message. ".repeat(400);
    let (mut stored, mut refusal) = (0, None);
    while refusal.is_none() && stored < 1_000 {
        match tenant.say(&storage, conversation, visitor, id(), &says).await {
            Ok(outcome) => {
                assert!(matches!(outcome, AppendOutcome::Stored { .. }), "{outcome:?}");
                stored += 1;
            }
            Err(error) => refusal = Some(error),
        }
    }
    let refusal = refusal.expect("a bounded file is full at some time");
    assert_eq!(refusal.kind(), StorageErrorKind::Unavailable);
    let source = std::error::Error::source(&refusal).expect("the result code").to_string();
    assert_eq!(source, "SQLite result code 13");
    let view = storage.conversations().find(tenant.id, conversation).await.expect("a full file is read");
    assert_eq!(view.expect("it is there").heads.staff, stored, "what was refused has left nothing");
    let at = convor::time::Timestamp::MAX;
    assert_eq!(storage.events().purge(tenant.id, at, 20).await.expect("there is room to remove"), 20);
    let outcome = tenant.say(&storage, conversation, visitor, id(), &says).await.expect("there is room");
    assert!(
        matches!(outcome, AppendOutcome::Stored { heads, .. } if heads.staff == stored + 1),
        "{outcome:?}"
    );
    storage.close().await;
}

#[tokio::test]
async fn weaker_durability_is_asked_for() {
    let folder = Folder::new();
    let options = SqliteOptions::default().durability(Durability::Normal).readers(0).queue_max(0);
    let storage = SqliteStorage::open(folder.file(), options).await.expect("it is opened");
    Tenant::settle(&storage).await;
    storage.close().await;
}
