//! Operators.

use async_trait::async_trait;

use crate::domain::Operator;
use crate::ids::{OperatorId, TenantId};
use crate::ports::{Change, StorageError};

/// Operators of tenants.
#[async_trait]
pub trait OperatorRepository: Send + Sync {
    /// Adds an operator. The address is unique within the tenant, not beyond it.
    ///
    /// # Errors
    /// [`StorageError`].
    async fn insert(
        &self,
        tenant: TenantId,
        operator: &Operator,
        change: &Change,
    ) -> Result<OperatorOutcome, StorageError>;

    /// Those of `operators` that there are, in any order, each once. At most 200 are asked for.
    ///
    /// # Errors
    /// [`StorageError`].
    async fn find(&self, tenant: TenantId, operators: &[OperatorId]) -> Result<Vec<Operator>, StorageError>;

    /// At most `limit` operators above `after`, in the order of their ids.
    ///
    /// # Errors
    /// [`StorageError`].
    async fn page(
        &self,
        tenant: TenantId,
        after: Option<OperatorId>,
        limit: usize,
    ) -> Result<Vec<Operator>, StorageError>;
}

/// What became of a new operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "adapters build it")]
pub enum OperatorOutcome {
    /// Added.
    Added,
    /// The id or the address is taken in this tenant; nothing has changed.
    Taken,
}
