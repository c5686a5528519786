//! The audit trail: who did what to which id, and when; never what it said.

use uuid::Uuid;

use crate::ids::AuditId;

/// One entry of the audit trail. Its actor and time are those of the [`Change`](crate::ports::Change) that carries it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "adapters build it")]
pub struct AuditRecord {
    /// Its id.
    pub id: AuditId,
    /// What was done.
    pub action: AuditAction,
    /// To what: the id of a record of the tenant.
    pub target: Uuid,
}

/// What was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "adapters store it")]
pub enum AuditAction {
    /// A tenant was made.
    TenantCreated,
    /// A site was made.
    SiteCreated,
    /// An operator was made.
    OperatorCreated,
    /// An operator's password was set.
    PasswordSet,
    /// An operator signed in.
    SignedIn,
    /// An operator signed out.
    SignedOut,
    /// A conversation's status, assignee or tags were changed.
    ConversationUpdated,
    /// A visitor's contact details were changed.
    ContactUpdated,
}

impl AuditAction {
    /// Every action.
    pub const ALL: [Self; 8] = [
        Self::TenantCreated,
        Self::SiteCreated,
        Self::OperatorCreated,
        Self::PasswordSet,
        Self::SignedIn,
        Self::SignedOut,
        Self::ConversationUpdated,
        Self::ContactUpdated,
    ];

    /// Its stable name, for storages and exports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::TenantCreated => "tenant.created",
            Self::SiteCreated => "site.created",
            Self::OperatorCreated => "operator.created",
            Self::PasswordSet => "operator.password_set",
            Self::SignedIn => "session.created",
            Self::SignedOut => "session.ended",
            Self::ConversationUpdated => "conversation.updated",
            Self::ContactUpdated => "visitor.updated",
        }
    }

    /// The action with this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|action| action.name() == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_name_leads_back_to_its_action() {
        for action in AuditAction::ALL {
            assert_eq!(AuditAction::from_name(action.name()), Some(action));
        }
        assert_eq!(AuditAction::from_name("tenant"), None);
    }
}
