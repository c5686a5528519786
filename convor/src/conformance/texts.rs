//! Whatever people type is kept byte for byte, and compared so.

use super::tenant::{Tenant, tag};
use super::world::{Answered, World, text};
use crate::credentials::TokenHash;
use crate::domain::{
    Audience, Author, BodyDigest, Color, CurrentPage, Email, EventKind, MessageKind, Operator, Origin, Role,
    Site, TenantProfile, Text, Visitor,
};
use crate::ids::ConversationId;
use crate::ports::storage::{
    Append, AppendOutcome, ContactPatch, ConversationPage, ConversationScope, NewMessage, NewVisitor, Open,
    OpenOutcome, OperatorOutcome,
};

/// What a storage, a driver or a collation may take for something else. Each fits in a tag.
const AWKWARD: [&str; 24] = [
    "'",
    "\"",
    "\\",
    "\\'; --",
    "%",
    "_",
    "a,b",
    "{a,\"b\"}",
    "NULL",
    "null",
    "$1",
    "?",
    ":a",
    "[]",
    "\u{1}\u{7f}",
    "\r",
    "\r\n\ta",
    " a ",
    "e\u{301}",
    "🧵👩\u{200d}👩\u{200d}👧",
    "\u{202e}שלום\u{202c}",
    "\u{feff}a\u{fffd}\u{fffe}",
    "\u{10ffff}",
    "x\u{ad}\u{200b}\u{200f}\u{2028}",
];

/// Every awkward text in one.
fn all_in_one() -> String {
    AWKWARD.concat()
}

/// The longest text of so many characters, each of four bytes.
fn longest(chars: usize) -> Text {
    text(&"🧵".repeat(chars))
}

/// A message comes back as it was, each awkward text alone and all of them together, for both audiences.
pub(super) async fn a_message_is_kept_byte_for_byte(world: World) {
    let tenant = world.tenant().await;
    let to = tenant.open().await.id;
    let mut typed: Vec<Text> =
        AWKWARD.iter().filter(|typed| !typed.trim().is_empty()).map(|typed| text(typed)).collect();
    typed.extend([text(&all_in_one()), longest(8_000)]);
    for says in &typed {
        tenant.ask(to, says.as_str()).await;
    }
    for audience in [Audience::Staff, Audience::Visitor] {
        let log = tenant.log(to, audience).await;
        let stored = log.iter().filter_map(|event| event.kind.message()?.text.clone());
        assert!(stored.eq(typed.iter().cloned()), "a text is kept byte for byte, for {audience:?}");
    }
    let last = tenant.view(to, tenant.operator_author()).await.last_message.expect("there is one");
    assert!(last.kind.message().and_then(|message| message.text.clone()) == typed.last().cloned());
}

/// Names, titles, greetings, subjects and pages come back as they were, awkward or as long as they may be.
pub(super) async fn every_field_is_kept_byte_for_byte(world: World) {
    for (name, prose, long) in [
        (text(&all_in_one()), text(&all_in_one()), text(&all_in_one())),
        (longest(100), longest(200), longest(2_048)),
    ] {
        let tenant = Tenant::new(&world, world.empty_tenant().await);
        let (id, change) = (tenant.id, world.change(Author::System));
        let profile = TenantProfile { name: name.clone(), digest_key: [255; 32] };
        assert!(world.tenants().insert(id, &profile, &change).await.answered());
        assert!(world.tenants().find(id).await.answered() == Some(profile));
        let site = Site {
            id: tenant.site,
            name: name.clone(),
            title: prose.clone(),
            greeting: long.clone(),
            color: Color::parse("#00ff7f").expect("a colour"),
            origins: (0..50).filter_map(|n| Origin::parse(&format!("https://b{n}.example"))).collect(),
            created_at: world.now(),
        };
        assert!(world.sites().insert(id, &site, &change).await.answered());
        assert!(world.sites().find(id, site.id).await.answered() == Some(site));
        assert!(tenant.register(tenant.visitor, tenant.token, Some(name.clone())).await);
        let patch = ContactPatch { name: Some(Some(prose.clone())), email: None };
        let updated = world.visitors().update(id, tenant.visitor, &patch, &change).await.answered();
        assert!(updated.expect("it is there").name == Some(prose.clone()));
        let page = CurrentPage { url: long.clone(), title: Some(prose.clone()), at: world.now() };
        assert!(world.pages().put(id, tenant.visitor, &page, &change).await.answered());
        assert!(world.pages().find(id, tenant.visitor).await.answered() == Some(page));
        let operator = Operator {
            id: tenant.operator,
            name: name.clone(),
            email: tenant.email.clone(),
            role: Role::Owner,
            created_at: world.now(),
        };
        let added = world.operators().insert(id, &operator, &change).await.answered();
        assert_eq!(added, OperatorOutcome::Added);
        assert!(world.operators().find(id, &[operator.id]).await.answered() == [operator]);
        let open = Open { subject: Some(prose.clone()), ..tenant.opening() };
        tenant.try_open(&open).await;
        assert!(tenant.find(open.id).await.subject == Some(prose.clone()));
    }
}

/// The conversations that carry the tag, as the inbox finds them.
async fn tagged(tenant: &Tenant, with: &str) -> Vec<ConversationId> {
    let scope = ConversationScope::Inbox { status: None, assignee: None, tag: Some(text(with)) };
    let page = ConversationPage { reader: tenant.operator_author(), scope, before: None, limit: 99 };
    let views = tenant.conversations().page(tenant.id, &page).await.answered();
    views.iter().map(|view| view.conversation.id).collect()
}

