//! What was moved to another store goes on there as it would have here.

use std::time::Duration;

use super::super::calls::CONTENT;
use super::super::search::{found, index_all};
use super::super::snapshot::Snapshot;
use super::super::tenant::{Tenant, tag};
use super::super::world::{Answered, World, digest, text};
use super::source::{Source, hash};
use super::{everything, import, moved, registered};
use crate::domain::{Audience, Author, EventKind, Heads, MessageKind, Upload};
use crate::ids::ConversationId;
use crate::ports::BlobKey;
use crate::ports::storage::{
    Append, AppendOutcome, DueSnooze, NewMessage, NewVisitor, Open, OpenOutcome, OperatorOutcome, Record,
    UpdateOutcome,
};
use crate::time::Timestamp;

async fn moved_source(world: &World) -> (Source, Tenant) {
    let source = Source::of(world).await;
    let there = moved(&source.of, 5).await;
    (source, there)
}

/// Every method that reads answers there what it answers here, down to lists, filters and words.
pub(in super::super) async fn a_moved_tenant_reads_as_before(world: World) {
    let (source, there) = moved_source(&world).await;
    let here = Snapshot::of(&source.of).await;
    Snapshot::of(&there).await.assert_same_as(&here, "what was moved reads as before");
    let colleague = Author::Operator(source.colleague);
    for reader in [colleague, Author::System] {
        let (a, b) = (source.of.view(source.busy, reader).await, there.view(source.busy, reader).await);
        assert_eq!(a, b, "as {reader:?} sees it");
    }
}

/// Tokens, passwords and sessions are good there.
pub(in super::super) async fn moved_credentials_are_good(world: World) {
    let (_, there) = moved_source(&world).await;
    let found = there.visitors().find_by_token(there.id, &there.token).await.answered();
    assert_eq!(found.map(|visitor| visitor.id), Some(there.visitor), "a visitor's token");
    let Some(accounts) = there.world.accounts() else {
        return;
    };
    let login = accounts.find_login(there.id, &there.email).await.answered().expect("a password");
    assert_eq!((login.operator.id, login.hash), (there.operator, hash()), "an operator's password");
}

/// Sessions go on there, and end there as they would have here.
pub(in super::super) async fn moved_sessions_go_on(world: World) {
    let (source, there) = moved_source(&world).await;
    let Some(accounts) = there.world.accounts() else {
        return;
    };
    let token = &source.session.token;
    let session = accounts.find_session(there.id, token, world.now()).await.answered().expect("it goes on");
    assert_eq!((session.id, session.operator.id), (source.session.id, there.operator));
    let head = there.control().head(there.id).await.answered();
    let change = world.change(there.operator_author());
    assert!(accounts.set_password(there.id, there.operator, &hash(), &change).await.answered());
    assert_eq!(accounts.find_session(there.id, token, world.now()).await.answered(), None, "it has ended");
    let ended = there.control().head(there.id).await.answered() - head;
    assert_eq!(ended, 2, "and every node is told, of each session");
}

/// What is taken here is taken there: ids, addresses and blobs' keys.
pub(in super::super) async fn what_was_taken_is_taken(world: World) {
    let (source, there) = moved_source(&world).await;
    let visitor = there.visitors().find(there.id, there.visitor).await.answered().expect("it was moved");
    let again = NewVisitor { visitor, token: world.token() };
    let change = world.loaded(there.visitor_author());
    assert!(!there.visitors().register(there.id, &again, &change).await.answered(), "a visitor's id");
    let address = there.add_operator(world.id(), "Ben", there.email.as_str()).await;
    assert_eq!(address, OperatorOutcome::Taken, "an operator's address");
    let site = there.site_named(there.site, "again");
    assert!(!there.sites().insert(there.id, &site, &change).await.answered(), "a site's id");
    let open = Open { conversations_max: 3, ..there.opening() };
    let outcome = there.try_open(&open).await;
    assert!(matches!(outcome, OpenOutcome::TooMany), "a place among the visitor's: {outcome:?}");
    if let Some(uploads) = there.world.uploads() {
        for taken in &source.uploads[..2] {
            let blob = BlobKey(world.id());
            let same_id = Upload { blob, ..taken.clone() };
            let same_key = Upload { id: world.id(), ..taken.clone() };
            for upload in [same_id, same_key] {
                assert!(!uploads.begin(there.id, &upload, &change).await.answered(), "an id or a key");
            }
        }
    }
}

