//! An upload: what is known of a file that somebody sent. The bytes are a blob.

use crate::domain::{Author, Text};
use crate::ids::{ConversationId, UploadId};
use crate::ports::BlobKey;
use crate::time::Timestamp;

/// What is known of a file that somebody sent.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "adapters build it")]
pub struct Upload {
    /// Its id.
    pub id: UploadId,
    /// Where it was sent.
    pub conversation: ConversationId,
    /// Who sent it.
    pub by: Author,
    /// What its sender calls it; shown, and never used as a path.
    pub name: Text,
    /// Its type by its content (RFC 6838), as `image/png`.
    pub media_type: String,
    /// Under which name its bytes are kept.
    pub blob: BlobKey,
    /// When it was begun.
    pub created_at: Timestamp,
    /// What has arrived; `None` until all of it has.
    pub content: Option<UploadContent>,
}

/// The bytes of a whole upload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "adapters build it")]
pub struct UploadContent {
    /// How many.
    pub bytes: u64,
    /// Their SHA-256.
    pub sha256: [u8; 32],
}
