//! A person becomes a visitor; and what its page needs before.

use std::net::IpAddr;

use crate::credentials::{SiteKey, Token, TokenKind};
use crate::domain::{Principal, Site, Visitor};
use crate::error::Error;
use crate::ports::storage::NewVisitor;

use super::Chat;

impl Chat {
    /// The site of a key.
    ///
    /// # Errors
    /// [`Error::NotFound`] if there is none.
    pub async fn site(&self, key: &SiteKey) -> Result<Site, Error> {
        self.within(self.storage().sites().find(key.tenant, key.site)).await?.ok_or(Error::NotFound)
    }

    /// Whether an operator of the tenant is connected.
    #[must_use]
    pub fn is_staffed(&self, tenant: crate::ids::TenantId) -> bool {
        self.hub().roster().is_staffed(tenant)
    }

    /// Makes a visitor of a site, with a token that is shown this once. `address` is only counted, never stored.
    ///
    /// # Errors
    /// [`Error::NotFound`] if there is no such site, [`Error::RateLimited`] beyond
    /// [`Limits::registrations`](crate::Limits::registrations).
    pub async fn register_visitor(
        &self,
        key: &SiteKey,
        address: Option<IpAddr>,
    ) -> Result<(Visitor, Token), Error> {
        let site = self.site(key).await?;
        self.admit_registration(key.tenant, site.id, address)?;
        let token = Token::generate(TokenKind::Visitor, key.tenant, self.inner.entropy.as_ref());
        let visitor =
            Visitor { id: self.new_id(), site: site.id, name: None, email: None, created_at: self.now() };
        let change = self.change(&Principal::visitor(key.tenant, site.id, visitor.id));
        let new = NewVisitor { visitor: visitor.clone(), token: token.hash() };
        if self.within(self.storage().visitors().register(key.tenant, &new, &change)).await? {
            Ok((visitor, token))
        } else {
            Err(Error::NotFound)
        }
    }
}
