//! Profiles, sites, visitors, operators and pages come back as they were stored.

use super::tenant::Tenant;
use super::world::{Answered, World, text};
use crate::domain::{Author, CurrentPage, Email, Operator, Role, TenantProfile, Visitor};
use crate::ids::OperatorId;
use crate::ports::storage::{NewVisitor, OperatorOutcome};

/// The storage answers.
pub(super) async fn the_storage_answers(world: World) {
    world.ping().await.answered();
}

/// A profile is stored once and comes back as it was.
pub(super) async fn a_profile_is_stored_once(world: World) {
    let tenant = world.empty_tenant().await;
    assert_eq!(world.tenants().find(tenant).await.answered(), None, "there is none yet");
    let profile =
        TenantProfile { name: text("Ännchen & Co"), digest_key: std::array::from_fn(|i| i as u8 * 8) };
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
    assert_eq!(
        world.visitors().find(tenant.id, world.id()).await.answered(),
        None,
        "there is no such visitor"
    );
    let unknown = world.visitors().find_by_token(tenant.id, &world.token()).await.answered();
    assert_eq!(unknown, None, "an unknown token is nobody's");
}

/// A visitor is registered once, and on a site that is there; a refused token is nobody's.
pub(super) async fn a_visitor_is_registered_once(world: World) {
    let tenant = world.tenant().await;
    let before = world.visitors().find(tenant.id, tenant.visitor).await.answered();
    let token = world.token();
    assert!(!tenant.register(tenant.visitor, token, Some(text("other"))).await, "the id is taken");
    assert_eq!(
        world.visitors().find(tenant.id, tenant.visitor).await.answered(),
        before,
        "the first one stays"
    );
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
