//! The memory blob store keeps the contract of `BlobStore`.

use std::collections::VecDeque;

use async_trait::async_trait;
use bytes::Bytes;
use convor::ids::TenantId;
use convor::ports::{BlobError, BlobKey, BlobSource, BlobStore};
use convor_memory::MemoryBlobs;
use uuid::Uuid;

/// Yields these chunks, and then an error if it is to be cut off.
struct Chunks(VecDeque<Result<Bytes, BlobError>>);

impl Chunks {
    fn new(chunks: &[&'static str]) -> Self {
        Self(chunks.iter().map(|chunk| Ok(Bytes::from_static(chunk.as_bytes()))).collect())
    }

    fn cut_off(chunks: &[&'static str]) -> Self {
        let mut source = Self::new(chunks);
        source.0.push_back(Err(BlobError::Interrupted));
        source
    }
}

#[async_trait]
impl BlobSource for Chunks {
    async fn chunk(&mut self) -> Result<Option<Bytes>, BlobError> {
        self.0.pop_front().transpose()
    }
}

fn tenant(n: u128) -> TenantId {
    Uuid::from_u128(n).into()
}

fn key(n: u128) -> BlobKey {
    BlobKey(Uuid::from_u128(n))
}

async fn text(blobs: &MemoryBlobs, tenant: TenantId, key: BlobKey) -> Option<String> {
    let mut source = blobs.get(tenant, key).await.expect("available")?;
    let mut text = String::new();
    while let Some(chunk) = source.chunk().await.expect("whole") {
        text.push_str(std::str::from_utf8(&chunk).expect("text"));
    }
    Some(text)
}

#[tokio::test]
async fn a_blob_comes_back_as_it_was_put() {
    let blobs = MemoryBlobs::new();
    assert_eq!(blobs.put(tenant(1), key(1), &mut Chunks::new(&["ab", "c"]), 3).await, Ok(3));
    assert_eq!(text(&blobs, tenant(1), key(1)).await.as_deref(), Some("abc"));
    assert_eq!(text(&blobs, tenant(1), key(2)).await, None);
}

#[tokio::test]
async fn a_failed_put_leaves_nothing() {
    let blobs = MemoryBlobs::new();
    let too_large = blobs.put(tenant(1), key(1), &mut Chunks::new(&["ab", "c"]), 2).await;
    assert_eq!(too_large, Err(BlobError::TooLarge));
    let cut_off = blobs.put(tenant(1), key(1), &mut Chunks::cut_off(&["ab"]), 9).await;
    assert_eq!(cut_off, Err(BlobError::Interrupted));
    assert_eq!(text(&blobs, tenant(1), key(1)).await, None);
    assert_eq!(blobs.list(tenant(1), None, 9).await, Ok(Vec::new()));
}

#[tokio::test]
async fn a_taken_key_is_refused_and_keeps_its_blob() {
    let blobs = MemoryBlobs::new();
    blobs.put(tenant(1), key(1), &mut Chunks::new(&["first"]), 9).await.expect("free");
    let again = blobs.put(tenant(1), key(1), &mut Chunks::new(&["second"]), 9).await;
    assert_eq!(again, Err(BlobError::Exists));
    assert_eq!(text(&blobs, tenant(1), key(1)).await.as_deref(), Some("first"));
}

#[tokio::test]
async fn the_same_key_in_two_tenants_is_two_blobs() {
    let blobs = MemoryBlobs::new();
    blobs.put(tenant(1), key(1), &mut Chunks::new(&["ours"]), 9).await.expect("free");
    blobs.put(tenant(2), key(1), &mut Chunks::new(&["theirs"]), 9).await.expect("free");
    assert_eq!(blobs.delete(tenant(1), key(1)).await, Ok(true));
    assert_eq!(blobs.delete(tenant(1), key(1)).await, Ok(false));
    assert_eq!(text(&blobs, tenant(1), key(1)).await, None);
    assert_eq!(text(&blobs, tenant(2), key(1)).await.as_deref(), Some("theirs"));
}

#[tokio::test]
async fn keys_are_listed_in_order_above_the_cursor() {
    let blobs = MemoryBlobs::new();
    for n in [3, 1, 2, 4] {
        blobs.put(tenant(2), key(n), &mut Chunks::new(&["x"]), 9).await.expect("free");
    }
    for other in [1, 3] {
        blobs.put(tenant(other), key(9), &mut Chunks::new(&["x"]), 9).await.expect("free");
    }
    assert_eq!(blobs.list(tenant(2), None, 9).await, Ok(vec![key(1), key(2), key(3), key(4)]));
    assert_eq!(blobs.list(tenant(2), Some(key(1)), 2).await, Ok(vec![key(2), key(3)]));
    assert_eq!(blobs.list(tenant(2), Some(key(4)), 2).await, Ok(Vec::new()));
}
