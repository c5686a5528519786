//! What is known of files, from their beginning to the end of their blobs. Where a storage does not keep it, these cases are
//! skipped and say so.

use std::time::Duration;

use super::calls::{self, CONTENT};
use super::change::assert_committed;
use super::isolation::Scene;
use super::snapshot::{Owed, Snapshot};
use super::tenant::Tenant;
use super::world::{Answered, World};
use crate::domain::{Author, Upload, UploadContent};
use crate::ids::{ConversationId, UploadId};
use crate::ports::storage::UploadRepository;
use crate::ports::{BlobKey, Change};
use crate::time::Timestamp;

/// Before this nothing was begun, so that nothing is stale.
fn never() -> Timestamp {
    Timestamp::from_millis(0)
}

fn uploads(world: &World) -> &dyn UploadRepository {
    world.uploads().expect("these cases run where there are uploads")
}

async fn begin(tenant: &Tenant, upload: &Upload) -> bool {
    uploads(&tenant.world).begin(tenant.id, upload, &tenant.change(upload.by)).await.answered()
}

async fn complete(tenant: &Tenant, upload: UploadId) -> bool {
    let change = tenant.change(tenant.visitor_author());
    uploads(&tenant.world).complete(tenant.id, upload, &CONTENT, &change).await.answered()
}

async fn discard(tenant: &Tenant, upload: UploadId) -> bool {
    let change = tenant.change(tenant.operator_author());
    uploads(&tenant.world).discard(tenant.id, upload, &change).await.answered()
}

async fn find(tenant: &Tenant, upload: UploadId) -> Option<Upload> {
    uploads(&tenant.world).find(tenant.id, upload).await.answered()
}

async fn removable(tenant: &Tenant, stale: Timestamp, limit: usize) -> Vec<BlobKey> {
    uploads(&tenant.world).removable(tenant.id, stale, limit).await.answered()
}

async fn removed(tenant: &Tenant, blob: BlobKey) -> bool {
    uploads(&tenant.world).removed(tenant.id, blob).await.answered()
}

/// A file that has been begun.
async fn begun(tenant: &Tenant, to: ConversationId) -> Upload {
    let upload = tenant.upload(to, "photo.png");
    assert!(begin(tenant, &upload).await, "a new file is begun");
    upload
}

/// Files of another tenant are as absent as those of nobody, and their blobs are not to be removed.
pub(super) async fn foreign_uploads_are_absent(world: World) {
    let scene = Scene::of(&world).await;
    let foreign = calls::uploads(&world, scene.foreign, &scene.ids).await;
    let absent = calls::uploads(&world, scene.absent, &scene.made_up).await;
    scene.assert_alike(foreign, absent).await;
}

/// A file is begun, completed and discarded, and its blob is removable from then on until it is removed.
pub(super) async fn an_upload_lives_from_its_record_to_the_end_of_its_blob(world: World) {
    let tenant = world.tenant().await;
    let to = tenant.open().await.id;
    let upload = tenant.upload(to, "photo.png");
    assert_eq!(find(&tenant, upload.id).await, None, "nothing is there yet");
    assert!(begin(&tenant, &upload).await);
    assert_eq!(find(&tenant, upload.id).await, Some(upload.clone()), "begun, without content");
    assert!(complete(&tenant, upload.id).await);
    let whole = Upload { content: Some(CONTENT), ..upload.clone() };
    assert_eq!(find(&tenant, upload.id).await, Some(whole), "completed, and else as it was");
    assert_eq!(removable(&tenant, Timestamp::MAX, 9).await, [], "what is whole stays");
    assert!(discard(&tenant, upload.id).await);
    assert_eq!(find(&tenant, upload.id).await, None, "discarded");
    for _ in 0..2 {
        assert_eq!(removable(&tenant, never(), 9).await, [upload.blob], "until somebody has removed it");
    }
    assert!(removed(&tenant, upload.blob).await);
    assert_eq!(removable(&tenant, never(), 9).await, [], "nothing is left to be done");
    assert!(!removed(&tenant, upload.blob).await, "it has been removed already");
}

/// A record comes back as it was, whoever sent the file and whatever it is called.
pub(super) async fn an_upload_comes_back_as_it_was(world: World) {
    let tenant = world.tenant().await;
    let to = tenant.open().await.id;
    let names = ["../../etc/passwd", "a\"b'c\\d;%_.png", "\u{202e}gnp.exe 🧵 e\u{301} \u{fffd}"];
    let authors = [tenant.visitor_author(), tenant.operator_author(), Author::System];
    let contents = [0, 1, i64::MAX.cast_unsigned()];
    for ((name, by), bytes) in names.into_iter().zip(authors).zip(contents) {
        let media_type = "application/vnd.oasis.opendocument.text; charset=\"utf-8\"".to_owned();
        let upload = Upload { by, media_type, ..tenant.upload(to, name) };
        assert!(begin(&tenant, &upload).await);
        let content = UploadContent { bytes, sha256: std::array::from_fn(|i| i as u8 * 8) };
        let change = tenant.change(by);
        assert!(uploads(&world).complete(tenant.id, upload.id, &content, &change).await.answered());
        assert_eq!(find(&tenant, upload.id).await, Some(Upload { content: Some(content), ..upload }));
    }
}

