//! Operators' passwords and sessions. Where a storage does not keep them, these cases are skipped and say so.

use std::time::Duration;

use super::calls;
use super::change::assert_committed;
use super::isolation::Scene;
use super::snapshot::{Owed, Snapshot};
use super::tenant::Tenant;
use super::world::{Answered, World};
use crate::domain::{ControlEvent, Email, OutboxEntry};
use crate::ids::{OperatorId, SessionId};
use crate::ports::Change;
use crate::ports::storage::{AccountRepository, NewSession, PasswordHash, Session};
use crate::time::Timestamp;

fn accounts(world: &World) -> &dyn AccountRepository {
    world.accounts().expect("these cases run where there are accounts")
}

fn hash(text: &str) -> PasswordHash {
    PasswordHash::from_phc(format!("$argon2id$v=19$m=8,t=1,p=1${text}"))
}

async fn set_password(tenant: &Tenant, operator: OperatorId, text: &str) -> bool {
    let change = tenant.change(tenant.operator_author());
    accounts(&tenant.world).set_password(tenant.id, operator, &hash(text), &change).await.answered()
}

/// A session after a sign-in with the password `it`.
fn new_session(tenant: &Tenant) -> NewSession {
    NewSession {
        verified: hash("it"),
        id: tenant.world.id(),
        operator: tenant.operator,
        token: tenant.world.token(),
        expires_at: tenant.now().plus(Duration::from_secs(60)),
    }
}

/// A tenant whose operator has the password `it`.
async fn with_password(world: &World) -> Tenant {
    let tenant = world.tenant().await;
    assert!(set_password(&tenant, tenant.operator, "it").await);
    tenant
}

async fn insert(tenant: &Tenant, session: &NewSession) -> bool {
    let change = tenant.change(tenant.operator_author());
    accounts(&tenant.world).insert_session(tenant.id, session, &change).await.answered()
}

async fn find(tenant: &Tenant, session: &NewSession, now: Timestamp) -> Option<Session> {
    accounts(&tenant.world).find_session(tenant.id, &session.token, now).await.answered()
}

/// Passwords and sessions of another tenant are as absent as those of nobody.
pub(super) async fn foreign_accounts_are_absent(world: World) {
    let scene = Scene::of(&world).await;
    let foreign = calls::accounts(&world, scene.foreign, &scene.ids).await;
    let absent = calls::accounts(&world, scene.absent, &scene.made_up).await;
    scene.assert_alike(foreign, absent).await;
}

/// An operator who has a password is found by its address.
pub(super) async fn a_login_is_found_by_its_address(world: World) {
    let tenant = world.tenant().await;
    let accounts = accounts(&world);
    assert_eq!(
        accounts.find_login(tenant.id, &tenant.email).await.answered(),
        None,
        "there is no password yet"
    );
    assert!(set_password(&tenant, tenant.operator, "first").await);
    let login = accounts.find_login(tenant.id, &tenant.email).await.answered().expect("there is a password");
    assert_eq!((login.operator.id, login.hash), (tenant.operator, hash("first")));
    let nobody = Email::parse("nobody@example.org").expect("an address");
    assert_eq!(accounts.find_login(tenant.id, &nobody).await.answered(), None, "nobody has this address");
}

/// The same address in two tenants is two logins.
pub(super) async fn an_address_signs_in_at_its_own_tenant(world: World) {
    let (tenant, other) = (world.tenant().await, world.tenant().await);
    assert_eq!(tenant.email, other.email, "the fixture gives both the same address");
    set_password(&tenant, tenant.operator, "first").await;
    let there = accounts(&world).find_login(other.id, &tenant.email).await.answered();
    assert_eq!(there, None, "a password is good in its own tenant only");
    set_password(&other, other.operator, "second").await;
    for (of, password) in [(&tenant, "first"), (&other, "second")] {
        let login =
            accounts(&world).find_login(of.id, &of.email).await.answered().expect("there is a password");
        assert_eq!((login.operator.id, login.hash), (of.operator, hash(password)));
    }
}

/// A new password takes the place of the old one; an operator who is not there gets none.
pub(super) async fn a_new_password_replaces_the_old_one(world: World) {
    let tenant = world.tenant().await;
    set_password(&tenant, tenant.operator, "first").await;
    set_password(&tenant, tenant.operator, "second").await;
    let login = accounts(&world).find_login(tenant.id, &tenant.email).await.answered().expect("a password");
    assert_eq!(login.hash, hash("second"));
    assert!(!set_password(&tenant, world.id(), "third").await, "there is no such operator");
}

