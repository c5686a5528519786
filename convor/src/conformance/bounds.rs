//! What is counted to a bound and no further, and what a bound refuses.

use super::snapshot::Snapshot;
use super::tenant::{Tenant, tag};
use super::world::{Answered, World, text};
use crate::domain::{Audience, Author, MessageKind, Text};
use crate::ids::{ConversationId, OperatorId};
use crate::ports::storage::{ConversationPage, ConversationScope, Open, OpenOutcome, UpdateOutcome, Window};

async fn unread(tenant: &Tenant, of: ConversationId, reader: Author) -> u32 {
    tenant.view(of, reader).await.unread
}

/// Unread messages are counted to 100 and no further, for both sides.
pub(super) async fn unread_is_counted_to_a_hundred(world: World) {
    let tenant = world.tenant().await;
    let (asked, answered) = (tenant.open().await.id, tenant.open().await.id);
    for n in 1..=103 {
        tenant.ask(asked, "hello").await;
        tenant.answer(answered, "hello").await;
        if n >= 99 {
            let expected = n.min(100);
            assert_eq!(unread(&tenant, asked, tenant.operator_author()).await, expected, "{n} of a visitor");
            assert_eq!(
                unread(&tenant, answered, tenant.visitor_author()).await,
                expected,
                "{n} of operators"
            );
        }
    }
}

/// Only the other side's messages are unread: neither one's own, nor a colleague's, nor notes, nor changes.
pub(super) async fn only_the_other_sides_messages_are_unread(world: World) {
    let tenant = world.tenant().await;
    let of = tenant.open().await.id;
    tenant.ask(of, "hello").await;
    tenant.ask(of, "anybody?").await;
    tenant.answer(of, "hi").await;
    tenant.note(of, "careful").await;
    tenant.close(of).await;
    assert_eq!(unread(&tenant, of, tenant.visitor_author()).await, 1, "a visitor: the operators' messages");
    let colleague = Author::Operator(tenant.another_operator().await);
    for reader in [tenant.operator_author(), colleague] {
        assert_eq!(unread(&tenant, of, reader).await, 2, "an operator: the visitor's messages");
    }
}

/// What the system says is unread for the visitor, as an operator's message is.
pub(super) async fn the_systems_messages_are_unread_for_the_visitor(world: World) {
    let tenant = world.tenant().await;
    let of = tenant.open().await.id;
    tenant.append(&tenant.appending(of, Author::System, MessageKind::Message, "We are closed.")).await;
    assert_eq!(unread(&tenant, of, tenant.visitor_author()).await, 1);
    assert_eq!(unread(&tenant, of, tenant.operator_author()).await, 0);
}

/// What was read is not unread, and each reader has read for itself.
pub(super) async fn reading_makes_less_unread(world: World) {
    let tenant = world.tenant().await;
    let of = tenant.open().await.id;
    for _ in 0..3 {
        tenant.ask(of, "hello").await;
        tenant.note(of, "hm").await;
        tenant.answer(of, "hi").await;
    }
    tenant.advance(of, tenant.operator_author(), Audience::Staff, 4).await;
    assert_eq!(unread(&tenant, of, tenant.operator_author()).await, 1, "position 7 alone stands above 4");
    let colleague = Author::Operator(tenant.another_operator().await);
    assert_eq!(unread(&tenant, of, colleague).await, 3, "a colleague's reading is not one's own");
    tenant.advance(of, tenant.visitor_author(), Audience::Visitor, 4).await;
    assert_eq!(unread(&tenant, of, tenant.visitor_author()).await, 1, "position 6 alone stands above 4");
    tenant.advance(of, tenant.visitor_author(), Audience::Visitor, 6).await;
    assert_eq!(unread(&tenant, of, tenant.visitor_author()).await, 0);
}

/// A visitor with as many conversations as are allowed opens no further one, and the attempt stores nothing.
pub(super) async fn a_visitor_has_at_most_conversations_max(world: World) {
    let tenant = world.tenant().await;
    let open = || Open { conversations_max: 2, ..tenant.opening() };
    for _ in 0..2 {
        let opened = tenant.try_open(&open()).await;
        assert!(matches!(opened, OpenOutcome::Opened { .. }), "there is room for two: {opened:?}");
    }
    let before = Snapshot::of(&tenant).await;
    let third = tenant.try_open_with(&open(), &world.loaded(tenant.visitor_author())).await;
    assert!(matches!(third, OpenOutcome::TooMany), "there is no room for a third: {third:?}");
    Snapshot::of(&tenant).await.assert_same_as(&before, "a refused open stores nothing");
}

/// Closed conversations count, and other visitors' do not.
pub(super) async fn the_bound_counts_all_of_one_visitor(world: World) {
    let tenant = world.tenant().await;
    let first = tenant.open().await;
    tenant.close(first.id).await;
    let bounded = Open { conversations_max: 1, ..tenant.opening() };
    let outcome = tenant.try_open(&bounded).await;
    assert!(matches!(outcome, OpenOutcome::TooMany), "a closed conversation counts: {outcome:?}");
    let visitor = tenant.another_visitor().await;
    let outcome = tenant.try_open(&Open { visitor, ..bounded }).await;
    assert!(matches!(outcome, OpenOutcome::Opened { .. }), "another visitor's do not: {outcome:?}");
}

/// Concurrent opens do not get past the bound.
pub(super) async fn concurrent_opens_keep_the_bound(world: World) {
    let tenant = world.tenant().await;
    let tasks: Vec<_> = (0..16)
        .map(|_| {
            let open = Open { conversations_max: 3, ..tenant.opening() };
            let tenant = tenant.clone();
            tokio::spawn(async move { tenant.try_open(&open).await })
        })
        .collect();
    let mut opened = 0;
    for task in tasks {
        match task.await.expect("the store does not panic") {
            OpenOutcome::Opened { .. } => opened += 1,
            OpenOutcome::TooMany => {}
            other => panic!("each is opened or one too many, and not {other:?}"),
        }
    }
    assert_eq!(opened, 3, "of sixteen concurrent opens exactly as many as are allowed");
}

