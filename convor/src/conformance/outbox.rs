//! Notifications are taken by one at a time until they are settled, and the registry knows who has some.

use std::time::Duration;

use super::tenant::Tenant;
use super::world::{Answered, World};
use crate::domain::OutboxEntry;
use crate::ids::{OutboxId, TenantId};
use crate::ports::storage::ClaimedNotification;
use crate::time::Timestamp;

/// So many notifications, one a change, the oldest first.
async fn owing(tenant: &Tenant, count: usize) -> Vec<OutboxId> {
    let mut ids = Vec::new();
    for _ in 0..count {
        let mut change = tenant.change(tenant.visitor_author());
        change.outbox.push(tenant.notification());
        tenant.try_open_with(&tenant.opening(), &change).await;
        ids.extend(change.outbox.iter().filter_map(|entry| match entry {
            OutboxEntry::Notify { id, .. } => Some(*id),
            OutboxEntry::Control(_) => None,
        }));
    }
    ids
}

async fn claim(tenant: &Tenant, now: Timestamp, until: Timestamp, limit: usize) -> Vec<ClaimedNotification> {
    tenant.outbox().claim(tenant.id, now, until, limit).await.answered()
}

fn ids(claimed: &[ClaimedNotification]) -> Vec<OutboxId> {
    claimed.iter().map(|claimed| claimed.id).collect()
}

fn minute_after(now: Timestamp) -> Timestamp {
    now.plus(Duration::from_secs(60))
}

/// Notifications are taken the oldest first, at most as many as asked for.
pub(super) async fn the_oldest_are_claimed_first(world: World) {
    let tenant = world.tenant().await;
    let owed = owing(&tenant, 5).await;
    let now = world.now();
    let first = claim(&tenant, now, minute_after(now), 2).await;
    assert_eq!(ids(&first), owed[..2], "the two oldest");
    let rest = claim(&tenant, now, minute_after(now), 9).await;
    assert_eq!(ids(&rest), owed[2..], "those that nobody holds");
    assert_eq!(claim(&tenant, now, minute_after(now), 9).await, [], "all are held");
}

/// A notification that is held is given to nobody else before its time is over, and then it is a further try.
pub(super) async fn a_claimed_notification_is_held_until_its_time(world: World) {
    let tenant = world.tenant().await;
    let owed = owing(&tenant, 1).await;
    let now = world.now();
    let until = minute_after(now);
    assert_eq!(claim(&tenant, now, until, 9).await[0].attempt, 1, "the first try is number 1");
    let just_before = Timestamp::from_millis(until.millis() - 1);
    for early in [now, just_before] {
        assert_eq!(claim(&tenant, early, minute_after(until), 9).await, [], "it is held until {until}");
    }
    let again = claim(&tenant, until, minute_after(until), 9).await;
    assert_eq!(
        (again[0].id, again[0].attempt),
        (owed[0], 2),
        "at the end of its time it comes again, as try 2"
    );
    assert_eq!(claim(&tenant, until, minute_after(until), 9).await, [], "and is held again");
}

/// A settled notification does not come again; settling tells whether there was one.
pub(super) async fn a_settled_notification_is_gone(world: World) {
    let tenant = world.tenant().await;
    let owed = owing(&tenant, 2).await;
    let now = world.now();
    claim(&tenant, now, minute_after(now), 9).await;
    assert!(tenant.outbox().settle(tenant.id, owed[0]).await.answered(), "it was there");
    assert!(!tenant.outbox().settle(tenant.id, owed[0]).await.answered(), "it is there no more");
    assert!(!tenant.outbox().settle(tenant.id, world.id()).await.answered(), "it never was there");
    let later = minute_after(now);
    assert_eq!(
        ids(&claim(&tenant, later, Timestamp::MAX, 9).await),
        owed[1..],
        "only what is not settled comes again"
    );
}

/// Of concurrent claims each notification is given to one.
pub(super) async fn concurrent_claims_share_nothing(world: World) {
    let tenant = world.tenant().await;
    let owed = owing(&tenant, 40).await;
    let now = world.now();
    let tasks: Vec<_> = (0..8)
        .map(|_| {
            let tenant = tenant.clone();
            tokio::spawn(async move {
                let mut mine = Vec::new();
                loop {
                    let claimed = claim(&tenant, now, minute_after(now), 3).await;
                    if claimed.is_empty() {
                        return mine;
                    }
                    mine.extend(ids(&claimed));
                    tokio::task::yield_now().await;
                }
            })
        })
        .collect();
    let mut claimed = Vec::new();
    for task in tasks {
        claimed.extend(task.await.expect("the store does not panic"));
    }
    claimed.sort();
    let given = claimed.len();
    claimed.dedup();
    assert_eq!(claimed.len(), given, "no notification is given to two");
    // A claim may come back empty while another one holds the rows, so that a few may be left over for the next round.
    claimed.extend(ids(&claim(&tenant, now, minute_after(now), 99).await));
    claimed.sort();
    assert_eq!(claimed, owed, "each is given to one");
}

async fn due(world: &World, now: Timestamp) -> Vec<TenantId> {
    world.registry().due(now, None, 99).await.answered()
}

/// A tenant has work while there is a notification that nobody holds, and costs nothing otherwise.
pub(super) async fn a_tenant_with_a_free_notification_is_due(world: World) {
    let (tenant, idle) = (world.tenant().await, world.tenant().await);
    idle.open().await;
    assert_eq!(due(&world, Timestamp::MAX).await, [], "who owes nothing is never due");
    let owed = owing(&tenant, 1).await;
    let now = world.now();
    assert_eq!(due(&world, now).await, [tenant.id], "a notification waits");
    let until = minute_after(now);
    claim(&tenant, now, until, 9).await;
    assert_eq!(due(&world, now).await, [], "it is held");
    assert_eq!(due(&world, until).await, [tenant.id], "its holder has not settled it in time");
    tenant.outbox().settle(tenant.id, owed[0]).await.answered();
    assert_eq!(due(&world, Timestamp::MAX).await, [], "it is settled");
}

/// Tenants with work come in the order of their ids, strictly above the cursor, at most as many as asked for.
pub(super) async fn due_tenants_are_paged_by_id(world: World) {
    let mut tenants = Vec::new();
    for _ in 0..5 {
        let tenant = world.tenant().await;
        owing(&tenant, 1).await;
        tenants.push(tenant.id);
        world.tenant().await;
    }
    let now = world.now();
    let page = async |after, limit| world.registry().due(now, after, limit).await.answered();
    assert_eq!(page(None, 99).await, tenants, "those with work, in the order of their ids");
    assert_eq!(page(None, 2).await, tenants[..2], "at most as many as asked for");
    assert_eq!(page(Some(tenants[1]), 2).await, tenants[2..4], "strictly above the cursor");
    assert_eq!(page(Some(tenants[4]), 2).await, [], "nothing above the last");
    assert_eq!(page(None, 0).await, [], "none at all");
}

/// The registry holds each tenant once, as it was added, and refuses an id that is taken.
pub(super) async fn a_tenant_is_registered_once(world: World) {
    let id = world.id();
    assert_eq!(world.registry().find(id).await.answered(), None, "nobody has this id yet");
    let mut record = world.record(id);
    record.region = "local".to_owned();
    assert!(world.registry().insert(&record).await.answered());
    let mut other = world.record(id);
    other.region = "us".to_owned();
    assert!(!world.registry().insert(&other).await.answered(), "the id is taken");
    assert_eq!(world.registry().find(id).await.answered(), Some(record), "the first one stays as it was");
}
