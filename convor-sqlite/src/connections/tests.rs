//! A panic in one call is no panic of the task that all calls share.

use std::path::PathBuf;

use convor::ports::StorageErrorKind;
use sqlx::{Executor, Row};

use super::{Connections, Working};
use crate::failure::Failure;
use crate::{SqliteOptions, open};

/// A file of a test's own, with a table in which to count.
async fn counting(name: &str) -> (Connections, PathBuf) {
    let folder = std::env::temp_dir().join(format!("convor-sqlite-{name}-{}", std::process::id()));
    // What a process with the same number has left is not this test's.
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).expect("a folder can be made");
    let connections = open::open(&folder.join("chat.db"), &SqliteOptions::default()).await;
    let connections = connections.expect("a new file is opened");
    let made = connections.write(|db| {
        Box::pin(async move {
            db.execute("CREATE TABLE counted (number INTEGER NOT NULL)").await?;
            Ok(())
        })
    });
    made.await.expect("a table can be made");
    (connections, folder)
}

fn count(db: &mut sqlx::SqliteConnection) -> Working<'_, ()> {
    Box::pin(async move {
        db.execute("INSERT INTO counted (number) VALUES (1)").await?;
        Ok(())
    })
}

fn counted(db: &mut sqlx::SqliteConnection) -> Working<'_, i64> {
    Box::pin(async move {
        let row = sqlx::query("SELECT count(*) FROM counted").fetch_one(db).await?;
        row.try_get(0).map_err(Failure::from)
    })
}

#[tokio::test]
async fn a_call_that_panics_while_it_writes_has_stored_nothing_and_the_next_one_is_carried_out() {
    let (connections, folder) = counting("writes").await;
    for stored in 1..=3 {
        let panicked = connections.write(|db| {
            Box::pin(async move {
                count(db).await?;
                panic!("this call panics within its transaction");
            })
        });
        let refusal: Result<(), _> = panicked.await;
        assert_eq!(refusal.expect_err("it has failed").kind(), StorageErrorKind::Other);
        connections.write(count).await.expect("the writer goes on");
        assert_eq!(connections.read(counted).await.expect("it is read"), stored);
    }
    connections.close().await;
    std::fs::remove_dir_all(folder).expect("the folder can be removed");
}

#[tokio::test]
async fn readers_go_on_after_calls_that_panic() {
    let (connections, folder) = counting("reads").await;
    // More than there are readers.
    for _ in 0..9 {
        let panicked =
            connections.read(|_| Box::pin(async { panic!("this call panics within its snapshot") }));
        let refusal: Result<(), _> = panicked.await;
        assert_eq!(refusal.expect_err("it has failed").kind(), StorageErrorKind::Other);
    }
    assert_eq!(connections.read(counted).await.expect("a reader is there"), 0);
    connections.close().await;
    std::fs::remove_dir_all(folder).expect("the folder can be removed");
}
