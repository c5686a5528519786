//! An opening that comes twice opens one conversation.

use super::idempotency::{again, duplicate};
use super::snapshot::Snapshot;
use super::tenant::{Tenant, assign};
use super::world::{World, digest};
use crate::domain::{Audience, MessageKind, Status};
use crate::ports::storage::{Append, NewMessage, Open, OpenOutcome};

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
    assert_eq!(
        (same, same_first),
        (conversation, first),
        "a repeat is answered with what the first has stored"
    );
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
    let repeat =
        tenant.try_open_with(&open_again(&world, &open), &world.loaded(tenant.visitor_author())).await;
    assert!(
        matches!(repeat, OpenOutcome::Duplicate { .. }),
        "a repeat is answered as one, and not {repeat:?}"
    );
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
    assert_eq!(
        first.as_ref(),
        tenant.log(open.id, Audience::Staff).await.first(),
        "and with the first message"
    );
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
    assert!(
        matches!(other, OpenOutcome::Opened { .. }),
        "another visitor's is another conversation: {other:?}"
    );
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
    let append = Append { conversation: open.id, author: tenant.visitor_author(), message, reopen: false };
    assert_eq!(duplicate(tenant.try_append(&again(&world, &append)).await), first);
}