/// A beginning is refused where the id or the blob's key is taken, and where there is no such conversation.
pub(super) async fn a_refused_beginning_stores_nothing(world: World) {
    let (tenant, other) = (world.tenant().await, world.tenant().await);
    let (to, elsewhere) = (tenant.open().await.id, other.open().await.id);
    let (first, whole) = (begun(&tenant, to).await, begun(&tenant, to).await);
    assert!(complete(&tenant, whole.id).await);
    let before = Snapshot::of(&tenant).await;
    for refused in [
        Upload { id: first.id, ..tenant.upload(to, "same id") },
        Upload { blob: first.blob, ..tenant.upload(to, "same blob") },
        Upload { blob: whole.blob, ..tenant.upload(to, "same blob as a whole one") },
        tenant.upload(world.id(), "to nowhere"),
        tenant.upload(elsewhere, "to another tenant's conversation"),
    ] {
        let change = world.loaded(tenant.visitor_author());
        let begun = uploads(&world).begin(tenant.id, &refused, &change).await.answered();
        assert!(!begun, "the id or the key is taken, or there is no such conversation");
    }
    Snapshot::of(&tenant).await.assert_same_as(&before, "a refused beginning stores nothing");
    assert_eq!(removable(&tenant, never(), 9).await, [], "and makes no blob removable");
    let twin = Upload { conversation: elsewhere, ..first };
    assert!(begin(&other, &twin).await, "neither the id nor the key is taken in another tenant");
}

/// A file is completed once: not again, not after its end, and not before its beginning.
pub(super) async fn an_upload_is_completed_once(world: World) {
    let tenant = world.tenant().await;
    let to = tenant.open().await.id;
    let (upload, gone) = (begun(&tenant, to).await, begun(&tenant, to).await);
    assert!(complete(&tenant, upload.id).await);
    assert!(discard(&tenant, gone.id).await);
    let before = Snapshot::of(&tenant).await;
    let other = UploadContent { bytes: 1, sha256: [1; 32] };
    for id in [upload.id, gone.id, world.id()] {
        let change = world.loaded(tenant.visitor_author());
        assert!(!uploads(&world).complete(tenant.id, id, &other, &change).await.answered());
    }
    Snapshot::of(&tenant).await.assert_same_as(&before, "what is refused stores nothing");
    assert_eq!(find(&tenant, upload.id).await.and_then(|found| found.content), Some(CONTENT));
}

/// What is not there is neither discarded nor removed, and the blob of a record that goes on is not to be removed.
pub(super) async fn what_goes_on_is_not_removed(world: World) {
    let tenant = world.tenant().await;
    let to = tenant.open().await.id;
    let (on_its_way, whole, gone) =
        (begun(&tenant, to).await, begun(&tenant, to).await, begun(&tenant, to).await);
    assert!(complete(&tenant, whole.id).await);
    assert!(discard(&tenant, gone.id).await);
    let before = Snapshot::of(&tenant).await;
    for id in [gone.id, world.id()] {
        let change = world.loaded(tenant.operator_author());
        assert!(!uploads(&world).discard(tenant.id, id, &change).await.answered(), "there is no such record");
    }
    for blob in [on_its_way.blob, whole.blob, BlobKey(world.id())] {
        assert!(!removed(&tenant, blob).await, "this key was not removable");
    }
    Snapshot::of(&tenant).await.assert_same_as(&before, "what is refused changes nothing");
}

/// A beginning, a completion and a discarding commit their changes.
pub(super) async fn uploads_commit_their_changes(world: World) {
    let tenant = world.tenant().await;
    let upload = tenant.upload(tenant.open().await.id, "photo.png");
    let loaded = async || (Owed::of(&tenant).await, world.loaded(tenant.visitor_author()));
    let (before, change) = loaded().await;
    assert!(uploads(&world).begin(tenant.id, &upload, &change).await.answered());
    assert_committed(&tenant, &before, &change).await;
    let (before, change) = loaded().await;
    assert!(uploads(&world).complete(tenant.id, upload.id, &CONTENT, &change).await.answered());
    assert_committed(&tenant, &before, &change).await;
    let (before, change) = loaded().await;
    assert!(uploads(&world).discard(tenant.id, upload.id, &change).await.answered());
    assert_committed(&tenant, &before, &change).await;
}

