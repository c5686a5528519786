//! [`ClusterKey`]: what the nodes of a cluster have in common and nobody else knows.

use std::fmt;

use chacha20poly1305::aead::{Aead, Payload};
use chacha20poly1305::{KeyInit, XChaCha20Poly1305, XNonce};
use zeroize::Zeroizing;

/// How many bytes a key has.
const KEY_BYTES: usize = 32;

/// How many bytes a nonce has: so many that random ones do not meet.
const NONCE_BYTES: usize = 24;

/// How many bytes sealing adds: a nonce and a tag.
pub(crate) const SEAL_BYTES: usize = NONCE_BYTES + 16;

/// A key that all nodes of a cluster have in common: 32 random bytes, such as `openssl rand -hex 32` makes.
///
/// With it a broker seals what it carries with XChaCha20-Poly1305, so that whoever runs the NATS server, or listens there,
/// reads nothing and makes nothing up. It is wiped when it is dropped, and `Debug` does not show it.
#[derive(Clone)]
pub struct ClusterKey(XChaCha20Poly1305);

/// It is no key: that has 64 hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a cluster key has 64 hexadecimal digits, as `openssl rand -hex 32` makes them")]
#[non_exhaustive]
pub struct InvalidKey;

impl ClusterKey {
    /// The key with these bytes. They must be random ones, and not a password.
    #[must_use]
    pub fn new(bytes: &[u8; KEY_BYTES]) -> Self {
        Self(XChaCha20Poly1305::new(bytes.into()))
    }

    /// The key that these 64 hexadecimal digits name, in either case.
    ///
    /// # Errors
    /// [`InvalidKey`] if they are not.
    pub fn parse(digits: &str) -> Result<Self, InvalidKey> {
        let digits = digits.as_bytes();
        if digits.len() != 2 * KEY_BYTES {
            return Err(InvalidKey);
        }
        let mut bytes = Zeroizing::new([0; KEY_BYTES]);
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            *byte = digit(pair[0])? << 4 | digit(pair[1])?;
        }
        Ok(Self::new(&bytes))
    }

    fn open(&self, subject: &str, nonce: &[u8; NONCE_BYTES], sealed: &[u8]) -> Option<Vec<u8>> {
        let sealed = Payload { msg: sealed, aad: subject.as_bytes() };
        self.0.decrypt(&XNonce::from(*nonce), sealed).ok()
    }
}

impl fmt::Debug for ClusterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClusterKey(…)")
    }
}

fn digit(digit: u8) -> Result<u8, InvalidKey> {
    match digit {
        b'0'..=b'9' => Ok(digit - b'0'),
        b'a'..=b'f' => Ok(digit - b'a' + 10),
        b'A'..=b'F' => Ok(digit - b'A' + 10),
        _ => Err(InvalidKey),
    }
}

/// The key that seals, and another one that opens, too, while keys are changed.
#[derive(Debug, Clone)]
pub(crate) struct Keys {
    pub(crate) seals: ClusterKey,
    pub(crate) opens_too: Option<ClusterKey>,
}

impl Keys {
    /// A nonce and what is sealed with it, for this subject and no other. `None` if there is no randomness to be had.
    pub(crate) fn seal(&self, subject: &str, content: &[u8]) -> Option<Vec<u8>> {
        let nonce = nonce()?;
        let content = Payload { msg: content, aad: subject.as_bytes() };
        let sealed = self.seals.0.encrypt(&XNonce::from(nonce), content).ok()?;
        Some([&nonce[..], &sealed].concat())
    }

    /// What has been sealed for this subject with one of the keys, if it is as it was.
    pub(crate) fn open(&self, subject: &str, message: &[u8]) -> Option<Vec<u8>> {
        let (nonce, sealed) = message.split_first_chunk()?;
        let keys = [Some(&self.seals), self.opens_too.as_ref()];
        keys.into_iter().flatten().find_map(|key| key.open(subject, nonce, sealed))
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "a nonce that came twice would undo the key, whoever asked for it"
)]
fn nonce() -> Option<[u8; NONCE_BYTES]> {
    let mut nonce = [0; NONCE_BYTES];
    getrandom::fill(&mut nonce).ok().map(|()| nonce)
}

/// Bytes that nobody else makes.
pub(crate) fn unique() -> Option<[u8; NONCE_BYTES]> {
    nonce()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(byte: u8) -> ClusterKey {
        ClusterKey::new(&[byte; KEY_BYTES])
    }

    fn keys(seals: u8, opens_too: Option<u8>) -> Keys {
        Keys { seals: key(seals), opens_too: opens_too.map(key) }
    }

    #[test]
    fn what_is_sealed_is_opened_for_its_subject_with_its_key_and_as_it_was_and_not_otherwise() {
        let sealed = keys(1, None).seal("a.b", b"canary").expect("sealed");
        assert_eq!(sealed.len(), SEAL_BYTES + 6);
        assert_eq!(keys(1, None).open("a.b", &sealed).as_deref(), Some(&b"canary"[..]));
        assert_eq!(keys(1, None).open("a.c", &sealed), None, "for another subject");
        assert_eq!(keys(2, None).open("a.b", &sealed), None, "with another key");
        for place in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[place] ^= 1;
            assert_eq!(keys(1, None).open("a.b", &changed), None, "changed at {place}");
            assert_eq!(keys(1, None).open("a.b", &sealed[..place]), None, "cut off at {place}");
        }
    }

    #[test]
    fn while_keys_are_changed_two_open_and_the_first_seals() {
        let [old, both, new] = [keys(1, None), keys(2, Some(1)), keys(2, None)];
        let opens =
            |by: &Keys, whose: &Keys| by.open("a", &whose.seal("a", b"canary").expect("sealed")).is_some();
        assert!(opens(&both, &old) && opens(&both, &new) && opens(&new, &both));
        assert!(!opens(&old, &both), "who has not got the new key yet");
    }

    #[test]
    fn nothing_is_sealed_twice_in_the_same_way() {
        let seal = || keys(1, None).seal("a", b"canary").expect("sealed");
        assert_ne!(seal(), seal());
    }

    #[test]
    fn a_key_is_64_hexadecimal_digits_and_shows_nowhere() {
        let digits = "00112233445566778899aAbBcCdDeEfF0123456789abcdef0123456789ABCDEF";
        let parsed = ClusterKey::parse(digits).expect("a key");
        assert_eq!(format!("{parsed:?}"), "ClusterKey(…)");
        let mut bytes = [0; KEY_BYTES];
        for (byte, place) in bytes.iter_mut().zip((0..64).step_by(2)) {
            *byte = u8::from_str_radix(&digits[place..place + 2], 16).expect("hexadecimal");
        }
        let same = Keys { seals: ClusterKey::new(&bytes), opens_too: None };
        let sealed = Keys { seals: parsed, opens_too: None }.seal("a", b"canary").expect("sealed");
        assert!(same.open("a", &sealed).is_some());
        for none in
            ["", "00", &digits[1..], &digits.replace('0', "g"), &format!("{digits}0"), &"é".repeat(32)]
        {
            assert_eq!(ClusterKey::parse(none).err(), Some(InvalidKey), "{none}");
        }
    }
}
