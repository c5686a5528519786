//! A purge takes the beginning of logs, and nothing that stands above it.

use std::time::Duration;

use super::isolation::twins;
use super::snapshot::{Owed, Snapshot};
use super::tenant::{Tenant, tag};
use super::world::{Answered, World, digest};
use crate::domain::{Audience, Author, Conversation, Event, Heads, MessageKind};
use crate::ids::ConversationId;
use crate::ports::Change;
use crate::ports::storage::{
    Append, AppendOutcome, ConversationPage, ConversationScope, NewMessage, Open, OpenOutcome, Window,
};
use crate::time::Timestamp;

const fn heads(staff: u64, visitor: u64) -> Heads {
    Heads { staff, visitor }
}

async fn purge(tenant: &Tenant, before: Timestamp, limit: usize) -> usize {
    tenant.events().purge(tenant.id, before, limit).await.answered()
}

/// The positions up to which a log has been purged, as its conversation and each of its pages say.
async fn floor(tenant: &Tenant, of: ConversationId) -> Heads {
    let floor = tenant.find(of).await.floor;
    for audience in [Audience::Staff, Audience::Visitor] {
        let page = tenant.page(of, audience, Window::Latest, 1).await;
        assert_eq!(page.floor, floor, "a page for {audience:?} and the conversation say the same");
    }
    floor
}

async fn positions(tenant: &Tenant, of: ConversationId, audience: Audience) -> Vec<u64> {
    tenant.log(of, audience).await.iter().filter_map(|event| event.seq(audience)).collect()
}

/// A note, a question, a note, an answer, a note: staff 1 to 5, visitor none, 1, none, 2, none.
async fn mixed_log(tenant: &Tenant) -> (ConversationId, Vec<Event>) {
    let to = tenant.open().await.id;
    let events = vec![
        tenant.note(to, "known").await,
        tenant.ask(to, "hello").await,
        tenant.note(to, "careful").await,
        tenant.answer(to, "hi").await,
        tenant.note(to, "done").await,
    ];
    (to, events)
}

/// Says something at a time of its own.
async fn ask_at(tenant: &Tenant, to: ConversationId, at: Timestamp) {
    let append = tenant.appending(to, tenant.visitor_author(), MessageKind::Message, "hello");
    let change = Change { at, ..tenant.change(append.author) };
    tenant.try_append_with(&append, &change).await;
}

/// What was stored before the time goes, and what was stored then or later stays as it was, at its position.
pub(super) async fn what_is_older_goes(world: World) {
    let tenant = world.tenant().await;
    let (of, events) = mixed_log(&tenant).await;
    assert_eq!(purge(&tenant, events[0].at, 99).await, 0, "nothing is older than the first");
    assert_eq!(purge(&tenant, events[3].at, 99).await, 3, "three are older than the fourth");
    assert_eq!(tenant.log(of, Audience::Staff).await, events[3..], "the rest is as it was");
    assert_eq!(tenant.log(of, Audience::Visitor).await, events[3..4]);
    assert_eq!(purge(&tenant, events[3].at, 99).await, 0, "nothing is left to be done");
    assert_eq!(purge(&tenant, Timestamp::MAX, 99).await, 2, "all that is left");
    assert_eq!(tenant.log(of, Audience::Staff).await, []);
    assert_eq!(purge(&tenant, Timestamp::MAX, 99).await, 0);
}

