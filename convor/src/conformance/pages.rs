//! Windows of event logs, and the keyset pages of sites, operators and the audit trail.

use super::tenant::Tenant;
use super::world::{Answered, World};
use crate::domain::{Audience, Author, Event, Heads};
use crate::ids::ConversationId;
use crate::ports::storage::{ConversationPage, ConversationScope, EventPage, Window};
use crate::time::Timestamp;

/// A log of seven messages with a note after each: 14 positions for staff, 7 for the visitor.
async fn log_of_fourteen(tenant: &Tenant) -> ConversationId {
    let to = tenant.open().await.id;
    for n in 0..7 {
        tenant.ask(to, &format!("question {n}")).await;
        tenant.note(to, &format!("note {n}")).await;
    }
    to
}

fn seqs(page: &EventPage, audience: Audience) -> Vec<u64> {
    page.events.iter().filter_map(|event| event.seq(audience)).collect()
}

/// Fails unless a window of the log of fourteen shows exactly these positions.
async fn assert_window(audience: Audience, world: &World, windows: &[(Window, usize, &[u64])]) {
    let tenant = world.tenant().await;
    let to = log_of_fourteen(&tenant).await;
    for (window, limit, expected) in windows {
        let page = tenant.page(to, audience, *window, *limit).await;
        assert_eq!(seqs(&page, audience), *expected, "{window:?} of at most {limit} for {audience:?}");
        assert_eq!(page.events.len(), expected.len(), "and nothing that {audience:?} does not see");
    }
}

/// `After` yields the first events above the position: exact limits, limit 1, the head and beyond.
pub(super) async fn after_yields_the_first_events_above_it(world: World) {
    let windows: &[(Window, usize, &[u64])] = &[
        (Window::After(0), 1, &[1]),
        (Window::After(0), 14, &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14]),
        (Window::After(3), 4, &[4, 5, 6, 7]),
        (Window::After(12), 2, &[13, 14]),
        (Window::After(12), 5, &[13, 14]),
        (Window::After(14), 5, &[]),
        (Window::After(15), 5, &[]),
        (Window::After(u64::MAX), 5, &[]),
    ];
    assert_window(Audience::Staff, &world, windows).await;
}

/// `Before` yields the last events below the position, still in ascending order.
pub(super) async fn before_yields_the_last_events_below_it(world: World) {
    let windows: &[(Window, usize, &[u64])] = &[
        (Window::Before(15), 1, &[14]),
        (Window::Before(15), 3, &[12, 13, 14]),
        (Window::Before(5), 4, &[1, 2, 3, 4]),
        (Window::Before(5), 2, &[3, 4]),
        (Window::Before(5), 9, &[1, 2, 3, 4]),
        (Window::Before(2), 9, &[1]),
        (Window::Before(1), 9, &[]),
        (Window::Before(0), 9, &[]),
        (Window::Before(u64::MAX), 2, &[13, 14]),
    ];
    assert_window(Audience::Staff, &world, windows).await;
}

/// `Latest` yields the last events of all, in ascending order.
pub(super) async fn latest_yields_the_end(world: World) {
    let windows: &[(Window, usize, &[u64])] = &[
        (Window::Latest, 1, &[14]),
        (Window::Latest, 3, &[12, 13, 14]),
        (Window::Latest, 14, &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14]),
        (Window::Latest, 99, &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14]),
    ];
    assert_window(Audience::Staff, &world, windows).await;
}

/// For the visitor, windows speak of its own numbering, and limits count only what it sees.
pub(super) async fn a_visitors_window_counts_what_it_sees(world: World) {
    let windows: &[(Window, usize, &[u64])] = &[
        (Window::After(0), 3, &[1, 2, 3]),
        (Window::After(2), 2, &[3, 4]),
        (Window::After(6), 5, &[7]),
        (Window::After(7), 5, &[]),
        (Window::Before(4), 2, &[2, 3]),
        (Window::Before(1), 2, &[]),
        (Window::Before(99), 2, &[6, 7]),
        (Window::Latest, 1, &[7]),
        (Window::Latest, 99, &[1, 2, 3, 4, 5, 6, 7]),
    ];
    assert_window(Audience::Visitor, &world, windows).await;
}

/// Pages put together, forwards and backwards, are the whole log for both audiences.
pub(super) async fn joined_pages_are_the_whole_log(world: World) {
    let tenant = world.tenant().await;
    let to = log_of_fourteen(&tenant).await;
    for audience in [Audience::Staff, Audience::Visitor] {
        let whole = tenant.log(to, audience).await;
        for limit in [1, 2, 3, 7] {
            let forwards = walk(&tenant, to, audience, limit, true).await;
            assert_eq!(forwards, whole, "forwards by {limit} for {audience:?}");
            let backwards = walk(&tenant, to, audience, limit, false).await;
            assert_eq!(backwards, whole, "backwards by {limit} for {audience:?}");
        }
    }
}

