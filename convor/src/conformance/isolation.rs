//! No method reaches across tenants, and what is another tenant's reads like what is not there.

use std::sync::Arc;

use super::calls::{self, Answers, Ids};
use super::groups::offers;
use super::recorder::{METHODS, Recorder};
use super::snapshot::Snapshot;
use super::tenant::assign;
use super::world::{Answered, World};
use crate::domain::Author;
use crate::ids::TenantId;
use crate::ports::Storage;
use crate::ports::storage::{AppendOutcome, NewVisitor, Open, OpenOutcome, UpdateOutcome};

/// A tenant that has one of everything, and two that have nothing: in one its ids are tried, in the other made-up ones.
pub(super) struct Scene {
    pub(super) ids: Ids,
    pub(super) made_up: Ids,
    before: Snapshot,
    pub(super) foreign: TenantId,
    pub(super) absent: TenantId,
}

impl Scene {
    pub(super) async fn of(world: &World) -> Self {
        let ids = Ids::new(world, world.empty_tenant().await);
        ids.fill("ours").await;
        let before = Snapshot::of(&ids.of).await;
        let (foreign, absent) = (world.empty_tenant().await, world.empty_tenant().await);
        Self { ids, made_up: Ids::new(world, world.id()), before, foreign, absent }
    }

    /// Fails if a foreign id was answered otherwise than a made-up one, or if the owner's records have changed.
    pub(super) async fn assert_alike(&self, foreign: Answers, absent: Answers) {
        for ((method, foreign), (_, absent)) in foreign.iter().zip(&absent) {
            assert_eq!(
                foreign, absent,
                "`{method}` answers another tenant's id (left) like one of nobody (right)"
            );
        }
        let after = Snapshot::of(&self.ids.of).await;
        after.assert_same_as(&self.before, "a call in another tenant changes nothing here");
    }
}

