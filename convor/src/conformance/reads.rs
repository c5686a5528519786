//! How far members have read: in both numberings, forwards only.

use super::snapshot::Snapshot;
use super::tenant::Tenant;
use super::world::{Answered, World};
use crate::domain::{Audience, Author, Heads};
use crate::ids::ConversationId;
use crate::ports::storage::ReadMove;

const fn heads(staff: u64, visitor: u64) -> Heads {
    Heads { staff, visitor }
}

/// A note, a question, a note, an answer, a note: staff 1 to 5, visitor none, 1, none, 2, none.
async fn mixed_log(tenant: &Tenant) -> ConversationId {
    let to = tenant.open().await.id;
    tenant.note(to, "known").await;
    tenant.ask(to, "hello").await;
    tenant.note(to, "careful").await;
    tenant.answer(to, "hi").await;
    tenant.note(to, "done").await;
    to
}

/// An operator's position is in the staff numbering; the visitor's number is that of the last visible event there.
pub(super) async fn an_operators_position_is_answered_in_both_numberings(world: World) {
    let tenant = world.tenant().await;
    let of = mixed_log(&tenant).await;
    let reader = tenant.operator_author();
    for (seq, up_to) in
        [(1, heads(1, 0)), (2, heads(2, 1)), (3, heads(3, 1)), (4, heads(4, 2)), (5, heads(5, 2))]
    {
        let answered = tenant.advance(of, reader, Audience::Staff, seq).await;
        assert_eq!(answered, Some(up_to), "read up to {seq} in the staff numbering");
    }
}

/// A visitor's position is in the visitor numbering; the staff's number is that of the same event.
pub(super) async fn a_visitors_position_is_answered_in_both_numberings(world: World) {
    let tenant = world.tenant().await;
    let of = mixed_log(&tenant).await;
    let reader = tenant.visitor_author();
    for (seq, up_to) in [(1, heads(2, 1)), (2, heads(4, 2))] {
        let answered = tenant.advance(of, reader, Audience::Visitor, seq).await;
        assert_eq!(answered, Some(up_to), "read up to {seq} in the visitor numbering");
    }
}

/// A move tells from where it came, so that a step over nothing but notes can be kept from the visitor.
pub(super) async fn a_move_tells_where_it_came_from(world: World) {
    let tenant = world.tenant().await;
    let of = mixed_log(&tenant).await;
    let reader = tenant.operator_author();
    let mut from = heads(0, 0);
    for (seq, to) in [(2, heads(2, 1)), (3, heads(3, 1)), (5, heads(5, 2))] {
        let change = tenant.change(reader);
        let moved =
            tenant.reads().advance(tenant.id, of, reader, Audience::Staff, seq, &change).await.answered();
        let visitor = tenant.visitor;
        assert_eq!(moved, Some(ReadMove { visitor, from, to }), "read up to {seq} in the staff numbering");
        from = to;
    }
}

/// A read position never moves back, and a step back or on the spot stores nothing.
pub(super) async fn a_position_never_moves_back(world: World) {
    let tenant = world.tenant().await;
    let of = mixed_log(&tenant).await;
    let reader = tenant.operator_author();
    tenant.advance(of, reader, Audience::Staff, 4).await;
    let before = Snapshot::of(&tenant).await;
    for seq in [4, 3, 1, 0] {
        let change = world.loaded(reader);
        let answered =
            tenant.reads().advance(tenant.id, of, reader, Audience::Staff, seq, &change).await.answered();
        assert_eq!(answered, None, "from 4 to {seq} is not forwards");
    }
    assert_eq!(tenant.view(of, reader).await.read, 4);
    Snapshot::of(&tenant).await.assert_same_as(&before, "a position that does not move stores nothing");
}

/// Beyond the end means the end.
pub(super) async fn beyond_the_end_is_the_end(world: World) {
    let tenant = world.tenant().await;
    let of = mixed_log(&tenant).await;
    let staff = tenant.advance(of, tenant.operator_author(), Audience::Staff, u64::MAX).await;
    assert_eq!(staff, Some(heads(5, 2)), "the last event for staff");
    let visitor = tenant.advance(of, tenant.visitor_author(), Audience::Visitor, u64::MAX).await;
    assert_eq!(visitor, Some(heads(4, 2)), "the last event that the visitor sees");
    assert_eq!(
        tenant.advance(of, tenant.operator_author(), Audience::Staff, 9).await,
        None,
        "it is there already"
    );
    tenant.ask(of, "one more").await;
    let next = tenant.advance(of, tenant.operator_author(), Audience::Staff, 9).await;
    assert_eq!(next, Some(heads(6, 3)), "what came after the end is not read");
}

