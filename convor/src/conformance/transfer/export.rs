//! An export is everything, once, in the order of the keys.

use uuid::Uuid;

use super::super::calls;
use super::super::isolation::Scene;
use super::super::world::{Answered, World};
use super::source::{Source, hash};
use super::{exported, kept, page};
use crate::domain::{Audience, Author, Event, Heads, Notification};
use crate::ports::BlobKey;
use crate::ports::storage::{
    Append, ConversationPage, ConversationScope, Open, Record, RecordKey, RecordKind,
};
use crate::time::Timestamp;

/// Nothing of another tenant is exported, and what is imported elsewhere changes nothing here.
pub(in super::super) async fn foreign_records_are_absent(world: World) {
    let scene = Scene::of(&world).await;
    let foreign = calls::transfer(&world, scene.foreign, &scene.ids).await;
    for (method, answer) in &foreign {
        assert!(["[]", "()"].contains(&answer.as_str()), "`{method}` shows nothing of another tenant");
    }
    let absent = calls::transfer(&world, scene.absent, &scene.made_up).await;
    scene.assert_alike(foreign, absent).await;
}

/// Each kind comes ascending by its keys, each key once, and nothing of another kind.
pub(in super::super) async fn records_come_in_the_order_of_their_keys(world: World) {
    let source = Source::of(&world).await;
    for kind in kept(&world) {
        let records = page(&world, source.of.id, kind, None, usize::MAX).await;
        assert!(!records.is_empty(), "the source has one: {kind:?}");
        assert!(records.iter().all(|record| record.kind() == kind), "nothing else among {kind:?}");
        let keys: Vec<_> = records.iter().map(Record::key).collect();
        assert!(keys.is_sorted_by(|a, b| a < b), "{kind:?} ascending, each key once");
    }
}

/// Pages put together are the whole of a kind, whatever their size.
pub(in super::super) async fn joined_pages_are_the_whole_export(world: World) {
    let source = Source::of(&world).await;
    for kind in kept(&world) {
        let whole = page(&world, source.of.id, kind, None, 1_000).await;
        for limit in [1, 2, 3, whole.len(), whole.len() + 1] {
            let joined = exported(&world, source.of.id, kind, limit).await;
            assert!(joined == whole, "{kind:?} by {limit}: none lost, none twice");
        }
        assert_eq!(page(&world, source.of.id, kind, None, 0).await, [], "none at all of {kind:?}");
    }
}

/// What follows is strictly above the cursor, also where no record stands there; keys are ordered by their bytes.
pub(in super::super) async fn the_cursor_of_an_export_is_strictly_above(world: World) {
    let source = Source::of(&world).await;
    for kind in kept(&world) {
        let whole = page(&world, source.of.id, kind, None, 1_000).await;
        for (index, record) in whole.iter().enumerate() {
            let key = record.key();
            let above = page(&world, source.of.id, kind, Some(key), 1_000).await;
            assert!(above == whole[index + 1..], "{kind:?} above a record");
            let below = RecordKey { part: Uuid::from_u128(key.part.as_u128().wrapping_sub(1)), ..key };
            if below < key {
                let above = page(&world, source.of.id, kind, Some(below), 1_000).await;
                let expected: Vec<_> = whole.iter().filter(|other| other.key() > below).cloned().collect();
                assert!(above == expected, "{kind:?} above a key just below a record");
            }
        }
        let first = whole[0].key();
        for part in [i64::MAX as u128, 1 << 63, u64::MAX.into(), 1 << 64, 1 << 127, u128::MAX] {
            let beyond = RecordKey { part: Uuid::from_u128(part), ..first };
            let above = page(&world, source.of.id, kind, Some(beyond), 1_000).await;
            let expected: Vec<_> = whole.iter().filter(|record| record.key() > beyond).cloned().collect();
            assert!(above == expected, "{kind:?} above a place beyond every position");
        }
        let last = RecordKey { id: Uuid::max(), part: Uuid::max() };
        assert_eq!(page(&world, source.of.id, kind, Some(last), 1_000).await, [], "nothing above all keys");
        let before = RecordKey { id: Uuid::nil(), part: Uuid::nil() };
        let above = page(&world, source.of.id, kind, Some(before), 1_000).await;
        let expected: Vec<_> = whole.iter().filter(|record| record.key() > before).cloned().collect();
        assert!(above == expected, "{kind:?} above the lowest key, which the profile has");
    }
}

