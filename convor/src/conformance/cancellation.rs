//! A future that is dropped at any point has done its work whole or not at all, and leaves nothing open.
//!
//! Each case drops a call after its first poll, its second, and so on, and repeats it as a client would. What must hold
//! at the end: each repeat has found the work done or undone, and what commits with a change has been stored as often as
//! the change itself.

use super::calls::CONTENT;
use super::search::{found, index_all};
use super::snapshot::Owed;
use super::tenant::{Tenant, tag};
use super::world::{Answered, World, cut_off};
use crate::domain::{Audience, MessageKind};
use crate::ports::storage::{AppendOutcome, NewVisitor, OpenOutcome, UpdateOutcome, Window};
use crate::time::Timestamp;

/// After so many polls an adapter has long done its work; a quicker one is repeated for nothing.
const POLLS_MAX: usize = 24;

/// Fails unless each of the tenant's lists of what commits with a change has so many entries.
async fn assert_owed(tenant: &Tenant, changes: usize) {
    let owed = Owed::of(tenant).await;
    assert_eq!(owed.audit.len(), changes, "an audit record for each change that was made, and no other");
    assert_eq!(
        owed.notifications.len(),
        changes,
        "a notification for each change that was made, and no other"
    );
    let positions: Vec<u64> = owed.control.iter().map(|(position, _)| *position).collect();
    let gapless: Vec<u64> = (1..).take(changes).collect();
    assert_eq!(positions, gapless, "a control event for each change that was made, and no other");
}

/// A message whose sender goes away is stored whole or not at all, and its repeat is recognised.
pub(super) async fn a_dropped_append_is_all_or_nothing(world: World) {
    let tenant = world.tenant().await;
    let to = tenant.open().await.id;
    for polls in 0..POLLS_MAX {
        let append = tenant.appending(to, tenant.visitor_author(), MessageKind::Message, "hello");
        let change = world.loaded(append.author);
        cut_off(tenant.events().append(tenant.id, &append, &change), polls).await;
        let repeat = tenant.try_append_with(&append, &world.loaded(append.author)).await;
        let once = matches!(repeat, AppendOutcome::Stored { .. } | AppendOutcome::Duplicate(_));
        assert!(once, "after {polls} polls the message is stored or not: {repeat:?}");
    }
    let log = tenant.log(to, Audience::Staff).await;
    let positions: Vec<_> = log.iter().map(|event| event.position.staff).collect();
    assert_eq!(
        positions,
        (1..).take(POLLS_MAX).collect::<Vec<u64>>(),
        "each message once, and no position lost"
    );
    assert_owed(&tenant, POLLS_MAX).await;
}

/// An opening whose sender goes away is stored with its first message or not at all, and its repeat is recognised.
pub(super) async fn a_dropped_open_is_all_or_nothing(world: World) {
    let tenant = world.tenant().await;
    for polls in 0..POLLS_MAX {
        let mut open = tenant.opening();
        open.first_message = Some(tenant.message(MessageKind::Message, "hello"));
        let change = world.loaded(tenant.visitor_author());
        cut_off(tenant.conversations().open(tenant.id, &open, &change), polls).await;
        let repeat = tenant.try_open_with(&open, &world.loaded(tenant.visitor_author())).await;
        let once = matches!(
            repeat,
            OpenOutcome::Opened { first: Some(_), .. } | OpenOutcome::Duplicate { first: Some(_), .. }
        );
        assert!(once, "after {polls} polls it is open with its message, or not at all: {repeat:?}");
        assert_eq!(tenant.log(open.id, Audience::Staff).await.len(), 1, "it has its one message");
    }
    assert_owed(&tenant, POLLS_MAX).await;
}

