//! The registry lists every tenant and knows where each control log stands.

use super::world::{Answered, World};
use crate::domain::{Author, TenantRecord};
use crate::ids::TenantId;

/// So many tenants, in the order of their ids.
async fn tenants(world: &World, count: usize) -> Vec<TenantRecord> {
    let mut records = Vec::new();
    for n in 0..count {
        let record = TenantRecord { region: format!("region {n}"), ..world.record(world.id()) };
        records.push(record);
    }
    for record in records.iter().rev() {
        assert!(world.registry().insert(record).await.answered(), "a new tenant is added");
    }
    records
}

/// Commits so many control events, one a change.
async fn control(world: &World, tenant: TenantId, count: usize) {
    for _ in 0..count {
        world.control().append(tenant, &world.loaded(Author::System)).await.answered();
    }
}

/// Tenants come as they were added, in the order of their ids, strictly above the cursor, at most as many as asked for.
pub(super) async fn tenants_are_paged_by_id(world: World) {
    let list = async |after, limit| world.registry().list(after, limit).await.answered();
    assert_eq!(list(None, 9).await, [], "there is none yet");
    let all = tenants(&world, 5).await;
    assert_eq!(list(None, usize::MAX).await, all, "all, in the order of their ids");
    assert_eq!(list(None, 0).await, [], "none at all");
    assert_eq!(list(None, 2).await, all[..2], "at most as many as asked for");
    assert_eq!(list(Some(all[1].id), 2).await, all[2..4], "strictly above the cursor");
    assert_eq!(list(Some(all[4].id), 2).await, [], "nothing above the last");
    let between: TenantId = uuid::Uuid::from_u128(all[1].id.uuid().as_u128() + 1).into();
    assert_eq!(list(Some(between), 1).await, all[2..3], "the cursor need not be a tenant");
}

/// Pages put together are all tenants, each once, whatever is due or stored for them.
pub(super) async fn joined_pages_are_all_tenants(world: World) {
    let mut ids: Vec<_> = tenants(&world, 3).await.iter().map(|record| record.id).collect();
    for _ in 0..4 {
        let tenant = world.tenant().await;
        tenant.try_open_with(&tenant.opening(), &world.loaded(tenant.visitor_author())).await;
        ids.push(tenant.id);
    }
    for limit in [1, 2, 3, 7, 8] {
        let mut walked: Vec<TenantId> = Vec::new();
        loop {
            let page = world.registry().list(walked.last().copied(), limit).await.answered();
            if page.is_empty() {
                break;
            }
            walked.extend(page.iter().map(|record| record.id));
            assert!(walked.len() <= ids.len(), "each page begins above the cursor");
        }
        assert_eq!(walked, ids, "by {limit}: each once");
    }
}

/// Of concurrent insertions of one id, one adds it.
pub(super) async fn of_concurrent_insertions_one_adds_the_tenant(world: World) {
    let record = world.record(world.id());
    let tasks: Vec<_> = (0..16)
        .map(|n| {
            let (world, record) =
                (world.clone(), TenantRecord { region: format!("region {n}"), ..record.clone() });
            tokio::spawn(async move { world.registry().insert(&record).await.answered().then_some(record) })
        })
        .collect();
    let mut added = Vec::new();
    for task in tasks {
        added.extend(task.await.expect("the store does not panic"));
    }
    assert_eq!(added.len(), 1, "one insertion adds it, the others find the id taken");
    assert_eq!(world.registry().list(None, 9).await.answered(), added, "and it is as that one said");
}

/// The heads of several control logs come in the order in which they are asked for, and are what each log says itself.
pub(super) async fn control_heads_come_in_the_order_of_the_question(world: World) {
    let mut tenants = Vec::new();
    for events in [3, 0, 1, 7] {
        let tenant = world.empty_tenant().await;
        control(&world, tenant, events).await;
        tenants.push(tenant);
    }
    let heads = async |asked: &[TenantId]| world.registry().control_heads(asked).await.answered();
    assert_eq!(heads(&tenants).await, [3, 0, 1, 7], "0 before the first event");
    let [a, b, c, d] = tenants[..] else { panic!("there are four") };
    assert_eq!(heads(&[d, b, a, c]).await, [7, 0, 3, 1], "in the order of the question");
    assert_eq!(heads(&[c]).await, [1]);
    for tenant in [a, b, c, d] {
        let head = world.control().head(tenant).await.answered();
        assert_eq!(heads(&[tenant]).await, [head], "what the log itself says");
    }
    control(&world, a, 2).await;
    assert_eq!(heads(&tenants).await, [5, 0, 1, 7], "it is read anew with each question");
}

/// Whoever is no tenant stands at 0, whoever is asked for twice is answered twice, and nobody gets no answer.
pub(super) async fn control_heads_answer_whatever_is_asked(world: World) {
    let tenant = world.empty_tenant().await;
    control(&world, tenant, 2).await;
    let heads = async |asked: &[TenantId]| world.registry().control_heads(asked).await.answered();
    assert_eq!(heads(&[]).await, [0; 0], "no question, no answer");
    assert_eq!(heads(&[world.id()]).await, [0], "there is no such tenant");
    let asked = [tenant, world.id(), tenant, tenant, world.id()];
    assert_eq!(heads(&asked).await, [2, 0, 2, 2, 0], "an answer for each");
    let many: Vec<TenantId> = (0..500).map(|n| if n % 7 == 0 { tenant } else { world.id() }).collect();
    let expected: Vec<u64> = (0..500).map(|n| if n % 7 == 0 { 2 } else { 0 }).collect();
    assert_eq!(heads(&many).await, expected, "many at once");
}

/// A tenant of the registry has its control log in every change that reaches it, not only in those that come alone.
pub(super) async fn control_heads_follow_every_change(world: World) {
    let tenant = world.tenant().await;
    let head = async || world.registry().control_heads(&[tenant.id]).await.answered();
    assert_eq!(head().await, [0]);
    let opening = tenant.opening();
    tenant.try_open_with(&opening, &world.loaded(tenant.visitor_author())).await;
    assert_eq!(head().await, [1], "an opening carries one");
    tenant.try_open_with(&opening, &world.loaded(tenant.visitor_author())).await;
    assert_eq!(head().await, [1], "a repeat stores none");
    let change = world.loaded(tenant.operator_author());
    assert!(world.visitors().erase(tenant.id, tenant.visitor, &change).await.answered());
    assert_eq!(head().await, [2], "an erasure carries one and takes none away");
}