/// An export holds what the other repositories show, all of it.
pub(in super::super) async fn an_export_holds_what_can_be_read(world: World) {
    let source = Source::of(&world).await;
    let (of, id) = (&source.of, source.of.id);
    let export = async |kind| exported(&world, id, kind, 7).await;
    let profile = world.tenants().find(id).await.answered().expect("there is one");
    assert!(export(RecordKind::Profile).await == [Record::Profile(profile)]);
    let sites = world.sites().page(id, None, 99).await.answered();
    assert!(export(RecordKind::Site).await.into_iter().eq(sites.into_iter().map(Record::Site)));
    let operators = world.operators().page(id, None, 99).await.answered();
    assert!(export(RecordKind::Operator).await.into_iter().eq(operators.into_iter().map(Record::Operator)));
    let visitors = export(RecordKind::Visitor).await;
    assert_eq!(visitors.len(), 2, "each visitor");
    let visitor = world.visitors().find(id, of.visitor).await.answered().expect("it was registered");
    assert!(visitors.contains(&Record::Visitor(visitor)));
    let current = world.pages().find(id, of.visitor).await.answered().expect("it is on a page");
    assert!(export(RecordKind::Page).await == [Record::Page { visitor: of.visitor, page: current }]);
    let scope = ConversationScope::Inbox { status: None, assignee: None, tag: None };
    let inbox = ConversationPage { reader: of.operator_author(), scope, before: None, limit: 99 };
    let mut conversations: Vec<_> =
        world.conversations().page(id, &inbox).await.answered().into_iter().map(|v| v.conversation).collect();
    conversations.sort_by_key(|conversation| conversation.id);
    let records = export(RecordKind::Conversation).await;
    assert_eq!(records.len(), 3, "each conversation");
    let shown = records.iter().filter_map(|record| match record {
        Record::Conversation { conversation, .. } => Some(conversation),
        _ => None,
    });
    assert!(shown.eq(&conversations), "with its floor, its epoch and its version");
    let mut log = Vec::new();
    for conversation in &conversations {
        log.extend(of.log(conversation.id, Audience::Staff).await);
    }
    let events = export(RecordKind::Event).await;
    let shown = events.iter().filter_map(|record| match record {
        Record::Event { event, .. } => Some(event),
        _ => None,
    });
    assert!(shown.eq(&log), "each event that is left");
    let control = world.control().after(id, 0, 99).await.answered();
    let records = control.into_iter().map(|(position, event)| Record::Control { position, event });
    assert!(export(RecordKind::Control).await.into_iter().eq(records));
    let audit = world.audit().page(id, None, 99).await.answered();
    assert!(export(RecordKind::Audit).await.into_iter().eq(audit.into_iter().map(Record::Audit)));
}

/// An export holds what no other repository shows: tokens, digests, read positions and tries.
pub(in super::super) async fn an_export_holds_what_is_kept_out_of_sight(world: World) {
    let source = Source::of(&world).await;
    let (of, id) = (&source.of, source.of.id);
    let export = async |kind| exported(&world, id, kind, 7).await;
    let token = Record::Token { visitor: of.visitor, hash: of.token };
    let tokens = export(RecordKind::Token).await;
    assert!(tokens.contains(&token) && tokens.len() == 2, "the token of each visitor");
    for (open, with_message) in [(&source.opening, true), (&source.bare, false)] {
        let conversation = of.find(open.id).await;
        let Open { client_id, digest, .. } = open.clone();
        let record = Record::Conversation { conversation, client_id, digest: Some(digest), with_message };
        assert!(export(RecordKind::Conversation).await.contains(&record), "how it was opened");
    }
    let events = export(RecordKind::Event).await;
    let digest_of = |said: &Append| {
        let is = |event: &Event| event.kind.message().map(|message| message.id) == Some(said.message.id);
        events.iter().find_map(|record| match record {
            Record::Event { event, digest } if is(event) => *digest,
            _ => None,
        })
    };
    for said in [&source.message, &source.note] {
        assert_eq!(digest_of(said), Some(said.message.digest), "over what a repeat must repeat");
    }
    let without = events.iter().filter(|record| matches!(record, Record::Event { digest: None, .. }));
    assert_eq!(without.count(), 7, "changes of status, assignee and tags have no digest");
    let read = |reader, staff, visitor| Record::Read {
        conversation: source.busy,
        reader,
        up_to: Heads { staff, visitor },
    };
    let mut reads = vec![
        read(of.visitor_author(), 2, 2),
        read(of.operator_author(), 5, 3),
        read(Author::Operator(source.colleague), 11, 6),
        read(Author::System, 3, 2),
    ];
    reads.sort_by_key(Record::key);
    assert!(export(RecordKind::Read).await == reads, "how far each has read, in both numberings");
    let notification = Notification::MessageWaiting { conversation: source.busy };
    let (held, until) = source.held;
    let owed = [
        Record::Notification { id: held, notification, attempts: 1, held_until: Some(until) },
        Record::Notification { id: source.free, notification, attempts: 0, held_until: None },
    ];
    assert!(export(RecordKind::Notification).await == owed, "how often each was tried, and who waits for it");
}

/// An export holds passwords and sessions where the store keeps them.
pub(in super::super) async fn an_export_holds_accounts(world: World) {
    if world.accounts().is_none() {
        return;
    }
    let source = Source::of(&world).await;
    let of = &source.of;
    let password = Record::Password { operator: of.operator, hash: hash() };
    assert!(exported(&world, of.id, RecordKind::Password, 7).await == [password], "the operator's alone");
    let (id, operator, token) = (source.session.id, of.operator, source.session.token);
    let session = Record::Session { id, operator, token, expires_at: source.session.expires_at };
    let sessions = exported(&world, of.id, RecordKind::Session, 7).await;
    assert!(sessions.contains(&session) && sessions.len() == 2, "each session, expired or not");
}

/// An export holds files and the blobs that are to be removed where the store keeps them.
pub(in super::super) async fn an_export_holds_uploads(world: World) {
    let Some(uploads) = world.uploads() else {
        return;
    };
    let source = Source::of(&world).await;
    let id = source.of.id;
    let [whole, on_its_way, discarded] = &source.uploads;
    let records = exported(&world, id, RecordKind::Upload, 7).await;
    assert!(records == [Record::Upload(whole.clone()), Record::Upload(on_its_way.clone())]);
    let blobs = exported(&world, id, RecordKind::RemovableBlob, 7).await;
    assert!(blobs == [Record::RemovableBlob(discarded.blob)]);
    let stale = uploads.removable(id, Timestamp::MAX, 9).await.answered();
    let expected: Vec<BlobKey> = vec![on_its_way.blob, discarded.blob];
    assert_eq!(stale, expected);
    let records = exported(&world, id, RecordKind::Upload, 7).await;
    assert!(records == [Record::Upload(whole.clone())], "what was discarded is a record no more");
}