/// Each call removes at most as many as asked for, of whichever logs; calls until 0 remove all, and 0 means that.
pub(super) async fn a_purge_stops_at_its_limit(world: World) {
    let tenant = world.tenant().await;
    let logs = [mixed_log(&tenant).await.0, mixed_log(&tenant).await.0, mixed_log(&tenant).await.0];
    tenant.open().await;
    assert_eq!(purge(&tenant, Timestamp::MAX, 0).await, 0, "none at all");
    for of in logs {
        assert_eq!(floor(&tenant, of).await, heads(0, 0));
    }
    let mut removed = 0;
    loop {
        let more = purge(&tenant, Timestamp::MAX, 4).await;
        assert!(more <= 4, "at most as many as asked for");
        removed += more;
        let mut left = 0;
        for of in logs {
            left += tenant.log(of, Audience::Staff).await.len();
        }
        assert_eq!(removed + left, 15, "it answers how many it has removed");
        if more == 0 {
            break;
        }
    }
    assert_eq!(removed, 15, "0 is answered once there are none");
    mixed_log(&tenant).await;
    assert_eq!(purge(&tenant, Timestamp::MAX, usize::MAX).await, 5, "a limit larger than everything");
}

/// Each step raises the floors to the last positions that were removed, in each numbering.
pub(super) async fn floors_rise_in_both_numberings(world: World) {
    let tenant = world.tenant().await;
    let (of, events) = mixed_log(&tenant).await;
    assert_eq!(floor(&tenant, of).await, heads(0, 0), "0 while all are there");
    let steps = [heads(1, 0), heads(2, 1), heads(3, 1), heads(4, 2), heads(5, 2)];
    for (step, expected) in steps.into_iter().enumerate() {
        assert_eq!(purge(&tenant, Timestamp::MAX, 1).await, 1, "one at a time");
        assert_eq!(floor(&tenant, of).await, expected, "after {} have gone", step + 1);
        assert_eq!(tenant.log(of, Audience::Staff).await, events[step + 1..]);
    }
    let view = tenant.view(of, tenant.operator_author()).await;
    assert_eq!(view.conversation.floor, heads(5, 2), "a view says so, too");
}

/// Heads, version and `updated_at` stay as they are, and with them the lists, read positions and what is owed.
pub(super) async fn a_purge_changes_nothing_but_the_beginning(world: World) {
    let tenant = world.tenant().await;
    let (of, _) = mixed_log(&tenant).await;
    let (other, _) = mixed_log(&tenant).await;
    tenant.update(of, &tag(&["a"])).await;
    tenant.snooze(of, Timestamp::MAX).await;
    tenant.advance(of, tenant.operator_author(), Audience::Staff, 3).await;
    tenant.advance(of, tenant.visitor_author(), Audience::Visitor, 1).await;
    let change = world.loaded(tenant.operator_author());
    tenant.try_append_with(&tenant.appending(of, change.actor, MessageKind::Note, "x"), &change).await;
    let inbox = ConversationScope::Inbox { status: None, assignee: None, tag: None };
    let list = async |scope: &ConversationScope| {
        let (reader, scope) = (tenant.operator_author(), scope.clone());
        let page = ConversationPage { reader, scope, before: None, limit: 99 };
        let views = tenant.conversations().page(tenant.id, &page).await.answered();
        views.into_iter().map(|view| (view.conversation, view.read, view.other_read)).collect::<Vec<_>>()
    };
    let before = (tenant.find(of).await, list(&inbox).await, Owed::of(&tenant).await);
    let due = tenant.conversations().due_snoozes(tenant.id, Timestamp::MAX, 9).await.answered();
    assert_eq!(purge(&tenant, Timestamp::MAX, 99).await, 13);
    let after = tenant.find(of).await;
    assert_eq!(after.floor, after.heads, "all has gone");
    let unpurged = Conversation { floor: heads(0, 0), ..after };
    assert_eq!(unpurged, before.0, "the conversation is as it was but for its floor");
    let listed: Vec<_> = list(&inbox)
        .await
        .into_iter()
        .map(|(of, read, other)| (Conversation { floor: heads(0, 0), ..of }, read, other))
        .collect();
    assert_eq!(listed, before.1, "so is each list, in its order, and what was read is read");
    assert_eq!(Owed::of(&tenant).await, before.2, "what is owed is owed");
    assert_eq!(tenant.conversations().due_snoozes(tenant.id, Timestamp::MAX, 9).await.answered(), due);
    assert_eq!(floor(&tenant, other).await, heads(5, 2));
}

