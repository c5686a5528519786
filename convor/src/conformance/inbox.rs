//! Lists of conversations: their order, their cursors and their filters.

use super::tenant::{Tenant, assign, status, tag};
use super::world::{Answered, World, text};
use crate::domain::{Audience, Author, Status};
use crate::ids::{ConversationId, VisitorId};
use crate::ports::storage::{
    AssigneeFilter, ConversationPage, ConversationPatch, ConversationScope, ConversationView, Open,
    OpenOutcome, StatusChange,
};
use crate::time::Timestamp;

const ALL: ConversationScope = ConversationScope::Inbox { status: None, assignee: None, tag: None };

async fn page(
    tenant: &Tenant,
    scope: ConversationScope,
    before: Option<(Timestamp, ConversationId)>,
    limit: usize,
) -> Vec<ConversationView> {
    let reader = match scope {
        ConversationScope::Of(visitor) => Author::Visitor(visitor),
        ConversationScope::Inbox { .. } => tenant.operator_author(),
    };
    let page = ConversationPage { reader, scope, before, limit };
    tenant.conversations().page(tenant.id, &page).await.answered()
}

/// The ids of all in the scope, in the order of the list.
async fn listed(tenant: &Tenant, scope: ConversationScope) -> Vec<ConversationId> {
    page(tenant, scope, None, 1_000).await.iter().map(|view| view.conversation.id).collect()
}

/// So many conversations, all opened at the very same time.
async fn opened_at_once(tenant: &Tenant, count: usize) -> Vec<ConversationId> {
    let change = tenant.change(tenant.visitor_author());
    let mut ids = Vec::new();
    for _ in 0..count {
        let open = tenant.opening();
        let opened = tenant.try_open_with(&open, &change).await;
        assert!(
            matches!(opened, OpenOutcome::Opened { .. }),
            "a new conversation is opened, and not {opened:?}"
        );
        ids.push(open.id);
    }
    ids
}

/// Walks through a list page by page.
async fn walk(tenant: &Tenant, scope: &ConversationScope, limit: usize) -> Vec<ConversationId> {
    let mut ids = Vec::new();
    let mut before = None;
    loop {
        let views = page(tenant, scope.clone(), before, limit).await;
        assert!(views.len() <= limit, "at most as many as asked for");
        let Some(last) = views.last().map(|view| &view.conversation) else {
            return ids;
        };
        before = Some((last.updated_at.of(scope.audience()), last.id));
        ids.extend(views.iter().map(|view| view.conversation.id));
        assert!(ids.len() <= 100, "each page begins below the cursor");
    }
}

/// An inbox without conversations is empty, and so is a visitor's list.
pub(super) async fn an_empty_list_is_empty(world: World) {
    let tenant = world.tenant().await;
    assert_eq!(listed(&tenant, ALL).await, []);
    assert_eq!(listed(&tenant, ConversationScope::Of(tenant.visitor)).await, []);
}

/// The conversation that changed last comes first.
pub(super) async fn the_latest_change_comes_first(world: World) {
    let tenant = world.tenant().await;
    let (one, two, three) = (tenant.open().await.id, tenant.open().await.id, tenant.open().await.id);
    assert_eq!(listed(&tenant, ALL).await, [three, two, one], "the newest first");
    tenant.ask(one, "hello").await;
    assert_eq!(listed(&tenant, ALL).await, [one, three, two], "a message moves its conversation to the top");
    tenant.update(two, &tag(&["a"])).await;
    assert_eq!(listed(&tenant, ALL).await, [two, one, three], "so does every other event");
}

/// For a visitor's own list, only what the visitor sees counts.
pub(super) async fn a_note_does_not_move_a_visitors_list(world: World) {
    let tenant = world.tenant().await;
    let (one, two) = (tenant.open().await.id, tenant.open().await.id);
    tenant.note(one, "careful").await;
    assert_eq!(listed(&tenant, ALL).await, [one, two], "staff see the note");
    let own = ConversationScope::Of(tenant.visitor);
    assert_eq!(listed(&tenant, own.clone()).await, [two, one], "the visitor cannot tell that there is one");
    tenant.answer(one, "hello").await;
    assert_eq!(listed(&tenant, own).await, [one, two]);
}

/// Reading changes no order.
pub(super) async fn reading_moves_no_conversation(world: World) {
    let tenant = world.tenant().await;
    let (one, two) = (tenant.open().await.id, tenant.open().await.id);
    tenant.ask(one, "hello").await;
    tenant.ask(two, "hello").await;
    tenant.advance(one, tenant.operator_author(), Audience::Staff, 1).await;
    assert_eq!(listed(&tenant, ALL).await, [two, one]);
}

