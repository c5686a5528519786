//! `convor-server copy` and `migrate`, as an administrator runs them.

use std::process::Stdio;

use convor::credentials::TenantKey;
use convor::ports::Storage;
use convor::transfer::digest;
use convor_tests::database::Database;
use convor_tests::folder::Folder;
use convor_tests::patience::until;
use convor_tests::server;

use super::archives::{archive, command, open, said, sqlite, stored};
use super::world::World;

#[tokio::test(flavor = "multi_thread")]
async fn a_file_becomes_a_database_and_a_file_again() {
    let (world, database) = (World::small().await, Database::fresh().await);
    let folder = stored(&world).await;
    for (from, to) in [
        (sqlite(&folder, "a.db"), database.app_url()),
        (database.app_url(), archive(&folder, "a.gz")),
        (archive(&folder, "a.gz"), sqlite(&folder, "b.db")),
    ] {
        let done = command(&from, &to, &[]).await;
        assert!(done.status.success(), "{}", said(&done));
        let lines = String::from_utf8(done.stdout).expect("UTF-8");
        assert!(lines.lines().count() == 3 && !lines.contains("different"), "{lines}");
    }
    world.assert_copied_to(&open(&folder.path("b.db")).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tenants_are_named_by_their_ids_or_keys() {
    let world = World::small().await;
    let folder = stored(&world).await;
    let [acme, other] = &world.tenants;
    let (id, key) = (acme.id.to_string(), TenantKey::new(acme.id).to_string());
    for (name, tenant) in [("id", id.as_str()), ("key", key.as_str())] {
        for (from, to) in [
            (sqlite(&folder, "a.db"), sqlite(&folder, &format!("{name}.db"))),
            (sqlite(&folder, "a.db"), archive(&folder, name)),
        ] {
            let done = command(&from, &to, &["--tenant", tenant]).await;
            assert!(done.status.success(), "{}", said(&done));
        }
        let alone = open(&folder.path(&format!("{name}.db"))).await;
        assert_eq!(digest(&alone, acme.id).await.expect("a digest"), world.digest(acme.id).await);
        assert!(alone.registry().find(other.id).await.expect("a look").is_none());
        let done =
            command(&archive(&folder, name), &sqlite(&folder, "c.db"), &["--tenant", &other.id.to_string()])
                .await;
        assert!(!done.status.success() && said(&done).contains("no tenant"), "{}", said(&done));
    }
    assert!(command(&sqlite(&folder, "a.db"), &archive(&folder, "all"), &[]).await.status.success());
    let done = command(&archive(&folder, "all"), &sqlite(&folder, "one.db"), &["--tenant", &id]).await;
    assert!(done.status.success(), "{}", said(&done));
    let one = open(&folder.path("one.db")).await;
    assert_eq!(one.registry().list(None, 10).await.expect("a list").len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_that_was_killed_is_run_again() {
    let world = World::large().await;
    let folder = stored(world).await;
    assert!(command(&sqlite(&folder, "a.db"), &archive(&folder, "a"), &[]).await.status.success());
    for (number, from) in [sqlite(&folder, "a.db"), archive(&folder, "a")].into_iter().enumerate() {
        for target in [sqlite(&folder, &format!("{number}.db")), archive(&folder, &format!("{number}.gz"))] {
            if from.starts_with("archive") && target.starts_with("archive") {
                continue;
            }
            let mut child = server::command()
                .args(["copy", "--from", &from, "--to", &target])
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .kill_on_drop(true)
                .spawn()
                .expect("it starts");
            let name = target.rsplit('/').next().expect("a name").to_owned();
            let begun = || folder.names().iter().any(|found| found.starts_with(&name));
            until("it has begun to write", begun).await;
            child.kill().await.expect("it can be killed");
            if let Some(name) = target.strip_prefix("archive:") {
                // It may have come to its end before.
                let _ = std::fs::remove_file(name);
            }
            let done = command(&from, &target, &[]).await;
            assert!(done.status.success(), "{}", said(&done));
        }
        world.assert_copied_to(&open(&folder.path(&format!("{number}.db"))).await).await;
    }
    let done = command(&archive(&folder, "0.gz"), &sqlite(&folder, "again.db"), &[]).await;
    assert!(done.status.success(), "{}", said(&done));
    world.assert_copied_to(&open(&folder.path("again.db")).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_destination_with_other_data_fails_the_command_and_says_what_to_do() {
    let world = World::small().await;
    let folder = stored(&world).await;
    let other = open(&folder.path("b.db")).await;
    let acme = world.tenants[0].id;
    let record = world.storage.registry().find(acme).await.expect("a look").expect("it is there");
    let renamed = convor::domain::TenantRecord { region: "elsewhere".to_owned(), ..record };
    assert!(other.registry().insert(&renamed).await.expect("it is made"));
    other.close().await;
    let done = command(&sqlite(&folder, "a.db"), &sqlite(&folder, "b.db"), &[]).await;
    let lines = String::from_utf8(done.stdout.clone()).expect("UTF-8");
    assert!(!done.status.success(), "{lines}");
    assert!(lines.lines().any(|line| line.starts_with(&acme.to_string()) && line.ends_with("different")));
    assert!(said(&done).contains("empty destination"), "{}", said(&done));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_there_or_empty_does_not_pass_for_a_copy() {
    let folder = Folder::new();
    open(&folder.path("empty.db")).await.close().await;
    std::fs::write(folder.path("bare"), "").expect("a file");
    for (name, expected) in
        [("mistyped.db", "there is no file"), ("empty.db", "no tenants"), ("bare", "no tenants")]
    {
        for to in [archive(&folder, "backup.gz"), sqlite(&folder, "b.db")] {
            let done = command(&sqlite(&folder, name), &to, &[]).await;
            let said = said(&done);
            assert!(
                !done.status.success() && said.contains("the source") && said.contains(expected),
                "{said}"
            );
        }
    }
    let made = |name: &String| ["mistyped", "backup", "b.db"].iter().any(|made| name.starts_with(made));
    assert!(!folder.names().iter().any(made), "nothing is made: {:?}", folder.names());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_copied_is_said_in_a_sentence() {
    let folder = Folder::new();
    let _held = open(&folder.path("held.db")).await;
    for (from, to, expected) in [
        (sqlite(&folder, "held.db"), archive(&folder, "a"), "held.db is in use"),
        ("memory".to_owned(), archive(&folder, "a"), "empty when a process starts"),
        (archive(&folder, "a"), archive(&folder, "b"), "copying the file"),
        (archive(&folder, "nowhere"), sqlite(&folder, "b.db"), "cannot open"),
        ("cloud:canary".to_owned(), sqlite(&folder, "b.db"), "a storage is named"),
    ] {
        let done = command(&from, &to, &[]).await;
        let said = said(&done);
        assert!(!done.status.success() && said.contains(expected), "{from} to {to}: {said}");
        assert!(!said.contains("canary"), "{said}");
    }
}
