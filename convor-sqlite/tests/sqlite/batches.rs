//! Writes that come together share a commit, and nothing else.

use std::sync::Arc;

use convor::domain::ControlEvent;
use convor::domain::{Audience, AuditAction, AuditRecord, Author, OutboxEntry};
use convor::ports::storage::{AppendOutcome, Window};
use convor::ports::{Change, Storage, StorageErrorKind};
use uuid::Uuid;

use crate::folder::Folder;
use crate::support::{Tenant, id, now, open};

#[tokio::test]
async fn a_failure_of_one_is_not_a_failure_of_all() {
    let folder = Folder::new();
    let storage = Arc::new(open(&folder.file()).await);
    let tenant = Tenant::settle(&storage).await;
    let taken = AuditRecord { id: id(), action: AuditAction::SignedIn, target: id::<Uuid>() };
    let mut change = Change::new(Author::System, now());
    change.audit = Some(taken.clone());
    storage.control().append(tenant.id, &change).await.expect("the first is stored");
    // All are asked for before the writer gets its turn, so that they are one batch.
    let calls: Vec<_> = (0..60)
        .map(|number| {
            let (storage, fails) = (Arc::clone(&storage), number % 3 == 0);
            let record = AuditRecord { id: if fails { taken.id } else { id() }, ..taken.clone() };
            let outbox = vec![OutboxEntry::Control(ControlEvent::SessionEnded(id()))];
            let change = Change { audit: Some(record), outbox, ..Change::new(Author::System, now()) };
            tokio::spawn(async move { (fails, storage.control().append(tenant.id, &change).await) })
        })
        .collect();
    for call in calls {
        let (fails, outcome) = call.await.expect("it does not panic");
        match outcome {
            Ok(()) => assert!(!fails, "a taken id is refused"),
            Err(error) => assert!(fails && error.kind() == StorageErrorKind::Other, "{error}"),
        }
    }
    let events = storage.control().after(tenant.id, 0, 100).await.expect("it is read");
    let positions: Vec<u64> = events.iter().map(|(position, _)| *position).collect();
    assert_eq!(positions, (1..=40).collect::<Vec<u64>>(), "those that failed have taken no position");
    storage.close().await;
}

#[tokio::test]
async fn each_of_a_batch_gets_its_own_answer() {
    let folder = Folder::new();
    let storage = Arc::new(open(&folder.file()).await);
    let tenant = Tenant::settle(&storage).await;
    let visitor = tenant.visitor(&storage, "Ann").await;
    let to = tenant.conversation(&storage, visitor).await;
    let calls: Vec<_> = (0..300)
        .map(|_| {
            let storage = Arc::clone(&storage);
            tokio::spawn(async move { tenant.say(&storage, to, visitor, id(), "hello").await })
        })
        .collect();
    let mut positions = Vec::new();
    for call in calls {
        match call.await.expect("it does not panic").expect("it is stored") {
            AppendOutcome::Stored { events, .. } => positions.push(events[0].position.staff),
            other => panic!("each is new: {other:?}"),
        }
    }
    positions.sort_unstable();
    assert_eq!(positions, (1..=300).collect::<Vec<u64>>());
    let page = storage.events().page(tenant.id, to, Audience::Visitor, Window::After(0), 1_000).await;
    assert_eq!(page.expect("it is read").expect("it is there").events.len(), 300);
    storage.close().await;
}

#[tokio::test]
async fn what_waits_when_the_storage_is_closed_is_done() {
    let folder = Folder::new();
    let storage = Arc::new(open(&folder.file()).await);
    let tenant = Tenant::settle(&storage).await;
    let visitor = tenant.visitor(&storage, "Ann").await;
    let to = tenant.conversation(&storage, visitor).await;
    let calls: Vec<_> = (0..100)
        .map(|_| {
            let storage = Arc::clone(&storage);
            tokio::spawn(async move { tenant.say(&storage, to, visitor, id(), "hello").await })
        })
        .collect();
    tokio::task::yield_now().await;
    storage.close().await;
    let mut stored = 0;
    for call in calls {
        match call.await.expect("it does not panic") {
            Ok(_) => stored += 1,
            Err(error) => assert_eq!(error.kind(), StorageErrorKind::Unavailable),
        }
    }
    let storage = open(&folder.file()).await;
    let found = storage.conversations().find(tenant.id, to).await.expect("it is read").expect("it is there");
    assert_eq!(found.heads.staff, stored, "what was answered is stored, and what was not is not");
    storage.close().await;
}
