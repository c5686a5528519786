//! Archives that the command makes: what they are like, and what becomes of damaged ones.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Output;

use convor::ports::Storage;
use convor_sqlite::{SqliteOptions, SqliteStorage};
use convor_tests::environment::proving;
use convor_tests::folder::Folder;
use convor_tests::server::run;

use super::world::{World, copied};

/// A folder with `a.db`, which holds what the world holds.
pub(crate) async fn stored(world: &World) -> Folder {
    let folder = Folder::new();
    let storage = open(&folder.path("a.db")).await;
    copied(world.storage.as_ref(), &storage, None).await.expect("a copy");
    storage.close().await;
    folder
}

pub(crate) async fn open(path: &Path) -> SqliteStorage {
    SqliteStorage::open(path, SqliteOptions::default()).await.expect("a file")
}

/// `convor-server copy`.
pub(crate) async fn command(from: &str, to: &str, more: &[&str]) -> Output {
    let arguments: Vec<_> = ["copy", "--from", from, "--to", to].iter().chain(more).copied().collect();
    run(&arguments).await
}

pub(crate) fn sqlite(folder: &Folder, name: &str) -> String {
    format!("sqlite:{}", folder.path(name).display())
}

pub(crate) fn archive(folder: &Folder, name: &str) -> String {
    format!("archive:{}", folder.path(name).display())
}

pub(crate) fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_archive_is_whole_private_and_the_same_each_time() {
    let world = World::small().await;
    let folder = stored(&world).await;
    for name in ["a.jsonl", "a.jsonl.gz", "b.jsonl"] {
        let done = command(&sqlite(&folder, "a.db"), &archive(&folder, name), &[]).await;
        assert!(done.status.success(), "{}", said(&done));
        let mode = std::fs::metadata(folder.path(name)).expect("it is there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
    let read = |name| std::fs::read(folder.path(name)).expect("a file");
    assert_eq!(read("a.jsonl"), read("b.jsonl"));
    assert!(read("a.jsonl").starts_with(br#"{"archive":{"format":1}}"#));
    assert!(read("a.jsonl.gz").len() * 2 < read("a.jsonl").len());
    assert!(folder.names().iter().all(|name| !name.contains("partial")), "{:?}", folder.names());

    let again = command(&sqlite(&folder, "a.db"), &archive(&folder, "a.jsonl"), &[]).await;
    assert!(!again.status.success() && said(&again).contains("is there already"), "{}", said(&again));
    assert_eq!(read("a.jsonl"), read("b.jsonl"), "an archive is not written over");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_goes_through_an_archive_comes_back_as_it_was() {
    let world = World::large().await;
    let folder = stored(world).await;
    for name in ["a.jsonl", "a.jsonl.gz"] {
        let to = format!("{name}.db");
        for (from, to) in [
            (sqlite(&folder, "a.db"), archive(&folder, name)),
            (archive(&folder, name), sqlite(&folder, &to)),
        ] {
            let done = command(&from, &to, &[]).await;
            assert!(done.status.success(), "{}", said(&done));
            let lines = String::from_utf8(done.stdout).expect("UTF-8");
            for tenant in &world.tenants {
                let digest = world.digest(tenant.id).await;
                let line = lines.lines().find(|line| line.starts_with(&tenant.id.to_string()));
                assert!(line.is_some_and(|line| line.contains(&digest.sha256.to_string())), "{lines}");
            }
        }
        world.assert_copied_to(&open(&folder.path(&to)).await).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_archive_is_refused_before_anything_is_written() {
    let world = World::small().await;
    let folder = stored(&world).await;
    let (plain, compressed) = (archive(&folder, "a.jsonl"), archive(&folder, "a.jsonl.gz"));
    for to in [&plain, &compressed] {
        assert!(command(&sqlite(&folder, "a.db"), to, &[]).await.status.success());
    }
    let count = if proving() { 40 } else { 6 };
    let mut refused = 0;
    for name in ["a.jsonl", "a.jsonl.gz"] {
        let whole = std::fs::read(folder.path(name)).expect("a file");
        let places = (0..count).map(|number| whole.len() * number / count);
        for place in places {
            let mut changed = whole.clone();
            // The head of a compressed file holds bytes that mean nothing.
            let place = if name.ends_with("gz") { place.max(10) } else { place };
            changed[place] ^= 1;
            for (damaged, what) in [(whole[..place].to_vec(), "cut off"), (changed, "changed")] {
                std::fs::write(folder.path("damaged"), damaged).expect("a file");
                let to = format!("damaged-{refused}.db");
                let done = command(&archive(&folder, "damaged"), &sqlite(&folder, &to), &[]).await;
                let said = said(&done);
                assert!(!done.status.success(), "{name} {what} at {place}");
                assert!(said.contains("archive"), "{name} {what} at {place}: {said}");
                assert!(!said.contains("Acme") && !said.contains("Hello"), "no content: {said}");
                let untouched = open(&folder.path(&to)).await;
                assert_eq!(untouched.registry().list(None, 10).await.expect("a list"), []);
                refused += 1;
            }
        }
    }
    println!("proof-columns: Damaged archives | how | archives | refused with nothing written");
    println!(
        "proof: Damaged archives | cut off, or a bit changed, plain and compressed | {refused} | {refused}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_archive_or_of_another_format_is_named() {
    let folder = Folder::new();
    for (content, expected) in [
        (&b"SQLite format 3\0"[..], "no archive of Convor"),
        (b"", "cut off"),
        (b"{\"archive\":{\"format\":7}}\n", "format 7"),
    ] {
        std::fs::write(folder.path("a"), content).expect("a file");
        let done = command(&archive(&folder, "a"), &sqlite(&folder, "b.db"), &[]).await;
        assert!(!done.status.success() && said(&done).contains(expected), "{}", said(&done));
    }
}