/// Where the times are the same the larger id comes first, and a walk with any limit sees each conversation once.
pub(super) async fn ties_are_ordered_by_id(world: World) {
    let tenant = world.tenant().await;
    let mut ids = opened_at_once(&tenant, 7).await;
    ids.reverse();
    for limit in [1, 2, 3, 7, 8] {
        let walked = walk(&tenant, &ALL, limit).await;
        assert_eq!(walked, ids, "the inbox by {limit}");
        let own = walk(&tenant, &ConversationScope::Of(tenant.visitor), limit).await;
        assert_eq!(own, ids, "the visitor's list by {limit}");
    }
}

/// What follows is strictly below the cursor in time and id, also where the cursor's conversation has moved or is none.
pub(super) async fn the_cursor_is_strictly_below(world: World) {
    let tenant = world.tenant().await;
    let ids = opened_at_once(&tenant, 3).await;
    let at = tenant.find(ids[0]).await.updated_at.staff;
    let below = async |before| {
        let views = page(&tenant, ALL, Some(before), 10).await;
        views.iter().map(|view| view.conversation.id).collect::<Vec<_>>()
    };
    assert_eq!(below((at, ids[1])).await, [ids[0]], "the cursor's own conversation is not on the next page");
    assert_eq!(below((at, ids[0])).await, [], "nothing is below the last");
    assert_eq!(below((Timestamp::MAX, ids[0])).await, [ids[2], ids[1], ids[0]], "time comes before id");
    assert_eq!(below((Timestamp::from_millis(0), ids[2])).await, [], "time comes before id");
    tenant.ask(ids[1], "hello").await;
    assert_eq!(below((at, ids[1])).await, [ids[0]], "a cursor stands where it was");
}

/// A page ends at its limit, and one that is just full is followed by an empty one.
pub(super) async fn a_page_ends_at_its_limit(world: World) {
    let tenant = world.tenant().await;
    opened_at_once(&tenant, 4).await;
    for (limit, expected) in [(0, 0), (1, 1), (3, 3), (4, 4), (5, 4)] {
        assert_eq!(page(&tenant, ALL, None, limit).await.len(), expected, "at most {limit} of four");
    }
    let last = page(&tenant, ALL, None, 4).await.pop().expect("four").conversation;
    assert_eq!(page(&tenant, ALL, Some((last.updated_at.staff, last.id)), 4).await, []);
}

/// The filter by status shows that status alone, and follows every change.
pub(super) async fn the_inbox_is_filtered_by_status(world: World) {
    let tenant = world.tenant().await;
    let (one, two, three) = (tenant.open().await.id, tenant.open().await.id, tenant.open().await.id);
    tenant.close(one).await;
    tenant.snooze(two, Timestamp::MAX).await;
    let with = |status| ConversationScope::Inbox { status: Some(status), assignee: None, tag: None };
    assert_eq!(listed(&tenant, with(Status::Closed)).await, [one]);
    assert_eq!(listed(&tenant, with(Status::Snoozed)).await, [two]);
    assert_eq!(listed(&tenant, with(Status::Open)).await, [three]);
    tenant.update(one, &status(StatusChange::Open)).await;
    assert_eq!(
        listed(&tenant, with(Status::Open)).await,
        [one, three],
        "what is opened again is listed again"
    );
    assert_eq!(listed(&tenant, with(Status::Closed)).await, []);
}

/// The filter by assignee tells nobody's from one operator's and from another's.
pub(super) async fn the_inbox_is_filtered_by_assignee(world: World) {
    let tenant = world.tenant().await;
    let (mine, theirs, nobodys) = (tenant.open().await.id, tenant.open().await.id, tenant.open().await.id);
    let colleague = tenant.another_operator().await;
    tenant.update(mine, &assign(Some(tenant.operator))).await;
    tenant.update(theirs, &assign(Some(colleague))).await;
    let of = |filter| ConversationScope::Inbox { status: None, assignee: Some(filter), tag: None };
    assert_eq!(listed(&tenant, of(AssigneeFilter::Operator(tenant.operator))).await, [mine]);
    assert_eq!(listed(&tenant, of(AssigneeFilter::Operator(colleague))).await, [theirs]);
    assert_eq!(listed(&tenant, of(AssigneeFilter::Nobody)).await, [nobodys]);
    tenant.update(mine, &assign(None)).await;
    assert_eq!(
        listed(&tenant, of(AssigneeFilter::Nobody)).await,
        [mine, nobodys],
        "what is given up is nobody's"
    );
    assert_eq!(listed(&tenant, of(AssigneeFilter::Operator(tenant.operator))).await, []);
}

