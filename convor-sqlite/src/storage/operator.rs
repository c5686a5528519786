//! Operators.

use async_trait::async_trait;
use convor::domain::{Email, Operator, Role};
use convor::ids::{OperatorId, TenantId};
use convor::ports::storage::{OperatorOutcome, OperatorRepository};
use convor::ports::{Change, StorageError};
use sqlx::SqliteConnection;
use sqlx::sqlite::SqliteRow;
use uuid::Uuid;

use super::SqliteStorage;
use super::change::commit;
use super::columns::{Columns, above, json_ids, limit as rows_max};
use super::statement::{statement, statements};
use crate::failure::Failure;

statements! {
    /// Nothing, if the id or the address is taken.
    INSERT = "INSERT INTO operators (tenant_id, operator_id, name, email, role, created_at)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6)
        ON CONFLICT DO NOTHING";
    EXISTS = "SELECT 1 FROM operators WHERE tenant_id = ?1 AND operator_id = ?2";
    FIND = "SELECT operator_id, name, email, role, created_at FROM operators
        WHERE tenant_id = ?1 AND operator_id IN (SELECT unhex(value) FROM json_each(?2))";
    PAGE = "SELECT operator_id, name, email, role, created_at FROM operators
        WHERE tenant_id = ?1 AND operator_id > ?2
        ORDER BY operator_id LIMIT ?3";
}

#[async_trait]
impl OperatorRepository for SqliteStorage {
    async fn insert(
        &self,
        tenant: TenantId,
        operator: &Operator,
        change: &Change,
    ) -> Result<OperatorOutcome, StorageError> {
        let (operator, change) = (operator.clone(), change.clone());
        let insert = self.db.write(move |db| {
            Box::pin(async move {
                if !store(db, tenant, &operator).await? {
                    return Ok(OperatorOutcome::Taken);
                }
                commit(db, tenant, &change).await?;
                Ok(OperatorOutcome::Added)
            })
        });
        insert.await
    }

    async fn find(&self, tenant: TenantId, operators: &[OperatorId]) -> Result<Vec<Operator>, StorageError> {
        let ids = json_ids(operators.iter().map(|id| id.uuid()));
        let find = self.db.read(move |db| {
            Box::pin(async move {
                let found = statement(tenant, FIND).bind(ids).fetch_all(db).await?;
                found.iter().map(|row| decode(&mut Columns::of(row))).collect()
            })
        });
        find.await
    }

    async fn page(
        &self,
        tenant: TenantId,
        after: Option<OperatorId>,
        limit: usize,
    ) -> Result<Vec<Operator>, StorageError> {
        self.db.read(move |db| Box::pin(page(db, tenant, after.map(OperatorId::uuid), limit))).await
    }
}

/// Stores an operator; `false` if the id or the address is taken.
pub(super) async fn store(
    db: &mut SqliteConnection,
    tenant: TenantId,
    operator: &Operator,
) -> Result<bool, Failure> {
    let role: i64 = match operator.role {
        Role::Owner => 0,
        Role::Admin => 1,
        Role::Operator => 2,
    };
    let insert = statement(tenant, INSERT)
        .bind(operator.id.uuid())
        .bind(operator.name.as_str())
        .bind(operator.email.as_str())
        .bind(role)
        .bind(operator.created_at.millis());
    Ok(insert.execute(db).await?.rows_affected() > 0)
}

/// Whether the tenant has this operator.
pub(super) async fn exists(
    db: &mut SqliteConnection,
    tenant: TenantId,
    operator: OperatorId,
) -> Result<bool, Failure> {
    Ok(statement(tenant, EXISTS).bind(operator.uuid()).fetch_optional(db).await?.is_some())
}

pub(super) async fn page(
    db: &mut SqliteConnection,
    tenant: TenantId,
    after: Option<Uuid>,
    limit: usize,
) -> Result<Vec<Operator>, Failure> {
    let page: Vec<SqliteRow> =
        statement(tenant, PAGE).bind(above(after)).bind(rows_max(limit)).fetch_all(db).await?;
    page.iter().map(|row| decode(&mut Columns::of(row))).collect()
}

/// Reads id, name, address, role and time.
pub(super) fn decode(columns: &mut Columns<'_>) -> Result<Operator, Failure> {
    Ok(Operator {
        id: columns.id()?,
        name: columns.text()?,
        email: Email::from_stored(columns.value()?),
        role: match columns.value::<i64>()? {
            0 => Role::Owner,
            1 => Role::Admin,
            2 => Role::Operator,
            _ => return Err(Failure::corrupt()),
        },
        created_at: columns.time()?,
    })
}
