//! Operators.

use std::collections::BTreeSet;
use std::ops::Bound;

use async_trait::async_trait;
use convor::domain::Operator;
use convor::ids::{OperatorId, TenantId};
use convor::ports::storage::{OperatorOutcome, OperatorRepository};
use convor::ports::{Change, StorageError};

use super::MemoryStorage;
use super::state::TenantState;

#[async_trait]
impl OperatorRepository for MemoryStorage {
    async fn insert(
        &self,
        tenant: TenantId,
        operator: &Operator,
        change: &Change,
    ) -> Result<OperatorOutcome, StorageError> {
        self.create(tenant, |state| {
            let id_taken = state.operators.contains_key(&operator.id);
            if id_taken || state.operators_by_email.contains_key(&operator.email) {
                return Ok(OperatorOutcome::Taken);
            }
            state.commit(change);
            state.add_operator(operator);
            Ok(OperatorOutcome::Added)
        })
    }

    async fn find(&self, tenant: TenantId, operators: &[OperatorId]) -> Result<Vec<Operator>, StorageError> {
        let each_once: BTreeSet<_> = operators.iter().collect();
        let found = self.read(tenant, |state| {
            each_once.into_iter().filter_map(|id| state.operators.get(id)).cloned().collect()
        });
        Ok(found.unwrap_or_default())
    }

    async fn page(
        &self,
        tenant: TenantId,
        after: Option<OperatorId>,
        limit: usize,
    ) -> Result<Vec<Operator>, StorageError> {
        let above = after.map_or(Bound::Unbounded, Bound::Excluded);
        let page = self.read(tenant, |state| {
            let operators = state.operators.range((above, Bound::Unbounded));
            operators.map(|(_, operator)| operator.clone()).take(limit).collect()
        });
        Ok(page.unwrap_or_default())
    }
}

impl TenantState {
    /// Adds an operator whose id and address are not taken.
    pub(super) fn add_operator(&mut self, operator: &Operator) {
        self.operators_by_email.insert(operator.email.clone(), operator.id);
        self.operators.insert(operator.id, operator.clone());
    }
}
