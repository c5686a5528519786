//! The host makes tenants, sites and operators.

use std::fmt;

use crate::domain::{
    AuditAction, Color, Email, Operator, Origin, Principal, Role, Site, TenantProfile, TenantRecord,
    TenantState,
};
use crate::error::Error;
use crate::ids::TenantId;
use crate::ports::storage::OperatorOutcome;

use super::{Chat, line, parse};

/// A site to be made.
#[derive(Clone, Copy)]
#[expect(clippy::exhaustive_structs, reason = "hosts build it")]
pub struct NewSite<'a> {
    /// Its name.
    pub name: &'a str,
    /// What stands above the conversation.
    pub title: &'a str,
    /// What greets a visitor.
    pub greeting: &'a str,
    /// The colour of the widget, `#rrggbb`.
    pub color: &'a str,
    /// The origins whose pages may show the widget, as browsers send them.
    pub origins: &'a [&'a str],
}

/// An operator to be made.
#[derive(Clone, Copy)]
#[expect(clippy::exhaustive_structs, reason = "hosts build it")]
pub struct NewOperator<'a> {
    /// The name that visitors and colleagues see.
    pub name: &'a str,
    /// The address.
    pub email: &'a str,
    /// What the operator may do.
    pub role: Role,
}

impl fmt::Debug for NewSite<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewSite").finish_non_exhaustive()
    }
}

impl fmt::Debug for NewOperator<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewOperator").field("role", &self.role).finish_non_exhaustive()
    }
}

impl Chat {
    /// Makes a tenant in a region that the host names, and answers its id.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a name out of bounds, [`Error::Conflict`] if its id is taken.
    pub async fn create_tenant(&self, name: &str, region: &str) -> Result<TenantId, Error> {
        let name = line("name", name, self.limits().name_chars_max)?;
        let tenant: TenantId = self.new_id();
        let (high, low) = (self.random_bytes(), self.random_bytes());
        let digest_key = std::array::from_fn(|i| if i < 16 { high[i] } else { low[i - 16] });
        let change = self.audited(&Principal::system(tenant), AuditAction::TenantCreated, tenant.uuid());
        let record = TenantRecord {
            id: tenant,
            region: region.to_owned(),
            state: TenantState::Active,
            created_at: self.now(),
        };
        if !self.storage().registry().insert(&record).await? {
            return Err(Error::Conflict);
        }
        let profile = TenantProfile { name, digest_key };
        if self.storage().tenants().insert(tenant, &profile, &change).await? {
            Ok(tenant)
        } else {
            Err(Error::Conflict)
        }
    }

    /// Makes a site.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a value out of bounds, [`Error::Conflict`] if its id is taken.
    pub async fn create_site(&self, tenant: TenantId, new: NewSite<'_>) -> Result<Site, Error> {
        let limits = self.limits();
        let origin =
            |text: &&str| Origin::parse(text).ok_or_else(|| Error::invalid("origins", "is no origin"));
        let site = Site {
            id: self.new_id(),
            name: line("name", new.name, limits.name_chars_max)?,
            title: line("title", new.title, limits.title_chars_max)?,
            greeting: parse("greeting", crate::domain::Text::prose(new.greeting, limits.text_chars_max))?,
            color: Color::parse(new.color).ok_or_else(|| Error::invalid("color", "must be #rrggbb"))?,
            origins: new.origins.iter().map(origin).collect::<Result<_, _>>()?,
            created_at: self.now(),
        };
        let change = self.audited(&Principal::system(tenant), AuditAction::SiteCreated, site.id.uuid());
        if self.storage().sites().insert(tenant, &site, &change).await? {
            Ok(site)
        } else {
            Err(Error::Conflict)
        }
    }

    /// Makes an operator, who cannot sign in before it has a password.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a value out of bounds, [`Error::Conflict`] if the tenant has an operator with that address.
    pub async fn create_operator(&self, tenant: TenantId, new: NewOperator<'_>) -> Result<Operator, Error> {
        let operator = Operator {
            id: self.new_id(),
            name: line("name", new.name, self.limits().name_chars_max)?,
            email: parse("email", Email::parse(new.email))?,
            role: new.role,
            created_at: self.now(),
        };
        let change =
            self.audited(&Principal::system(tenant), AuditAction::OperatorCreated, operator.id.uuid());
        match self.storage().operators().insert(tenant, &operator, &change).await? {
            OperatorOutcome::Added => Ok(operator),
            OperatorOutcome::Taken => Err(Error::Conflict),
        }
    }
}
