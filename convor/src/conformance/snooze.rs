//! Snoozed conversations wake when their time has come.

use std::time::Duration;

use super::tenant::{Tenant, assign, status};
use super::world::{Answered, World};
use crate::domain::{MessageKind, Status};
use crate::ids::ConversationId;
use crate::ports::storage::{Append, DueSnooze, StatusChange, UpdateOutcome};
use crate::time::Timestamp;

async fn due(tenant: &Tenant, now: Timestamp, limit: usize) -> Vec<DueSnooze> {
    tenant.conversations().due_snoozes(tenant.id, now, limit).await.answered()
}

async fn due_ids(tenant: &Tenant, now: Timestamp) -> Vec<ConversationId> {
    due(tenant, now, 99).await.iter().map(|due| due.conversation).collect()
}

fn millis(base: Timestamp, by: u64) -> Timestamp {
    base.plus(Duration::from_millis(by))
}

/// A snoozed conversation is due from its very millisecond on, and not before.
pub(super) async fn a_snooze_is_due_from_its_time_on(world: World) {
    let tenant = world.tenant().await;
    let conversation = tenant.open().await.id;
    assert_eq!(due_ids(&tenant, Timestamp::MAX).await, [], "who is awake is never due");
    let now = world.now();
    let until = millis(now, 1_000);
    tenant.snooze(conversation, until).await;
    assert_eq!(due_ids(&tenant, now).await, [], "its time has not come");
    assert_eq!(due_ids(&tenant, millis(now, 999)).await, [], "its time has not come");
    assert_eq!(due_ids(&tenant, until).await, [conversation], "its time has come");
    assert_eq!(due_ids(&tenant, Timestamp::MAX).await, [conversation], "and stays come");
}

/// The longest due come first, at most as many as asked for.
pub(super) async fn the_longest_due_wake_first(world: World) {
    let tenant = world.tenant().await;
    let base = world.now();
    let mut order = Vec::new();
    for delay in [30, 10, 20] {
        let conversation = tenant.open().await.id;
        tenant.snooze(conversation, millis(base, delay)).await;
        order.push((delay, conversation));
    }
    order.sort();
    let ids: Vec<_> = order.into_iter().map(|(_, id)| id).collect();
    assert_eq!(due_ids(&tenant, Timestamp::MAX).await, ids, "the longest due first");
    let two: Vec<_> = due(&tenant, Timestamp::MAX, 2).await.iter().map(|due| due.conversation).collect();
    assert_eq!(two, ids[..2], "at most as many as asked for");
    assert_eq!(due_ids(&tenant, millis(base, 20)).await, ids[..2], "only those whose time has come");
}

/// What is due names the version in which it wakes; woken, it is due no more.
pub(super) async fn a_due_snooze_wakes_in_its_version(world: World) {
    let tenant = world.tenant().await;
    let id = tenant.open().await.id;
    tenant.snooze(id, world.now()).await;
    tenant.update(id, &assign(Some(tenant.operator))).await;
    let present = tenant.find(id).await;
    let found = due(&tenant, world.now(), 9).await;
    assert_eq!(found, [DueSnooze { conversation: id, version: present.version }], "the present version");
    let woken = tenant.try_update(id, found[0].version, &status(StatusChange::Open)).await;
    assert!(matches!(woken, UpdateOutcome::Updated { .. }), "it wakes in that version: {woken:?}");
    let awake = tenant.find(id).await;
    assert_eq!((awake.status, awake.snoozed_until), (Status::Open, None));
    assert_eq!(due_ids(&tenant, Timestamp::MAX).await, [], "who is awake is not due");
}

/// Snoozed for longer, a conversation is due at its new time; closed, not at all.
pub(super) async fn a_changed_snooze_is_due_at_its_new_time(world: World) {
    let tenant = world.tenant().await;
    let id = tenant.open().await.id;
    let first = world.now();
    let second = millis(first, 60_000);
    tenant.snooze(id, first).await;
    tenant.snooze(id, second).await;
    assert_eq!(due_ids(&tenant, millis(first, 1)).await, [], "the old time counts no more");
    assert_eq!(due_ids(&tenant, second).await, [id], "the new one does");
    tenant.close(id).await;
    assert_eq!(due_ids(&tenant, Timestamp::MAX).await, [], "a closed conversation does not wake");
}

/// A message that opens a sleeping conversation takes it off the list.
pub(super) async fn a_message_ends_the_snooze(world: World) {
    let tenant = world.tenant().await;
    let id = tenant.open().await.id;
    tenant.snooze(id, world.now()).await;
    let append = tenant.appending(id, tenant.visitor_author(), MessageKind::Message, "hello?");
    tenant.append(&Append { reopen: true, ..append }).await;
    assert_eq!(due_ids(&tenant, Timestamp::MAX).await, [], "it is awake already");
}

/// A tenant has work once a snooze has ended, until it is woken.
pub(super) async fn a_tenant_with_an_ended_snooze_is_due(world: World) {
    let (tenant, idle) = (world.tenant().await, world.tenant().await);
    idle.open().await;
    let id = tenant.open().await.id;
    let until = millis(world.now(), 60_000);
    tenant.snooze(id, until).await;
    let due = async |now| world.registry().due(now, None, 9).await.answered();
    assert_eq!(due(world.now()).await, [], "it still sleeps");
    assert_eq!(due(until).await, [tenant.id], "its time has come");
    tenant.update(id, &status(StatusChange::Open)).await;
    assert_eq!(due(Timestamp::MAX).await, [], "it is awake");
}
