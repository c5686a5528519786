//! Both numberings are gapless, whoever writes at the same time, and the log is what was answered.

use super::tenant::{Tenant, assign, status, tag};
use super::world::{World, text};
use crate::domain::{Audience, Author, Event, EventKind, Heads, MessageKind, Position, Status};
use crate::ids::ConversationId;
use crate::ports::storage::{Append, AppendOutcome, ConversationPatch, StatusChange, UpdateOutcome};
use crate::time::Timestamp;

/// The positions of a log for one audience.
async fn positions(tenant: &Tenant, of: ConversationId, audience: Audience) -> Vec<u64> {
    tenant.log(of, audience).await.iter().filter_map(|event| event.seq(audience)).collect()
}

/// Fails unless both numberings of a log are 1, 2, 3 and so on, and the conversation's heads are their ends.
async fn assert_gapless(tenant: &Tenant, of: ConversationId) -> Vec<Event> {
    for audience in [Audience::Staff, Audience::Visitor] {
        let found = positions(tenant, of, audience).await;
        let gapless: Vec<u64> = (1..).take(found.len()).collect();
        assert_eq!(
            found, gapless,
            "the positions for {audience:?} begin at 1 and have neither gap nor repeat"
        );
        let head = tenant.find(of).await.heads.of(audience);
        assert_eq!(
            head,
            gapless.last().copied().unwrap_or(0),
            "the head for {audience:?} is the last position"
        );
    }
    let log = tenant.log(of, Audience::Staff).await;
    let seen: Vec<_> = log.iter().filter(|event| event.kind.visible_to_visitor()).cloned().collect();
    assert_eq!(
        seen,
        tenant.log(of, Audience::Visitor).await,
        "the visitor's log is what it may see of the staff's"
    );
    log
}

/// The first event has position 1 in each numbering in which it is seen.
pub(super) async fn positions_begin_at_one(world: World) {
    let tenant = world.tenant().await;
    let conversation = tenant.open().await;
    assert_eq!(conversation.heads, Heads::default(), "a conversation without an event stands at 0");
    let first = tenant.ask(conversation.id, "hello").await;
    assert_eq!(first.position, Position { staff: 1, visitor: Some(1) });
}

/// A note takes a position among staff and none for the visitor, so that it leaves no hole in what the visitor counts.
pub(super) async fn a_note_takes_no_visitor_position(world: World) {
    let tenant = world.tenant().await;
    let to = tenant.open().await.id;
    tenant.ask(to, "hello").await;
    let note = tenant.note(to, "careful").await;
    let answer = tenant.answer(to, "hi").await;
    assert_eq!(note.position, Position { staff: 2, visitor: None }, "a note has no position for the visitor");
    assert_eq!(
        answer.position,
        Position { staff: 3, visitor: Some(2) },
        "and leaves no hole in its numbering"
    );
    let log = assert_gapless(&tenant, to).await;
    assert_eq!(log.len(), 3);
    let seen = tenant.log(to, Audience::Visitor).await;
    assert!(seen.iter().all(|event| *event != note), "the visitor's log has no trace of a note");
}

/// What was answered is in the log, just as it was answered: an answer is a commit.
pub(super) async fn the_log_holds_what_was_answered(world: World) {
    let tenant = world.tenant().await;
    let to = tenant.open().await.id;
    let mut answered = vec![tenant.ask(to, "one").await, tenant.answer(to, "two").await];
    answered.extend(tenant.update(to, &tag(&["a"])).await.1);
    answered.push(tenant.note(to, "three").await);
    assert_eq!(assert_gapless(&tenant, to).await, answered, "the log is what was answered, in its order");
}

/// The positions that an append answers are those of its last event, and those of the conversation.
pub(super) async fn an_append_answers_the_new_heads(world: World) {
    let tenant = world.tenant().await;
    let to = tenant.open().await.id;
    let note = tenant.appending(to, tenant.operator_author(), MessageKind::Note, "a note");
    assert_eq!(tenant.append(&note).await.1, Heads { staff: 1, visitor: 0 });
    let message = tenant.appending(to, tenant.visitor_author(), MessageKind::Message, "a message");
    let (_, heads) = tenant.append(&message).await;
    assert_eq!(heads, Heads { staff: 2, visitor: 1 });
    assert_eq!(tenant.find(to).await.heads, heads);
}

