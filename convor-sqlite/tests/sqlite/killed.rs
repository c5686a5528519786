//! A process that is killed in the middle of its work loses nothing that it has acknowledged.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use crate::folder::Folder;
use crate::support::{Tenant, id, numbered, open, times};
use convor::domain::Audience;
use convor::ids::{ConversationId, VisitorId};
use convor::ports::Storage;
use convor::ports::storage::{AppendOutcome, Window};
use convor_sqlite::SqliteStorage;

/// By this variable the test knows that it is the process to be killed, and gets what to go on with.
const TASK: &str = "CONVOR_SQLITE_TASK";
/// How many write at once, each to a conversation of its own.
const WRITERS: usize = 4;

/// Where somebody writes, and how many of its messages are acknowledged.
#[derive(Debug, Clone, Copy)]
struct Writer {
    tenant: Tenant,
    visitor: VisitorId,
    conversation: ConversationId,
    acknowledged: u64,
}

#[test]
fn what_was_acknowledged_survives_a_kill() {
    match std::env::var(TASK) {
        Ok(task) => write_until_killed(&task),
        Err(_) => kill_again_and_again(),
    }
}

fn kill_again_and_again() {
    let (folder, kills) = (Folder::new(), times(5, 100));
    let mut writers = block_on(settle(&folder.file()));
    let mut found = Found::default();
    for kill in 0..kills {
        // Each process is killed at another point of its work.
        let acknowledgements = 20 + (kill * 37) % 200;
        for writer in acknowledged_until_killed(&folder.file(), &writers, acknowledgements) {
            writers[writer].acknowledged += 1;
        }
        found = block_on(verify(&folder.file(), &writers));
    }
    let acknowledged: u64 = writers.iter().map(|writer| writer.acknowledged).sum();
    assert!(acknowledged >= 20 * kills as u64, "each process has acknowledged some");
    let Found { lost, twice, unacknowledged } = found;
    println!(
        "proof-columns: SQLite, killed | kills | acknowledged | lost | stored twice | stored, not acknowledged"
    );
    println!("proof: SQLite, killed | {kills} | {acknowledged} | {lost} | {twice} | {unacknowledged}");
    assert_eq!((lost, twice), (0, 0), "every acknowledged message is stored exactly once");
    assert!(unacknowledged <= WRITERS, "of each writer at most one message was on its way");
}

/// What is found in a file after its process was killed.
#[derive(Debug, Default)]
struct Found {
    lost: usize,
    twice: usize,
    unacknowledged: usize,
}

async fn settle(path: &Path) -> Vec<Writer> {
    let storage = open(path).await;
    let mut writers = Vec::new();
    for _ in 0..WRITERS {
        let tenant = Tenant::settle(&storage).await;
        let visitor = tenant.visitor(&storage, "Ann").await;
        let conversation = tenant.conversation(&storage, visitor).await;
        writers.push(Writer { tenant, visitor, conversation, acknowledged: 0 });
    }
    storage.close().await;
    writers
}

/// Lets a process write, and kills it after so many acknowledgements; answers whose they were, with those that came while it died.
fn acknowledged_until_killed(path: &Path, writers: &[Writer], acknowledgements: usize) -> Vec<usize> {
    let task: Vec<String> = writers
        .iter()
        .map(|writer| {
            let Writer { tenant, visitor, conversation, acknowledged } = writer;
            format!("{} {} {visitor} {conversation} {acknowledged}", tenant.id, tenant.site)
        })
        .collect();
    let mut child = start(&format!("{}\n{}", path.display(), task.join("\n")));
    let lines = BufReader::new(child.stdout.take().expect("it is piped")).lines();
    let mut acknowledged = Vec::new();
    for line in lines {
        let Ok(line) = line else { break };
        // The test harness writes there, too, and the last line may be cut off.
        let Some(writer) = line.strip_prefix("acknowledged ").and_then(|rest| rest.strip_suffix('.')) else {
            continue;
        };
        acknowledged.push(writer.parse().expect("a number"));
        if acknowledged.len() == acknowledgements {
            child.kill().expect("it runs");
        }
    }
    let status = child.wait().expect("it has ended");
    assert!(!status.success(), "it was killed, and did not end by itself");
    assert!(acknowledged.len() >= acknowledgements, "it was killed in the middle of its work");
    acknowledged
}

