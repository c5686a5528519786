//! Who did what, and when.

use async_trait::async_trait;

use crate::domain::{AuditRecord, Author};
use crate::ids::{AuditId, TenantId};
use crate::ports::StorageError;
use crate::time::Timestamp;

/// The audit trail: what changes have carried as their audit records.
#[async_trait]
pub trait AuditRepository: Send + Sync {
    /// At most `limit` entries above `after` in the order of their ids, which is that of their times.
    ///
    /// # Errors
    /// [`StorageError`].
    async fn page(
        &self,
        tenant: TenantId,
        after: Option<AuditId>,
        limit: usize,
    ) -> Result<Vec<AuditRow>, StorageError>;
}

/// An entry, with who and when from the change that carried it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "adapters build it")]
pub struct AuditRow {
    /// Who.
    pub actor: Author,
    /// When.
    pub at: Timestamp,
    /// What, and to which id.
    pub record: AuditRecord,
}