/// An event above a younger one stays until that one goes, however old it is.
pub(super) async fn only_the_beginning_of_a_log_goes(world: World) {
    let tenant = world.tenant().await;
    let to = tenant.open().await.id;
    let old = world.now();
    let young = old.plus(Duration::from_secs(60));
    for at in [old, young, old, old] {
        ask_at(&tenant, to, at).await;
    }
    let between = old.plus(Duration::from_secs(1));
    assert_eq!(purge(&tenant, between, 99).await, 1, "the first alone is old and has nothing before it");
    assert_eq!(
        positions(&tenant, to, Audience::Staff).await,
        [2, 3, 4],
        "the young one keeps those above it"
    );
    assert_eq!(purge(&tenant, between, 99).await, 0, "nothing is left to be done");
    assert_eq!(floor(&tenant, to).await, heads(1, 1));
    let after = young.plus(Duration::from_millis(1));
    assert_eq!(purge(&tenant, after, 99).await, 3, "with it they go");
    assert_eq!(floor(&tenant, to).await, heads(4, 4));
}

/// A log whose beginning stays holds up no other one.
pub(super) async fn each_log_is_purged_for_itself(world: World) {
    let tenant = world.tenant().await;
    let now = world.now();
    let later = now.plus(Duration::from_secs(60));
    let (held, free) = (tenant.open().await.id, tenant.open().await.id);
    for (to, at) in [(held, later), (held, now), (free, now), (free, now), (free, later)] {
        ask_at(&tenant, to, at).await;
    }
    let mut removed = 0;
    for _ in 0..9 {
        removed += purge(&tenant, later, 1).await;
    }
    assert_eq!(removed, 2, "those at the beginning of the one log");
    assert_eq!(positions(&tenant, held, Audience::Staff).await, [1, 2]);
    assert_eq!(positions(&tenant, free, Audience::Staff).await, [3]);
}

/// Windows show what is left, for either audience, also where they begin or end below the floor.
pub(super) async fn windows_begin_above_the_floor(world: World) {
    let tenant = world.tenant().await;
    let to = tenant.open().await.id;
    for _ in 0..5 {
        tenant.ask(to, "question").await;
        tenant.note(to, "note").await;
    }
    let sixth = tenant.log(to, Audience::Staff).await[5].at;
    assert_eq!(purge(&tenant, sixth, 99).await, 5, "staff 1 to 5, visitor 1 to 3");
    let staff: &[(Window, usize, &[u64])] = &[
        (Window::After(0), 99, &[6, 7, 8, 9, 10]),
        (Window::After(0), 2, &[6, 7]),
        (Window::After(4), 2, &[6, 7]),
        (Window::After(5), 2, &[6, 7]),
        (Window::After(6), 2, &[7, 8]),
        (Window::Before(11), 3, &[8, 9, 10]),
        (Window::Before(8), 9, &[6, 7]),
        (Window::Before(6), 9, &[]),
        (Window::Before(3), 9, &[]),
        (Window::Latest, 99, &[6, 7, 8, 9, 10]),
    ];
    let visitor: &[(Window, usize, &[u64])] = &[
        (Window::After(0), 99, &[4, 5]),
        (Window::After(2), 1, &[4]),
        (Window::After(3), 1, &[4]),
        (Window::Before(5), 9, &[4]),
        (Window::Before(4), 9, &[]),
        (Window::Latest, 1, &[5]),
    ];
    for (audience, windows) in [(Audience::Staff, staff), (Audience::Visitor, visitor)] {
        for (window, limit, expected) in windows {
            let page = tenant.page(to, audience, *window, *limit).await;
            let found: Vec<u64> = page.events.iter().filter_map(|event| event.seq(audience)).collect();
            assert_eq!(found, *expected, "{window:?} of at most {limit} for {audience:?}");
            assert_eq!((page.heads, page.floor), (heads(10, 5), heads(5, 3)));
        }
    }
}

