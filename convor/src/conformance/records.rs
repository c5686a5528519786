//! Profiles, sites, visitors, operators, pages and conversations come back as they were stored.

use super::tenant::Tenant;
use super::world::{Answered, World, text};
use crate::domain::{
    Audience, Author, CurrentPage, Email, EventKind, Heads, MessageKind, Operator, PerAudience, Role, Status,
    TenantProfile, Visitor,
};
use crate::ids::OperatorId;
use crate::ports::storage::{NewVisitor, Open, OpenOutcome, OperatorOutcome};

/// The storage answers.
pub(super) async fn the_storage_answers(world: World) {
    world.ping().await.answered();
}

/// A profile is stored once and comes back as it was.
pub(super) async fn a_profile_is_stored_once(world: World) {
    let tenant = world.empty_tenant().await;
    assert_eq!(world.tenants().find(tenant).await.answered(), None, "there is none yet");
    let profile = TenantProfile { name: text("Ännchen & Co"), digest_key: std::array::from_fn(|i| i as u8 * 8) };
    let change = world.change(Author::System);
    assert!(world.tenants().insert(tenant, &profile, &change).await.answered());
    let other = TenantProfile { name: text("other"), digest_key: [0; 32] };
    assert!(!world.tenants().insert(tenant, &other, &change).await.answered(), "there is one already");
    assert_eq!(world.tenants().find(tenant).await.answered(), Some(profile), "the first one stays as it was");
    assert_eq!(world.tenants().find(world.id()).await.answered(), None, "nobody has no profile");
}

/// A site comes back as it was, with its origins in their order; a taken id is refused.
pub(super) async fn a_site_comes_back_as_it_was(world: World) {
    let tenant = world.tenant().await;
    let site = tenant.site_named(world.id(), "Zweite Seite");
    let change = world.change(Author::System);
    assert!(world.sites().insert(tenant.id, &site, &change).await.answered());
    let other = tenant.site_named(site.id, "other");
    assert!(!world.sites().insert(tenant.id, &other, &change).await.answered(), "the id is taken");
    assert_eq!(world.sites().find(tenant.id, site.id).await.answered(), Some(site), "the first one stays");
    assert_eq!(world.sites().find(tenant.id, world.id()).await.answered(), None, "there is no such site");
}

/// A visitor comes back as it was, by its id and by its token.
pub(super) async fn a_visitor_comes_back_as_it_was(world: World) {
    let tenant = world.tenant().await;
    for (name, email) in [(None, None), (Some("Cleo"), Some("cleo@example.org"))] {
        let visitor = Visitor {
            id: world.id(),
            site: tenant.site,
            name: name.map(text),
            email: email.map(|email| Email::parse(email).expect("an address")),
            created_at: world.now(),
        };
        let new = NewVisitor { visitor: visitor.clone(), token: world.token() };
        let change = world.change(Author::Visitor(visitor.id));
        assert!(world.visitors().register(tenant.id, &new, &change).await.answered());
        let by_id = world.visitors().find(tenant.id, visitor.id).await.answered();
        let by_token = world.visitors().find_by_token(tenant.id, &new.token).await.answered();
        assert_eq!((by_id.as_ref(), by_token.as_ref()), (Some(&visitor), Some(&visitor)));
    }
    assert_eq!(world.visitors().find(tenant.id, world.id()).await.answered(), None, "there is no such visitor");
    let unknown = world.visitors().find_by_token(tenant.id, &world.token()).await.answered();
    assert_eq!(unknown, None, "an unknown token is nobody's");
}

/// A visitor is registered once, and on a site that is there; a refused token is nobody's.
pub(super) async fn a_visitor_is_registered_once(world: World) {
    let tenant = world.tenant().await;
    let before = world.visitors().find(tenant.id, tenant.visitor).await.answered();
    let token = world.token();
    assert!(!tenant.register(tenant.visitor, token, Some(text("other"))).await, "the id is taken");
    assert_eq!(world.visitors().find(tenant.id, tenant.visitor).await.answered(), before, "the first one stays");
    let refused = world.visitors().find_by_token(tenant.id, &token).await.answered();
    assert_eq!(refused, None, "the token of a refused registration is nobody's");
    let nowhere = Tenant { site: world.id(), ..tenant.clone() };
    assert!(!nowhere.register(world.id(), world.token(), None).await, "there is no such site");
}

