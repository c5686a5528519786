//! A message that comes twice is stored once.

use super::snapshot::Snapshot;
use super::tenant::Tenant;
use super::world::{World, digest, text};
use crate::domain::{Audience, Author, Event, MessageKind};
use crate::ids::ConversationId;
use crate::ports::storage::{Append, AppendOutcome, NewMessage};

/// The event of a message that was not there before.
fn stored(outcome: AppendOutcome) -> Event {
    match outcome {
        AppendOutcome::Stored { mut events, .. } => events.remove(0),
        other => panic!("a new message is stored, and not {other:?}"),
    }
}

/// The event with which a repeat was answered.
pub(super) fn duplicate(outcome: AppendOutcome) -> Event {
    match outcome {
        AppendOutcome::Duplicate(event) => event,
        other => panic!("a repeat is answered with the first event, and not {other:?}"),
    }
}

/// A question of the visitor, not yet appended.
fn question(tenant: &Tenant, to: ConversationId) -> Append {
    tenant.appending(to, tenant.visitor_author(), MessageKind::Message, "hello")
}

/// The same request once more: all is the same but the id that the core has made for the message.
pub(super) fn again(world: &World, append: &Append) -> Append {
    Append { message: NewMessage { id: world.id(), ..append.message.clone() }, ..append.clone() }
}

/// A repeat of `(conversation, author, client_id)` is answered with the first event and stored no second time.
pub(super) async fn append_is_idempotent_on_client_id(world: World) {
    let tenant = world.tenant().await;
    let to = tenant.open().await.id;
    let append = question(&tenant, to);
    let first = stored(tenant.try_append(&append).await);
    let repeat = duplicate(tenant.try_append(&again(&world, &append)).await);
    assert_eq!(repeat, first, "a repeat is answered with the event of the first");
    assert_eq!(tenant.log(to, Audience::Staff).await, [first], "a repeat is stored no second time");
}

/// A repeated append leaves no trace: no audit record, no notification, no control event, no later `updated_at`.
pub(super) async fn a_repeated_append_stores_nothing(world: World) {
    let tenant = world.tenant().await;
    let to = tenant.open().await.id;
    let append = question(&tenant, to);
    stored(tenant.try_append_with(&append, &world.loaded(append.author)).await);
    let before = Snapshot::of(&tenant).await;
    duplicate(tenant.try_append_with(&again(&world, &append), &world.loaded(append.author)).await);
    Snapshot::of(&tenant).await.assert_same_as(&before, "a repeated append stores nothing");
}

/// The same `client_id` with another body is refused, and changes nothing.
pub(super) async fn another_body_under_a_used_client_id_is_refused(world: World) {
    let tenant = world.tenant().await;
    let to = tenant.open().await.id;
    let append = question(&tenant, to);
    stored(tenant.try_append(&append).await);
    let before = Snapshot::of(&tenant).await;
    let mut other = again(&world, &append);
    other.message.digest = digest("another body");
    let outcome = tenant.try_append_with(&other, &world.loaded(append.author)).await;
    assert!(matches!(outcome, AppendOutcome::ClientIdReused), "the digests differ: {outcome:?}");
    Snapshot::of(&tenant).await.assert_same_as(&before, "a refused append stores nothing");
}

/// What decides is the digest, not the text: the text may be gone by the time a repeat comes.
pub(super) async fn a_repeat_is_told_by_its_digest(world: World) {
    let tenant = world.tenant().await;
    let to = tenant.open().await.id;
    let append = question(&tenant, to);
    let first = stored(tenant.try_append(&append).await);
    let mut repeat = again(&world, &append);
    repeat.message.text = text("other words under the same digest");
    assert_eq!(
        duplicate(tenant.try_append(&repeat).await),
        first,
        "the digest is the same, so it is a repeat"
    );
}

/// Two authors of a conversation may use the same `client_id`: they are two messages.
pub(super) async fn a_client_id_belongs_to_its_author(world: World) {
    let tenant = world.tenant().await;
    let to = tenant.open().await.id;
    let append = question(&tenant, to);
    stored(tenant.try_append(&append).await);
    let colleague = Author::Operator(tenant.another_operator().await);
    for author in [tenant.operator_author(), colleague] {
        stored(tenant.try_append(&Append { author, ..again(&world, &append) }).await);
    }
    let log = tenant.log(to, Audience::Staff).await;
    assert_eq!(log.len(), 3, "the same client_id of three authors is three messages");
}

/// A `client_id` may be used again in another conversation: it is another message.
pub(super) async fn a_client_id_belongs_to_its_conversation(world: World) {
    let tenant = world.tenant().await;
    let (one, two) = (tenant.open().await.id, tenant.open().await.id);
    let append = question(&tenant, one);
    let first = stored(tenant.try_append(&append).await);
    let second = stored(tenant.try_append(&Append { conversation: two, ..again(&world, &append) }).await);
    assert_eq!((first.conversation, second.conversation), (one, two), "each is stored where it was sent");
}

/// Many events later the first event is still found for a repeat.
pub(super) async fn a_late_repeat_finds_the_first_event(world: World) {
    let tenant = world.tenant().await;
    let to = tenant.open().await.id;
    let append = question(&tenant, to);
    let first = stored(tenant.try_append(&append).await);
    for n in 0..120 {
        tenant.answer(to, &format!("answer {n}")).await;
    }
    assert_eq!(duplicate(tenant.try_append(&again(&world, &append)).await), first);
}

/// A repeat is recognised before anything else: it does not open a closed conversation again.
pub(super) async fn a_repeat_reopens_nothing(world: World) {
    let tenant = world.tenant().await;
    let to = tenant.open().await.id;
    let append = Append { reopen: true, ..question(&tenant, to) };
    stored(tenant.try_append(&append).await);
    let closed = tenant.close(to).await;
    duplicate(tenant.try_append(&again(&world, &append)).await);
    assert_eq!(tenant.find(to).await, closed, "a repeat changes neither the status nor the version");
}

/// Of many concurrent sends of one message one is stored, and all are answered with its event.
pub(super) async fn concurrent_repeats_store_one_message(world: World) {
    let tenant = world.tenant().await;
    let to = tenant.open().await.id;
    let append = question(&tenant, to);
    let tasks: Vec<_> = (0..16)
        .map(|_| {
            let (tenant, append) = (tenant.clone(), again(&world, &append));
            tokio::spawn(async move { tenant.try_append(&append).await })
        })
        .collect();
    let mut events = Vec::new();
    let mut stored = 0;
    for task in tasks {
        match task.await.expect("the store does not panic") {
            AppendOutcome::Stored { events: new, .. } => {
                stored += 1;
                events.extend(new);
            }
            other => events.push(duplicate(other)),
        }
    }
    assert_eq!(stored, 1, "of sixteen sends of one message exactly one is answered as stored");
    assert!(events.iter().all(|event| *event == events[0]), "all sends are answered with one event");
    assert_eq!(tenant.log(to, Audience::Staff).await.len(), 1, "one message stands in the log");
}
