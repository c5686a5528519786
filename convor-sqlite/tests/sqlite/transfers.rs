//! Logs that a transfer has brought in part or once more.

use convor::domain::{Audience, Event};
use convor::ids::{ConversationId, VisitorId};
use convor::ports::Storage;
use convor::ports::storage::{AppendOutcome, EventPage, Record, RecordKind, Window};
use convor::time::Timestamp;
use convor_sqlite::SqliteStorage;

use crate::folder::Folder;
use crate::support::{Tenant, id, open};

/// A conversation of five messages.
async fn spoken(storage: &SqliteStorage) -> (Tenant, VisitorId, ConversationId) {
    let tenant = Tenant::settle(storage).await;
    let visitor = tenant.visitor(storage, "Ann").await;
    let conversation = tenant.conversation(storage, visitor).await;
    for _ in 0..5 {
        tenant.say(storage, conversation, visitor, id(), "hello").await.expect("stored");
    }
    (tenant, visitor, conversation)
}

/// Copies what a tenant has, and of its events those that are wanted.
async fn copy(from: &SqliteStorage, to: &SqliteStorage, tenant: &Tenant, wanted: impl Fn(&Event) -> bool) {
    let record = from.registry().find(tenant.id).await.expect("it is read").expect("it is there");
    to.registry().insert(&record).await.expect("registered");
    let (source, target) = (from.transfer().expect("it exports"), to.transfer().expect("it imports"));
    for kind in RecordKind::ALL {
        let mut records = source.export(tenant.id, *kind, None, 1_000).await.expect("exported");
        records.retain(|record| !matches!(record, Record::Event { event, .. } if !wanted(event)));
        target.import(tenant.id, &records).await.expect("imported");
    }
}

async fn log(storage: &SqliteStorage, tenant: &Tenant, conversation: ConversationId) -> EventPage {
    let page = storage.events().page(tenant.id, conversation, Audience::Staff, Window::After(0), 100).await;
    page.expect("it is read").expect("it is there")
}

async fn purge(storage: &SqliteStorage, tenant: &Tenant, limit: usize) -> usize {
    storage.events().purge(tenant.id, Timestamp::MAX, limit).await.expect("purged")
}

#[tokio::test]
async fn what_retention_has_removed_does_not_come_back_with_a_second_import() {
    let (here, there) = (Folder::new(), Folder::new());
    let (from, to) = (open(&here.file()).await, open(&there.file()).await);
    let (tenant, _, conversation) = spoken(&from).await;
    copy(&from, &to, &tenant, |_| true).await;
    assert_eq!(purge(&to, &tenant, 3).await, 3);
    copy(&from, &to, &tenant, |_| true).await;
    let page = log(&to, &tenant, conversation).await;
    assert_eq!((page.events.len(), page.floor.staff, page.floor.visitor), (2, 3, 3));
    assert_eq!(purge(&to, &tenant, 100).await, 2, "and the next purge goes on where the first one was");
    assert_eq!(log(&to, &tenant, conversation).await.floor, page.heads);
    from.close().await;
    to.close().await;
}

#[tokio::test]
async fn retention_reaches_what_is_said_in_a_log_that_was_brought_in_part() {
    for brought in [0, 3] {
        let (here, there) = (Folder::new(), Folder::new());
        let (from, to) = (open(&here.file()).await, open(&there.file()).await);
        let (tenant, visitor, conversation) = spoken(&from).await;
        copy(&from, &to, &tenant, |event| event.position.staff <= brought).await;
        assert_eq!(purge(&to, &tenant, 100).await as u64, brought);
        let said = tenant.say(&to, conversation, visitor, id(), "later").await.expect("stored");
        assert!(matches!(said, AppendOutcome::Stored { heads, .. } if heads.staff == 6), "{said:?}");
        assert_eq!(purge(&to, &tenant, 100).await, 1, "after {brought} events");
        let page = log(&to, &tenant, conversation).await;
        assert_eq!((page.events.len(), page.floor), (0, page.heads));
        from.close().await;
        to.close().await;
    }
}
