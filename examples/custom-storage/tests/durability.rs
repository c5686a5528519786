//! `Ok` means durable: what was acknowledged before a process was killed is there afterwards.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use convor::credentials::TokenHash;
use convor::domain::{
    Audience, Author, BodyDigest, Color, MessageKind, Site, TenantRecord, TenantState, Text, Visitor,
};
use convor::ids::{ConversationId, TenantId, VisitorId};
use convor::ports::storage::{Append, AppendOutcome, NewMessage, NewVisitor, Open, Window};
use convor::ports::{Change, Storage};
use convor::time::Timestamp;
use convor_example_custom_storage::RedbStorage;
use uuid::Uuid;

/// Where the child process finds the file; only set for it.
const PATH: &str = "CONVOR_KILLED_STORAGE";
const WRITERS: u128 = 4;
const ACKNOWLEDGED_MIN: usize = 200;

#[test]
fn what_was_acknowledged_survives_a_kill() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("chat.redb");
    let mut child = Command::new(std::env::current_exe().expect("the path of this test"))
        .args(["--exact", "appends_until_it_is_killed", "--nocapture"])
        .env(PATH, &path)
        .stdout(Stdio::piped())
        .spawn()
        .expect("this test starts again as a child");
    let lines = BufReader::new(child.stdout.take().expect("its output")).lines();
    let mut acknowledged = Vec::new();
    // The child goes on while it is killed, and what it still says until then counts.
    for line in lines.map_while(Result::ok) {
        acknowledged.extend(line.strip_prefix("stored ").map(str::to_owned));
        if acknowledged.len() == ACKNOWLEDGED_MIN {
            child.kill().expect("it is still there");
        }
    }
    assert!(!child.wait().expect("it has ended").success());
    assert!(acknowledged.len() >= ACKNOWLEDGED_MIN);

    let stored = block_on(stored(&path));
    for (position, message) in (1..).zip(&stored) {
        assert!(message.starts_with(&format!("{position} ")), "a gap before {message}");
    }
    for message in &acknowledged {
        assert!(stored.contains(message), "{message} is lost");
    }
}

/// Not a test of its own: what the child does.
#[test]
fn appends_until_it_is_killed() {
    if let Some(path) = std::env::var_os(PATH) {
        block_on(write(path.as_ref()));
    }
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Runtime::new().expect("a runtime").block_on(future)
}

async fn write(path: &Path) {
    let storage = Arc::new(RedbStorage::open(path).expect("a new file opens"));
    prepare(&*storage).await;
    let mut writers = tokio::task::JoinSet::new();
    for writer in 0..WRITERS {
        let storage = Arc::clone(&storage);
        writers.spawn(async move {
            for n in 0.. {
                append(&*storage, n * WRITERS + writer).await;
            }
        });
    }
    writers.join_all().await;
}

/// Says what was stored once it is acknowledged: its position and its id.
async fn append(storage: &dyn Storage, n: u128) {
    let id = Uuid::from_u128(n);
    let message = NewMessage {
        id: id.into(),
        client_id: id.into(),
        digest: BodyDigest::from([0; 32]),
        kind: MessageKind::Message,
        text: text("Is this seat taken?"),
    };
    let author = Author::Visitor(visitor());
    let append = Append { conversation: conversation(), author, message, reopen: false };
    let outcome = storage.events().append(tenant(), &append, &change()).await.expect("it is stored");
    let AppendOutcome::Stored { heads, .. } = outcome else { panic!("{outcome:?}") };
    println!("stored {} {id}", heads.staff);
}

/// What the file holds, in the words of [`append`].
async fn stored(path: &Path) -> Vec<String> {
    let storage = RedbStorage::open(path).expect("the file opens after the kill");
    let (log, all) = (storage.events(), usize::MAX);
    let page = log.page(tenant(), conversation(), Audience::Staff, Window::Latest, all).await;
    let page = page.expect("the file can be read").expect("the conversation is there");
    assert_eq!(page.heads.staff, page.events.len() as u64);
    let told = page.events.iter().map(|event| {
        let message = event.kind.message().expect("only messages were stored");
        format!("{} {}", event.position.staff, message.id)
    });
    told.collect()
}

async fn prepare(storage: &dyn Storage) {
    let record =
        TenantRecord { id: tenant(), region: "eu".into(), state: TenantState::Active, created_at: at() };
    assert!(storage.registry().insert(&record).await.expect("the tenant is stored"));
    let site = Site {
        id: Uuid::from_u128(2).into(),
        name: text("Shop"),
        title: text("Talk to us"),
        greeting: text("Hello!"),
        color: Color::parse("#0b6e4f").expect("a colour"),
        origins: Vec::new(),
        created_at: at(),
    };
    assert!(storage.sites().insert(tenant(), &site, &change()).await.expect("the site is stored"));
    let who = Visitor { id: visitor(), site: site.id, name: None, email: None, created_at: at() };
    let new = NewVisitor { visitor: who, token: TokenHash::from([0; 32]) };
    assert!(storage.visitors().register(tenant(), &new, &change()).await.expect("the visitor is stored"));
    let open = Open {
        id: conversation(),
        client_id: Uuid::from_u128(5).into(),
        digest: BodyDigest::from([0; 32]),
        site: site.id,
        visitor: visitor(),
        subject: None,
        first_message: None,
        conversations_max: 1,
    };
    storage.conversations().open(tenant(), &open, &change()).await.expect("the conversation is stored");
}

fn tenant() -> TenantId {
    Uuid::from_u128(1).into()
}

fn visitor() -> VisitorId {
    Uuid::from_u128(3).into()
}

fn conversation() -> ConversationId {
    Uuid::from_u128(4).into()
}

fn at() -> Timestamp {
    Timestamp::from_millis(1)
}

fn change() -> Change {
    Change::new(Author::Visitor(visitor()), at())
}

fn text(text: &str) -> Text {
    Text::prose(text, 100).expect("a text")
}