async fn walk(
    tenant: &Tenant,
    to: ConversationId,
    audience: Audience,
    limit: usize,
    forwards: bool,
) -> Vec<Event> {
    let mut events: Vec<Event> = Vec::new();
    loop {
        let edge = if forwards { events.last() } else { events.first() };
        let window = match (edge.and_then(|event| event.seq(audience)), forwards) {
            (Some(seq), true) => Window::After(seq),
            (Some(seq), false) => Window::Before(seq),
            (None, true) => Window::After(0),
            (None, false) => Window::Latest,
        };
        let mut page = tenant.page(to, audience, window, limit).await.events;
        assert!(events.len() <= 14, "each page begins where the one before ended");
        if page.is_empty() {
            return events;
        }
        if forwards {
            events.append(&mut page);
        } else {
            page.append(&mut events);
            events = page;
        }
    }
}

/// A log without events has a page without events, whatever the window.
pub(super) async fn an_empty_log_has_an_empty_page(world: World) {
    let tenant = world.tenant().await;
    let conversation = tenant.open().await;
    for audience in [Audience::Staff, Audience::Visitor] {
        for window in
            [Window::Latest, Window::After(0), Window::After(5), Window::Before(0), Window::Before(5)]
        {
            let page = tenant.page(conversation.id, audience, window, 10).await;
            assert_eq!(
                (page.events, page.heads),
                (Vec::new(), Heads::default()),
                "{window:?} for {audience:?}"
            );
        }
    }
}

/// A page says where the log stands, for either audience and even where it shows nothing.
pub(super) async fn a_page_knows_where_the_log_stands(world: World) {
    let tenant = world.tenant().await;
    let to = log_of_fourteen(&tenant).await;
    for (audience, window) in [
        (Audience::Staff, Window::Latest),
        (Audience::Visitor, Window::After(2)),
        (Audience::Visitor, Window::After(99)),
    ] {
        let page = tenant.page(to, audience, window, 2).await;
        let conversation = tenant.find(to).await;
        assert_eq!(page.heads, Heads { staff: 14, visitor: 7 }, "the positions of the last events");
        assert_eq!(page.visitor, tenant.visitor, "the conversation's visitor");
        assert_eq!((page.floor, page.epoch), (conversation.floor, conversation.epoch));
    }
}

/// There is no page of a conversation that is not there.
pub(super) async fn an_unknown_conversation_has_no_page(world: World) {
    let tenant = world.tenant().await;
    for audience in [Audience::Staff, Audience::Visitor] {
        let page = tenant.events().page(tenant.id, world.id(), audience, Window::Latest, 10).await.answered();
        assert_eq!(page, None, "absence is `None`, not an empty page");
    }
}

/// A page of no entries is empty, of whatever list.
pub(super) async fn a_limit_of_zero_yields_nothing(world: World) {
    let tenant = world.tenant().await;
    let to = log_of_fourteen(&tenant).await;
    for window in [Window::Latest, Window::After(0), Window::Before(9)] {
        assert_eq!(tenant.page(to, Audience::Staff, window, 0).await.events, [], "{window:?}");
    }
    assert_eq!(tenant.sites().page(tenant.id, None, 0).await.answered(), []);
    assert_eq!(tenant.operators().page(tenant.id, None, 0).await.answered(), []);
    assert_eq!(tenant.audit().page(tenant.id, None, 0).await.answered(), []);
}

/// No list has anything where there is nothing, and none shows anything when it is asked for nothing.
pub(super) async fn an_empty_list_has_no_page(world: World) {
    let nobody = Tenant::new(&world, world.empty_tenant().await);
    let somebody = world.tenant().await;
    somebody.snooze(log_of_fourteen(&somebody).await, world.now()).await;
    somebody.control().append(somebody.id, &world.loaded(Author::System)).await.answered();
    for (tenant, limit) in [(&nobody, 0), (&nobody, 9), (&nobody, usize::MAX), (&somebody, 0)] {
        for (list, length) in lengths(tenant, limit).await {
            assert_eq!(length, 0, "{list} with a limit of {limit}");
        }
    }
}

/// A limit that is larger than everything yields everything, of whatever list.
pub(super) async fn a_limit_larger_than_everything_yields_everything(world: World) {
    let tenant = world.tenant().await;
    tenant.snooze(log_of_fourteen(&tenant).await, world.now()).await;
    tenant.control().append(tenant.id, &world.loaded(Author::System)).await.answered();
    let some = lengths(&tenant, 99).await;
    for limit in [i32::MAX as usize, i64::MAX as usize, i64::MAX as usize + 1, usize::MAX] {
        assert_eq!(lengths(&tenant, limit).await, some, "by {limit}");
    }
    assert!(some.iter().all(|(_, length)| *length > 0), "there is something on each: {some:?}");
}

