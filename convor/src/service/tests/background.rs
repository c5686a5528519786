//! What happens without being asked for.

use std::sync::Arc;

use mockall::Sequence;
use mockall::predicate::{always, eq};
use uuid::Uuid;

use crate::domain::Notification;
use crate::ids::{OutboxId, TenantId};
use crate::ports::storage::ClaimedNotification;
use crate::ports::{Clock, MockNotifier, NotifyError, StorageError, StorageErrorKind};
use crate::testing::FixedClock;

use super::{Parts, chat};

pub(super) fn tenant(number: u128) -> TenantId {
    Uuid::from_u128(number).into()
}

fn claimed(number: u128) -> ClaimedNotification {
    let notification = Notification::MessageWaiting { conversation: Uuid::from_u128(9).into() };
    ClaimedNotification { id: Uuid::from_u128(number).into(), notification, attempt: 1 }
}

#[tokio::test(start_paused = true)]
async fn work_for_idle_tenants_is_not_done() {
    let busy = tenant(2);
    let mut parts = Parts::default();
    parts.registry.expect_due().returning(move |_, _, _| Ok(vec![busy]));
    // A call for any other tenant would be one that nobody has expected.
    parts
        .conversations
        .expect_due_snoozes()
        .with(eq(busy), always(), always())
        .once()
        .returning(|_, _, _| Ok(vec![]));
    parts
        .outbox
        .expect_claim()
        .with(eq(busy), always(), always(), always())
        .once()
        .returning(|_, _, _, _| Ok(vec![]));
    let chat = chat(parts, &Arc::default()).notifier(Arc::new(MockNotifier::new())).start();
    chat.work().await.expect("work");
}

#[tokio::test(start_paused = true)]
async fn due_tenants_are_asked_for_page_by_page() {
    let (first, last) = ((1..=100).map(tenant).collect::<Vec<_>>(), tenant(101));
    let mut parts = Parts::default();
    parts
        .registry
        .expect_due()
        .with(always(), eq(None), always())
        .once()
        .return_once(move |_, _, _| Ok(first));
    let after = Some(tenant(100));
    parts
        .registry
        .expect_due()
        .with(always(), eq(after), always())
        .once()
        .returning(move |_, _, _| Ok(vec![last]));
    parts.conversations.expect_due_snoozes().times(101).returning(|_, _, _| Ok(vec![]));
    chat(parts, &Arc::default()).start().work().await.expect("work");
}

#[tokio::test(start_paused = true)]
async fn a_notification_is_held_for_its_lease_and_settled_once_delivered() {
    let (clock, limits) = (Arc::new(FixedClock::default()), crate::Limits::default());
    let mut parts = Parts::default();
    parts.registry.expect_due().returning(|_, _, _| Ok(vec![tenant(1)]));
    parts.conversations.expect_due_snoozes().returning(|_, _, _| Ok(vec![]));
    let (now, lease) = (clock.now(), limits.notification_lease);
    for (from, found) in [(now, vec![claimed(1), claimed(2)]), (now.plus(lease), vec![claimed(1)])] {
        let claim = parts.outbox.expect_claim();
        let claim =
            claim.with(eq(tenant(1)), eq(from), eq(from.plus(lease)), eq(limits.notifications_claimed_max));
        claim.once().return_once(move |_, _, _, _| Ok(found));
    }
    for delivered in [1, 2] {
        let id = OutboxId::from(Uuid::from_u128(delivered));
        parts.outbox.expect_settle().with(eq(tenant(1)), eq(id)).once().returning(|_, _| Ok(true));
    }
    let (mut notifier, mut calls) = (MockNotifier::new(), Sequence::new());
    notifier.expect_notify().once().in_sequence(&mut calls).returning(|_, _, _| Err(NotifyError));
    notifier.expect_notify().times(2).in_sequence(&mut calls).returning(|_, _, _| Ok(()));
    let chat = chat(parts, &clock).notifier(Arc::new(notifier)).start();
    chat.work().await.expect("work");
    clock.advance(lease);
    chat.work().await.expect("work");
}

#[tokio::test(start_paused = true)]
async fn without_a_notifier_nothing_is_claimed() {
    let mut parts = Parts::default();
    parts.registry.expect_due().returning(|_, _, _| Ok(vec![tenant(1)]));
    parts.conversations.expect_due_snoozes().once().returning(|_, _, _| Ok(vec![]));
    parts.outbox.expect_claim().never();
    chat(parts, &Arc::default()).start().work().await.expect("work");
}

#[tokio::test(start_paused = true)]
async fn one_tenant_whose_work_fails_does_not_keep_the_others_waiting() {
    let mut parts = Parts::default();
    parts.registry.expect_due().returning(|_, _, _| Ok(vec![tenant(1), tenant(2)]));
    let broken = || StorageError::new(StorageErrorKind::Corrupt);
    let (first, second) = (eq(tenant(1)), eq(tenant(2)));
    let snoozes = parts.conversations.expect_due_snoozes().with(first, always(), always());
    snoozes.once().returning(move |_, _, _| Err(broken()));
    let snoozes = parts.conversations.expect_due_snoozes().with(second, always(), always());
    snoozes.once().returning(|_, _, _| Ok(vec![]));
    let claim = parts.outbox.expect_claim().with(first, always(), always(), always());
    claim.once().returning(move |_, _, _, _| Err(broken()));
    let claim = parts.outbox.expect_claim().with(second, always(), always(), always());
    claim.once().returning(|_, _, _, _| Ok(vec![claimed(1)]));
    parts.outbox.expect_settle().with(second, always()).once().returning(|_, _| Ok(true));
    let mut notifier = MockNotifier::new();
    notifier.expect_notify().once().returning(|_, _, _| Ok(()));
    chat(parts, &Arc::default()).notifier(Arc::new(notifier)).start().work().await.expect("work");
}

#[tokio::test(start_paused = true)]
async fn a_registry_that_does_not_answer_is_said_so() {
    let mut parts = Parts::default();
    let unavailable = || StorageError::new(StorageErrorKind::Unavailable);
    parts.registry.expect_due().returning(move |_, _, _| Err(unavailable()));
    let chat = chat(parts, &Arc::default()).start();
    assert_eq!(chat.work().await.expect_err("a failure").code(), "unavailable");
}