/// A repeat of what was sent here is recognised there, and another body under a used `client_id` is refused.
pub(in super::super) async fn a_repeat_is_recognised_after_a_move(world: World) {
    let (source, there) = moved_source(&world).await;
    let before = Snapshot::of(&there).await;
    for said in [&source.message, &source.note] {
        let outcome = there.try_append_with(said, &world.loaded(said.author)).await;
        let AppendOutcome::Duplicate(event) = outcome else { panic!("it came before, and not {outcome:?}") };
        assert_eq!(event.kind.message().map(|message| message.id), Some(said.message.id));
        let message = NewMessage { digest: digest("another body"), ..said.message.clone() };
        let outcome = there.try_append(&Append { message, ..said.clone() }).await;
        assert!(matches!(outcome, AppendOutcome::ClientIdReused), "another body: {outcome:?}");
    }
    for open in [&source.opening, &source.bare] {
        let outcome = there.try_open_with(open, &world.loaded(there.visitor_author())).await;
        let OpenOutcome::Duplicate { conversation, first } = outcome else {
            panic!("it was opened before, and not {outcome:?}")
        };
        assert_eq!((conversation, first), (there.find(open.id).await, None), "its message has been purged");
        let other = Open { digest: digest("another body"), ..open.clone() };
        assert!(matches!(there.try_open(&other).await, OpenOutcome::ClientIdReused));
    }
    Snapshot::of(&there).await.assert_same_as(&before, "a repeat stores nothing");
}

/// An opening that was moved with its first message still answers it, and a bare one does not invent one.
pub(in super::super) async fn a_moved_opening_remembers_its_first_message(world: World) {
    let of = world.tenant().await;
    let first_message = Some(of.message(MessageKind::Message, "first"));
    let (with, without) = (Open { first_message, ..of.opening() }, of.opening());
    for open in [&with, &without] {
        of.try_open(open).await;
        of.ask(open.id, "later").await;
    }
    let there = moved(&of, 99).await;
    for (open, remembers) in [(&with, true), (&without, false)] {
        let outcome = there.try_open(open).await;
        let OpenOutcome::Duplicate { first, .. } = outcome else { panic!("a repeat, and not {outcome:?}") };
        let log = there.log(open.id, Audience::Staff).await;
        assert_eq!(first.as_ref(), log.first().filter(|_| remembers));
    }
}

/// Where a digest has been erased any body passes for a repeat, and a message whose text has been erased stays where it was.
pub(in super::super) async fn erased_content_is_moved_as_erased(world: World) {
    let source = Source::of(&world).await;
    let there = registered(&source.of, world.target()).await;
    let mut records = everything(&world, source.of.id).await;
    for record in &mut records {
        match record {
            Record::Conversation { digest, .. } => *digest = None,
            Record::Event { event, digest } => {
                *digest = None;
                if let EventKind::Message(message) = &mut event.kind {
                    message.text = None;
                }
            }
            _ => {}
        }
    }
    import(&there.world, there.id, &records).await;
    let message = NewMessage { digest: digest("another body"), ..source.message.message.clone() };
    let outcome = there.try_append(&Append { message, ..source.message.clone() }).await;
    let AppendOutcome::Duplicate(event) = outcome else { panic!("nothing is left to tell: {outcome:?}") };
    assert_eq!(event.kind.message().and_then(|message| message.text.clone()), None);
    let other = Open { digest: digest("another body"), ..source.opening.clone() };
    let outcome = there.try_open(&other).await;
    assert!(matches!(outcome, OpenOutcome::Duplicate { .. }), "nothing is left to tell: {outcome:?}");
    index_all(&there).await;
    assert_eq!(found(&there, "question").await, [], "an erased text has no words");
}

