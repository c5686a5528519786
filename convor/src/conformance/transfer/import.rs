//! An import stores records as they are, each once, in its tenant.

use std::collections::BTreeSet;

use super::super::snapshot::Snapshot;
use super::super::tenant::Tenant;
use super::super::world::{Answered, World, cut_off, text};
use super::source::Source;
use super::{everything, exported, import, kept, moved, registered, transfer};
use crate::domain::{
    Audience, Conversation, CurrentPage, Event, EventKind, Heads, Message, Operator, Site, TenantProfile,
    Upload, Visitor,
};
use crate::ports::StorageErrorKind;
use crate::ports::storage::{PasswordHash, Record, RecordKind};

/// What was moved to a fresh store is exported from there just as it was, whatever the size of its pages.
pub(in super::super) async fn an_import_gives_an_equal_export(world: World) {
    let source = Source::of(&world).await;
    for limit in [1, 4, 1_000] {
        let of = Tenant { id: world.id(), ..source.of.clone() };
        let there = Tenant { world: world.target(), ..of.clone() };
        assert!(there.registry().insert(&world.record(of.id)).await.answered());
        for kind in kept(&world) {
            for page in exported(&world, source.of.id, kind, 1_000).await.chunks(limit) {
                import(&there.world, of.id, page).await;
            }
            let (here, there) =
                (exported(&world, source.of.id, kind, 3).await, exported(&there.world, of.id, kind, 3).await);
            assert!(here == there, "{kind:?} by {limit} is there as it was here");
        }
    }
}

/// An import of nothing does nothing; one that is repeated changes nothing, whole or in parts.
pub(in super::super) async fn a_second_import_changes_nothing(world: World) {
    let source = Source::of(&world).await;
    let there = moved(&source.of, 1_000).await;
    let before = Snapshot::of(&there).await;
    let records = everything(&world, source.of.id).await;
    import(&there.world, there.id, &[]).await;
    import(&there.world, there.id, &records).await;
    for part in records.chunks(3) {
        import(&there.world, there.id, part).await;
    }
    Snapshot::of(&there).await.assert_same_as(&before, "a record that is there is left as it is");
}

/// A record whose key is there is left as it is, however it has changed since or differs from what is imported.
pub(in super::super) async fn what_is_there_is_left_as_it_is(world: World) {
    let source = Source::of(&world).await;
    let records = everything(&world, source.of.id).await;
    let there = moved(&source.of, 1_000).await;
    there.ask(source.busy, "meanwhile").await;
    there.close(source.snoozed).await;
    there.advance(source.busy, there.operator_author(), Audience::Staff, 9).await;
    let change = world.loaded(there.operator_author());
    there.control().append(there.id, &change).await.answered();
    let before = Snapshot::of(&there).await;
    import(&there.world, there.id, &records).await;
    Snapshot::of(&there).await.assert_same_as(&before, "what has changed since stays changed");
    let other: Vec<Record> = records.into_iter().map(altered).collect();
    import(&there.world, there.id, &other).await;
    Snapshot::of(&there).await.assert_same_as(&before, "another record with the same key is not taken");
}

/// The record with the same key and another content, as far as it has one that can be seen.
fn altered(record: Record) -> Record {
    let other = || text("other");
    match record {
        Record::Profile(profile) => Record::Profile(TenantProfile { name: other(), ..profile }),
        Record::Site(site) => Record::Site(Site { name: other(), ..site }),
        Record::Operator(of) => Record::Operator(Operator { name: other(), ..of }),
        Record::Visitor(of) => Record::Visitor(Visitor { name: Some(other()), ..of }),
        Record::Page { visitor, page } => {
            Record::Page { visitor, page: CurrentPage { url: other(), ..page } }
        }
        Record::Conversation { conversation, client_id, digest, with_message } => Record::Conversation {
            conversation: Conversation { subject: Some(other()), version: 99, ..conversation },
            client_id,
            digest,
            with_message,
        },
        Record::Event { event, digest } => {
            let kind = match event.kind {
                EventKind::Message(message) => EventKind::Message(Message { text: Some(other()), ..message }),
                kind => kind,
            };
            Record::Event { event: Event { kind, ..event }, digest }
        }
        Record::Read { conversation, reader, .. } => {
            Record::Read { conversation, reader, up_to: Heads { staff: 1, visitor: 1 } }
        }
        Record::Upload(upload) => Record::Upload(Upload { name: other(), ..upload }),
        Record::Password { operator, .. } => {
            let hash = PasswordHash::from_phc("$argon2id$other".to_owned());
            Record::Password { operator, hash }
        }
        kept => kept,
    }
}