/// A session is found by its token until its time is over, and not from then on.
pub(super) async fn a_session_ends_by_itself(world: World) {
    let tenant = with_password(&world).await;
    let session = new_session(&tenant);
    assert!(insert(&tenant, &session).await);
    let just_before = Timestamp::from_millis(session.expires_at.millis() - 1);
    for now in [world.now(), just_before] {
        let found = find(&tenant, &session, now).await.expect("it goes on");
        assert_eq!((found.id, found.expires_at), (session.id, session.expires_at));
        assert_eq!(found.operator.id, tenant.operator, "a session names its operator");
    }
    for now in [session.expires_at, Timestamp::MAX] {
        assert_eq!(find(&tenant, &session, now).await, None, "it has expired at {now}");
    }
}

/// A session's token is nobody's in another tenant.
pub(super) async fn a_session_is_found_in_its_own_tenant_only(world: World) {
    let (tenant, other) = (with_password(&world).await, with_password(&world).await);
    let session = new_session(&tenant);
    insert(&tenant, &session).await;
    assert_eq!(find(&other, &session, world.now()).await, None, "a token is good in its own tenant only");
}

/// An ended session is found no more, and another one of the same operator goes on.
pub(super) async fn an_ended_session_is_gone(world: World) {
    let tenant = with_password(&world).await;
    let (one, two) = (new_session(&tenant), new_session(&tenant));
    insert(&tenant, &one).await;
    insert(&tenant, &two).await;
    let end = async |id: SessionId| {
        let change = tenant.change(tenant.operator_author());
        accounts(&world).end_session(tenant.id, id, &change).await.answered()
    };
    assert!(end(one.id).await, "it was there");
    assert_eq!(find(&tenant, &one, world.now()).await, None, "who has signed out is out");
    assert!(find(&tenant, &two, world.now()).await.is_some(), "another session goes on");
    assert!(!end(one.id).await, "it is there no more");
    assert!(!end(world.id()).await, "it never was there");
}

/// A new password ends every session of its operator, and tells every node; others' sessions go on.
pub(super) async fn a_new_password_ends_the_operators_sessions(world: World) {
    let tenant = with_password(&world).await;
    let colleague = tenant.another_operator().await;
    assert!(set_password(&tenant, colleague, "it").await);
    let (one, two) = (new_session(&tenant), new_session(&tenant));
    let others = NewSession { operator: colleague, ..new_session(&tenant) };
    for session in [&one, &two, &others] {
        assert!(insert(&tenant, session).await);
    }
    let (before, change) = (Owed::of(&tenant).await, world.loaded(tenant.operator_author()));
    let set = accounts(&world).set_password(tenant.id, tenant.operator, &hash("second"), &change).await;
    assert!(set.answered());
    for session in [&one, &two] {
        assert_eq!(find(&tenant, session, world.now()).await, None, "a session of the old password is over");
    }
    assert!(find(&tenant, &others, world.now()).await.is_some(), "a colleague's session goes on");
    let mut told = change.clone();
    for ended in [one.id, two.id] {
        told.outbox.push(OutboxEntry::Control(ControlEvent::SessionEnded(ended)));
    }
    assert_committed(&tenant, &before, &told).await;
}

/// A session that was verified against a hash that is no longer the operator's is refused.
pub(super) async fn a_session_needs_the_present_password(world: World) {
    let tenant = with_password(&world).await;
    let late = new_session(&tenant);
    set_password(&tenant, tenant.operator, "second").await;
    let before = Snapshot::of(&tenant).await;
    assert!(!insert(&tenant, &late).await, "the password was changed between");
    assert_eq!(find(&tenant, &late, world.now()).await, None);
    Snapshot::of(&tenant).await.assert_same_as(&before, "a refused session stores nothing");
    assert!(insert(&tenant, &NewSession { verified: hash("second"), ..late }).await);
}

/// Another hash of the same password takes the place of the one that is expected, and of no other; sessions go on.
pub(super) async fn a_rehash_replaces_what_it_expects(world: World) {
    let tenant = with_password(&world).await;
    let session = new_session(&tenant);
    assert!(insert(&tenant, &session).await);
    let replace = async |expected: &str, new: &str| {
        let change = tenant.change(tenant.operator_author());
        let (expected, new) = (hash(expected), hash(new));
        accounts(&world).replace_hash(tenant.id, tenant.operator, &expected, &new, &change).await.answered()
    };
    let control = Owed::of(&tenant).await.control;
    assert!(replace("it", "it again").await);
    assert!(!replace("it", "late").await, "it is another one by now");
    let login = accounts(&world).find_login(tenant.id, &tenant.email).await.answered().expect("a password");
    assert_eq!(login.hash, hash("it again"));
    assert!(find(&tenant, &session, world.now()).await.is_some(), "the password is the same: sessions go on");
    assert_eq!(Owed::of(&tenant).await.control, control, "and nobody is told that they had ended");
}

