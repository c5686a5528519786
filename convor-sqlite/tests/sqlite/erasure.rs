//! What is erased is in no byte of the files any more.

use std::fs;
use std::time::Duration;

use crate::folder::Folder;
use crate::support::{Tenant, id, now, open, text, times};
use convor::domain::Author;
use convor::domain::{CurrentPage, Text, Upload, Word};
use convor::ids::{ConversationId, VisitorId};
use convor::ports::storage::{ContactPatch, SearchQuery};
use convor::ports::{BlobKey, Change, Storage};
use convor::time::Timestamp;
use convor_sqlite::SqliteStorage;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection, Executor};

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

/// Waits until nothing is left of the canary, and fails if that never comes.
async fn until_gone(folder: &Folder) {
    let gone = async {
        while canaries(folder) > 0 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), gone).await.expect("it goes without a further call");
}

#[tokio::test]
async fn what_a_reader_elsewhere_has_held_back_goes_once_it_has_read() {
    let folder = Folder::new();
    let storage = open(&folder.file()).await;
    let tenant = Tenant::settle(&storage).await;
    let visitor = tenant.visitor(&storage, CANARY).await;
    let options = SqliteConnectOptions::new().filename(folder.file()).read_only(true);
    let mut reader = options.connect().await.expect("SQLite opens it");
    reader.execute("BEGIN; SELECT name FROM visitors").await.expect("it reads");
    let change = Change::new(Author::System, now());
    assert!(storage.visitors().erase(tenant.id, visitor, &change).await.expect("erased"));
    assert!(canaries(&folder) > 0, "the reader still sees it");
    reader.execute("COMMIT").await.expect("it has read");
    until_gone(&folder).await;
    reader.close().await.expect("it is closed");
    storage.close().await;
}

#[tokio::test]
async fn a_page_that_was_left_goes_soon() {
    let folder = Folder::new();
    let storage = open(&folder.file()).await;
    let tenant = Tenant::settle(&storage).await;
    let visitor = tenant.visitor(&storage, "Ann").await;
    let change = Change::new(Author::Visitor(visitor), now());
    for path in [CANARY, "another"] {
        let url = text(&format!("https://b.example/{path}"));
        let page = CurrentPage { url, title: None, at: now() };
        assert!(storage.pages().put(tenant.id, visitor, &page, &change).await.expect("stored"));
    }
    until_gone(&folder).await;
    storage.close().await;
}

#[tokio::test]
async fn stale_files_go_as_many_as_are_asked_for_and_their_names_with_them() {
    let folder = Folder::new();
    let storage = open(&folder.file()).await;
    let tenant = Tenant::settle(&storage).await;
    let visitor = tenant.visitor(&storage, "Ann").await;
    let conversation = tenant.conversation(&storage, visitor).await;
    let uploads = storage.uploads().expect("it keeps files");
    let change = Change::new(Author::Visitor(visitor), now());
    for _ in 0..5 {
        let upload = Upload {
            id: id(),
            conversation,
            by: Author::Visitor(visitor),
            name: text(CANARY),
            media_type: "image/png".to_owned(),
            blob: BlobKey(id()),
            created_at: now(),
            content: None,
        };
        assert!(uploads.begin(tenant.id, &upload, &change).await.expect("stored"));
    }
    for left in [3, 1, 0] {
        let keys = uploads.removable(tenant.id, Timestamp::MAX, 2).await.expect("answered");
        for blob in keys {
            assert!(uploads.removed(tenant.id, blob).await.expect("stored"));
        }
        let begun = uploads.page(tenant.id, conversation, None, 100).await.expect("it is read");
        assert_eq!(begun.len(), left);
    }
    assert_eq!(canaries(&folder), 0);
    storage.close().await;
}

#[cfg(feature = "accounts")]
#[tokio::test]
async fn the_hash_of_an_old_password_is_in_no_byte_of_the_files() {
    use convor::domain::{Email, Operator, Role};
    use convor::ports::storage::PasswordHash;
    let folder = Folder::new();
    let storage = open(&folder.file()).await;
    let tenant = Tenant::settle(&storage).await;
    let email = Email::parse("ann@a.example").expect("an address");
    let operator = Operator { id: id(), name: text("Ann"), email, role: Role::Owner, created_at: now() };
    let change = Change::new(Author::System, now());
    storage.operators().insert(tenant.id, &operator, &change).await.expect("stored");
    let accounts = storage.accounts().expect("it keeps accounts");
    let hashes = [1, 2, 3].map(|number| {
        let text = if number < 3 { format!("{CANARY}{number}") } else { "another".to_owned() };
        PasswordHash::from_phc(text)
    });
    let [first, second, third] = hashes;
    assert!(accounts.set_password(tenant.id, operator.id, &first, &change).await.expect("stored"));
    assert!(accounts.replace_hash(tenant.id, operator.id, &first, &second, &change).await.expect("stored"));
    assert_eq!(canaries(&folder), 1, "the second alone");
    assert!(accounts.set_password(tenant.id, operator.id, &third, &change).await.expect("stored"));
    assert_eq!(canaries(&folder), 0);
    storage.close().await;
}
