//! An operator: a person who answers.

use serde::{Deserialize, Serialize};

use crate::domain::{Email, Text};
use crate::ids::OperatorId;
use crate::time::Timestamp;

/// A person who answers for a tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "adapters build it")]
pub struct Operator {
    /// The id.
    pub id: OperatorId,
    /// The name that visitors and colleagues see.
    pub name: Text,
    /// The address, by which the operator signs in; one operator a tenant has it.
    pub email: Email,
    /// What the operator may do.
    pub role: Role,
    /// When the record was made.
    pub created_at: Timestamp,
}

/// What an operator may do; each role includes the ones after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[expect(clippy::exhaustive_enums, reason = "adapters store it")]
pub enum Role {
    /// Everything, the tenant's own end included.
    Owner,
    /// Settings and people.
    Admin,
    /// Conversations.
    Operator,
}