/// Removable keys come ascending, at most as many as asked for, and each until it is removed.
pub(super) async fn removable_blobs_come_in_order(world: World) {
    let tenant = world.tenant().await;
    let to = tenant.open().await.id;
    let mut keys: Vec<BlobKey> = (0..5).map(|_| BlobKey(world.id())).collect();
    for blob in keys.iter().rev() {
        let upload = Upload { blob: *blob, ..tenant.upload(to, "photo.png") };
        assert!(begin(&tenant, &upload).await && discard(&tenant, upload.id).await);
    }
    assert_eq!(removable(&tenant, never(), 0).await, [], "none at all");
    assert_eq!(removable(&tenant, never(), 2).await, keys[..2], "at most as many as asked for");
    assert_eq!(removable(&tenant, never(), usize::MAX).await, keys, "all, ascending");
    assert!(removed(&tenant, keys.remove(1)).await);
    assert_eq!(removable(&tenant, never(), 3).await, keys[..3], "without the one that is gone");
}

/// What was begun before the time and is not whole is discarded; what was begun then or is whole stays.
pub(super) async fn a_stale_beginning_is_discarded(world: World) {
    let tenant = world.tenant().await;
    let to = tenant.open().await.id;
    let (whole, stale, fresh) =
        (begun(&tenant, to).await, begun(&tenant, to).await, begun(&tenant, to).await);
    assert!(complete(&tenant, whole.id).await);
    assert_eq!(removable(&tenant, stale.created_at, 9).await, [], "begun at this time is not before it");
    assert!(find(&tenant, stale.id).await.is_some(), "and stays");
    assert_eq!(removable(&tenant, fresh.created_at, 9).await, [stale.blob], "begun before it");
    assert_eq!(find(&tenant, stale.id).await, None, "its record is gone with it");
    assert!(!complete(&tenant, stale.id).await, "and cannot be completed any more");
    for kept in [whole.id, fresh.id] {
        assert!(find(&tenant, kept).await.is_some(), "what is whole or young stays");
    }
    assert!(complete(&tenant, fresh.id).await);
    let mut left = vec![stale.blob];
    for _ in 0..4 {
        left.push(begun(&tenant, to).await.blob);
    }
    let later = world.now().plus(Duration::from_secs(1));
    let mut given = Vec::new();
    loop {
        let page = removable(&tenant, later, 2).await;
        assert!(page.len() <= 2 && page.is_sorted(), "at most as many as asked for, ascending");
        if page.is_empty() {
            break;
        }
        for blob in page {
            assert!(removed(&tenant, blob).await);
            given.push(blob);
        }
        assert!(given.len() <= left.len(), "what was removed does not come again");
    }
    given.sort();
    assert_eq!(given, left, "each stale one, and nothing that is whole");
}

/// The uploads of a conversation come in the order of their ids, strictly above the cursor, whole or not.
pub(super) async fn uploads_are_paged_by_id(world: World) {
    let tenant = world.tenant().await;
    let (to, other) = (tenant.open().await.id, tenant.open().await.id);
    let mut all: Vec<Upload> = (0..5).map(|_| tenant.upload(to, "photo.png")).collect();
    for upload in all.iter().rev() {
        assert!(begin(&tenant, upload).await);
        begun(&tenant, other).await;
    }
    assert!(complete(&tenant, all[2].id).await);
    all[2].content = Some(CONTENT);
    let page = async |after, limit| uploads(&world).page(tenant.id, to, after, limit).await.answered();
    assert_eq!(page(None, usize::MAX).await, all, "all of the conversation, and none of another");
    assert_eq!(page(None, 2).await, all[..2], "at most as many as asked for");
    assert_eq!(page(Some(all[1].id), 2).await, all[2..4], "strictly above the cursor");
    assert_eq!(page(Some(all[4].id), 2).await, [], "nothing above the last");
    assert_eq!(page(None, 0).await, [], "none at all");
    assert!(discard(&tenant, all[3].id).await);
    assert_eq!(page(Some(all[3].id), 2).await, all[4..], "a cursor may be gone");
    let nowhere = uploads(&world).page(tenant.id, world.id(), None, 9).await.answered();
    assert_eq!(nowhere, [], "there is no such conversation");
}