/// Each repository's methods, called for one tenant with the ids of another, answer as for ids of nobody.
macro_rules! foreign_ids_are_absent {
    ($($(#[$doc:meta])* $case:ident: $calls:ident),* $(,)?) => {$(
        $(#[$doc])*
        pub(super) async fn $case(world: World) {
            let scene = Scene::of(&world).await;
            let foreign = calls::$calls(&world, scene.foreign, &scene.ids).await;
            let absent = calls::$calls(&world, scene.absent, &scene.made_up).await;
            scene.assert_alike(foreign, absent).await;
        }
    )*};
}

foreign_ids_are_absent! {
    /// A profile is its tenant's only.
    a_foreign_profile_is_absent: tenants,
    /// A site is its tenant's only.
    foreign_sites_are_absent: sites,
    /// A visitor is its tenant's only, by id and by token.
    foreign_visitors_are_absent: visitors,
    /// A visitor's page can neither be seen nor replaced from another tenant.
    foreign_current_pages_are_absent: pages,
    /// An operator is its tenant's only.
    foreign_operators_are_absent: operators,
    /// A conversation can neither be seen, listed, changed nor woken from another tenant.
    foreign_conversations_are_absent: conversations,
    /// A log can neither be read nor written from another tenant.
    foreign_event_logs_are_absent: events,
    /// A read position cannot be moved from another tenant.
    foreign_read_positions_are_absent: reads,
    /// A notification can neither be taken nor settled from another tenant.
    foreign_notifications_are_absent: outbox,
    /// A control log is its tenant's only.
    foreign_control_events_are_absent: control,
    /// An audit trail is its tenant's only.
    foreign_audit_entries_are_absent: audit,
    /// Nothing is removed from another tenant: neither a visitor nor the beginning of a log.
    foreign_records_are_not_removed: removals,
}

/// Two tenants that hold one of everything under the very same ids.
pub(super) async fn twins(world: &World) -> (Ids, Ids) {
    let ours = Ids::new(world, world.empty_tenant().await);
    let theirs = ours.twin(world, world.empty_tenant().await);
    ours.fill("ours").await;
    (ours, theirs)
}

/// The same ids in two tenants are two records: what is stored in the second does not touch the first.
pub(super) async fn the_same_ids_can_be_stored_in_two_tenants(world: World) {
    let (ours, theirs) = twins(&world).await;
    let before = Snapshot::of(&ours.of).await;
    theirs.fill("theirs").await;
    let after = Snapshot::of(&ours.of).await;
    after.assert_same_as(&before, "the same ids in another tenant are other records");
}

/// With the same ids in two tenants, each reads its own content.
pub(super) async fn what_is_read_is_the_tenants_own(world: World) {
    let (ours, theirs) = twins(&world).await;
    theirs.fill("theirs").await;
    for (ids, name) in [(&ours, "ours"), (&theirs, "theirs")] {
        let (of, id) = (&ids.of, ids.of.id);
        let profile = world.tenants().find(id).await.answered().expect("it was stored");
        assert_eq!(profile.name.as_str(), name, "`tenants.find` reads the tenant's own profile");
        let site = world.sites().find(id, of.site).await.answered().expect("it was stored");
        assert_eq!(site.name.as_str(), name, "`sites.find` reads the tenant's own site");
        let visitor = world.visitors().find_by_token(id, &of.token).await.answered().expect("it was stored");
        let visitor_name = visitor.name.expect("it has a name");
        assert_eq!(visitor_name.as_str(), name, "`visitors.find_by_token` finds the tenant's own visitor");
        let operators = world.operators().find(id, &[of.operator]).await.answered();
        assert_eq!(operators.len(), 1, "`operators.find` finds one operator, that of the tenant");
        assert_eq!(operators[0].name.as_str(), name, "`operators.find` reads the tenant's own operator");
        let view = of.view(ids.conversation, of.operator_author()).await;
        let subject = view.conversation.subject.expect("it has a subject");
        assert_eq!(subject.as_str(), name, "`conversations.view` reads the tenant's own conversation");
        let view_page = view.page.expect("it has a page");
        assert_eq!(
            view_page.url.as_str(),
            name,
            "`conversations.view` shows the tenant's own visitor's page"
        );
    }
}

/// With the same ids in two tenants, whatever is changed in one leaves the other as it is.
pub(super) async fn what_is_changed_in_one_tenant_stays_there(world: World) {
    let (ours, theirs) = twins(&world).await;
    theirs.fill("theirs").await;
    let before = Snapshot::of(&ours.of).await;
    let there = theirs.of.id;
    // What is imported must find its keys free: it comes before the calls that take them.
    for answers in [
        calls::transfer(&world, there, &ours).await,
        calls::visitors(&world, there, &ours).await,
        calls::pages(&world, there, &ours).await,
        calls::conversations(&world, there, &ours).await,
        calls::events(&world, there, &ours).await,
        calls::reads(&world, there, &ours).await,
        calls::outbox(&world, there, &ours).await,
        calls::accounts(&world, there, &ours).await,
        calls::search(&world, there, &ours).await,
        calls::uploads(&world, there, &ours).await,
        calls::removals(&world, there, &ours).await,
    ] {
        let methods: Vec<_> = answers.iter().map(|(method, _)| *method).collect();
        let after = Snapshot::of(&ours.of).await;
        after.assert_same_as(
            &before,
            &format!("{methods:?} in a tenant with the same ids change nothing here"),
        );
    }
}

/// A token is found in the tenant in which it was stored, and in no other, although its hash is the same.
pub(super) async fn a_token_is_found_in_its_own_tenant_only(world: World) {
    let (tenant, other) = (world.tenant().await, world.tenant().await);
    let here = tenant.visitors().find_by_token(tenant.id, &tenant.token).await.answered();
    assert_eq!(here.map(|visitor| visitor.id), Some(tenant.visitor), "a token finds its visitor");
    let there = tenant.visitors().find_by_token(other.id, &tenant.token).await.answered();
    assert_eq!(there, None, "a token is nobody's in a tenant in which it was not stored");
}

/// A visitor cannot be registered on another tenant's site.
pub(super) async fn a_foreign_site_takes_no_visitor(world: World) {
    let (tenant, other) = (world.tenant().await, world.tenant().await);
    let mut visitor =
        world.visitors().find(tenant.id, tenant.visitor).await.answered().expect("it was registered");
    visitor.id = world.id();
    visitor.site = other.site;
    let new = NewVisitor { visitor, token: world.token() };
    let change = world.loaded(Author::Visitor(new.visitor.id));
    let registered = world.visitors().register(tenant.id, &new, &change).await.answered();
    assert!(!registered, "a visitor is registered on a site of its own tenant only");
}

/// Another tenant's visitor opens nothing, although both tenants have a site with the same id.
pub(super) async fn a_foreign_visitor_opens_nothing(world: World) {
    let (tenant, other) = (world.tenant().await, world.tenant().await);
    let site = other.site_named(tenant.site, "same id");
    assert!(world.sites().insert(other.id, &site, &world.change(Author::System)).await.answered());
    let open = Open { site: tenant.site, visitor: tenant.visitor, ..other.opening() };
    let opened = other.try_open(&open).await;
    assert!(matches!(opened, OpenOutcome::NoSuchVisitor), "another tenant's visitor is none: {opened:?}");
}

/// Another tenant's operator cannot be made an assignee.
pub(super) async fn a_foreign_operator_is_no_assignee(world: World) {
    let (tenant, other) = (world.tenant().await, world.tenant().await);
    let conversation = tenant.open().await;
    let updated =
        tenant.try_update(conversation.id, conversation.version, &assign(Some(other.operator))).await;
    assert!(
        matches!(updated, UpdateOutcome::NoSuchOperator),
        "another tenant's operator is none: {updated:?}"
    );
    assert_eq!(tenant.find(conversation.id).await, conversation, "a refused update changes nothing");
}

/// A `client_id` that one tenant has used is free in another, even in a conversation with the same id.
pub(super) async fn client_ids_are_remembered_per_tenant(world: World) {
    let (ours, theirs) = twins(&world).await;
    theirs.fill("theirs").await;
    let append = ours.of.appending(
        ours.conversation,
        ours.of.visitor_author(),
        crate::domain::MessageKind::Message,
        "one",
    );
    for ids in [&ours, &theirs] {
        let outcome = ids.of.try_append(&append).await;
        assert!(
            matches!(outcome, AppendOutcome::Stored { .. }),
            "new in this tenant, and so stored: {outcome:?}"
        );
    }
}

/// The cases above call every method that takes a tenant: none is forgotten when one is added.
pub(super) async fn no_method_is_forgotten(world: World) {
    let recorder = Arc::new(Recorder::new(world.storage()));
    let world = world.over(Arc::clone(&recorder) as Arc<dyn Storage>);
    let (ours, theirs) = twins(&world).await;
    theirs.fill("theirs").await;
    let there = theirs.of.id;
    calls::transfer(&world, there, &ours).await;
    calls::tenants(&world, there, &ours).await;
    calls::sites(&world, there, &ours).await;
    calls::visitors(&world, there, &ours).await;
    calls::pages(&world, there, &ours).await;
    calls::operators(&world, there, &ours).await;
    calls::conversations(&world, there, &ours).await;
    calls::events(&world, there, &ours).await;
    calls::reads(&world, there, &ours).await;
    calls::outbox(&world, there, &ours).await;
    calls::control(&world, there, &ours).await;
    calls::audit(&world, there, &ours).await;
    calls::accounts(&world, there, &ours).await;
    calls::search(&world, there, &ours).await;
    calls::uploads(&world, there, &ours).await;
    calls::removals(&world, there, &ours).await;
    let called = recorder.called();
    let offered = |method: &&str| offers(&*world, method.split('.').next().unwrap_or_default());
    let forgotten: Vec<_> =
        METHODS.iter().copied().filter(offered).filter(|method| !called.contains(method)).collect();
    assert!(forgotten.is_empty(), "the isolation cases must call these methods too: {forgotten:?}");
}
