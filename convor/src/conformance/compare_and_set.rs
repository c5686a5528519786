//! A conversation is changed in the version that the caller has seen, or not at all.

use super::snapshot::Snapshot;
use super::tenant::{Tenant, assign, status, tag};
use super::world::{Answered, World, text};
use crate::domain::{EventKind, Status};
use crate::ids::ConversationId;
use crate::ports::storage::{ConversationPatch, StatusChange, UpdateOutcome};
use crate::time::Timestamp;

/// An update with an older version, or with one that does not exist yet, is refused and stores nothing.
pub(super) async fn an_update_needs_the_present_version(world: World) {
    let tenant = world.tenant().await;
    let conversation = tenant.open().await;
    tenant.update(conversation.id, &tag(&["a"])).await;
    let before = Snapshot::of(&tenant).await;
    for version in [0, conversation.version, conversation.version + 2, u64::MAX] {
        let change = world.loaded(tenant.operator_author());
        let patch = tag(&["b"]);
        let outcome = tenant
            .conversations()
            .update(tenant.id, conversation.id, version, &patch, &change)
            .await
            .answered();
        assert!(
            matches!(outcome, UpdateOutcome::VersionMismatch),
            "version {version} is not the present one: {outcome:?}",
        );
    }
    Snapshot::of(&tenant).await.assert_same_as(&before, "a refused update stores nothing");
}

/// Of sixteen concurrent updates of one version one wins, and the others are told so.
pub(super) async fn of_sixteen_racers_one_wins(world: World) {
    let tenant = world.tenant().await;
    let conversation = tenant.open().await;
    let tasks: Vec<_> = (0..16).map(|n| tokio::spawn(race(tenant.clone(), conversation.id, n))).collect();
    let mut winners = Vec::new();
    for task in tasks {
        winners.extend(task.await.expect("the store does not panic"));
    }
    assert_eq!(winners.len(), 1, "of concurrent updates of one version exactly one is made");
    let after = tenant.find(conversation.id).await;
    assert_eq!(after.tags, tag(&[&winners[0]]).tags.expect("tags"), "and what it said is stored");
    assert_eq!((after.version, after.heads.staff), (conversation.version + 1, 1));
}

/// Sets a tag in version 1; answers the tag if that was done.
async fn race(tenant: Tenant, conversation: ConversationId, n: usize) -> Option<String> {
    let mine = format!("racer-{n}");
    match tenant.try_update(conversation, 1, &tag(&[&mine])).await {
        UpdateOutcome::Updated { .. } => Some(mine),
        UpdateOutcome::VersionMismatch => None,
        other => panic!("a racer wins or is told that it has not, and not {other:?}"),
    }
}