/// A log goes on at its next positions in both numberings, above its floor, in its version.
pub(in super::super) async fn a_moved_log_goes_on(world: World) {
    let (source, there) = moved_source(&world).await;
    for of in [source.busy, source.snoozed, source.purged] {
        let before = there.find(of).await;
        let asked = there.ask(of, "and now?").await;
        let next = Heads { staff: before.heads.staff + 1, visitor: before.heads.visitor + 1 };
        assert_eq!((asked.position.staff, asked.position.visitor), (next.staff, Some(next.visitor)));
        let after = there.find(of).await;
        assert_eq!((after.heads, after.floor), (next, before.floor));
        let late = there.try_update(of, before.version - 1, &tag(&["late"])).await;
        assert!(matches!(late, UpdateOutcome::VersionMismatch), "an old version is old there, too: {late:?}");
        let (updated, _) = there.update(of, &tag(&["next"])).await;
        assert_eq!(updated.version, before.version + 1, "versions go on");
        let log = there.log(of, Audience::Staff).await;
        let positions: Vec<u64> = log.iter().map(|event| event.position.staff).collect();
        assert_eq!(positions, (before.floor.staff + 1..=next.staff + 1).collect::<Vec<_>>(), "without a gap");
    }
    let busy = there.find(source.busy).await;
    assert_eq!(busy.floor, Heads { staff: 1, visitor: 1 }, "what was purged here is purged there");
    let again = there.advance(source.busy, there.operator_author(), Audience::Staff, 5).await;
    assert_eq!(again, None, "a read position never moves back, moved or not");
    let view = there.view(source.busy, there.operator_author()).await;
    assert_eq!((view.read, view.unread), (5, 2), "what stands above it is unread");
}

/// Work that is due here is due there, and what somebody holds is held until its time, and then is a further try.
pub(in super::super) async fn moved_work_is_due(world: World) {
    let (source, there) = moved_source(&world).await;
    let (registry, now) = (there.registry(), world.now());
    assert_eq!(registry.due(now, None, 9).await.answered(), [there.id], "the registry knows of it");
    let due = there.conversations().due_snoozes(there.id, now, 9).await.answered();
    let version = there.find(source.snoozed).await.version;
    assert_eq!(due, [DueSnooze { conversation: source.snoozed, version }], "a snooze has ended");
    let claim = async |at| {
        let until = Timestamp::MAX;
        let claimed = there.world.outbox().claim(there.id, at, until, 9).await.answered();
        claimed.into_iter().map(|claimed| (claimed.id, claimed.attempt)).collect::<Vec<_>>()
    };
    let (held, until) = source.held;
    assert_eq!(claim(now).await, [(source.free, 1)], "what nobody holds");
    there.close(source.snoozed).await;
    let just_before = Timestamp::from_millis(until.millis() - 1);
    assert_eq!(registry.due(just_before, None, 9).await.answered(), [], "nothing but what is held");
    assert_eq!(registry.due(until, None, 9).await.answered(), [there.id], "its time is over");
    assert_eq!(claim(just_before).await, []);
    assert_eq!(claim(until).await, [(held, 2)], "a further try");
    assert!(there.world.outbox().settle(there.id, held).await.answered());
}

/// The control log goes on at its next position, and the registry knows where it stands.
pub(in super::super) async fn a_moved_control_log_goes_on(world: World) {
    let (source, there) = moved_source(&world).await;
    let head = source.of.control().head(there.id).await.answered();
    assert!(head > 0, "the source has one");
    assert_eq!(there.control().head(there.id).await.answered(), head);
    assert_eq!(there.registry().control_heads(&[there.id]).await.answered(), [head]);
    let change = world.loaded(there.operator_author());
    there.control().append(there.id, &change).await.answered();
    let log = there.control().after(there.id, head, 9).await.answered();
    assert_eq!(log.iter().map(|(position, _)| *position).collect::<Vec<_>>(), [head + 1]);
    assert_eq!(there.registry().control_heads(&[there.id]).await.answered(), [head + 1]);
}

/// What was said here is found there once it is indexed, and neither what was purged nor what is erased there.
pub(in super::super) async fn moved_messages_are_found(world: World) {
    let (source, there) = moved_source(&world).await;
    index_all(&there).await;
    for words in ["question", "note", "automatic answer", "answer"] {
        index_all(&source.of).await;
        assert_eq!(found(&there, words).await, found(&source.of, words).await, "by `{words}`");
    }
    if there.world.search().is_some() {
        assert_eq!(found(&there, "question").await.len(), 1, "it is found");
        assert_eq!(found(&there, "first").await, [], "what was purged is not");
    }
}

/// Files go on there: what is on its way is completed, what is stale is discarded, what is to be removed is removed.
pub(in super::super) async fn moved_uploads_go_on(world: World) {
    let (source, there) = moved_source(&world).await;
    let Some(uploads) = there.world.uploads() else {
        return;
    };
    let [whole, on_its_way, discarded] = &source.uploads;
    let change = world.change(there.visitor_author());
    assert!(!uploads.complete(there.id, whole.id, &CONTENT, &change).await.answered(), "it is whole");
    let never = Timestamp::from_millis(0);
    assert_eq!(uploads.removable(there.id, never, 9).await.answered(), [discarded.blob]);
    assert!(uploads.removed(there.id, discarded.blob).await.answered());
    assert!(uploads.complete(there.id, on_its_way.id, &CONTENT, &change).await.answered());
    assert_eq!(uploads.removable(there.id, Timestamp::MAX, 9).await.answered(), [], "all is whole");
    assert!(uploads.discard(there.id, whole.id, &change).await.answered());
    assert_eq!(uploads.removable(there.id, never, 9).await.answered(), [whole.blob]);
}

