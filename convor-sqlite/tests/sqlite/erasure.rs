//! What is erased is in no byte of the files any more.

use std::fs;

use crate::folder::Folder;
use crate::support::{Tenant, id, now, open, text, times};
use convor::domain::Author;
use convor::domain::{CurrentPage, Text, Word};
use convor::ids::{ConversationId, VisitorId};
use convor::ports::storage::{ContactPatch, SearchQuery};
use convor::ports::{Change, Storage};
use convor::time::Timestamp;
use convor_sqlite::SqliteStorage;

/// What stands in everything that is erased, and nowhere else.
const CANARY: &str = "canary";

/// How often the canary stands in the files of a folder.
fn canaries(folder: &Folder) -> usize {
    let files = fs::read_dir(folder.file().parent().expect("a file is in a folder"))
        .expect("a folder")
        .map(|entry| entry.expect("an entry").path());
    files.map(|file| count(&fs::read(file).expect("it is there"))).sum()
}

fn count(bytes: &[u8]) -> usize {
    bytes.windows(CANARY.len()).filter(|window| *window == CANARY.as_bytes()).count()
}

/// A visitor who has said and done something everywhere.
async fn leave_traces(storage: &SqliteStorage, tenant: &Tenant, word: &str, messages: usize) -> VisitorId {
    let visitor = tenant.visitor(storage, word).await;
    let change = Change::new(Author::Visitor(visitor), now());
    let page =
        CurrentPage { url: text(&format!("https://b.example/{word}")), title: Some(text(word)), at: now() };
    assert!(storage.pages().put(tenant.id, visitor, &page, &change).await.expect("stored"));
    let conversation = tenant.conversation(storage, visitor).await;
    for number in 0..messages {
        say(
            storage,
            tenant,
            conversation,
            visitor,
            &format!("{word} {number} {}", word.repeat(number % 400)),
        )
        .await;
    }
    visitor
}

async fn say(storage: &SqliteStorage, tenant: &Tenant, to: ConversationId, visitor: VisitorId, says: &str) {
    tenant.say(storage, to, visitor, id(), says).await.expect("stored");
}

async fn index(storage: &SqliteStorage, tenant: &Tenant) {
    let search = storage.search().expect("it can be searched");
    while search.index(tenant.id, 100).await.expect("indexed") > 0 {}
}

async fn found(storage: &SqliteStorage, tenant: &Tenant, word: &str) -> usize {
    let words = Word::all_in(word).into_iter().collect();
    let query = SearchQuery { words, before: None, limit: 10_000 };
    let search = storage.search().expect("it can be searched");
    search.find(tenant.id, &query).await.expect("searched").len()
}

#[tokio::test]
async fn s45_an_erased_visitor_is_in_no_byte_of_the_files() {
    let (folder, rounds) = (Folder::new(), times(3, 30));
    let storage = open(&folder.file()).await;
    let tenant = Tenant::settle(&storage).await;
    let (mut before, mut erased, mut compacted) = (0, 0, 0);
    for _ in 0..rounds {
        let mut going = Vec::new();
        // Those who stay stand between those who go, so that pages are shared.
        for _ in 0..5 {
            leave_traces(&storage, &tenant, "stays", 20).await;
            going.push(leave_traces(&storage, &tenant, CANARY, 60).await);
        }
        index(&storage, &tenant).await;
        assert!(found(&storage, &tenant, CANARY).await > 0, "they were to be found");
        before += canaries(&folder);
        for visitor in going {
            let change = Change::new(Author::System, now());
            assert!(storage.visitors().erase(tenant.id, visitor, &change).await.expect("erased"));
        }
        erased += canaries(&folder);
        storage.compact().await.expect("compacted");
        compacted += canaries(&folder);
        assert_eq!(found(&storage, &tenant, CANARY).await, 0, "nothing is found of them");
        assert!(found(&storage, &tenant, "stays").await >= 100, "the others are as they were");
    }
    assert!(erased * 200 < before, "erasing leaves next to nothing: {erased} of {before}");
    assert_eq!(compacted, 0, "no byte is left of them");
    println!("proof-columns: SQLite, erased | visitors | traces before | after erasing | after compacting");
    println!("proof: SQLite, erased | {} | {before} | {erased} | {compacted}", rounds * 5);
    storage.close().await;
}

#[tokio::test]
async fn purged_events_are_in_no_byte_of_the_files() {
    let folder = Folder::new();
    let storage = open(&folder.file()).await;
    let tenant = Tenant::settle(&storage).await;
    let visitor = tenant.visitor(&storage, "Ann").await;
    let conversation = tenant.conversation(&storage, visitor).await;
    for number in 0..100 {
        say(&storage, &tenant, conversation, visitor, &format!("{CANARY} {number}")).await;
    }
    index(&storage, &tenant).await;
    while storage.events().purge(tenant.id, Timestamp::MAX, 30).await.expect("purged") > 0 {}
    assert_eq!(canaries(&folder), 0);
    storage.close().await;
}

#[tokio::test]
async fn a_name_that_was_taken_back_is_in_no_byte_of_the_files() {
    let folder = Folder::new();
    let storage = open(&folder.file()).await;
    let tenant = Tenant::settle(&storage).await;
    let visitor = tenant.visitor(&storage, CANARY).await;
    assert!(canaries(&folder) > 0);
    let patch = ContactPatch { name: Some(None::<Text>), email: None };
    let change = Change::new(Author::Visitor(visitor), now());
    storage.visitors().update(tenant.id, visitor, &patch, &change).await.expect("updated");
    assert_eq!(canaries(&folder), 0);
    storage.close().await;
}
