//! By what a request is found in the log.

use std::fmt;

use convor::Chat;
use http::{HeaderMap, HeaderName, HeaderValue};

use crate::credential::hex;

/// The header of a request's id.
pub(crate) const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// By what a request is found in the log: what the client sent, if that is well-formed, or else sixteen random bytes.
#[derive(Debug, Clone)]
pub(crate) struct RequestId(HeaderValue);

impl RequestId {
    pub(crate) fn of(headers: &HeaderMap, chat: &Chat) -> Self {
        match headers.get(X_REQUEST_ID) {
            Some(sent) if is_well_formed(sent.as_bytes()) => Self(sent.clone()),
            _ => {
                let id = hex(&chat.random_bytes());
                Self(HeaderValue::try_from(id).unwrap_or_else(|_| HeaderValue::from_static("")))
            }
        }
    }

    pub(crate) fn into_value(self) -> HeaderValue {
        self.0
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.to_str().unwrap_or_default())
    }
}

fn is_well_formed(id: &[u8]) -> bool {
    let allowed = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.".contains(byte);
    (1..=64).contains(&id.len()) && id.iter().all(allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s35_an_id_that_could_break_a_log_line_is_not_kept() {
        assert!(is_well_formed(b"Az09-_.") && is_well_formed(&[b'a'; 64]));
        for broken in [&b""[..], b"a b", b"a\tb", b"a=b", b"\xc3\xa4", &[b'a'; 65]] {
            assert!(!is_well_formed(broken));
        }
    }
}
