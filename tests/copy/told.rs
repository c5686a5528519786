//! What `convor-server copy` says of what it does, and what it leaves behind.

use std::process::Stdio;
use std::sync::Arc;

use convor::Chat;
use convor::ports::Storage;
use convor_tests::database::Database;
use convor_tests::folder::Folder;
use convor_tests::patience::look;
use convor_tests::server;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::archives::{archive, command, open, said, sqlite, stored};
use super::world::{World, copied};

#[tokio::test(flavor = "multi_thread")]
async fn each_tenant_is_counted_and_all_of_them_at_the_end() {
    let world = World::small().await;
    let folder = stored(&world).await;
    for (from, to, end) in [
        (sqlite(&folder, "a.db"), archive(&folder, "a"), "all archived"),
        (archive(&folder, "a"), sqlite(&folder, "b.db"), "all equal"),
        (sqlite(&folder, "b.db"), sqlite(&folder, "c.db"), "all equal"),
    ] {
        let done = command(&from, &to, &[]).await;
        let lines = String::from_utf8(done.stdout.clone()).expect("UTF-8");
        let lines: Vec<_> = lines.lines().collect();
        assert_eq!(lines.len(), 3, "{lines:?}");
        let mut records = 0;
        for (line, place) in lines.iter().zip(["(1 of 2)", "(2 of 2)"]) {
            let (_, rest) = line.split_once(&format!(" {place} ")).expect(place);
            records +=
                rest.split(' ').next().and_then(|number| number.parse::<u64>().ok()).expect("a number");
        }
        assert_eq!(lines[2], format!("2 tenants, {records} records: {end}"));
        for place in ["tenant 1 of 2, copied, ", "tenant 2 of 2, copied, "] {
            assert!(said(&done).lines().any(|line| line.starts_with(place)), "{}", said(&done));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn both_sides_are_told_where_they_differ_and_why() {
    let world = World::small().await;
    let folder = stored(&world).await;
    let behind = Arc::new(open(&folder.path("b.db")).await);
    copied(world.storage.as_ref(), behind.as_ref(), None).await.expect("a copy");
    let acme = &world.tenants[0];
    let there = acme.on(&Chat::builder(Arc::clone(&behind) as Arc<dyn Storage>).start());
    // A visitor and a token.
    there.visitor().await;
    behind.close().await;
    let done = command(&sqlite(&folder, "a.db"), &sqlite(&folder, "b.db"), &[]).await;
    let lines = String::from_utf8(done.stdout.clone()).expect("UTF-8");
    let source = world.digest(acme.id).await;
    let line = lines.lines().find(|line| line.starts_with(&acme.id.to_string())).expect("a line");
    let (records, sha) = (source.records(), source.sha256);
    assert!(line.contains(&format!("source {records} records, SHA-256 {sha}; destination ")), "{line}");
    assert!(line.contains(&format!("destination {} records, SHA-256 ", records + 2)), "{line}");
    assert!(line.ends_with(": different"), "{line}");
    assert!(lines.lines().last().is_some_and(|line| line.ends_with("1 different")), "{lines}");
    let said = said(&done);
    assert!(!done.status.success() && said.contains("2 records are in the destination only"), "{said}");
    assert!(said.contains("1 tenant is not in the destination as it is in the source"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_with_the_source_leaves_nothing_at_the_destination() {
    let world = World::small().await;
    let folder = stored(&world).await;
    let unknown = "01890a5d-ac96-774b-bcce-b302099a8057";
    assert!(command(&sqlite(&folder, "a.db"), &archive(&folder, "whole"), &[]).await.status.success());
    for (from, to) in [
        (archive(&folder, "nowhere"), sqlite(&folder, "y.db")),
        (archive(&folder, "whole"), sqlite(&folder, "y.db")),
        (sqlite(&folder, "a.db"), sqlite(&folder, "y.db")),
        (sqlite(&folder, "a.db"), archive(&folder, "y.jsonl")),
    ] {
        let done = command(&from, &to, &["--tenant", unknown]).await;
        assert!(!done.status.success(), "{}", said(&done));
        let made = folder.names().iter().any(|name| name.starts_with('y'));
        assert!(!made, "{from} to {to}: {:?}", folder.names());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_that_is_interrupted_says_what_to_do() {
    let (world, database) = (World::small().await, Database::fresh().await);
    let folder = stored(&world).await;
    interrupt(&sqlite(&folder, "a.db"), &database.app_url(), &database, "what has been copied stays").await;

    let done = command(&sqlite(&folder, "a.db"), &database.app_url(), &[]).await;
    assert!(done.status.success(), "{}", said(&done));
    interrupt(&database.app_url(), &archive(&folder, "x"), &database, "it begins anew").await;
    assert!(!folder.names().iter().any(|name| name.starts_with('x')), "{:?}", folder.names());
}

/// Interrupts a copy while it waits for a lock of the database.
async fn interrupt(from: &str, to: &str, database: &Database, expected: &str) {
    let mut superuser = <sqlx::PgConnection as sqlx::Connection>::connect(&database.superuser_url())
        .await
        .expect("a connection");
    let lock = "BEGIN; LOCK TABLE convor.visitors IN ACCESS EXCLUSIVE MODE";
    sqlx::raw_sql(lock).execute(&mut superuser).await.expect("a lock");
    let child = server::command()
        .args(["copy", "--from", from, "--to", to])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .expect("it starts");
    let waits = async || (database.connections("wait_event_type = 'Lock'").await > 0).then_some(());
    look(waits).await.expect("it waits");
    let id = Pid::from_raw(i32::try_from(child.id().expect("it runs")).expect("a process id"));
    kill(id, Signal::SIGINT).expect("it can be told");
    let done = child.wait_with_output().await.expect("it ends");
    let told = said(&done);
    assert_eq!(done.status.code(), Some(1), "{told}");
    assert!(told.contains(&format!("cut off; run the same command again, {expected}")), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_is_left_as_it_was_when_an_archive_is_missing() {
    let folder = Folder::new();
    let done = command(&archive(&folder, "nowhere"), &sqlite(&folder, "y.db"), &[]).await;
    assert!(!done.status.success() && folder.names().is_empty(), "{:?}", folder.names());
}