/// A page of records whose import was dropped at any point is stored whole or not at all, and a repeat completes it.
pub(in super::super) async fn a_dropped_import_is_all_or_nothing(world: World) {
    let source = Source::of(&world).await;
    let there = registered(&source.of, world.target()).await;
    for kind in kept(&world) {
        let records = exported(&world, source.of.id, kind, 1_000).await;
        for polls in 0..12 {
            cut_off(transfer(&there.world).import(there.id, &records), polls).await;
            let stored = exported(&there.world, there.id, kind, 1_000).await;
            assert!(stored.is_empty() || stored == records, "after {polls} polls all of {kind:?} or none");
        }
        import(&there.world, there.id, &records).await;
        assert!(exported(&there.world, there.id, kind, 1_000).await == records, "a repeat completes it");
    }
    let here = Snapshot::of(&source.of).await;
    Snapshot::of(&there).await.assert_same_as(&here, "what was moved is what was there");
}

/// The same records imported by several at once are stored once, and no call fails because of another.
pub(in super::super) async fn concurrent_imports_store_each_record_once(world: World) {
    let source = Source::of(&world).await;
    let there = registered(&source.of, world.target()).await;
    for kind in kept(&world) {
        let records = exported(&world, source.of.id, kind, 1_000).await;
        let tasks: Vec<_> = (0..4)
            .map(|_| {
                let (there, records) = (there.clone(), records.clone());
                tokio::spawn(async move { import(&there.world, there.id, &records).await })
            })
            .collect();
        for task in tasks {
            task.await.expect("the store does not panic");
        }
        assert!(exported(&there.world, there.id, kind, 1_000).await == records, "{kind:?}, each once");
    }
}

/// A record of a group that the adapter does not keep is refused with all that comes along; every other one is stored.
pub(in super::super) async fn a_record_that_is_not_kept_is_refused(world: World) {
    let source = Source::of(&world).await;
    let there = registered(&source.of, world.target()).await;
    let operators = exported(&world, source.of.id, RecordKind::Operator, 99).await;
    let kept: BTreeSet<RecordKind> = kept(&world).collect();
    let (session, [_, _, discarded]) = (&source.session, &source.uploads);
    let optional = [
        Record::Password { operator: session.operator, hash: session.verified.clone() },
        Record::Session {
            id: session.id,
            operator: session.operator,
            token: session.token,
            expires_at: session.expires_at,
        },
        Record::RemovableBlob(discarded.blob),
    ];
    for record in optional {
        let kind = record.kind();
        let mut records = operators.clone();
        records.push(record);
        let answer = transfer(&there.world).import(there.id, &records).await;
        let stored = exported(&there.world, there.id, RecordKind::Operator, 99).await;
        if kept.contains(&kind) {
            answer.answered();
            assert!(stored == operators, "what is kept is stored");
            assert_eq!(exported(&there.world, there.id, kind, 99).await.len(), 1, "{kind:?} too");
        } else {
            let refused = answer.expect_err("what is not kept is refused");
            assert_eq!(refused.kind(), StorageErrorKind::Unsupported, "{kind:?}");
            assert!(stored.is_empty(), "and nothing of the call is stored");
        }
    }
}

/// An import stays in its tenant, even beside one with the very same ids.
pub(in super::super) async fn an_import_stays_in_its_tenant(world: World) {
    let source = Source::of(&world).await;
    let before = Snapshot::of(&source.of).await;
    let twin = Tenant { id: world.empty_tenant().await, ..source.of.clone() };
    let records = everything(&world, source.of.id).await;
    import(&world, twin.id, &records).await;
    assert!(everything(&world, twin.id).await == records, "the same ids in two tenants are two records");
    twin.ask(source.busy, "only there").await;
    let change = world.loaded(twin.operator_author());
    assert!(world.visitors().erase(twin.id, twin.visitor, &change).await.answered());
    Snapshot::of(&source.of).await.assert_same_as(&before, "what happens in another tenant changes nothing");
}

/// A record is stored as it is: its epoch, its version, its floor and its times are not the importing store's.
pub(in super::super) async fn records_are_stored_as_they_are(world: World) {
    let source = Source::of(&world).await;
    let there = registered(&source.of, world.target()).await;
    let mut records = everything(&world, source.of.id).await;
    for record in &mut records {
        match record {
            Record::Conversation { conversation, digest, .. } => {
                conversation.epoch += 6;
                conversation.version += 1_000;
                *digest = None;
            }
            Record::Event { event, digest } => {
                event.epoch += 5;
                *digest = None;
                if let EventKind::Message(message) = &mut event.kind {
                    message.text = None;
                }
            }
            _ => {}
        }
    }
    import(&there.world, there.id, &records).await;
    assert!(everything(&there.world, there.id).await == records, "as it is");
    let (here, there) = (source.of.find(source.busy).await, there.find(source.busy).await);
    let expected = Conversation { epoch: here.epoch + 6, version: here.version + 1_000, ..here };
    assert_eq!(there, expected, "and so it is read");
}
