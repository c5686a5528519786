//! What goes with a change is committed with it: the audit record, the notifications and the control events.

use super::snapshot::{Owed, Snapshot};
use super::tenant::{Tenant, tag};
use super::world::{Answered, World, text};
use crate::domain::{
    Audience, Author, ControlEvent, CurrentPage, Email, MessageKind, Operator, OutboxEntry, Role,
    TenantProfile, Visitor,
};
use crate::ports::Change;
use crate::ports::storage::{
    Append, AppendOutcome, ContactPatch, NewMessage, NewVisitor, Open, OpenOutcome, OperatorOutcome,
    UpdateOutcome,
};

/// Fails unless the tenant owes exactly what it did `before` and what the change has carried.
pub(super) async fn assert_committed(tenant: &Tenant, before: &Owed, change: &Change) {
    let after = Owed::of(tenant).await;
    let record = change.audit.clone().expect("the change was loaded");
    let new: Vec<_> = after.audit.iter().filter(|row| !before.audit.contains(row)).collect();
    assert_eq!(new.len(), 1, "exactly the change's audit record is committed with it");
    assert_eq!(new[0].record, record, "the audit record is stored as it was");
    assert_eq!((new[0].actor, new[0].at), (change.actor, change.at), "its actor and time are the change's");
    let (mut notifications, mut control) = (before.notifications.clone(), Vec::new());
    for entry in &change.outbox {
        match entry {
            OutboxEntry::Notify { id, notification } => notifications.push((*id, *notification)),
            OutboxEntry::Control(event) => control.push(*event),
        }
    }
    assert_eq!(after.notifications, notifications, "the change's notifications are committed with it");
    let stored: Vec<ControlEvent> =
        after.control.iter().skip(before.control.len()).map(|(_, event)| *event).collect();
    assert_eq!(stored, control, "the change's control events are committed with it");
}

/// A profile commits its change; one that is refused commits nothing.
pub(super) async fn a_profile_commits_its_change(world: World) {
    let tenant = Tenant::new(&world, world.empty_tenant().await);
    let before = Owed::of(&tenant).await;
    let profile = TenantProfile { name: text("it"), digest_key: [3; 32] };
    let change = world.loaded(Author::System);
    assert!(world.tenants().insert(tenant.id, &profile, &change).await.answered());
    assert_committed(&tenant, &before, &change).await;
    let before = Snapshot::of(&tenant).await;
    assert!(!world.tenants().insert(tenant.id, &profile, &world.loaded(Author::System)).await.answered());
    Snapshot::of(&tenant).await.assert_same_as(&before, "a second profile is refused and stores nothing");
}

/// A site commits its change; one that is refused commits nothing.
pub(super) async fn a_site_commits_its_change(world: World) {
    let tenant = world.tenant().await;
    let before = Owed::of(&tenant).await;
    let site = tenant.site_named(world.id(), "another");
    let change = world.loaded(Author::System);
    assert!(world.sites().insert(tenant.id, &site, &change).await.answered());
    assert_committed(&tenant, &before, &change).await;
    let before = Snapshot::of(&tenant).await;
    assert!(!world.sites().insert(tenant.id, &site, &world.loaded(Author::System)).await.answered());
    Snapshot::of(&tenant).await.assert_same_as(&before, "a taken site is refused and stores nothing");
}

