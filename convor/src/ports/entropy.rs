//! Where unpredictable bytes come from.

use std::fmt;

/// Where unpredictable bytes come from: the secrets of tokens and the random part of ids.
///
/// # To ensure correctness
/// - The bytes come from a cryptographically secure generator, except in a simulation.
pub trait Entropy: fmt::Debug + Send + Sync {
    /// Sixteen bytes that nobody can foresee.
    fn bytes_16(&self) -> [u8; 16];
}

/// The generator of the operating system.
#[cfg(feature = "system")]
#[derive(Debug, Clone, Copy, Default)]
#[non_exhaustive]
pub struct SystemEntropy;

#[cfg(feature = "system")]
impl Entropy for SystemEntropy {
    /// # Panics
    /// If the operating system has no randomness to give: no secret may be made then.
    #[expect(clippy::disallowed_methods, reason = "this is the port")]
    #[expect(clippy::expect_used, reason = "a token without randomness must never be made")]
    fn bytes_16(&self) -> [u8; 16] {
        let mut bytes = [0; 16];
        getrandom::fill(&mut bytes).expect("the operating system has randomness");
        bytes
    }
}