/// An update whose caller goes away has made all of its events and its version, or none.
pub(super) async fn a_dropped_update_is_all_or_nothing(world: World) {
    let tenant = world.tenant().await;
    let id = tenant.open().await.id;
    for polls in 0..POLLS_MAX {
        let mut patch = tag(&[&format!("after {polls} polls")]);
        let assigned = tenant.find(id).await.assignee.is_some();
        patch.assignee = Some((!assigned).then_some(tenant.operator));
        let version = tenant.find(id).await.version;
        let change = world.loaded(tenant.operator_author());
        cut_off(tenant.conversations().update(tenant.id, id, version, &patch, &change), polls).await;
        let change = world.loaded(tenant.operator_author());
        let repeat = tenant.conversations().update(tenant.id, id, version, &patch, &change).await.answered();
        let once = matches!(repeat, UpdateOutcome::Updated { .. } | UpdateOutcome::VersionMismatch);
        assert!(once, "after {polls} polls the update is made or not: {repeat:?}");
        let after = tenant.find(id).await;
        assert_eq!(after.version, version + 1, "after {polls} polls and a repeat it is made once");
        assert_eq!(Some(after.tags), patch.tags);
        assert_eq!(Some(after.assignee), patch.assignee);
    }
    assert_eq!(tenant.log(id, Audience::Staff).await.len(), 2 * POLLS_MAX, "two events for each update");
    assert_owed(&tenant, POLLS_MAX).await;
}

/// A registration whose caller goes away has stored the visitor with its token, or neither.
pub(super) async fn a_dropped_registration_is_all_or_nothing(world: World) {
    let tenant = world.tenant().await;
    for polls in 0..POLLS_MAX {
        let mut visitor =
            tenant.visitors().find(tenant.id, tenant.visitor).await.answered().expect("it was registered");
        visitor.id = world.id();
        let new = NewVisitor { visitor, token: world.token() };
        let change = world.loaded(tenant.visitor_author());
        cut_off(tenant.visitors().register(tenant.id, &new, &change), polls).await;
        let change = world.loaded(tenant.visitor_author());
        tenant.visitors().register(tenant.id, &new, &change).await.answered();
        let found = tenant.visitors().find_by_token(tenant.id, &new.token).await.answered();
        assert_eq!(found.map(|visitor| visitor.id), Some(new.visitor.id), "a visitor and its token are one");
    }
    assert_owed(&tenant, POLLS_MAX).await;
}

/// A claim whose caller goes away loses nothing: what it may have taken comes again when its time is over.
pub(super) async fn a_dropped_claim_loses_nothing(world: World) {
    let tenant = world.tenant().await;
    for _ in 0..5 {
        tenant.try_open_with(&tenant.opening(), &world.loaded(tenant.visitor_author())).await;
    }
    for polls in 0..POLLS_MAX {
        let (now, until) = (world.now(), world.now());
        cut_off(tenant.world.outbox().claim(tenant.id, now, until, 2), polls).await;
    }
    let left = tenant.world.outbox().claim(tenant.id, world.now(), Timestamp::MAX, 99).await.answered();
    assert_eq!(left.len(), 5, "all are there once what was taken is free again");
}

/// An erasure whose caller goes away has removed all of the visitor or nothing, and its repeat removes the rest of it.
pub(super) async fn a_dropped_erasure_is_all_or_nothing(world: World) {
    let tenant = world.tenant().await;
    for polls in 0..POLLS_MAX {
        let of = tenant.seen_by(world.id(), world.token());
        assert!(of.register(of.visitor, of.token, None).await);
        let conversation = of.open().await.id;
        of.ask(conversation, "hello").await;
        let change = world.loaded(of.operator_author());
        cut_off(of.visitors().erase(of.id, of.visitor, &change), polls).await;
        let there = [
            of.visitors().find(of.id, of.visitor).await.answered().is_some(),
            of.visitors().find_by_token(of.id, &of.token).await.answered().is_some(),
            of.conversations().find(of.id, conversation).await.answered().is_some(),
        ];
        // A call that goes on after it was dropped may end between two of these looks, but never the other way round.
        assert!(there.is_sorted_by(|a, b| a >= b), "after {polls} polls all is there, or nothing: {there:?}");
        let change = world.loaded(of.operator_author());
        let repeat = of.visitors().erase(of.id, of.visitor, &change).await.answered();
        assert!(there[2] || !repeat, "what had gone has not come back");
        assert_eq!(of.visitors().find(of.id, of.visitor).await.answered(), None);
        assert_eq!(of.conversations().find(of.id, conversation).await.answered(), None);
    }
    assert_owed(&tenant, POLLS_MAX).await;
}

