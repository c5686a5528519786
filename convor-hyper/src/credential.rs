//! Where a request carries its credential, and how a cookie proves that a page of ours sent it.

use std::fmt;

use convor::Error;
use hmac::{Hmac, KeyInit, Mac};
use http::header::{AUTHORIZATION, COOKIE};
use http::{HeaderMap, HeaderName};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// The header that must come with a cookie on every request that changes something.
const CSRF_HEADER: HeaderName = HeaderName::from_static("x-csrf-token");

/// Says what is derived from a session's token, so that nothing else can be mistaken for it.
const CSRF_LABEL: &[u8] = b"convor csrf token, version 1";

/// What a request presents.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Credential {
    /// `Authorization: Bearer`: nobody but its owner sends it.
    Bearer(String),
    /// The session cookie: a browser sends it whoever asked for the request.
    Cookie(String),
}

impl Credential {
    /// The credential of a request, if it has one.
    pub(crate) fn of(headers: &HeaderMap, cookie: &CookieName) -> Result<Option<Self>, Error> {
        match (bearer(headers)?, cookie.find(headers)?) {
            (Some(_), Some(_)) => {
                Err(Error::invalid("authorization", "comes together with a session cookie"))
            }
            (Some(token), None) => Ok(Some(Self::Bearer(token))),
            (None, Some(token)) => Ok(Some(Self::Cookie(token))),
            (None, None) => Ok(None),
        }
    }

    pub(crate) fn secret(&self) -> &str {
        match self {
            Self::Bearer(secret) | Self::Cookie(secret) => secret,
        }
    }
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Bearer(_) => "Bearer(…)",
            Self::Cookie(_) => "Cookie(…)",
        })
    }
}

fn bearer(headers: &HeaderMap) -> Result<Option<String>, Error> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let value = match (values.next(), values.next()) {
        (None, _) => return Ok(None),
        (Some(value), None) => value,
        (Some(_), Some(_)) => return Err(Error::invalid("authorization", "comes twice")),
    };
    let (scheme, token) =
        value.to_str().ok().and_then(|text| text.split_once(' ')).ok_or(Error::Unauthenticated)?;
    if scheme.eq_ignore_ascii_case("bearer") {
        Ok(Some(token.trim().to_owned()))
    } else {
        Err(Error::Unauthenticated)
    }
}

/// The name of the session cookie. The prefix `__Host-` (RFC 6265bis, 4.1.3.2) lets a browser take it only over TLS and
/// for this host alone, so that no other host of the domain can plant one.
#[derive(Debug, Clone)]
pub(crate) struct CookieName(String);

impl Default for CookieName {
    fn default() -> Self {
        Self("__Host-convor_session".to_owned())
    }
}

impl CookieName {
    /// The name with the prefix; `None` if it has characters that no name may have.
    pub(crate) fn new(name: &str) -> Option<Self> {
        let token = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
        let well_formed = !name.is_empty() && name.len() <= 64 && name.bytes().all(token);
        well_formed.then(|| Self(format!("__Host-{name}")))
    }

    pub(crate) fn find(&self, headers: &HeaderMap) -> Result<Option<String>, Error> {
        let lines = headers.get_all(COOKIE).iter().filter_map(|line| line.to_str().ok());
        let pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
        let mut found = pairs.filter(|(name, _)| *name == self.0).map(|(_, value)| value.to_owned());
        match (found.next(), found.next()) {
            (first, None) => Ok(first),
            (_, Some(_)) => Err(Error::invalid("cookie", "comes twice")),
        }
    }

    /// What makes a browser keep `secret` for so long, or forget it.
    #[cfg(feature = "accounts")]
    pub(crate) fn set(&self, secret: Option<(&str, std::time::Duration)>) -> http::HeaderValue {
        let (secret, seconds) = secret.map_or(("", 0), |(secret, lifetime)| (secret, lifetime.as_secs()));
        let name = &self.0;
        let cookie = format!("{name}={secret}; Max-Age={seconds}; Path=/; Secure; HttpOnly; SameSite=Strict");
        http::HeaderValue::try_from(cookie).map_or(http::HeaderValue::from_static(""), |mut value| {
            value.set_sensitive(true);
            value
        })
    }
}

