//! Whose token it is, and when a session ends that is the host's own.

use std::sync::Arc;

use async_trait::async_trait;

use crate::credentials::{Token, TokenKind};
use crate::domain::{AuditAction, ControlEvent, OutboxEntry, Principal};
use crate::error::Error;
use crate::ids::{SessionId, TenantId};
use crate::ports::{Authenticated, Authenticator, Clock, Storage};

use super::Chat;

/// Knows visitors' tokens and, with the feature `accounts`, operators' sessions, as the storage keeps them. A host with users of
/// its own can ask its own users first and this second.
#[derive(Debug, Clone)]
pub struct StoredTokens {
    storage: Arc<dyn Storage>,
    #[cfg_attr(not(feature = "accounts"), expect(dead_code, reason = "only sessions expire"))]
    clock: Arc<dyn Clock>,
}

impl StoredTokens {
    /// The tokens in this storage.
    #[must_use]
    pub const fn new(storage: Arc<dyn Storage>, clock: Arc<dyn Clock>) -> Self {
        Self { storage, clock }
    }

    async fn visitor(&self, token: &Token) -> Result<Option<Authenticated>, Error> {
        let tenant = token.tenant();
        let visitor = self.storage.visitors().find_by_token(tenant, &token.hash()).await?;
        Ok(visitor.map(|visitor| Authenticated::new(Principal::visitor(tenant, visitor.site, visitor.id))))
    }

    #[cfg(feature = "accounts")]
    async fn session(&self, token: &Token) -> Result<Option<Authenticated>, Error> {
        let tenant = token.tenant();
        let Some(accounts) = self.storage.accounts() else { return Ok(None) };
        let session = accounts.find_session(tenant, &token.hash(), self.clock.now()).await?;
        Ok(session.map(|session| {
            let principal = Principal::operator(tenant, session.operator.id, session.operator.role);
            Authenticated::new(principal).expires_at(session.expires_at).session(session.id)
        }))
    }

    #[cfg(not(feature = "accounts"))]
    #[expect(clippy::unused_async, reason = "as with the feature")]
    async fn session(&self, _: &Token) -> Result<Option<Authenticated>, Error> {
        Ok(None)
    }
}

#[async_trait]
impl Authenticator for StoredTokens {
    async fn authenticate(&self, credential: &str) -> Result<Option<Authenticated>, Error> {
        match Token::parse(credential) {
            Some(token) if token.kind() == TokenKind::Visitor => self.visitor(&token).await,
            Some(token) => self.session(&token).await,
            None => Ok(None),
        }
    }
}

impl Chat {
    /// Whose credential this is; `None` if it is nobody's.
    ///
    /// # Errors
    /// [`Error::Unavailable`] if that could not be found out, within [`Limits::storage_timeout`](crate::Limits::storage_timeout).
    pub async fn authenticate(&self, credential: &str) -> Result<Option<Authenticated>, Error> {
        self.in_time(self.inner.authenticator.authenticate(credential)).await
    }

    /// The same for a request: to find it out is work of a stranger who names the tenant of the credential.
    ///
    /// # Errors
    /// [`Error::Unauthenticated`] if it is nobody's, and [`Error::Unavailable`] also beyond the places for
    /// [strangers](Self::begin_for_stranger).
    pub async fn recognise(&self, credential: &str) -> Result<Authenticated, Error> {
        let _work = self.begin_for_stranger(self.claimed_tenant(credential))?;
        self.authenticate(credential).await?.ok_or(Error::Unauthenticated)
    }

    /// Of which tenant a credential claims to be.
    pub(crate) fn claimed_tenant(&self, credential: &str) -> Option<TenantId> {
        self.inner.authenticator.claimed_tenant(credential)
    }

    /// Ends a session that an [`Authenticator`] of the host has named in [`Authenticated::session`]: its connections are
    /// closed, on every node. That its credential is worth nothing from now on is the host's to see to, before it calls this.
    ///
    /// # Errors
    /// [`Error::Unavailable`]; it may be called again.
    pub async fn end_session(&self, tenant: TenantId, session: SessionId) -> Result<(), Error> {
        let mut change = self.audited(&Principal::system(tenant), AuditAction::SignedOut, session.uuid());
        change.outbox.push(OutboxEntry::Control(ControlEvent::SessionEnded(session)));
        let _looked_at = self.control_may_grow(tenant);
        self.within(self.storage().control().append(tenant, &change)).await?;
        self.control_grew(tenant).await
    }
}