/// Messages, notes and changes from many tasks at once leave no gap and no repeat in either numbering.
pub(super) async fn concurrent_changes_leave_no_gap(world: World) {
    let tenant = world.tenant().await;
    let to = tenant.open().await.id;
    let tasks: Vec<_> = (0..8)
        .map(|task| {
            let tenant = tenant.clone();
            tokio::spawn(async move { write_a_mix(&tenant, to, task).await })
        })
        .collect();
    let mut answered = Vec::new();
    for task in tasks {
        answered.extend(task.await.expect("the store does not panic"));
    }
    answered.sort_by_key(|event| event.position.staff);
    assert_eq!(assert_gapless(&tenant, to).await, answered, "the log is all that was answered, each once");
}

async fn write_a_mix(tenant: &Tenant, to: ConversationId, task: usize) -> Vec<Event> {
    let mut events = Vec::new();
    for n in 0..12 {
        match (task + n) % 4 {
            0 => events.push(tenant.ask(to, "a question").await),
            1 => events.push(tenant.note(to, "a note").await),
            2 => events.push(tenant.answer(to, "an answer").await),
            _ => {
                let version = tenant.find(to).await.version;
                let tags = tag(&[&format!("{task}-{n}")]);
                // Somebody else may have been faster, which is as it should be.
                if let UpdateOutcome::Updated { events: new, .. } =
                    tenant.try_update(to, version, &tags).await
                {
                    events.extend(new);
                }
            }
        }
    }
    events
}