/// Tags come back as they were, in their order, whatever separates things elsewhere; as many and as long as they may be.
pub(super) async fn tags_are_kept_apart(world: World) {
    let tenant = world.tenant().await;
    let of = tenant.open().await.id;
    let mut awkward: Vec<&str> = AWKWARD.iter().copied().filter(|typed| !typed.trim().is_empty()).collect();
    awkward.sort_unstable();
    let long: Vec<String> = (0..20).map(|n| format!("{n:02}{}", "🧵".repeat(48))).collect();
    let long: Vec<&str> = long.iter().map(String::as_str).collect();
    for tags in [&awkward[..], &long[..], &["a", "a,b", "b"], &[]] {
        let patch = tag(tags);
        let (updated, events) = tenant.update(of, &patch).await;
        assert!(Some(&updated.tags) == patch.tags.as_ref(), "each tag apart, as it was");
        assert!(tenant.find(of).await.tags == updated.tags);
        assert!(events[0].kind == EventKind::Tagged(updated.tags.clone()), "the event names them, too");
        assert!(tenant.log(of, Audience::Staff).await.last() == events.last());
        for tag in tags {
            assert_eq!(tagged(&tenant, tag).await, [of], "and it is found by each");
        }
    }
    assert_eq!(tagged(&tenant, "a").await, [], "a tag that was taken away finds nothing");
}

/// A tag finds what carries it, and not what looks like it: no pattern, no letter case, no accent, no white space.
pub(super) async fn a_tag_is_compared_as_it_is(world: World) {
    let tenant = world.tenant().await;
    let alike = [
        "ab",
        "aB",
        "a_",
        "a%",
        "a",
        "a ",
        "á",
        "a\u{301}",
        "a,b",
        "straße",
        "strasse",
        "ﬁ",
        "fi",
        "\u{feff}a",
        "1",
        "01",
    ];
    let mut conversations = Vec::new();
    for typed in alike {
        let of = tenant.open().await.id;
        tenant.update(of, &tag(&[typed])).await;
        conversations.push(of);
    }
    for (typed, of) in alike.iter().zip(&conversations) {
        assert_eq!(tagged(&tenant, typed).await, [*of], "`{typed}` finds its own conversation alone");
    }
    for pattern in ["%", "_", "a*", ".", "A", "b"] {
        assert_eq!(tagged(&tenant, pattern).await, [], "`{pattern}` is on none");
    }
}

/// Addresses are compared as they are: what looks like a taken one is free, and signs in as itself.
pub(super) async fn addresses_are_compared_as_they_are(world: World) {
    let tenant = world.tenant().await;
    let alike = [
        "a_b@c.example",
        "axb@c.example",
        "a%b@c.example",
        "ss@c.example",
        "ß@c.example",
        "é@c.example",
        "e\u{301}@c.example",
        "o'b\\@c.example",
    ];
    for address in alike {
        let id = world.id();
        assert_eq!(
            tenant.add_operator(id, "Ben", address).await,
            OperatorOutcome::Added,
            "{address} is free"
        );
        let taken = tenant.add_operator(world.id(), "Ben", address).await;
        assert_eq!(taken, OperatorOutcome::Taken, "{address} is not free any more");
        let found = world.operators().find(tenant.id, &[id]).await.answered();
        assert_eq!(found[0].email.as_str(), address);
    }
    let longest = format!("{}@c.example", "x".repeat(244));
    let visitor = Visitor {
        id: world.id(),
        site: tenant.site,
        name: None,
        email: Some(Email::parse(&longest).expect("254 characters")),
        created_at: world.now(),
    };
    let new = NewVisitor { visitor: visitor.clone(), token: world.token() };
    assert!(world.visitors().register(tenant.id, &new, &world.change(Author::System)).await.answered());
    assert!(world.visitors().find(tenant.id, visitor.id).await.answered() == Some(visitor));
}

/// Tokens and digests are bytes, whatever the bytes are.
pub(super) async fn tokens_and_digests_are_bytes(world: World) {
    let tenant = world.tenant().await;
    let edges: [[u8; 32]; 4] = [
        [0; 32],
        [255; 32],
        std::array::from_fn(|i| if i == 31 { 1 } else { 0 }),
        std::array::from_fn(|i| b"\\x00'\"%\x00\xff\xc3"[i % 9]),
    ];
    for bytes in edges {
        let (id, token) = (world.id(), TokenHash::from(bytes));
        assert!(tenant.register(id, token, None).await);
        let found = world.visitors().find_by_token(tenant.id, &token).await.answered();
        assert_eq!(found.map(|visitor| visitor.id), Some(id), "a token finds its visitor and no other");
    }
    for bytes in edges {
        let of = tenant.seen_by(world.id(), world.token());
        assert!(of.register(of.visitor, of.token, None).await);
        let open = Open { digest: BodyDigest::from(bytes), ..of.opening() };
        let message = of.message(MessageKind::Message, "hello");
        let message = NewMessage { digest: BodyDigest::from(bytes), ..message };
        of.try_open(&open).await;
        let append = Append { conversation: open.id, author: of.visitor_author(), message, reopen: false };
        of.append(&append).await;
        for other in edges {
            let again = of.try_open(&Open { digest: BodyDigest::from(other), ..open.clone() }).await;
            assert_eq!(matches!(again, OpenOutcome::Duplicate { .. }), other == bytes, "an opening's digest");
            let message = NewMessage { digest: BodyDigest::from(other), ..append.message.clone() };
            let again = of.try_append(&Append { message, ..append.clone() }).await;
            assert_eq!(matches!(again, AppendOutcome::Duplicate(_)), other == bytes, "a message's digest");
        }
    }
}
