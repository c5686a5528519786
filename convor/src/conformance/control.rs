//! The control log of a tenant has no gaps, and is read from any position.

use super::change::assert_committed;
use super::snapshot::{Owed, Snapshot};
use super::world::{Answered, World};
use crate::domain::{Author, MessageKind};

/// A change can be stored for its own sake, with everything that it carries, and nothing else.
pub(super) async fn control_events_are_appended_alone(world: World) {
    let tenant = world.tenant().await;
    for actor in [tenant.operator_author(), Author::System] {
        let (before, change) = (Owed::of(&tenant).await, world.loaded(actor));
        tenant.control().append(tenant.id, &change).await.answered();
        assert_committed(&tenant, &before, &change).await;
    }
    let before = Snapshot::of(&tenant).await;
    tenant.control().append(tenant.id, &world.change(Author::System)).await.answered();
    Snapshot::of(&tenant).await.assert_same_as(&before, "a change that carries nothing stores nothing");
}

/// The control log is gapless from 1, also when many changes commit at once.
pub(super) async fn control_positions_have_no_gap(world: World) {
    let tenant = world.tenant().await;
    assert_eq!(tenant.control().head(tenant.id).await.answered(), 0, "0 before the first");
    let to = tenant.open().await.id;
    let tasks: Vec<_> = (0..8)
        .map(|_| {
            let tenant = tenant.clone();
            tokio::spawn(async move {
                for _ in 0..5 {
                    let append = tenant.appending(to, tenant.visitor_author(), MessageKind::Message, "hello");
                    let change = tenant.loaded(append.author);
                    tenant.try_append_with(&append, &change).await;
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.expect("the store does not panic");
    }
    let log = tenant.control().after(tenant.id, 0, 99).await.answered();
    let positions: Vec<u64> = log.iter().map(|(position, _)| *position).collect();
    assert_eq!(positions, (1..=40).collect::<Vec<_>>(), "from 1, without gaps and repeats");
    assert_eq!(tenant.control().head(tenant.id).await.answered(), 40, "the head is the last position");
}

/// The control log is read strictly above a position, at most as much as asked for.
pub(super) async fn the_control_log_is_read_above_a_position(world: World) {
    let tenant = world.tenant().await;
    for _ in 0..4 {
        tenant.try_open_with(&tenant.opening(), &world.loaded(tenant.visitor_author())).await;
    }
    let after = async |after, limit| {
        let log = tenant.control().after(tenant.id, after, limit).await.answered();
        log.into_iter().map(|(position, _)| position).collect::<Vec<_>>()
    };
    assert_eq!(after(0, 9).await, [1, 2, 3, 4]);
    assert_eq!(after(0, 2).await, [1, 2]);
    assert_eq!(after(2, 9).await, [3, 4]);
    for end in [4, 5, u64::MAX] {
        assert!(after(end, 9).await.is_empty(), "nothing stands above {end}");
    }
}
