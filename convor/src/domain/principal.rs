//! Who acts, and for whose eyes.

use serde::{Deserialize, Serialize};

use crate::domain::Role;
use crate::ids::{OperatorId, SiteId, TenantId, VisitorId};

/// Who acts, always with its tenant. It comes from a verified credential and from nowhere else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Principal {
    /// A visitor of a site.
    Visitor {
        /// The tenant of the site.
        tenant: TenantId,
        /// The site that the credential is bound to.
        site: SiteId,
        /// The visitor.
        visitor: VisitorId,
    },
    /// An operator of a tenant.
    Operator {
        /// The tenant.
        tenant: TenantId,
        /// The operator.
        operator: OperatorId,
        /// What the operator may do.
        role: Role,
    },
    /// The host itself, or work that no person asked for.
    System {
        /// The tenant for which it acts.
        tenant: TenantId,
    },
}

impl Principal {
    /// A visitor.
    #[must_use]
    pub const fn visitor(tenant: TenantId, site: SiteId, visitor: VisitorId) -> Self {
        Self::Visitor { tenant, site, visitor }
    }

    /// An operator.
    #[must_use]
    pub const fn operator(tenant: TenantId, operator: OperatorId, role: Role) -> Self {
        Self::Operator { tenant, operator, role }
    }

    /// The host itself.
    #[must_use]
    pub const fn system(tenant: TenantId) -> Self {
        Self::System { tenant }
    }

    /// The tenant for which everything happens that this principal does.
    #[must_use]
    pub const fn tenant(&self) -> TenantId {
        match *self {
            Self::Visitor { tenant, .. } | Self::Operator { tenant, .. } | Self::System { tenant } => tenant,
        }
    }

    /// As whom it writes.
    #[must_use]
    pub const fn author(&self) -> Author {
        match *self {
            Self::Visitor { visitor, .. } => Author::Visitor(visitor),
            Self::Operator { operator, .. } => Author::Operator(operator),
            Self::System { .. } => Author::System,
        }
    }

    /// What it may see.
    #[must_use]
    pub const fn audience(&self) -> Audience {
        match self {
            Self::Visitor { .. } => Audience::Visitor,
            Self::Operator { .. } | Self::System { .. } => Audience::Staff,
        }
    }
}

/// Who did something, within a tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(clippy::exhaustive_enums, reason = "adapters store it")]
pub enum Author {
    /// A visitor.
    Visitor(VisitorId),
    /// An operator.
    Operator(OperatorId),
    /// The host, or work that no person asked for.
    System,
}

/// For whose eyes something is; each audience has a numbering of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(
    clippy::exhaustive_enums,
    reason = "two audiences are the design; a third would change every storage"
)]
pub enum Audience {
    /// Operators: they see every event.
    Staff,
    /// The conversation's visitor: no notes, no internal work.
    Visitor,
}