/// A registration commits its change; one that is refused commits nothing.
pub(super) async fn a_registration_commits_its_change(world: World) {
    let tenant = world.tenant().await;
    let before = Owed::of(&tenant).await;
    let visitor =
        Visitor { id: world.id(), site: tenant.site, name: None, email: None, created_at: world.now() };
    let new = NewVisitor { visitor, token: world.token() };
    let change = world.loaded(Author::Visitor(new.visitor.id));
    assert!(world.visitors().register(tenant.id, &new, &change).await.answered());
    assert_committed(&tenant, &before, &change).await;
    let before = Snapshot::of(&tenant).await;
    let taken = NewVisitor { token: world.token(), ..new.clone() };
    assert!(!world.visitors().register(tenant.id, &taken, &world.loaded(Author::System)).await.answered());
    let visitor = Visitor { id: world.id(), site: world.id(), ..new.visitor };
    let nowhere = NewVisitor { visitor, token: world.token() };
    assert!(!world.visitors().register(tenant.id, &nowhere, &world.loaded(Author::System)).await.answered());
    Snapshot::of(&tenant).await.assert_same_as(&before, "a refused registration stores nothing");
}

/// A change of contact details commits its change; one that changes nothing commits nothing.
pub(super) async fn a_contact_update_commits_its_change(world: World) {
    let tenant = world.tenant().await;
    let before = Owed::of(&tenant).await;
    let patch = ContactPatch { name: Some(Some(text("Cleo"))), email: None };
    let change = world.loaded(tenant.visitor_author());
    assert!(world.visitors().update(tenant.id, tenant.visitor, &patch, &change).await.answered().is_some());
    assert_committed(&tenant, &before, &change).await;
    let before = Snapshot::of(&tenant).await;
    for (visitor, patch) in
        [(tenant.visitor, &ContactPatch::default()), (tenant.visitor, &patch), (world.id(), &patch)]
    {
        let change = world.loaded(tenant.visitor_author());
        world.visitors().update(tenant.id, visitor, patch, &change).await.answered();
    }
    Snapshot::of(&tenant).await.assert_same_as(&before, "an update that changes nothing stores nothing");
}

/// A page commits its change; one of an unknown visitor commits nothing.
pub(super) async fn a_current_page_commits_its_change(world: World) {
    let tenant = world.tenant().await;
    let before = Owed::of(&tenant).await;
    let page = CurrentPage { url: text("https://b.example/"), title: None, at: world.now() };
    let change = world.loaded(tenant.visitor_author());
    assert!(world.pages().put(tenant.id, tenant.visitor, &page, &change).await.answered());
    assert_committed(&tenant, &before, &change).await;
    let before = Snapshot::of(&tenant).await;
    assert!(!world.pages().put(tenant.id, world.id(), &page, &world.loaded(Author::System)).await.answered());
    Snapshot::of(&tenant).await.assert_same_as(&before, "a page of nobody stores nothing");
}

/// An operator commits its change; one that is refused commits nothing.
pub(super) async fn an_operator_commits_its_change(world: World) {
    let tenant = world.tenant().await;
    let before = Owed::of(&tenant).await;
    let operator = Operator {
        id: world.id(),
        name: text("Ben"),
        email: Email::parse("ben@example.org").expect("an address"),
        role: Role::Admin,
        created_at: world.now(),
    };
    let change = world.loaded(Author::System);
    let outcome = world.operators().insert(tenant.id, &operator, &change).await.answered();
    assert_eq!(outcome, OperatorOutcome::Added);
    assert_committed(&tenant, &before, &change).await;
    let before = Snapshot::of(&tenant).await;
    for id in [operator.id, world.id()] {
        let taken = Operator { id, ..operator.clone() };
        let change = world.loaded(Author::System);
        let outcome = world.operators().insert(tenant.id, &taken, &change).await.answered();
        assert_eq!(outcome, OperatorOutcome::Taken, "the id or the address is taken");
    }
    Snapshot::of(&tenant).await.assert_same_as(&before, "a taken operator stores nothing");
}