/// A view counts and shows what is left: what was purged is neither unread nor the last message.
pub(super) async fn a_view_shows_what_is_left(world: World) {
    let tenant = world.tenant().await;
    let to = tenant.open().await.id;
    let mut asked = Vec::new();
    for _ in 0..3 {
        asked.push(tenant.ask(to, "question").await);
    }
    let note = tenant.note(to, "note").await;
    let seen = async |reader| {
        let view = tenant.view(to, reader).await;
        (view.unread, view.last_message)
    };
    let (staff, visitor) = (tenant.operator_author(), tenant.visitor_author());
    assert_eq!(purge(&tenant, asked[2].at, 99).await, 2);
    assert_eq!(seen(staff).await, (1, Some(note.clone())), "one question is left unread");
    assert_eq!(seen(visitor).await, (0, Some(asked[2].clone())));
    assert_eq!(purge(&tenant, note.at, 99).await, 1);
    assert_eq!(seen(staff).await, (0, Some(note)), "no question is left");
    assert_eq!(seen(visitor).await, (0, None), "nor a message that the visitor may see");
    assert_eq!(purge(&tenant, Timestamp::MAX, 99).await, 1);
    assert_eq!(seen(staff).await, (0, None), "nothing is left at all");
    let answer = tenant.answer(to, "still there?").await;
    assert_eq!(seen(visitor).await, (1, Some(answer)), "what comes next is new");
}

/// After everything was purged a log goes on at its next positions, and is read and purged as before.
pub(super) async fn a_purged_log_goes_on(world: World) {
    let tenant = world.tenant().await;
    let (of, _) = mixed_log(&tenant).await;
    assert_eq!(purge(&tenant, Timestamp::MAX, 99).await, 5);
    let asked = tenant.ask(of, "one more thing").await;
    assert_eq!((asked.position.staff, asked.position.visitor), (6, Some(3)), "no position comes twice");
    let (_, events) = tenant.update(of, &tag(&["a"])).await;
    assert_eq!((events[0].position.staff, events[0].position.visitor), (7, None));
    assert_eq!(tenant.log(of, Audience::Staff).await, [asked.clone(), events[0].clone()]);
    assert_eq!(floor(&tenant, of).await, heads(5, 2), "what is new raises no floor");
    let moved = tenant.advance(of, tenant.operator_author(), Audience::Staff, 6).await;
    assert_eq!(moved, Some(heads(6, 3)), "positions are read in both numberings");
    let moved = tenant.advance(of, tenant.operator_author(), Audience::Staff, u64::MAX).await;
    assert_eq!(moved, Some(heads(7, 3)), "beyond the end is the end");
    let moved = tenant.advance(of, tenant.visitor_author(), Audience::Visitor, 3).await;
    assert_eq!(moved, Some(heads(6, 3)));
    assert_eq!(purge(&tenant, Timestamp::MAX, 99).await, 2);
    assert_eq!(floor(&tenant, of).await, heads(7, 3));
}

/// A purge stays in its tenant, even where another one has the same ids.
pub(super) async fn a_purge_stays_in_its_tenant(world: World) {
    let (ours, theirs) = twins(&world).await;
    theirs.fill("theirs").await;
    let before = Snapshot::of(&ours.of).await;
    assert!(purge(&theirs.of, Timestamp::MAX, 99).await > 0, "there is something to be purged");
    Snapshot::of(&ours.of).await.assert_same_as(&before, "a purge in another tenant takes nothing here");
    assert_eq!(theirs.of.log(theirs.conversation, Audience::Staff).await, [], "there all has gone");
}

