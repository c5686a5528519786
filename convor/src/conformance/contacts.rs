//! What a visitor says of itself: an absent field leaves, an empty one clears.

use super::tenant::Tenant;
use super::world::{Answered, World, text};
use crate::domain::{Email, Text, Visitor};
use crate::ports::storage::ContactPatch;

async fn update(tenant: &Tenant, patch: ContactPatch) -> Visitor {
    let change = tenant.change(tenant.visitor_author());
    let updated = tenant.visitors().update(tenant.id, tenant.visitor, &patch, &change).await.answered();
    let updated = updated.expect("the visitor is there");
    let stored = tenant.visitors().find(tenant.id, tenant.visitor).await.answered();
    assert_eq!(stored.as_ref(), Some(&updated), "the answer is the visitor as it is then");
    updated
}

fn cleo() -> (Text, Email) {
    (text("Cleo"), Email::parse("cleo@example.org").expect("an address"))
}

/// What is set is kept, and the rest of the record is left alone.
pub(super) async fn a_contact_is_set(world: World) {
    let tenant = world.tenant().await;
    let before = update(&tenant, ContactPatch::default()).await;
    let (name, email) = cleo();
    let patch = ContactPatch { name: Some(Some(name.clone())), email: Some(Some(email.clone())) };
    let after = update(&tenant, patch).await;
    assert_eq!((after.name, after.email), (Some(name), Some(email)));
    assert_eq!((after.id, after.site, after.created_at), (before.id, before.site, before.created_at));
}

/// A field that the patch does not name is left as it is.
pub(super) async fn an_absent_contact_field_is_left(world: World) {
    let tenant = world.tenant().await;
    let (name, email) = cleo();
    update(&tenant, ContactPatch { name: Some(Some(name.clone())), email: None }).await;
    let after = update(&tenant, ContactPatch { name: None, email: Some(Some(email.clone())) }).await;
    assert_eq!((after.name, after.email), (Some(name), Some(email)), "setting the one leaves the other");
}

/// A field that the patch empties is cleared, and the other one is left.
pub(super) async fn an_emptied_contact_field_is_cleared(world: World) {
    let tenant = world.tenant().await;
    let (name, email) = cleo();
    update(&tenant, ContactPatch { name: Some(Some(name)), email: Some(Some(email.clone())) }).await;
    let after = update(&tenant, ContactPatch { name: Some(None), email: None }).await;
    assert_eq!((after.name, after.email), (None, Some(email)), "clearing the one leaves the other");
    let after = update(&tenant, ContactPatch { name: None, email: Some(None) }).await;
    assert_eq!((after.name, after.email), (None, None));
}

/// A visitor that is not there has no contact details.
pub(super) async fn an_unknown_visitor_has_no_contact(world: World) {
    let tenant = world.tenant().await;
    let patch = ContactPatch { name: Some(None), email: None };
    let change = world.change(tenant.visitor_author());
    let updated = tenant.visitors().update(tenant.id, world.id(), &patch, &change).await.answered();
    assert_eq!(updated, None, "absence is `None`");
}
