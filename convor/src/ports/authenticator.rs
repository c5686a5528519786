//! Turns credentials into principals.

use std::fmt;

use async_trait::async_trait;

use crate::credentials::Token;
use crate::domain::Principal;
use crate::error::Error;
use crate::ids::{SessionId, TenantId};
use crate::time::Timestamp;

/// Turns a credential into a principal. The one that comes with Convor knows visitors' tokens and, with the feature
/// `accounts`, operators' sessions; a host with users of its own brings its own.
///
/// # To ensure correctness
/// - The tenant of the principal comes from what was verified, never from what was merely claimed.
/// - Whatever is wrong with a credential, the answer is `None`, after work that does not tell what was wrong.
/// - It is asked at each request and each `hello`: what has been revoked is refused from then on.
#[async_trait]
pub trait Authenticator: fmt::Debug + Send + Sync {
    /// Whose credential this is; `None` if it is nobody's.
    ///
    /// # Errors
    /// [`Error`] if that could not be found out.
    async fn authenticate(&self, credential: &str) -> Result<Option<Authenticated>, Error>;

    /// Of which tenant a credential claims to be, without asking anybody: those of one tenant that are looked up take their
    /// places from each other, so that a storm of one leaves room for the others. Without this method it is what Convor's own
    /// tokens carry; `None`, if it cannot be told, shares the places with all others.
    fn claimed_tenant(&self, credential: &str) -> Option<TenantId> {
        Token::parse(credential).map(|token| token.tenant())
    }
}

/// A verified credential.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Authenticated {
    /// Who acts.
    pub principal: Principal,
    /// Until when; a socket is closed then.
    pub expires_at: Option<Timestamp>,
    /// The session to which the credential belongs; when it ends, its sockets are closed.
    pub session: Option<SessionId>,
}

impl Authenticated {
    /// A principal without a session of its own, for as long as its credential is accepted.
    #[must_use]
    pub const fn new(principal: Principal) -> Self {
        Self { principal, expires_at: None, session: None }
    }

    /// The same, until `at`.
    #[must_use]
    pub const fn expires_at(mut self, at: Timestamp) -> Self {
        self.expires_at = Some(at);
        self
    }

    /// The same, as part of `session`.
    #[must_use]
    pub const fn session(mut self, session: SessionId) -> Self {
        self.session = Some(session);
        self
    }
}
