//! Fixtures for this crate's own tests.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::ports::Entropy;

/// A generator that counts: reproducible, and different each time.
#[derive(Debug)]
pub(crate) struct FixedEntropy(AtomicU64);

impl FixedEntropy {
    pub(crate) fn new(seed: u64) -> Self {
        Self(AtomicU64::new(seed))
    }
}

impl Entropy for FixedEntropy {
    fn bytes_16(&self) -> [u8; 16] {
        use sha2::Digest;
        let count = self.0.fetch_add(1, Ordering::Relaxed);
        let hash = sha2::Sha256::digest(count.to_be_bytes());
        std::array::from_fn(|i| hash[i])
    }
}
