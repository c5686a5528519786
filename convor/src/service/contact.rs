//! What a visitor says of itself.

use crate::domain::{AuditAction, Email, Principal, Visitor};
use crate::error::Error;
use crate::ports::storage::ContactPatch;
use crate::protocol::VisitorRequest;

use super::{Chat, line, parse};

impl Chat {
    /// The visitor's own record.
    ///
    /// # Errors
    /// [`Error::Forbidden`] for anybody else, [`Error::NotFound`] if it is gone.
    pub async fn visitor(&self, principal: &Principal) -> Result<Visitor, Error> {
        let Principal::Visitor { tenant, visitor, .. } = *principal else { return Err(Error::Forbidden) };
        self.within(self.storage().visitors().find(tenant, visitor)).await?.ok_or(Error::NotFound)
    }

    /// Changes the visitor's own contact details.
    ///
    /// # Errors
    /// [`Error::Invalid`] if a value is out of bounds, [`Error::Forbidden`] for anybody else.
    pub async fn update_contact(
        &self,
        principal: &Principal,
        request: VisitorRequest,
    ) -> Result<Visitor, Error> {
        let Principal::Visitor { tenant, visitor, .. } = *principal else { return Err(Error::Forbidden) };
        let chars_max = self.limits().name_chars_max;
        let name = request.name.map(|name| name.map(|name| line("name", &name, chars_max)).transpose());
        let email =
            request.email.map(|email| email.map(|email| parse("email", Email::parse(&email))).transpose());
        let patch = ContactPatch { name: name.transpose()?, email: email.transpose()? };
        let change = self.audited(principal, AuditAction::ContactUpdated, visitor.uuid());
        self.within(self.storage().visitors().update(tenant, visitor, &patch, &change))
            .await?
            .ok_or(Error::NotFound)
    }
}
