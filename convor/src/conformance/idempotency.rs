//! A request that comes twice has happened once.

use super::snapshot::Snapshot;
use super::tenant::{Tenant, assign};
use super::world::{World, digest};
use crate::domain::{Audience, Event, MessageKind, Status};
use crate::ids::ConversationId;
use crate::ports::storage::{Append, AppendOutcome, NewMessage, Open, OpenOutcome};

fn stored(outcome: AppendOutcome) -> Event {
    match outcome {
        AppendOutcome::Stored { mut events, .. } => events.remove(0),
        other => panic!("a new message is stored, and not {other:?}"),
    }
}

fn duplicate(outcome: AppendOutcome) -> Event {
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
fn again(world: &World, append: &Append) -> Append {
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
    repeat.message.text = super::world::text("other words under the same digest");
    assert_eq!(duplicate(tenant.try_append(&repeat).await), first, "the digest is the same, so it is a repeat");
}

/// Two authors of a conversation may use the same `client_id`: they are two messages.
pub(super) async fn a_client_id_belongs_to_its_author(world: World) {
    let tenant = world.tenant().await;
    let to = tenant.open().await.id;
    let append = question(&tenant, to);
    stored(tenant.try_append(&append).await);
    let colleague = crate::domain::Author::Operator(tenant.another_operator().await);
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

/// A repeat of `(visitor, client_id)` is answered with the first conversation and its first message.
pub(super) async fn open_is_idempotent_on_client_id(world: World) {
    let tenant = world.tenant().await;
    let open = opening_with_message(&tenant);
    let OpenOutcome::Opened { conversation, first } = tenant.try_open(&open).await else {
        panic!("a new conversation is opened");
    };
    let repeat = tenant.try_open(&open_again(&world, &open)).await;
    let OpenOutcome::Duplicate { conversation: same, first: same_first } = repeat else {
        panic!("a repeat is answered as one, and not {repeat:?}");
    };
    assert_eq!((same, same_first), (conversation, first), "a repeat is answered with what the first has stored");
}

fn opening_with_message(tenant: &Tenant) -> Open {
    Open { first_message: Some(tenant.message(MessageKind::Message, "hello")), ..tenant.opening() }
}

/// The same request once more: all is the same but the ids that the core has made.
fn open_again(world: &World, open: &Open) -> Open {
    let first_message = open.first_message.clone().map(|message| NewMessage { id: world.id(), ..message });
    Open { id: world.id(), first_message, ..open.clone() }
}

/// A repeated open leaves no trace: no conversation, no message, no audit record, no notification, no control event.
pub(super) async fn a_repeated_open_stores_nothing(world: World) {
    let tenant = world.tenant().await;
    let open = opening_with_message(&tenant);
    tenant.try_open_with(&open, &world.loaded(tenant.visitor_author())).await;
    let before = Snapshot::of(&tenant).await;
    let repeat = tenant.try_open_with(&open_again(&world, &open), &world.loaded(tenant.visitor_author())).await;
    assert!(matches!(repeat, OpenOutcome::Duplicate { .. }), "a repeat is answered as one, and not {repeat:?}");
    Snapshot::of(&tenant).await.assert_same_as(&before, "a repeated open stores nothing");
}

/// A repeat of an open is answered with the conversation as it is by then.
pub(super) async fn a_repeated_open_answers_the_present_state(world: World) {
    let tenant = world.tenant().await;
    let open = opening_with_message(&tenant);
    tenant.try_open(&open).await;
    tenant.answer(open.id, "hello yourself").await;
    tenant.update(open.id, &assign(Some(tenant.operator))).await;
    tenant.close(open.id).await;
    let repeat = tenant.try_open(&open_again(&world, &open)).await;
    let OpenOutcome::Duplicate { conversation, first } = repeat else {
        panic!("a repeat is answered as one, and not {repeat:?}");
    };
    assert_eq!(conversation.status, Status::Closed, "a repeat is answered with the present status");
    assert_eq!(conversation, tenant.find(open.id).await);
    assert_eq!(first.as_ref(), tenant.log(open.id, Audience::Staff).await.first(), "and with the first message");
}

/// A conversation that was opened without a message has no first message, whatever was said in it since.
pub(super) async fn a_repeat_invents_no_first_message(world: World) {
    let tenant = world.tenant().await;
    let open = tenant.opening();
    tenant.try_open(&open).await;
    tenant.ask(open.id, "later").await;
    let repeat = tenant.try_open(&open_again(&world, &open)).await;
    assert!(
        matches!(repeat, OpenOutcome::Duplicate { first: None, .. }),
        "the request had no first message, and so its repeat has none: {repeat:?}",
    );
}

/// The same `client_id` with another body opens nothing and is refused.
pub(super) async fn another_opening_under_a_used_client_id_is_refused(world: World) {
    let tenant = world.tenant().await;
    let open = opening_with_message(&tenant);
    tenant.try_open(&open).await;
    let before = Snapshot::of(&tenant).await;
    let other = Open { digest: digest("another body"), ..open_again(&world, &open) };
    let outcome = tenant.try_open_with(&other, &world.loaded(tenant.visitor_author())).await;
    assert!(matches!(outcome, OpenOutcome::ClientIdReused), "the digests differ: {outcome:?}");
    Snapshot::of(&tenant).await.assert_same_as(&before, "a refused open stores nothing");
}

/// Two visitors may use the same `client_id`: they open two conversations.
pub(super) async fn an_openings_client_id_belongs_to_its_visitor(world: World) {
    let tenant = world.tenant().await;
    let open = opening_with_message(&tenant);
    tenant.try_open(&open).await;
    let visitor = tenant.another_visitor().await;
    let other = tenant.try_open(&Open { visitor, ..open_again(&world, &open) }).await;
    assert!(matches!(other, OpenOutcome::Opened { .. }), "another visitor's is another conversation: {other:?}");
}

/// Of many concurrent sends of one opening one opens, and all are answered with its conversation.
pub(super) async fn concurrent_repeats_open_one_conversation(world: World) {
    let tenant = world.tenant().await;
    let open = opening_with_message(&tenant);
    let tasks: Vec<_> = (0..16)
        .map(|_| {
            let (tenant, open) = (tenant.clone(), open_again(&world, &open));
            tokio::spawn(async move { tenant.try_open(&open).await })
        })
        .collect();
    let mut opened = 0;
    let mut ids = Vec::new();
    for task in tasks {
        match task.await.expect("the store does not panic") {
            OpenOutcome::Opened { conversation, .. } => {
                opened += 1;
                ids.push(conversation.id);
            }
            OpenOutcome::Duplicate { conversation, .. } => ids.push(conversation.id),
            other => panic!("a concurrent repeat is opened or a duplicate, and not {other:?}"),
        }
    }
    assert_eq!(opened, 1, "of sixteen sends of one opening exactly one is answered as opened");
    assert!(ids.iter().all(|id| *id == ids[0]), "all sends are answered with one conversation");
}

/// At the visitor's bound a repeat is still answered as a repeat.
pub(super) async fn a_repeated_open_is_recognised_at_the_bound(world: World) {
    let tenant = world.tenant().await;
    let open = Open { conversations_max: 1, ..opening_with_message(&tenant) };
    tenant.try_open(&open).await;
    let repeat = tenant.try_open(&open_again(&world, &open)).await;
    assert!(matches!(repeat, OpenOutcome::Duplicate { .. }), "a repeat needs no room: {repeat:?}");
}

/// The first message of an opening counts as received: sent again by itself, it is a repeat.
pub(super) async fn an_opening_remembers_its_first_message(world: World) {
    let tenant = world.tenant().await;
    let open = opening_with_message(&tenant);
    let OpenOutcome::Opened { first: Some(first), .. } = tenant.try_open(&open).await else {
        panic!("a new conversation is opened with its message");
    };
    let message = open.first_message.clone().expect("the fixture has one");
    let append =
        Append { conversation: open.id, author: tenant.visitor_author(), message, reopen: false };
    assert_eq!(duplicate(tenant.try_append(&again(&world, &append)).await), first);
}