/// A repeat of a message that was purged is a new message, as nothing is left of the first; of one that is left, a repeat.
pub(super) async fn a_repeat_of_a_purged_message_is_new(world: World) {
    let tenant = world.tenant().await;
    let to = tenant.open().await.id;
    let gone = tenant.appending(to, tenant.visitor_author(), MessageKind::Message, "gone");
    let left = tenant.appending(to, tenant.visitor_author(), MessageKind::Message, "left");
    tenant.append(&gone).await;
    let (events, _) = tenant.append(&left).await;
    assert_eq!(purge(&tenant, events[0].at, 99).await, 1);
    let repeat = tenant.try_append(&left).await;
    assert!(matches!(repeat, AppendOutcome::Duplicate(event) if event == events[0]), "it is left");
    let (again, at) = tenant.append(&gone).await;
    assert_eq!((again[0].position.staff, at), (3, heads(3, 3)), "it is gone, and so it is new");
    let repeat = tenant.try_append(&gone).await;
    assert!(matches!(repeat, AppendOutcome::Duplicate(event) if event == again[0]), "and is stored once");
    let message = NewMessage { digest: digest("other"), ..gone.message.clone() };
    let reused = tenant.try_append(&Append { message, ..gone }).await;
    assert!(matches!(reused, AppendOutcome::ClientIdReused), "another body is no repeat: {reused:?}");
}

/// A repeat of an opening finds its conversation, and no first message once that is purged, whatever came later.
pub(super) async fn a_repeated_opening_shows_no_purged_message(world: World) {
    let tenant = world.tenant().await;
    let first_message = Some(tenant.message(MessageKind::Message, "first"));
    let opening = Open { first_message, ..tenant.opening() };
    tenant.try_open(&opening).await;
    let later = tenant.ask(opening.id, "later").await;
    assert_eq!(purge(&tenant, later.at, 99).await, 1);
    let repeat = tenant.try_open(&opening).await;
    let OpenOutcome::Duplicate { conversation, first } = repeat else {
        panic!("it was opened before, and not {repeat:?}");
    };
    assert_eq!((conversation.id, conversation.floor), (opening.id, heads(1, 1)));
    assert_eq!(first, None, "the first message is gone, and no other one takes its place");
}

/// Purges beside appends: at the end each log is whole above its floor, and every position was taken once.
pub(super) async fn a_purge_beside_appends_leaves_whole_logs(world: World) {
    let tenant = world.tenant().await;
    let conversations = [tenant.open().await.id, tenant.open().await.id];
    let writers: Vec<_> = (0..6)
        .map(|task| {
            let (tenant, to) = (tenant.clone(), conversations[task % 2]);
            tokio::spawn(async move {
                for _ in 0..10 {
                    tenant.ask(to, "hello").await;
                    tenant.note(to, "note").await;
                }
            })
        })
        .collect();
    let purgers: Vec<_> = (0..3)
        .map(|_| {
            let tenant = tenant.clone();
            tokio::spawn(async move {
                let mut removed = 0;
                for _ in 0..10 {
                    removed += purge(&tenant, Timestamp::MAX, 3).await;
                    tokio::task::yield_now().await;
                }
                removed
            })
        })
        .collect();
    for writer in writers {
        writer.await.expect("the store does not panic");
    }
    let mut removed = 0;
    for purger in purgers {
        removed += purger.await.expect("the store does not panic");
    }
    let mut gone = 0;
    for of in conversations {
        let (conversation, floor) = (tenant.find(of).await, floor(&tenant, of).await);
        assert_eq!(conversation.heads, heads(60, 30), "no position is lost or given twice");
        assert_eq!(positions(&tenant, of, Audience::Staff).await, (floor.staff + 1..=60).collect::<Vec<_>>());
        let seen = positions(&tenant, of, Audience::Visitor).await;
        assert_eq!(seen, (floor.visitor + 1..=30).collect::<Vec<_>>());
        gone += usize::try_from(floor.staff).expect("a small number");
    }
    assert_eq!(removed, gone, "each event was removed once, and answered once");
    assert_eq!(tenant.view(conversations[0], Author::System).await.conversation.heads, heads(60, 30));
}
