//! Keys and tokens. Each carries its tenant's id inside, so that even looking one up is a tenant-scoped read.

use std::fmt;

use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::ids::{SiteId, TenantId};
use crate::ports::Entropy;

/// Public: says at which organisation an operator signs in, and grants nothing. `cvt_<tenant>`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct TenantKey {
    /// The organisation.
    pub tenant: TenantId,
}

impl TenantKey {
    /// The key of `tenant`.
    #[must_use]
    pub const fn new(tenant: TenantId) -> Self {
        Self { tenant }
    }

    /// Reads a key; `None` if `text` is none.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        simple(text.strip_prefix("cvt_")?).map(Self::new)
    }
}

impl fmt::Display for TenantKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cvt_{}", self.tenant.uuid().as_simple())
    }
}

/// Public: stands in a web page, and grants nothing but to become a visitor. `cvk_<tenant>_<site>`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct SiteKey {
    /// The organisation.
    pub tenant: TenantId,
    /// Its website.
    pub site: SiteId,
}

impl SiteKey {
    /// The key of `site`.
    #[must_use]
    pub const fn new(tenant: TenantId, site: SiteId) -> Self {
        Self { tenant, site }
    }

    /// Reads a key; `None` if `text` is none.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (tenant, site) = text.strip_prefix("cvk_")?.split_once('_')?;
        Some(Self { tenant: simple(tenant)?, site: simple(site)? })
    }
}

impl fmt::Display for SiteKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cvk_{}_{}", self.tenant.uuid().as_simple(), self.site.uuid().as_simple())
    }
}

/// Whose credential a [`Token`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TokenKind {
    /// A visitor's, `cvv_…`.
    Visitor,
    /// An operator's session, `cvs_…`.
    Session,
}

impl TokenKind {
    const fn prefix(self) -> &'static str {
        match self {
            Self::Visitor => "cvv_",
            Self::Session => "cvs_",
        }
    }
}

/// A secret credential: `cvv_<tenant>_<secret>` or `cvs_<tenant>_<secret>` with 256 bits from the generator. It is shown
/// once; what is stored is its [`TokenHash`]. `Debug` hides it; there is no `Display`.
#[derive(Clone, PartialEq, Eq)]
pub struct Token {
    kind: TokenKind,
    tenant: TenantId,
    text: String,
}

impl Token {
    /// A new token of `tenant`.
    #[must_use]
    pub fn generate(kind: TokenKind, tenant: TenantId, entropy: &dyn Entropy) -> Self {
        let (high, low) = (entropy.bytes_16(), entropy.bytes_16());
        let (high, low) = (u128::from_be_bytes(high), u128::from_be_bytes(low));
        let text = format!("{}{}_{high:032x}{low:032x}", kind.prefix(), tenant.uuid().as_simple());
        Self { kind, tenant, text }
    }

    /// Reads a token; `None` if `text` has not the form of one. A token that was read need not be valid.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let kind =
            [TokenKind::Visitor, TokenKind::Session].into_iter().find(|k| text.starts_with(k.prefix()))?;
        let (tenant, secret) = text.strip_prefix(kind.prefix())?.split_once('_')?;
        let tenant = simple(tenant)?;
        let well_formed =
            secret.len() == 64 && secret.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        well_formed.then(|| Self { kind, tenant, text: text.to_owned() })
    }

    /// Whose it is.
    #[must_use]
    pub const fn kind(&self) -> TokenKind {
        self.kind
    }

    /// The tenant that it carries.
    #[must_use]
    pub const fn tenant(&self) -> TenantId {
        self.tenant
    }

    /// What a storage keeps and finds it by.
    #[must_use]
    pub fn hash(&self) -> TokenHash {
        TokenHash(Sha256::digest(self.text.as_bytes()).into())
    }

    /// The secret text, for the one answer that shows it.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.text
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Token({:?}, {:?}, …)", self.kind, self.tenant)
    }
}

/// SHA-256 of a [`Token`]. A plain hash is enough, because a token has 256 random bits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TokenHash([u8; 32]);

impl TokenHash {
    /// The bytes, for a storage to keep.
    #[must_use]
    pub const fn bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl From<[u8; 32]> for TokenHash {
    fn from(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
}

impl fmt::Debug for TokenHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenHash(…)")
    }
}

/// Reads an id in the form that keys use: 32 lower-case hexadecimal digits.
fn simple<I: From<Uuid>>(text: &str) -> Option<I> {
    let canonical = text.len() == 32 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    if canonical { Uuid::try_parse(text).ok().map(I::from) } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::FixedEntropy;

    fn tenant() -> TenantId {
        Uuid::from_u128(7).into()
    }

    #[test]
    fn keys_round_trip_and_name_their_tenant() {
        let key = TenantKey::new(tenant());
        assert_eq!(TenantKey::parse(&key.to_string()), Some(key));
        let key = SiteKey::new(tenant(), Uuid::from_u128(8).into());
        assert_eq!(SiteKey::parse(&key.to_string()), Some(key));
        for broken in ["", "cvk_", "cvt_", "cvk_1_2", "cvt_00000000-0000-0000-0000-000000000007"] {
            assert_eq!(SiteKey::parse(broken), None);
            assert_eq!(TenantKey::parse(broken), None);
        }
    }

    #[test]
    fn s14_a_token_has_256_random_bits_and_hides_itself() {
        let token = Token::generate(TokenKind::Visitor, tenant(), &FixedEntropy::new(3));
        let back = Token::parse(token.reveal()).expect("a token");
        assert_eq!((back.kind(), back.tenant(), back.hash()), (TokenKind::Visitor, tenant(), token.hash()));
        let secret = token.reveal().rsplit('_').next().expect("a secret");
        assert_eq!(secret.len(), 64);
        assert!(!format!("{token:?}{:?}", token.hash()).contains(&secret[..8]));
    }

    #[test]
    fn what_has_not_the_form_of_a_token_is_none() {
        for broken in
            ["", "cvv_", "cvx_1_2", "cvv_7_abc", "Bearer cvv_", "cvv_00000000000000000000000000000007_zz"]
        {
            assert_eq!(Token::parse(broken), None, "{broken}");
        }
    }
}