/// An operator comes back as it was, whatever the role.
pub(super) async fn an_operator_comes_back_as_it_was(world: World) {
    let tenant = world.tenant().await;
    for role in [Role::Owner, Role::Admin, Role::Operator] {
        let id: OperatorId = world.id();
        let operator = Operator {
            id,
            name: text("Dörte"),
            email: Email::parse(&format!("{id}@example.org")).expect("an address"),
            role,
            created_at: world.now(),
        };
        let change = world.change(Author::System);
        let outcome = world.operators().insert(tenant.id, &operator, &change).await.answered();
        assert_eq!(outcome, OperatorOutcome::Added);
        assert_eq!(world.operators().find(tenant.id, &[id]).await.answered(), [operator]);
    }
}

/// An operator's id and address are unique within the tenant, and not beyond it.
pub(super) async fn an_operators_address_is_unique_in_its_tenant(world: World) {
    let tenant = world.tenant().await;
    let taken = tenant.add_operator(world.id(), "Ben", tenant.email.as_str()).await;
    assert_eq!(taken, OperatorOutcome::Taken, "the address is taken");
    let taken = tenant.add_operator(tenant.operator, "Ben", "ben@example.org").await;
    assert_eq!(taken, OperatorOutcome::Taken, "the id is taken");
    let free = tenant.add_operator(world.id(), "Ben", "ben@example.org").await;
    assert_eq!(free, OperatorOutcome::Added, "what was refused has not taken the address");
    let other = Tenant::new(&world, world.empty_tenant().await);
    let elsewhere = other.add_operator(tenant.operator, "Ann", tenant.email.as_str()).await;
    assert_eq!(elsewhere, OperatorOutcome::Added, "neither is taken in another tenant");
}

/// Of a visitor's pages the last one is kept.
pub(super) async fn only_the_last_page_is_kept(world: World) {
    let tenant = world.tenant().await;
    let found = async || world.pages().find(tenant.id, tenant.visitor).await.answered();
    assert_eq!(found().await, None, "the visitor has said nothing yet");
    for title in [Some("Prices"), None] {
        let page = CurrentPage { url: text("https://b.example/"), title: title.map(text), at: world.now() };
        let change = world.change(tenant.visitor_author());
        assert!(world.pages().put(tenant.id, tenant.visitor, &page, &change).await.answered());
        assert_eq!(found().await, Some(page), "a page takes the place of the one before");
    }
    let page = CurrentPage { url: text("https://b.example/"), title: None, at: world.now() };
    let put = world.pages().put(tenant.id, world.id(), &page, &world.change(Author::System)).await.answered();
    assert!(!put, "there is no such visitor");
}

/// A new conversation is open, nobody's, without tags, in version 1, and stands at 0.
pub(super) async fn a_new_conversation_is_as_the_contract_says(world: World) {
    let tenant = world.tenant().await;
    let open = Open { subject: Some(text("Where is my parcel?")), ..tenant.opening() };
    let change = world.change(tenant.visitor_author());
    let OpenOutcome::Opened { conversation, first } = tenant.try_open_with(&open, &change).await else {
        panic!("a new conversation is opened");
    };
    assert_eq!(first, None, "there was no first message");
    assert_eq!((conversation.id, conversation.site, conversation.visitor), (open.id, tenant.site, tenant.visitor));
    assert_eq!(conversation.subject, open.subject);
    assert_eq!((conversation.status, conversation.snoozed_until), (Status::Open, None));
    assert_eq!((conversation.assignee, conversation.tags.len(), conversation.version), (None, 0, 1));
    assert_eq!(conversation.created_at, change.at);
    assert_eq!(conversation.updated_at, PerAudience { staff: change.at, visitor: change.at });
    assert_eq!((conversation.heads, conversation.floor), (Heads::default(), Heads::default()));
    assert_eq!(tenant.find(open.id).await, conversation, "what was answered is what is stored");
}

