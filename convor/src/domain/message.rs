//! What is said in a conversation.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;

use crate::domain::Text;
use crate::ids::{ClientId, MessageId};

/// A message or a note.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "adapters build it")]
pub struct Message {
    /// Its id.
    pub id: MessageId,
    /// What its sender picked to be able to repeat the request.
    pub client_id: ClientId,
    /// For whom it is.
    pub kind: MessageKind,
    /// What it says; `None` once its content has been erased.
    pub text: Option<Text>,
}

/// For whom a message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[expect(clippy::exhaustive_enums, reason = "adapters store it")]
pub enum MessageKind {
    /// For both sides.
    #[default]
    Message,
    /// Internal: for staff only.
    Note,
}

/// A keyed digest of a request's body, by which a repeat is told from another request with the same `client_id`. It is
/// compared in place of the text, so that what erasure must reach is one place.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct BodyDigest([u8; 32]);

impl BodyDigest {
    /// HMAC-SHA256 (RFC 2104) over the parts, each with its length before it.
    #[must_use]
    pub fn new(key: &[u8; 32], parts: &[&[u8]]) -> Self {
        // RFC 2104 fills a key that is shorter than the hash's block with zeros.
        let mut block = [0; 64];
        block[..32].copy_from_slice(key);
        let mut mac = Hmac::<Sha256>::new(&block.into());
        for part in parts {
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part);
        }
        Self(mac.finalize().into_bytes().into())
    }

    /// The bytes, for a storage to keep.
    #[must_use]
    pub const fn bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl From<[u8; 32]> for BodyDigest {
    fn from(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
}

impl fmt::Debug for BodyDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BodyDigest(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_do_not_run_into_each_other() {
        let key = [7; 32];
        assert_ne!(BodyDigest::new(&key, &[b"ab", b"c"]), BodyDigest::new(&key, &[b"a", b"bc"]));
        assert_eq!(BodyDigest::new(&key, &[b"ab"]), BodyDigest::new(&key, &[b"ab"]));
        assert_ne!(BodyDigest::new(&key, &[b"ab"]), BodyDigest::new(&[8; 32], &[b"ab"]));
    }
}