/// A batch of 200 operators is answered whole, each once, and without those that are not there.
pub(super) async fn two_hundred_operators_are_found_at_once(world: World) {
    let tenant = world.tenant().await;
    let mut there = vec![tenant.operator];
    for _ in 0..99 {
        there.push(tenant.another_operator().await);
    }
    let mut asked = there.clone();
    asked.extend((0..99).map(|_| world.id::<OperatorId>()));
    asked.push(there[5]);
    assert_eq!(asked.len(), 200);
    let mut found: Vec<_> = tenant
        .operators()
        .find(tenant.id, &asked)
        .await
        .answered()
        .into_iter()
        .map(|operator| operator.id)
        .collect();
    found.sort();
    assert_eq!(found, there, "each that is there, once, and none that is not");
    assert_eq!(tenant.operators().find(tenant.id, &[]).await.answered(), [], "nobody was asked for");
}

/// Concurrent opens for a visitor who may have one more open exactly one, and the repeats among them are recognised.
pub(super) async fn concurrent_opens_at_the_bound_fill_one_place(world: World) {
    let tenant = world.tenant().await;
    let open = || Open { conversations_max: 3, ..tenant.opening() };
    let there = [open(), open()];
    for open in &there {
        tenant.try_open(open).await;
    }
    let tasks: Vec<_> = (0..16)
        .map(|n| {
            let (tenant, repeat) = (tenant.clone(), n % 4 == 0);
            let open = if repeat { there[n / 4 % 2].clone() } else { open() };
            tokio::spawn(async move { (repeat, tenant.try_open(&open).await) })
        })
        .collect();
    let mut opened = 0;
    for task in tasks {
        match task.await.expect("the store does not panic") {
            (true, OpenOutcome::Duplicate { .. }) | (false, OpenOutcome::TooMany) => {}
            (false, OpenOutcome::Opened { .. }) => opened += 1,
            (repeat, other) => {
                panic!("a repeat ({repeat}) is recognised, and no place is given twice: {other:?}")
            }
        }
    }
    assert_eq!(opened, 1, "there was one place");
    let own = ConversationPage {
        reader: tenant.visitor_author(),
        scope: ConversationScope::Of(tenant.visitor),
        before: None,
        limit: 99,
    };
    assert_eq!(tenant.conversations().page(tenant.id, &own).await.answered().len(), 3);
}

/// A bound that is larger than every number that a storage counts with is no bound.
pub(super) async fn a_bound_may_be_as_large_as_it_can(world: World) {
    let tenant = world.tenant().await;
    for conversations_max in [i32::MAX as usize + 1, i64::MAX as usize, i64::MAX as usize + 1, usize::MAX] {
        let outcome = tenant.try_open(&Open { conversations_max, ..tenant.opening() }).await;
        assert!(matches!(outcome, OpenOutcome::Opened { .. }), "at most {conversations_max}: {outcome:?}");
    }
}

/// A position or version that a client asks for may be as large as its type: it stands beyond everything that there is.
pub(super) async fn positions_beyond_every_signed_number_are_beyond_the_end(world: World) {
    let tenant = world.tenant().await;
    let of = tenant.open().await.id;
    let events = [tenant.ask(of, "hello").await, tenant.note(of, "careful").await];
    let control = world.loaded(Author::System);
    tenant.control().append(tenant.id, &control).await.answered();
    for beyond in [1 << 31, 1 << 32, i64::MAX.cast_unsigned(), 1 << 63, (1 << 63) + 1, u64::MAX] {
        for audience in [Audience::Staff, Audience::Visitor] {
            let after = tenant.page(of, audience, Window::After(beyond), 9).await.events;
            assert_eq!(after, [], "nothing stands above {beyond}");
            let before = tenant.page(of, audience, Window::Before(beyond), 9).await.events;
            assert_eq!(before, tenant.log(of, audience).await, "everything stands below {beyond}");
        }
        assert_eq!(tenant.control().after(tenant.id, beyond, 9).await.answered(), []);
        let outcome = tenant.try_update(of, beyond, &tag(&["a"])).await;
        assert!(matches!(outcome, UpdateOutcome::VersionMismatch), "version {beyond}: {outcome:?}");
        let reader = Author::Operator(tenant.another_operator().await);
        let read = tenant.advance(of, reader, Audience::Staff, beyond).await;
        assert_eq!(read, Some(tenant.find(of).await.heads), "up to {beyond} is up to the end");
    }
    assert_eq!(tenant.log(of, Audience::Staff).await, events, "nothing has changed");
}

/// The longest text comes back as it was, whatever is in it.
pub(super) async fn a_text_comes_back_as_it_was(world: World) {
    let tenant = world.tenant().await;
    let to = tenant.open().await.id;
    let texts = [
        "🧵".repeat(8_000),
        "e\u{301} ≠ é, and \u{202e}right to left\u{202c}".to_owned(),
        "'; DROP TABLE events; -- \" \\ % _ $1 {} \u{1} \r\n\t".to_owned(),
        "  kept  ".to_owned(),
    ];
    for typed in &texts {
        tenant.ask(to, typed).await;
    }
    let log = tenant.log(to, Audience::Staff).await;
    let stored = log.iter().filter_map(|event| event.kind.message()?.text.clone());
    let typed: Vec<Text> = texts.iter().map(|typed| text(typed)).collect();
    assert!(stored.eq(typed), "a text is kept byte for byte");
}