/// Racers that look again until they succeed all succeed, each in a version of its own.
pub(super) async fn no_update_is_lost(world: World) {
    let tenant = world.tenant().await;
    let conversation = tenant.open().await;
    let tasks: Vec<_> = (0..8)
        .map(|n| {
            let (tenant, id) = (tenant.clone(), conversation.id);
            tokio::spawn(async move {
                loop {
                    let mut present = tenant.find(id).await;
                    present.tags.push(text(&format!("racer-{n}")));
                    present.tags.sort();
                    let patch =
                        ConversationPatch { tags: Some(present.tags), ..ConversationPatch::default() };
                    let outcome = tenant.try_update(id, present.version, &patch).await;
                    if matches!(outcome, UpdateOutcome::Updated { .. }) {
                        break;
                    }
                    tokio::task::yield_now().await;
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.expect("the store does not panic");
    }
    let after = tenant.find(conversation.id).await;
    assert_eq!(after.tags.len(), 8, "what each racer has added is there");
    assert_eq!(after.version, conversation.version + 8, "each has made a version of its own");
}

/// The version grows by one with each update, however many fields it changes.
pub(super) async fn an_update_is_one_version(world: World) {
    let tenant = world.tenant().await;
    let conversation = tenant.open().await;
    assert_eq!(conversation.version, 1, "a new conversation has version 1");
    let patch = ConversationPatch {
        status: Some(StatusChange::Closed),
        assignee: Some(Some(tenant.operator)),
        tags: Some(vec![text("a")]),
    };
    let (updated, _) = tenant.update(conversation.id, &patch).await;
    assert_eq!(updated.version, 2, "three fields in one update are one version");
    assert_eq!(tenant.find(conversation.id).await, updated, "what was answered is what is stored");
}

/// An update that changes nothing answers so, and stores nothing: no event, no version, no audit record.
pub(super) async fn an_update_that_changes_nothing_stores_nothing(world: World) {
    let tenant = world.tenant().await;
    let id = tenant.open().await.id;
    let until = tenant.now();
    let patch = ConversationPatch {
        status: Some(StatusChange::Snoozed(until)),
        assignee: Some(Some(tenant.operator)),
        tags: Some(vec![text("a"), text("b")]),
    };
    let (conversation, _) = tenant.update(id, &patch).await;
    let before = Snapshot::of(&tenant).await;
    for same in [patch, ConversationPatch::default()] {
        let change = world.loaded(tenant.operator_author());
        let outcome = tenant
            .conversations()
            .update(tenant.id, id, conversation.version, &same, &change)
            .await
            .answered();
        let UpdateOutcome::Updated { conversation: answered, events } = outcome else {
            panic!("it is so already, and not {outcome:?}");
        };
        assert_eq!((answered, events), (conversation.clone(), Vec::new()), "nothing has changed");
    }
    Snapshot::of(&tenant).await.assert_same_as(&before, "an update that changes nothing stores nothing");
}

/// Only the fields that differ become events.
pub(super) async fn only_what_differs_is_an_event(world: World) {
    let tenant = world.tenant().await;
    let id = tenant.open().await.id;
    tenant.update(id, &tag(&["a"])).await;
    let patch = ConversationPatch {
        status: Some(StatusChange::Open),
        assignee: Some(Some(tenant.operator)),
        tags: Some(vec![text("a")]),
    };
    let (_, events) = tenant.update(id, &patch).await;
    let kinds: Vec<_> = events.into_iter().map(|event| event.kind).collect();
    assert_eq!(kinds, [EventKind::Assigned(Some(tenant.operator))], "status and tags were so already");
}

/// An assignee that the tenant does not have refuses the whole update.
pub(super) async fn an_unknown_assignee_refuses_the_whole_update(world: World) {
    let tenant = world.tenant().await;
    let conversation = tenant.open().await;
    let before = Snapshot::of(&tenant).await;
    let patch = ConversationPatch {
        status: Some(StatusChange::Closed),
        assignee: Some(Some(world.id())),
        tags: Some(vec![text("a")]),
    };
    let change = world.loaded(tenant.operator_author());
    let version = conversation.version;
    let outcome =
        tenant.conversations().update(tenant.id, conversation.id, version, &patch, &change).await.answered();
    assert!(matches!(outcome, UpdateOutcome::NoSuchOperator), "there is no such operator: {outcome:?}");
    Snapshot::of(&tenant).await.assert_same_as(&before, "a refused update stores nothing");
}

/// An absent field leaves what is, and the assignee can be taken away.
pub(super) async fn absent_fields_are_left_alone(world: World) {
    let tenant = world.tenant().await;
    let id = tenant.open().await.id;
    tenant.update(id, &assign(Some(tenant.operator))).await;
    let (tagged, _) = tenant.update(id, &tag(&["a", "b"])).await;
    assert_eq!(tagged.assignee, Some(tenant.operator), "tagging leaves the assignee");
    let (unassigned, _) = tenant.update(id, &assign(None)).await;
    assert_eq!(unassigned.assignee, None, "`Some(None)` takes the assignee away");
    assert_eq!(unassigned.tags, tagged.tags, "and leaves the tags");
    let (untagged, _) = tenant.update(id, &tag(&[])).await;
    assert_eq!(untagged.tags, [], "an empty list takes all tags away");
}

/// Messages do not change the version: an operator's change does not fail because somebody writes.
pub(super) async fn a_message_keeps_the_version(world: World) {
    let tenant = world.tenant().await;
    let conversation = tenant.open().await;
    tenant.ask(conversation.id, "hello").await;
    tenant.note(conversation.id, "careful").await;
    assert_eq!(tenant.find(conversation.id).await.version, conversation.version);
}

/// A status event names from where to where, and a new time for a sleeping conversation is a change.
pub(super) async fn a_status_event_names_both_ends(world: World) {
    let tenant = world.tenant().await;
    let id = tenant.open().await.id;
    let (first, second) = (tenant.now(), Timestamp::MAX);
    let mut kinds = Vec::new();
    for to in [
        StatusChange::Snoozed(first),
        StatusChange::Snoozed(second),
        StatusChange::Closed,
        StatusChange::Open,
    ] {
        let (conversation, events) = tenant.update(id, &status(to)).await;
        assert_eq!((conversation.status, conversation.snoozed_until), to.parts());
        kinds.extend(events.into_iter().map(|event| event.kind));
    }
    let event = |from, to, snoozed_until| EventKind::Status { from, to, snoozed_until };
    let expected = [
        event(Status::Open, Status::Snoozed, Some(first)),
        event(Status::Snoozed, Status::Snoozed, Some(second)),
        event(Status::Snoozed, Status::Closed, None),
        event(Status::Closed, Status::Open, None),
    ];
    assert_eq!(kinds, expected);
}

/// A conversation that is not there is not updated, in whatever version.
pub(super) async fn an_unknown_conversation_is_not_updated(world: World) {
    let tenant = world.tenant().await;
    let outcome = tenant.try_update(world.id(), 1, &tag(&["a"])).await;
    assert!(matches!(outcome, UpdateOutcome::NotFound), "there is no such conversation: {outcome:?}");
}