/// Two conversations count apart, also when they are written to at the same time.
pub(super) async fn conversations_count_apart(world: World) {
    let tenant = world.tenant().await;
    let conversations = [tenant.open().await.id, tenant.open().await.id];
    let tasks: Vec<_> = (0..8)
        .map(|task| {
            let (tenant, to) = (tenant.clone(), conversations[task % 2]);
            tokio::spawn(async move {
                for _ in 0..10 {
                    tenant.ask(to, "hello").await;
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.expect("the store does not panic");
    }
    for conversation in conversations {
        assert_eq!(assert_gapless(&tenant, conversation).await.len(), 40);
    }
}

/// Many writers to several conversations are each answered their own messages, in their own order, and the logs hold them so.
pub(super) async fn each_writer_is_answered_its_own(world: World) {
    let tenant = world.tenant().await;
    let mut conversations = Vec::new();
    for _ in 0..4 {
        conversations.push(tenant.open().await.id);
    }
    let tasks: Vec<_> = (0..24)
        .map(|task| {
            let (tenant, conversations) = (tenant.clone(), conversations.clone());
            tokio::spawn(async move {
                let mut answered = Vec::new();
                for n in 0..8 {
                    let says = format!("{n} of {task}");
                    let kind = if (task + n) % 3 == 0 { MessageKind::Note } else { MessageKind::Message };
                    // The first conversation is everybody's, so that there is one with all of them at once.
                    let to = conversations[if n % 2 == 0 { 0 } else { task % 4 }];
                    let append = tenant.appending(to, tenant.operator_author(), kind, &says);
                    let (mut events, heads) = tenant.append(&append).await;
                    let event = events.remove(0);
                    let said = event.kind.message().expect("a message was said");
                    assert_eq!((said.id, said.client_id), (append.message.id, append.message.client_id));
                    assert_eq!(said.text, Some(append.message.text), "each is answered what it said");
                    assert_eq!(heads.staff, event.position.staff, "and where the log stood then");
                    answered.push(event);
                }
                answered
            })
        })
        .collect();
    let mut answered = Vec::new();
    for task in tasks {
        let mine = task.await.expect("the store does not panic");
        for to in &conversations {
            let own: Vec<_> = mine.iter().filter(|event| event.conversation == *to).collect();
            let in_order = own.is_sorted_by(|a, b| a.position.staff < b.position.staff);
            assert!(in_order, "what one writer says stands in its order");
        }
        answered.extend(mine);
    }
    answered.sort_by_key(|event| (event.conversation, event.position.staff));
    let mut stored = Vec::new();
    for to in conversations {
        stored.extend(assert_gapless(&tenant, to).await);
    }
    assert_eq!(stored, answered, "the logs are all that was answered, each once");
}

/// With `reopen`, the status event follows the message in the same transaction, by the same author.
pub(super) async fn a_reopening_follows_its_message(world: World) {
    let tenant = world.tenant().await;
    let to = tenant.open().await.id;
    let closed = tenant.close(to).await;
    let append = tenant.appending(to, tenant.visitor_author(), MessageKind::Message, "one more thing");
    let append = Append { reopen: true, ..append };
    let outcome = tenant.try_append_with(&append, &world.change(Author::System)).await;
    let AppendOutcome::Stored { events, heads, .. } = outcome else {
        panic!("a new message is stored, and not {outcome:?}");
    };
    assert_eq!(events.len(), 2, "a message that reopens is two events");
    assert!(events[0].kind.message().is_some(), "the message comes first");
    let reopened = EventKind::Status { from: Status::Closed, to: Status::Open, snoozed_until: None };
    assert_eq!(events[1].kind, reopened, "the reopening comes second");
    assert_eq!(events[1].by, tenant.visitor_author(), "the author of the message reopens");
    let after = tenant.find(to).await;
    assert_eq!(
        (after.status, after.version),
        (Status::Open, closed.version + 1),
        "it is open, in the next version"
    );
    assert_eq!(after.heads, heads, "the answered positions include the reopening");
    assert_gapless(&tenant, to).await;
}

/// A message wakes a snoozed conversation, and the visitor, who saw it as open, sees no change of status.
pub(super) async fn waking_by_a_message_is_hidden_from_the_visitor(world: World) {
    let tenant = world.tenant().await;
    let to = tenant.open().await.id;
    tenant.snooze(to, Timestamp::MAX).await;
    let append = tenant.appending(to, tenant.visitor_author(), MessageKind::Message, "are you there?");
    let (events, _) = tenant.append(&Append { reopen: true, ..append }).await;
    assert_eq!(
        events[1].position.visitor, None,
        "a visitor sees a snoozed conversation as open, before and after"
    );
    let after = tenant.find(to).await;
    assert_eq!((after.status, after.snoozed_until), (Status::Open, None), "who is awake has no time to wake");
    assert_gapless(&tenant, to).await;
}

/// Without `reopen`, a message leaves a closed conversation closed and its version as it is.
pub(super) async fn a_message_does_not_reopen_unasked(world: World) {
    let tenant = world.tenant().await;
    let to = tenant.open().await.id;
    let closed = tenant.close(to).await;
    tenant.note(to, "for the record").await;
    let after = tenant.find(to).await;
    assert_eq!((after.status, after.version), (Status::Closed, closed.version));
}

/// With `reopen`, a message to an open conversation is one event and no new version.
pub(super) async fn an_open_conversation_is_not_reopened(world: World) {
    let tenant = world.tenant().await;
    let conversation = tenant.open().await;
    let append = tenant.appending(conversation.id, tenant.visitor_author(), MessageKind::Message, "hello");
    let (events, _) = tenant.append(&Append { reopen: true, ..append }).await;
    assert_eq!(events.len(), 1, "there is nothing to reopen");
    assert_eq!(tenant.find(conversation.id).await.version, conversation.version);
}

/// A change of several fields is one event each, in the order status, assignee, tags.
pub(super) async fn a_change_adds_its_events_in_order(world: World) {
    let tenant = world.tenant().await;
    let to = tenant.open().await.id;
    let patch = ConversationPatch {
        status: Some(StatusChange::Closed),
        assignee: Some(Some(tenant.operator)),
        tags: Some(vec![text("a"), text("b")]),
    };
    let (_, events) = tenant.update(to, &patch).await;
    let kinds: Vec<_> = events.iter().map(|event| event.kind.clone()).collect();
    let closed = EventKind::Status { from: Status::Open, to: Status::Closed, snoozed_until: None };
    let expected =
        [closed, EventKind::Assigned(Some(tenant.operator)), EventKind::Tagged(vec![text("a"), text("b")])];
    assert_eq!(kinds, expected, "one event for each field, in the order status, assignee, tags");
    assert_eq!(assert_gapless(&tenant, to).await, events);
}

/// Closing and opening are seen by both audiences; snoozing, assigning and tagging by staff alone.
pub(super) async fn a_visitor_counts_what_it_sees(world: World) {
    let tenant = world.tenant().await;
    let to = tenant.open().await.id;
    tenant.snooze(to, Timestamp::MAX).await;
    tenant.update(to, &assign(Some(tenant.operator))).await;
    tenant.update(to, &tag(&["a"])).await;
    assert_eq!(
        tenant.find(to).await.heads,
        Heads { staff: 3, visitor: 0 },
        "internal work is for staff alone"
    );
    tenant.close(to).await;
    tenant.update(to, &status(StatusChange::Open)).await;
    assert_eq!(
        tenant.find(to).await.heads,
        Heads { staff: 5, visitor: 2 },
        "closing and opening are for both"
    );
    assert_gapless(&tenant, to).await;
}

/// An event says who did it and when: the author of a message, the actor of a change, the time of the change.
pub(super) async fn events_name_who_and_when(world: World) {
    let tenant = world.tenant().await;
    let to = tenant.open().await.id;
    let append = tenant.appending(to, tenant.visitor_author(), MessageKind::Message, "hello");
    let change = world.change(tenant.visitor_author());
    tenant.try_append_with(&append, &change).await;
    let log = tenant.log(to, Audience::Staff).await;
    assert_eq!((log[0].by, log[0].at), (tenant.visitor_author(), change.at), "a message is by its author");
    assert_eq!((log[0].conversation, log[0].epoch), (to, tenant.find(to).await.epoch));
    let (_, events) = tenant.update(to, &tag(&["a"])).await;
    assert_eq!(events[0].by, tenant.operator_author(), "a change is by its actor");
}

/// `updated_at` is the time of the last event; a note moves it for staff and not for the visitor.
pub(super) async fn updated_at_follows_what_an_audience_sees(world: World) {
    let tenant = world.tenant().await;
    let opened = tenant.open().await;
    assert_eq!(opened.updated_at.staff, opened.created_at);
    let message = tenant.ask(opened.id, "hello").await;
    let note = tenant.note(opened.id, "careful").await;
    let after = tenant.find(opened.id).await;
    assert_eq!(after.updated_at.staff, note.at, "for staff every event counts");
    assert_eq!(after.updated_at.visitor, message.at, "for the visitor a note does not");
    let (closed, events) = tenant.update(opened.id, &status(StatusChange::Closed)).await;
    assert_eq!(closed.updated_at.visitor, events[0].at, "a visible change of status counts for both");
}

/// `updated_at` never moves back, even where the clock does.
pub(super) async fn updated_at_never_moves_back(world: World) {
    let tenant = world.tenant().await;
    let to = tenant.open().await.id;
    let mut early = world.change(tenant.visitor_author());
    let late = tenant.ask(to, "late").await;
    let append = tenant.appending(to, tenant.visitor_author(), MessageKind::Message, "early");
    early.at = Timestamp::from_millis(early.at.millis() - 1_000);
    tenant.try_append_with(&append, &early).await;
    let after = tenant.find(to).await;
    assert_eq!(after.updated_at.staff, late.at, "an earlier time does not move it back");
    assert_eq!(after.updated_at.visitor, late.at, "an earlier time does not move it back");
    assert_eq!(tenant.log(to, Audience::Staff).await[1].at, early.at, "the event keeps its own time");
}