/// A purge whose caller goes away leaves whole logs above their floors, and those that follow remove the rest.
pub(super) async fn a_dropped_purge_leaves_whole_logs(world: World) {
    let tenant = world.tenant().await;
    let of = [tenant.open().await.id, tenant.open().await.id];
    for _ in 0..POLLS_MAX {
        for to in of {
            tenant.ask(to, "hello").await;
        }
    }
    for polls in 0..POLLS_MAX {
        cut_off(tenant.events().purge(tenant.id, Timestamp::MAX, 1), polls).await;
        let page = tenant.page(of[0], Audience::Staff, Window::After(0), 999).await;
        let left: Vec<u64> = page.events.iter().map(|event| event.position.staff).collect();
        assert_eq!(
            left,
            (page.floor.staff + 1..=page.heads.staff).collect::<Vec<_>>(),
            "after {polls} polls"
        );
    }
    while tenant.events().purge(tenant.id, Timestamp::MAX, 10).await.answered() > 0 {}
    for to in of {
        let after = tenant.find(to).await;
        assert_eq!((after.floor, after.heads.staff), (after.heads, POLLS_MAX as u64), "all has gone");
    }
}

/// An upload whose sender goes away is begun, completed and discarded with its change, each once or not at all.
pub(super) async fn a_dropped_upload_is_all_or_nothing(world: World) {
    let tenant = world.tenant().await;
    let to = tenant.open().await.id;
    let Some(uploads) = world.uploads() else {
        return;
    };
    let (id, loaded) = (tenant.id, || world.loaded(tenant.visitor_author()));
    let mut blobs = Vec::new();
    for polls in 0..POLLS_MAX {
        let upload = tenant.upload(to, "photo.png");
        cut_off(uploads.begin(id, &upload, &loaded()), polls).await;
        uploads.begin(id, &upload, &loaded()).await.answered();
        cut_off(uploads.complete(id, upload.id, &CONTENT, &loaded()), polls).await;
        uploads.complete(id, upload.id, &CONTENT, &loaded()).await.answered();
        let found = uploads.find(id, upload.id).await.answered();
        assert_eq!(found.and_then(|found| found.content), Some(CONTENT), "after {polls} polls and a repeat");
        cut_off(uploads.discard(id, upload.id, &loaded()), polls).await;
        uploads.discard(id, upload.id, &loaded()).await.answered();
        blobs.push(upload.blob);
    }
    let removable = uploads.removable(id, Timestamp::from_millis(0), 999).await.answered();
    assert_eq!(removable, blobs, "each blob of a record that is gone");
    assert_owed(&tenant, 3 * POLLS_MAX).await;
}

/// Indexing whose caller goes away misses nothing, and the next call goes on.
pub(super) async fn a_dropped_indexing_misses_nothing(world: World) {
    let tenant = world.tenant().await;
    let to = tenant.open().await.id;
    let Some(search) = world.search() else {
        return;
    };
    let mut said = Vec::new();
    for polls in 0..POLLS_MAX {
        said.push(tenant.ask(to, "hello").await);
        cut_off(search.index(tenant.id, 1), polls).await;
    }
    index_all(&tenant).await;
    said.reverse();
    assert_eq!(found(&tenant, "hello").await, said, "each once, and none lost");
}

/// A call that was dropped holds nothing: whoever comes next does not wait for it.
pub(super) async fn a_dropped_call_leaves_nothing_open(world: World) {
    let tenant = world.tenant().await;
    let to = tenant.open().await.id;
    let dropped: Vec<_> = (0..16)
        .map(|_| tenant.appending(to, tenant.visitor_author(), MessageKind::Message, "hello"))
        .collect();
    for (polls, append) in dropped.iter().enumerate() {
        let change = world.loaded(append.author);
        cut_off(tenant.events().append(tenant.id, append, &change), polls % 8).await;
    }
    let event = tenant.ask(to, "still there?").await;
    let log = tenant.log(to, Audience::Staff).await;
    // What was dropped may be stored later; it holds up nobody.
    assert!(log.contains(&event), "the next message is stored");
    let positions: Vec<_> = log.iter().map(|event| event.position.staff).collect();
    assert_eq!(
        positions,
        (1..).take(log.len()).collect::<Vec<u64>>(),
        "and those before it have left no gap"
    );
}