/// An opening commits its change; one of an unknown visitor, or on another site, commits nothing.
pub(super) async fn an_opening_commits_its_change(world: World) {
    let tenant = world.tenant().await;
    let before = Owed::of(&tenant).await;
    let change = world.loaded(tenant.visitor_author());
    tenant.try_open_with(&tenant.opening(), &change).await;
    assert_committed(&tenant, &before, &change).await;
    let other_site = tenant.site_named(world.id(), "another");
    assert!(world.sites().insert(tenant.id, &other_site, &world.change(Author::System)).await.answered());
    let before = Snapshot::of(&tenant).await;
    for open in [
        Open { visitor: world.id(), ..tenant.opening() },
        Open { site: other_site.id, ..tenant.opening() },
        Open { site: world.id(), ..tenant.opening() },
    ] {
        let outcome = tenant.try_open_with(&open, &world.loaded(tenant.visitor_author())).await;
        assert!(matches!(outcome, OpenOutcome::NoSuchVisitor), "no such visitor on this site: {outcome:?}");
    }
    Snapshot::of(&tenant).await.assert_same_as(&before, "a refused open stores nothing");
}

/// An update of a conversation commits its change; one of an unknown conversation commits nothing.
pub(super) async fn an_update_commits_its_change(world: World) {
    let tenant = world.tenant().await;
    let conversation = tenant.open().await;
    let before = Owed::of(&tenant).await;
    let (patch, change) = (tag(&["a"]), world.loaded(tenant.operator_author()));
    let update = tenant.conversations().update(tenant.id, conversation.id, 1, &patch, &change);
    assert!(matches!(update.await.answered(), UpdateOutcome::Updated { .. }));
    assert_committed(&tenant, &before, &change).await;
    let before = Snapshot::of(&tenant).await;
    let (patch, change) = (tag(&["b"]), world.loaded(tenant.operator_author()));
    let update = tenant.conversations().update(tenant.id, world.id(), 1, &patch, &change);
    assert!(matches!(update.await.answered(), UpdateOutcome::NotFound));
    Snapshot::of(&tenant).await.assert_same_as(&before, "an update of nothing stores nothing");
}

/// A message commits its change; one to an unknown conversation commits nothing.
pub(super) async fn a_message_commits_its_change(world: World) {
    let tenant = world.tenant().await;
    let to = tenant.open().await.id;
    let before = Owed::of(&tenant).await;
    let append = tenant.appending(to, tenant.visitor_author(), MessageKind::Message, "hello");
    let change = world.loaded(tenant.visitor_author());
    tenant.try_append_with(&append, &change).await;
    assert_committed(&tenant, &before, &change).await;
    let before = Snapshot::of(&tenant).await;
    let message = NewMessage { client_id: world.id(), ..append.message.clone() };
    let nowhere = Append { conversation: world.id(), message, ..append };
    let outcome = tenant.try_append_with(&nowhere, &world.loaded(tenant.visitor_author())).await;
    assert!(matches!(outcome, AppendOutcome::NotFound), "there is no such conversation: {outcome:?}");
    Snapshot::of(&tenant).await.assert_same_as(&before, "a message to nowhere stores nothing");
}

/// A reading commits its change.
pub(super) async fn a_reading_commits_its_change(world: World) {
    let tenant = world.tenant().await;
    let of = tenant.open().await.id;
    tenant.ask(of, "hello").await;
    let before = Owed::of(&tenant).await;
    let reader = tenant.operator_author();
    let change = world.loaded(reader);
    let advanced =
        tenant.reads().advance(tenant.id, of, reader, Audience::Staff, 1, &change).await.answered();
    assert!(advanced.is_some());
    assert_committed(&tenant, &before, &change).await;
}

/// A change may owe several things; the control events among them take their positions in its order.
pub(super) async fn a_change_may_owe_several_things(world: World) {
    let tenant = world.tenant().await;
    let before = Owed::of(&tenant).await;
    let mut change = world.loaded(tenant.visitor_author());
    for _ in 0..3 {
        change.outbox.push(world.notification());
        change.outbox.push(OutboxEntry::Control(ControlEvent::SessionEnded(world.id())));
    }
    tenant.try_open_with(&tenant.opening(), &change).await;
    assert_committed(&tenant, &before, &change).await;
}