/// A first message opens the log: position 1 in both numberings, by the visitor, as it was sent.
pub(super) async fn a_first_message_opens_the_log(world: World) {
    let tenant = world.tenant().await;
    let message = tenant.message(MessageKind::Message, "hello");
    let open = Open { first_message: Some(message.clone()), ..tenant.opening() };
    let OpenOutcome::Opened { conversation, first: Some(first) } = tenant.try_open(&open).await else {
        panic!("a new conversation is opened with its message");
    };
    assert_eq!(conversation.heads, Heads { staff: 1, visitor: 1 });
    assert_eq!((first.position.staff, first.position.visitor), (1, Some(1)));
    assert_eq!(first.by, tenant.visitor_author(), "the visitor says it");
    let said = first.kind.message().expect("a message");
    assert_eq!((said.id, said.client_id, said.kind), (message.id, message.client_id, message.kind));
    assert_eq!(said.text, Some(message.text), "it is kept as it was sent");
    assert_eq!(tenant.log(open.id, Audience::Visitor).await, [first], "it stands in the log");
}

/// A conversation that is not there is `None`, bare and as a view.
pub(super) async fn an_unknown_conversation_is_none(world: World) {
    let tenant = world.tenant().await;
    let id = world.id();
    assert_eq!(tenant.conversations().find(tenant.id, id).await.answered(), None);
    for reader in [tenant.operator_author(), tenant.visitor_author()] {
        assert_eq!(tenant.conversations().view(tenant.id, id, reader).await.answered(), None);
    }
}

/// A view shows the conversation, its visitor and the visitor's page.
pub(super) async fn a_view_shows_the_visitor_and_its_page(world: World) {
    let tenant = world.tenant().await;
    let id = tenant.open().await.id;
    assert_eq!(tenant.view(id, tenant.operator_author()).await.page, None, "the visitor has named no page");
    let page = CurrentPage { url: text("https://b.example/"), title: Some(text("Prices")), at: world.now() };
    let change = world.change(tenant.visitor_author());
    assert!(world.pages().put(tenant.id, tenant.visitor, &page, &change).await.answered());
    let view = tenant.view(id, tenant.operator_author()).await;
    assert_eq!(view.conversation, tenant.find(id).await);
    assert_eq!(Some(view.visitor), world.visitors().find(tenant.id, tenant.visitor).await.answered());
    assert_eq!(view.page, Some(page));
}

/// The last message of a view is the last that its reader may see: a note counts for staff only, a change of status not.
pub(super) async fn a_view_shows_the_last_message_its_reader_sees(world: World) {
    let tenant = world.tenant().await;
    let id = tenant.open().await.id;
    for reader in [tenant.operator_author(), tenant.visitor_author()] {
        assert_eq!(tenant.view(id, reader).await.last_message, None, "nothing was said yet");
    }
    let question = tenant.ask(id, "hello").await;
    let note = tenant.note(id, "careful").await;
    tenant.close(id).await;
    let last = async |reader| tenant.view(id, reader).await.last_message;
    assert_eq!(last(tenant.operator_author()).await, Some(note), "for staff the note");
    assert_eq!(last(tenant.visitor_author()).await, Some(question), "for the visitor the message before it");
}

/// A message and a note come back with their ids, their kind and their text.
pub(super) async fn a_message_comes_back_as_it_was(world: World) {
    let tenant = world.tenant().await;
    let to = tenant.open().await.id;
    for kind in [MessageKind::Message, MessageKind::Note] {
        let append = tenant.appending(to, tenant.operator_author(), kind, "two\nlines");
        let (events, _) = tenant.append(&append).await;
        let stored = tenant.log(to, Audience::Staff).await.pop().expect("it was stored");
        assert_eq!(events, [stored.clone()], "what was answered is what is stored");
        let EventKind::Message(message) = stored.kind else {
            panic!("what was said is a message");
        };
        let sent = append.message;
        assert_eq!((message.id, message.client_id, message.kind), (sent.id, sent.client_id, kind));
        assert_eq!(message.text, Some(sent.text));
    }
}