/// What a page must repeat in `x-csrf-token`: it follows from the session's token, which a page cannot read, and the
/// token does not follow from it.
pub(crate) fn csrf_token(session: &str) -> String {
    // RFC 2104 hashes a key that is longer than the hash's block.
    let key: [u8; 32] = Sha256::digest(session.as_bytes()).into();
    let mut block = [0; 64];
    block[..32].copy_from_slice(&key);
    let mut mac = Hmac::<Sha256>::new(&block.into());
    mac.update(CSRF_LABEL);
    hex(&mac.finalize().into_bytes())
}

/// Whether a request repeats the right one.
pub(crate) fn has_csrf_token(headers: &HeaderMap, session: &str) -> bool {
    let mut values = headers.get_all(CSRF_HEADER).iter();
    let (Some(given), None) = (values.next(), values.next()) else { return false };
    csrf_token(session).as_bytes().ct_eq(given.as_bytes()).into()
}

/// Bytes as lower-case hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn headers(pairs: &[(HeaderName, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(name.clone(), HeaderValue::from_static(value));
        }
        headers
    }

    fn of(pairs: &[(HeaderName, &'static str)]) -> Result<Option<Credential>, &'static str> {
        let name = CookieName::new("s").expect("a name");
        Credential::of(&headers(pairs), &name).map_err(|error| error.code())
    }

    #[test]
    fn a_request_has_one_credential() {
        assert_eq!(of(&[]), Ok(None));
        assert_eq!(of(&[(AUTHORIZATION, "bearer abc")]), Ok(Some(Credential::Bearer("abc".into()))));
        let among_others = [(COOKIE, "a=b; __Host-s=abc; c=d"), (COOKIE, "e=f")];
        assert_eq!(of(&among_others), Ok(Some(Credential::Cookie("abc".into()))));
        assert_eq!(of(&[(AUTHORIZATION, "Bearer abc"), (COOKIE, "__Host-s=abc")]), Err("invalid_request"));
        assert_eq!(of(&[(AUTHORIZATION, "Bearer a"), (AUTHORIZATION, "Bearer b")]), Err("invalid_request"));
        assert_eq!(of(&[(COOKIE, "__Host-s=a"), (COOKIE, "__Host-s=b")]), Err("invalid_request"));
        assert_eq!(of(&[(AUTHORIZATION, "Basic abc")]), Err("unauthenticated"));
    }

    #[test]
    fn a_cookies_name_is_a_token() {
        for broken in ["", "a b", "a;b", "a=b", "ä"] {
            assert!(CookieName::new(broken).is_none(), "{broken}");
        }
    }

    #[cfg(feature = "accounts")]
    #[test]
    fn s31_a_cookie_is_for_this_host_only_and_hidden_from_scripts() {
        let name = CookieName::new("s").expect("a name");
        let cookie = name.set(Some(("abc", std::time::Duration::from_secs(60))));
        assert_eq!(cookie, "__Host-s=abc; Max-Age=60; Path=/; Secure; HttpOnly; SameSite=Strict");
        assert_eq!(name.set(None), "__Host-s=; Max-Age=0; Path=/; Secure; HttpOnly; SameSite=Strict");
    }

    #[test]
    fn s31_the_csrf_token_belongs_to_its_session() {
        let (one, other) = (csrf_token("one"), csrf_token("other"));
        assert_ne!(one, other);
        assert_eq!(one.len(), 64);
        let given = |token: &str| {
            HeaderMap::from_iter([(CSRF_HEADER, HeaderValue::try_from(token).expect("a value"))])
        };
        assert!(has_csrf_token(&given(&one), "one"));
        for wrong in [other.as_str(), &one[..63], "", &one.to_uppercase()] {
            assert!(!has_csrf_token(&given(wrong), "one"), "{wrong}");
        }
        assert!(!has_csrf_token(&HeaderMap::new(), "one"));
    }
}