/// With a new session the operator's expired ones go, so that signing in leaves nothing behind; what goes on stays.
pub(super) async fn a_new_session_sweeps_the_expired_ones(world: World) {
    let tenant = with_password(&world).await;
    let (expired, lasting) = (new_session(&tenant), new_session(&tenant));
    let lasting = NewSession { expires_at: expired.expires_at.plus(Duration::from_secs(60)), ..lasting };
    assert!(insert(&tenant, &expired).await && insert(&tenant, &lasting).await);
    let later = Change { at: expired.expires_at, ..tenant.change(tenant.operator_author()) };
    let new = NewSession { expires_at: lasting.expires_at, ..new_session(&tenant) };
    assert!(accounts(&world).insert_session(tenant.id, &new, &later).await.answered());
    let before_its_end = world.now();
    assert_eq!(find(&tenant, &expired, before_its_end).await, None, "an expired session is not kept");
    assert!(find(&tenant, &lasting, before_its_end).await.is_some(), "a session that goes on stays");
}

/// A session that is refused, of nobody, without a password or under a taken id, stores nothing.
pub(super) async fn a_refused_session_stores_nothing(world: World) {
    let tenant = with_password(&world).await;
    let without_password = tenant.another_operator().await;
    let session = new_session(&tenant);
    insert(&tenant, &session).await;
    let before = Snapshot::of(&tenant).await;
    for refused in [
        NewSession { operator: world.id(), ..new_session(&tenant) },
        NewSession { operator: without_password, ..new_session(&tenant) },
        NewSession { id: session.id, ..new_session(&tenant) },
    ] {
        let change = world.loaded(tenant.operator_author());
        assert!(!accounts(&world).insert_session(tenant.id, &refused, &change).await.answered());
        assert_eq!(find(&tenant, &refused, world.now()).await, None, "a refused session's token is nobody's");
    }
    assert!(find(&tenant, &session, world.now()).await.is_some(), "the first one goes on");
    Snapshot::of(&tenant).await.assert_same_as(&before, "a refused session stores nothing");
}

/// A password, a session and its end commit their changes: the end tells every node.
pub(super) async fn accounts_commit_their_changes(world: World) {
    let tenant = world.tenant().await;
    let accounts = accounts(&world);
    let (before, change) = (Owed::of(&tenant).await, world.loaded(tenant.operator_author()));
    assert!(accounts.set_password(tenant.id, tenant.operator, &hash("it"), &change).await.answered());
    assert_committed(&tenant, &before, &change).await;
    let (before, change) = (Owed::of(&tenant).await, world.loaded(tenant.operator_author()));
    let session = new_session(&tenant);
    assert!(accounts.insert_session(tenant.id, &session, &change).await.answered());
    assert_committed(&tenant, &before, &change).await;
    let (before, change) = (Owed::of(&tenant).await, world.loaded(tenant.operator_author()));
    let replaced =
        accounts.replace_hash(tenant.id, tenant.operator, &hash("it"), &hash("it again"), &change).await;
    assert!(replaced.answered());
    assert_committed(&tenant, &before, &change).await;
    let (before, mut change) = (Owed::of(&tenant).await, world.loaded(tenant.operator_author()));
    change.outbox.push(OutboxEntry::Control(ControlEvent::SessionEnded(session.id)));
    assert!(accounts.end_session(tenant.id, session.id, &change).await.answered());
    assert_committed(&tenant, &before, &change).await;
}

/// What is refused commits nothing: a password of nobody, a rehash that comes too late, the end of a session that is not there.
pub(super) async fn refused_accounts_commit_nothing(world: World) {
    let tenant = world.tenant().await;
    let before = Snapshot::of(&tenant).await;
    let change = world.loaded(tenant.operator_author());
    assert!(!accounts(&world).set_password(tenant.id, world.id(), &hash("first"), &change).await.answered());
    for (operator, expected) in [(tenant.operator, "other"), (world.id(), "first")] {
        let (expected, new) = (hash(expected), hash("new"));
        let replaced = accounts(&world).replace_hash(tenant.id, operator, &expected, &new, &change).await;
        assert!(!replaced.answered(), "it is not there, or not what was expected");
    }
    assert!(!accounts(&world).end_session(tenant.id, world.id(), &change).await.answered());
    Snapshot::of(&tenant).await.assert_same_as(&before, "what is refused stores nothing");
}