/// What was moved can be purged and erased there, and leaves no more behind than here.
pub(in super::super) async fn what_was_moved_can_be_removed(world: World) {
    let (source, there) = moved_source(&world).await;
    let later = world.now().plus(Duration::from_secs(1));
    assert!(there.events().purge(there.id, later, 99).await.answered() > 0);
    let busy = there.find(source.busy).await;
    assert_eq!(busy.floor, busy.heads, "all of the log has gone");
    let change = world.change(there.operator_author());
    assert!(there.visitors().erase(there.id, there.visitor, &change).await.answered());
    assert_eq!(there.visitors().find_by_token(there.id, &there.token).await.answered(), None);
    assert_eq!(there.registry().due(Timestamp::MAX, None, 9).await.answered(), [], "no work is left");
    for record in everything(&there.world, there.id).await {
        let left = match &record {
            Record::Conversation { .. } | Record::Event { .. } | Record::Read { .. } => true,
            Record::Upload(_) | Record::Notification { .. } | Record::Page { .. } => true,
            Record::Token { visitor, .. } => *visitor == there.visitor,
            Record::Visitor(visitor) => visitor.id == there.visitor,
            _ => false,
        };
        assert!(!left, "nothing of the visitor is left: {record:?}");
    }
    let new = there.register(there.visitor, there.token, Some(text("anew"))).await;
    assert!(new, "the id and the token are free");
}

/// What was purged does not come back with a second import.
pub(in super::super) async fn what_was_purged_stays_away(world: World) {
    let (source, there) = moved_source(&world).await;
    assert!(there.events().purge(there.id, Timestamp::MAX, 99).await.answered() > 0);
    let before = Snapshot::of(&there).await;
    import(&there.world, there.id, &everything(&world, source.of.id).await).await;
    Snapshot::of(&there).await.assert_same_as(&before, "what was purged stays away");
}

/// A conversation with five messages, and everything of its tenant but those above `kept`.
async fn cut_off_after(of: &Tenant, kept: u64) -> (ConversationId, Vec<Record>) {
    let to = of.open().await.id;
    for _ in 0..5 {
        of.ask(to, "question").await;
    }
    let mut records = everything(&of.world, of.id).await;
    records.retain(|record| !matches!(record, Record::Event { event, .. } if event.position.staff > kept));
    (to, records)
}

/// A log whose import was cut off is purged as far as it has come, and the rest comes with a further import.
pub(in super::super) async fn a_log_that_was_cut_off_is_purged(world: World) {
    let of = world.tenant().await;
    let there = registered(&of, world.target()).await;
    let (log, records) = cut_off_after(&of, 3).await;
    import(&there.world, there.id, &records).await;
    assert_eq!(there.events().purge(there.id, Timestamp::MAX, 99).await.answered(), 3);
    assert_eq!(there.events().purge(there.id, Timestamp::MAX, 99).await.answered(), 0, "none is left");
    assert_eq!(there.find(log).await.floor, Heads { staff: 3, visitor: 3 });
    import(&there.world, there.id, &everything(&world, of.id).await).await;
    assert_eq!(there.log(log, Audience::Staff).await, of.log(log, Audience::Staff).await[3..]);
    assert_eq!(there.events().purge(there.id, Timestamp::MAX, 99).await.answered(), 2);
}
/// What is appended to a log whose events never came is not kept for ever.
pub(in super::super) async fn what_follows_a_cut_is_purged(world: World) {
    let of = world.tenant().await;
    let there = registered(&of, world.target()).await;
    let (log, records) = cut_off_after(&of, 0).await;
    import(&there.world, there.id, &records).await;
    let before = there.now();
    assert_eq!(there.events().purge(there.id, before, 99).await.answered(), 0, "there is nothing yet");
    let event = there.ask(log, "is anybody there?").await;
    assert_eq!(there.events().purge(there.id, before, 99).await.answered(), 0, "it is not old enough");
    assert_eq!(there.events().purge(there.id, Timestamp::MAX, 99).await.answered(), 1);
    assert_eq!(there.find(log).await.floor.staff, event.position.staff);
}