/// How much of each list a page with this limit shows. What is claimed is free again with the next look.
async fn lengths(tenant: &Tenant, limit: usize) -> Vec<(&'static str, usize)> {
    let (id, now) = (tenant.id, tenant.now());
    let until = now.plus(std::time::Duration::from_millis(1));
    let inbox = ConversationScope::Inbox { status: None, assignee: None, tag: None };
    let mut lengths = Vec::new();
    let mut of = Vec::new();
    for (list, scope) in [("inbox", inbox), ("own", ConversationScope::Of(tenant.visitor))] {
        let page = ConversationPage { reader: tenant.operator_author(), scope, before: None, limit };
        let views = tenant.conversations().page(id, &page).await.answered();
        lengths.push((list, views.len()));
        of.extend(views.first().map(|view| view.conversation.id));
    }
    if let Some(of) = of.first() {
        for window in [Window::After(0), Window::After(3), Window::Before(9), Window::Latest] {
            lengths.push(("log", tenant.page(*of, Audience::Staff, window, limit).await.events.len()));
        }
    }
    let due = tenant.conversations().due_snoozes(id, Timestamp::MAX, limit).await.answered();
    let claimed = tenant.world.outbox().claim(id, now, until, limit).await.answered();
    lengths.extend([
        ("sites", tenant.sites().page(id, None, limit).await.answered().len()),
        ("operators", tenant.operators().page(id, None, limit).await.answered().len()),
        ("audit trail", tenant.audit().page(id, None, limit).await.answered().len()),
        ("control log", tenant.control().after(id, 0, limit).await.answered().len()),
        ("snoozes", due.len()),
        ("notifications", claimed.len()),
    ]);
    lengths
}

/// Sites come in the order of their ids, strictly above the cursor, at most as many as asked for.
pub(super) async fn sites_are_paged_by_id(world: World) {
    let tenant = world.tenant().await;
    let mut ids = vec![tenant.site];
    for n in 0..4 {
        let site = tenant.site_named(world.id(), &format!("site {n}"));
        let change = world.change(Author::System);
        assert!(tenant.sites().insert(tenant.id, &site, &change).await.answered());
        ids.push(site.id);
    }
    let page = async |after, limit| {
        let page = tenant.sites().page(tenant.id, after, limit).await.answered();
        page.into_iter().map(|site| site.id).collect::<Vec<_>>()
    };
    assert_eq!(page(None, 99).await, ids, "all, in the order of their ids");
    assert_eq!(page(None, 2).await, ids[..2], "at most as many as asked for");
    assert_eq!(page(Some(ids[1]), 2).await, ids[2..4], "strictly above the cursor");
    assert_eq!(page(Some(ids[4]), 2).await, [], "nothing above the last");
}

/// Operators come in the order of their ids, strictly above the cursor, at most as many as asked for.
pub(super) async fn operators_are_paged_by_id(world: World) {
    let tenant = world.tenant().await;
    let mut ids = vec![tenant.operator];
    for _ in 0..4 {
        ids.push(tenant.another_operator().await);
    }
    let page = async |after, limit| {
        let page = tenant.operators().page(tenant.id, after, limit).await.answered();
        page.into_iter().map(|operator| operator.id).collect::<Vec<_>>()
    };
    assert_eq!(page(None, 99).await, ids, "all, in the order of their ids");
    assert_eq!(page(None, 2).await, ids[..2], "at most as many as asked for");
    assert_eq!(page(Some(ids[1]), 2).await, ids[2..4], "strictly above the cursor");
    assert_eq!(page(Some(ids[4]), 2).await, [], "nothing above the last");
}

/// Audit entries come in the order of their ids, strictly above the cursor, at most as many as asked for.
pub(super) async fn audit_entries_are_paged_by_id(world: World) {
    let tenant = world.tenant().await;
    let mut ids = Vec::new();
    for n in 0..5 {
        let site = tenant.site_named(world.id(), &format!("site {n}"));
        let change = world.loaded(Author::System);
        assert!(tenant.sites().insert(tenant.id, &site, &change).await.answered());
        ids.extend(change.audit.map(|record| record.id));
    }
    let page = async |after, limit| {
        let page = tenant.audit().page(tenant.id, after, limit).await.answered();
        page.into_iter().map(|row| row.record.id).collect::<Vec<_>>()
    };
    assert_eq!(page(None, 99).await, ids, "all, in the order of their ids");
    assert_eq!(page(None, 2).await, ids[..2], "at most as many as asked for");
    assert_eq!(page(Some(ids[1]), 2).await, ids[2..4], "strictly above the cursor");
    assert_eq!(page(Some(ids[4]), 2).await, [], "nothing above the last");
}