fn start(task: &str) -> Child {
    let myself = std::env::current_exe().expect("a test has a file");
    Command::new(myself)
        .args(["--exact", "killed::what_was_acknowledged_survives_a_kill", "--nocapture"])
        .env(TASK, task)
        .stdout(Stdio::piped())
        .spawn()
        .expect("a process can be started")
}

/// Looks whether everything is there, each message once and in its place.
async fn verify(path: &Path, writers: &[Writer]) -> Found {
    let storage = open(path).await;
    let mut found = Found::default();
    for writer in writers {
        let page = storage
            .events()
            .page(writer.tenant.id, writer.conversation, Audience::Staff, Window::After(0), usize::MAX)
            .await
            .expect("a sound file can be read")
            .expect("the conversation is there");
        let positions: Vec<u64> = page.events.iter().map(|event| event.position.staff).collect();
        let gapless: Vec<u64> = (1..=page.heads.staff).collect();
        assert_eq!(positions, gapless, "the positions have no gap");
        let mut stored = BTreeMap::new();
        for event in &page.events {
            let message = event.kind.message().expect("only messages are written");
            *stored.entry(message.client_id).or_insert(0) += 1;
        }
        found.twice += stored.values().filter(|times| **times > 1).count();
        let acknowledged = 0..writer.acknowledged;
        found.lost += acknowledged.filter(|number| stored.remove(&numbered(*number)).is_none()).count();
        found.unacknowledged += stored.len();
    }
    storage.close().await;
    found
}

/// The process that is killed: each of its writers goes on where it was, with a message that may be stored already.
fn write_until_killed(task: &str) {
    let mut lines = task.lines();
    let path = Path::new(lines.next().expect("a path")).to_owned();
    let writers: Vec<Writer> = lines.map(parse).collect();
    block_on(async move {
        let storage = Arc::new(open(&path).await);
        let tasks: Vec<_> = writers
            .into_iter()
            .enumerate()
            .map(|(index, writer)| tokio::spawn(write(Arc::clone(&storage), index, writer)))
            .collect();
        for task in tasks {
            task.await.expect("a writer goes on until it is killed");
        }
    });
}

fn parse(line: &str) -> Writer {
    let mut words = line.split(' ');
    let mut word = || words.next().expect("five words");
    let (tenant, site) = (word().parse().expect("an id"), word().parse().expect("an id"));
    Writer {
        tenant: Tenant { id: tenant, site },
        visitor: word().parse().expect("an id"),
        conversation: word().parse().expect("an id"),
        acknowledged: word().parse().expect("a number"),
    }
}

async fn write(storage: Arc<SqliteStorage>, index: usize, writer: Writer) {
    for number in writer.acknowledged.. {
        let says = format!("message {number}");
        let Writer { tenant, visitor, conversation, .. } = writer;
        let outcome = tenant.say(&storage, conversation, visitor, numbered(number), &says).await;
        match outcome.expect("the file can be written") {
            AppendOutcome::Stored { .. } | AppendOutcome::Duplicate(_) => {}
            other => panic!("it is stored, or it was before: {other:?}"),
        }
        let mut out = std::io::stdout().lock();
        writeln!(out, "acknowledged {index}.").and_then(|()| out.flush()).expect("somebody reads");
    }
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_time().build();
    runtime.expect("a runtime can be made").block_on(future)
}

/// The ids of one process do not meet those of the messages, which are numbered from 0.
#[test]
fn ids_and_numbers_do_not_meet() {
    assert!(numbered::<ConversationId>(1_000_000) < id::<ConversationId>());
}