/// Where there is nothing, nothing is read.
pub(super) async fn nothing_is_read_where_there_is_nothing(world: World) {
    let tenant = world.tenant().await;
    let of = tenant.open().await.id;
    assert_eq!(tenant.advance(of, tenant.operator_author(), Audience::Staff, 1).await, None, "an empty log");
    tenant.note(of, "a note").await;
    let visitor = tenant.advance(of, tenant.visitor_author(), Audience::Visitor, 1).await;
    assert_eq!(visitor, None, "a log that is empty for the visitor");
    assert_eq!(tenant.advance(of, tenant.operator_author(), Audience::Staff, 0).await, None, "position 0");
    let unknown = tenant.advance(world.id(), tenant.operator_author(), Audience::Staff, 1).await;
    assert_eq!(unknown, None, "no such conversation");
}

/// Another visitor of the tenant reads nothing: it is as if there were no such conversation.
pub(super) async fn a_visitor_reads_in_its_own_conversations_only(world: World) {
    let tenant = world.tenant().await;
    let of = mixed_log(&tenant).await;
    let stranger = Author::Visitor(tenant.another_visitor().await);
    let before = Snapshot::of(&tenant).await;
    for audience in [Audience::Visitor, Audience::Staff] {
        let change = world.loaded(stranger);
        let moved = tenant.reads().advance(tenant.id, of, stranger, audience, 1, &change).await.answered();
        assert_eq!(moved, None, "only the conversation's own visitor reads in it");
    }
    Snapshot::of(&tenant).await.assert_same_as(&before, "a reading that is refused stores nothing");
}

/// Each reader has a position of its own, in each conversation, and sees it in its own numbering.
pub(super) async fn each_reader_has_a_position(world: World) {
    let tenant = world.tenant().await;
    let (of, other) = (mixed_log(&tenant).await, mixed_log(&tenant).await);
    let colleague = Author::Operator(tenant.another_operator().await);
    tenant.advance(of, tenant.operator_author(), Audience::Staff, 3).await;
    tenant.advance(of, colleague, Audience::Staff, 5).await;
    tenant.advance(of, tenant.visitor_author(), Audience::Visitor, 1).await;
    assert_eq!(tenant.view(of, tenant.operator_author()).await.read, 3);
    assert_eq!(tenant.view(of, colleague).await.read, 5);
    assert_eq!(tenant.view(of, tenant.visitor_author()).await.read, 1);
    for reader in [tenant.operator_author(), colleague, tenant.visitor_author()] {
        assert_eq!(tenant.view(other, reader).await.read, 0, "a position belongs to its conversation");
    }
}

/// An operator sees how far the visitor has read; a visitor, how far the operator who is furthest.
pub(super) async fn the_other_sides_position_is_seen(world: World) {
    let tenant = world.tenant().await;
    let of = mixed_log(&tenant).await;
    let colleague = Author::Operator(tenant.another_operator().await);
    let other_read = async |reader| tenant.view(of, reader).await.other_read;
    tenant.advance(of, tenant.visitor_author(), Audience::Visitor, 1).await;
    assert_eq!(
        other_read(tenant.operator_author()).await,
        2,
        "the visitor's position, in the staff numbering"
    );
    assert_eq!(other_read(tenant.visitor_author()).await, 0, "no operator has read");
    tenant.advance(of, tenant.operator_author(), Audience::Staff, 5).await;
    tenant.advance(of, colleague, Audience::Staff, 2).await;
    assert_eq!(
        other_read(tenant.visitor_author()).await,
        2,
        "the furthest operator's, in the visitor numbering"
    );
    assert_eq!(other_read(colleague).await, 2, "a colleague is not the other side");
}

/// Concurrent readings of one reader end at the furthest, and each forward step is answered once.
pub(super) async fn concurrent_readings_end_at_the_furthest(world: World) {
    let tenant = world.tenant().await;
    let of = tenant.open().await.id;
    for _ in 0..16 {
        tenant.ask(of, "hello").await;
    }
    let tasks: Vec<_> = (1..=16)
        .map(|seq| {
            let tenant = tenant.clone();
            tokio::spawn(
                async move { tenant.advance(of, tenant.operator_author(), Audience::Staff, seq).await },
            )
        })
        .collect();
    let mut moved = Vec::new();
    for task in tasks {
        moved.extend(task.await.expect("the store does not panic"));
    }
    assert!(moved.contains(&heads(16, 16)), "the furthest step is always forwards");
    moved.sort_by_key(|up_to| up_to.staff);
    moved.dedup();
    assert_eq!(tenant.view(of, tenant.operator_author()).await.read, 16, "the furthest stays");
}
