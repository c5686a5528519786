//! What the domain has no type for, and an archive is held to all the same.

use std::borrow::Cow;

use serde::{Deserialize, Deserializer};

/// Bytes of a region's name or of a media type, at most.
const NAME_BYTES_MAX: usize = 255;

/// A region, as a host may name it: one line.
pub(super) fn region<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    name(deserializer, |region| !region.contains(char::is_control))
}

/// A media type, with or without parameters, that can stand in a header (RFC 9110, 8.3.1).
pub(super) fn media_type<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    name(deserializer, |name| {
        let part = |part: &str| part.starts_with(|first: char| first.is_ascii_alphanumeric());
        name.split_once('/').is_some_and(|(of, sub)| part(of) && part(sub))
            && name.bytes().all(|byte| matches!(byte, b' '..=b'~'))
    })
}

fn name<'de, D: Deserializer<'de>>(deserializer: D, is_one: fn(&str) -> bool) -> Result<String, D::Error> {
    let name = Cow::<'de, str>::deserialize(deserializer)?;
    if name.len() <= NAME_BYTES_MAX && is_one(&name) {
        Ok(name.into_owned())
    } else {
        Err(serde::de::Error::custom("not a value of this field"))
    }
}

/// An argon2id hash with which a sign-in does not take the server's memory or time: at most 256 MiB, 16 passes and 16 lanes, which
/// is several times what OWASP recommends.
#[cfg(feature = "accounts")]
pub(super) fn password_hash(text: &str) -> Option<crate::ports::storage::PasswordHash> {
    use argon2::password_hash::phc::PasswordHash as Phc;
    use argon2::{Algorithm, Params};

    let phc = Phc::new(text).ok()?;
    let params = Params::try_from(&phc).ok()?;
    let affordable = params.m_cost() <= 256 * 1024 && params.t_cost() <= 16 && params.p_cost() <= 16;
    let valid = phc.algorithm == Algorithm::Argon2id.ident() && affordable;
    valid.then(|| crate::ports::storage::PasswordHash::from_phc(text.to_owned()))
}