/// With its visitor a conversation's files go, whole or not, and all of their blobs are removable; others' stay.
pub(super) async fn an_erased_visitors_blobs_are_removable(world: World) {
    let tenant = world.tenant().await;
    let other = tenant.seen_by(tenant.another_visitor().await, tenant.token);
    let conversations = [tenant.open().await.id, tenant.open().await.id];
    let kept = begun(&tenant, other.open().await.id).await;
    let mut blobs = Vec::new();
    for to in conversations {
        let (whole, on_its_way) = (begun(&tenant, to).await, begun(&tenant, to).await);
        let from_staff = Upload { by: tenant.operator_author(), ..tenant.upload(to, "offer.pdf") };
        assert!(complete(&tenant, whole.id).await && begin(&tenant, &from_staff).await);
        let gone = begun(&tenant, to).await;
        assert!(discard(&tenant, gone.id).await);
        blobs.extend([whole.blob, on_its_way.blob, from_staff.blob, gone.blob]);
    }
    blobs.sort();
    let change = tenant.change(Author::System);
    assert!(world.visitors().erase(tenant.id, tenant.visitor, &change).await.answered());
    assert_eq!(removable(&tenant, never(), 99).await, blobs, "no blob is left behind");
    for to in conversations {
        assert_eq!(uploads(&world).page(tenant.id, to, None, 9).await.answered(), [], "no record is");
    }
    assert_eq!(find(&tenant, kept.id).await, Some(kept), "another visitor's files stay");
    let late = tenant.upload(conversations[0], "late.png");
    assert!(!begin(&tenant, &late).await, "and nothing is sent to what is gone");
}

/// A purge of a log is none of its files.
pub(super) async fn a_purge_leaves_uploads(world: World) {
    let tenant = world.tenant().await;
    let to = tenant.open().await.id;
    let upload = begun(&tenant, to).await;
    tenant.ask(to, "hello").await;
    assert_eq!(world.events().purge(tenant.id, Timestamp::MAX, 9).await.answered(), 1);
    assert_eq!(find(&tenant, upload.id).await, Some(upload));
    assert_eq!(removable(&tenant, never(), 9).await, []);
}

/// Runs sixteen calls at once, and counts how many have answered `true`.
async fn of_sixteen<F, C>(call: C) -> usize
where
    F: Future<Output = bool> + Send + 'static,
    C: Fn() -> F,
{
    let tasks: Vec<_> = (0..16).map(|_| tokio::spawn(call())).collect();
    let mut won = 0;
    for task in tasks {
        won += usize::from(task.await.expect("the store does not panic"));
    }
    won
}

/// Of concurrent calls to the same end, one does it.
pub(super) async fn of_concurrent_calls_one_does_it(world: World) {
    let tenant = world.tenant().await;
    let upload = tenant.upload(tenant.open().await.id, "photo.png");
    let won = of_sixteen(|| {
        let tenant = tenant.clone();
        let same_key = Upload { id: world.id(), ..upload.clone() };
        async move { begin(&tenant, &same_key).await }
    });
    assert_eq!(won.await, 1, "a blob has one record");
    let upload = begun(&tenant, upload.conversation).await;
    let (id, blob) = (upload.id, upload.blob);
    let with = |tenant: &Tenant| tenant.clone();
    let won = of_sixteen(|| {
        let tenant = with(&tenant);
        async move { complete(&tenant, id).await }
    });
    assert_eq!(won.await, 1, "it is completed once");
    let won = of_sixteen(|| {
        let tenant = with(&tenant);
        async move { discard(&tenant, id).await }
    });
    assert_eq!(won.await, 1, "it is discarded once");
    let won = of_sixteen(|| {
        let tenant = with(&tenant);
        async move { removed(&tenant, blob).await }
    });
    assert_eq!(won.await, 1, "it is removed once");
}

/// Files that are begun while their visitor is erased are refused, or their blobs are removable: none is left behind.
pub(super) async fn a_beginning_beside_an_erasure_leaves_no_blob_behind(world: World) {
    for _ in 0..4 {
        let tenant = world.tenant().await;
        let to = tenant.open().await.id;
        let senders: Vec<_> = (0..8)
            .map(|_| {
                let tenant = tenant.clone();
                tokio::spawn(async move {
                    let mut blobs = Vec::new();
                    for _ in 0..4 {
                        let upload = tenant.upload(to, "photo.png");
                        if begin(&tenant, &upload).await {
                            blobs.push(upload.blob);
                        }
                    }
                    blobs
                })
            })
            .collect();
        let change = Change::new(Author::System, world.now());
        assert!(world.visitors().erase(tenant.id, tenant.visitor, &change).await.answered());
        let mut begun = Vec::new();
        for sender in senders {
            begun.extend(sender.await.expect("the store does not panic"));
        }
        begun.sort();
        assert_eq!(removable(&tenant, never(), 99).await, begun, "each blob that was begun, and no other");
        assert_eq!(uploads(&world).page(tenant.id, to, None, 9).await.answered(), [], "no record is left");
    }
}