/// The filter by tag compares whole tags, exactly.
pub(super) async fn the_inbox_is_filtered_by_tag(world: World) {
    let tenant = world.tenant().await;
    let (one, two) = (tenant.open().await.id, tenant.open().await.id);
    tenant.update(one, &tag(&["billing", "vip"])).await;
    tenant.update(two, &tag(&["billing"])).await;
    let with = |name: &str| ConversationScope::Inbox { status: None, assignee: None, tag: Some(text(name)) };
    assert_eq!(listed(&tenant, with("billing")).await, [two, one]);
    assert_eq!(listed(&tenant, with("vip")).await, [one]);
    for other in ["bill", "Billing", "%", "billing,vip", "none"] {
        assert_eq!(listed(&tenant, with(other)).await, [], "{other} is another tag");
    }
    tenant.update(one, &tag(&["vip"])).await;
    assert_eq!(listed(&tenant, with("billing")).await, [two], "a tag that was taken away is gone");
}

/// Filters together show what passes all of them, and pages of them lose nothing.
pub(super) async fn filters_are_joined(world: World) {
    let tenant = world.tenant().await;
    let ids = opened_at_once(&tenant, 8).await;
    let patch = |n: usize| ConversationPatch {
        status: (n & 1 != 0).then_some(StatusChange::Closed),
        assignee: (n & 2 != 0).then_some(Some(tenant.operator)),
        tags: match n {
            4 | 7 => Some(vec![text("a"), text("rare")]),
            5 | 6 => Some(vec![text("a")]),
            _ => None,
        },
    };
    for (n, id) in ids.iter().enumerate() {
        tenant.update(*id, &patch(n)).await;
    }
    let mine = Some(AssigneeFilter::Operator(tenant.operator));
    let scope = |status, assignee, tag| ConversationScope::Inbox { status, assignee, tag };
    let closed = Some(Status::Closed);
    assert_eq!(listed(&tenant, scope(closed, mine, Some(text("a")))).await, [ids[7]]);
    assert_eq!(listed(&tenant, scope(closed, mine, None)).await, [ids[7], ids[3]]);
    let nobody = Some(AssigneeFilter::Nobody);
    assert_eq!(listed(&tenant, scope(Some(Status::Open), nobody, Some(text("a")))).await, [ids[4]]);
    let rare = Some(text("rare"));
    assert_eq!(listed(&tenant, scope(closed, None, rare.clone())).await, [ids[7]], "closed and rare");
    assert_eq!(listed(&tenant, scope(None, nobody, rare)).await, [ids[4]], "nobody's and rare");
    let walked = walk(&tenant, &scope(None, mine, None), 1).await;
    assert_eq!(walked, [ids[7], ids[6], ids[3], ids[2]], "one by one");
}

/// A visitor's list holds its own conversations and nobody else's.
pub(super) async fn a_visitor_lists_its_own_only(world: World) {
    let tenant = world.tenant().await;
    let mine = tenant.open().await.id;
    let other: VisitorId = tenant.another_visitor().await;
    let open = Open { visitor: other, ..tenant.opening() };
    tenant.try_open(&open).await;
    assert_eq!(listed(&tenant, ConversationScope::Of(tenant.visitor)).await, [mine]);
    assert_eq!(listed(&tenant, ConversationScope::Of(other)).await, [open.id]);
    assert_eq!(listed(&tenant, ALL).await, [open.id, mine], "the inbox holds both");
}

/// What a list shows of a conversation is what the conversation shows by itself.
pub(super) async fn a_list_shows_what_a_view_shows(world: World) {
    let tenant = world.tenant().await;
    for n in 0..3 {
        let to = tenant.open().await.id;
        tenant.ask(to, "hello").await;
        tenant.answer(to, "hi").await;
        tenant.note(to, "careful").await;
        tenant.advance(to, tenant.operator_author(), Audience::Staff, n).await;
        tenant.advance(to, tenant.visitor_author(), Audience::Visitor, n).await;
    }
    for (scope, reader) in
        [(ALL, tenant.operator_author()), (ConversationScope::Of(tenant.visitor), tenant.visitor_author())]
    {
        let views = page(&tenant, scope, None, 10).await;
        assert_eq!(views.len(), 3);
        for view in views {
            assert_eq!(tenant.view(view.conversation.id, reader).await, view, "for {reader:?}");
        }
    }
}
