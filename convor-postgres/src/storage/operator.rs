//! Operators.

use async_trait::async_trait;
use convor::domain::{Email, Operator};
use convor::ids::{OperatorId, TenantId};
use convor::ports::storage::{OperatorOutcome, OperatorRepository};
use convor::ports::{Change, StorageError};
use sqlx::postgres::PgRow;
use uuid::Uuid;

use super::PostgresStorage;
use crate::call::Call;
use crate::codes;
use crate::error::Failure;
use crate::rows::{corrupt, field, id, text, time};

const INSERT: &str = "SELECT convor.operators_insert(
    $1, ROW($2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)::convor.change, $13, $14, $15, $16, $17)";
const FIND: &str = "SELECT id, name, email, role, created_at FROM convor.operators_find($1, $2)";
const PAGE: &str = "SELECT id, name, email, role, created_at FROM convor.operators_page($1, $2, $3)";

#[async_trait]
impl OperatorRepository for PostgresStorage {
    async fn insert(
        &self,
        tenant: TenantId,
        operator: &Operator,
        change: &Change,
    ) -> Result<OperatorOutcome, StorageError> {
        let call = Call::change(INSERT, tenant, change)
            .bind(operator.id.uuid())
            .bind(operator.name.as_str())
            .bind(operator.email.as_str())
            .bind(codes::role(operator.role))
            .bind(operator.created_at.millis());
        Ok(if self.value(call).await? { OperatorOutcome::Added } else { OperatorOutcome::Taken })
    }

    async fn find(&self, tenant: TenantId, operators: &[OperatorId]) -> Result<Vec<Operator>, StorageError> {
        let operators: Vec<Uuid> = operators.iter().map(|operator| operator.uuid()).collect();
        self.all(Call::read(FIND, tenant).bind(operators), read).await
    }

    async fn page(
        &self,
        tenant: TenantId,
        after: Option<OperatorId>,
        limit: usize,
    ) -> Result<Vec<Operator>, StorageError> {
        let after = after.map_or(Uuid::nil(), OperatorId::uuid);
        self.all(Call::read(PAGE, tenant).bind(after).bind(codes::limit(limit)), read).await
    }
}

/// An operator in the columns of `convor.operators`.
pub(super) fn read(row: &PgRow) -> Result<Operator, Failure> {
    Ok(Operator {
        id: id(row, "id")?,
        name: text(row, "name")?,
        email: Email::from_stored(field(row, "email")?),
        role: codes::role_of(field(row, "role")?).ok_or_else(|| corrupt("no role"))?,
        created_at: time(row, "created_at")?,
    })
}
