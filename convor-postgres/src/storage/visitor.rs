//! Visitors and their tokens.

use async_trait::async_trait;
use convor::credentials::TokenHash;
use convor::domain::{Email, Text, Visitor};
use convor::ids::{TenantId, VisitorId};
use convor::ports::storage::{ContactPatch, NewVisitor, VisitorRepository};
use convor::ports::{Change, StorageError};
use sqlx::postgres::PgRow;

use super::PostgresStorage;
use crate::call::Call;
use crate::error::Failure;
use crate::rows::{field, id, time};

const REGISTER: &str = "SELECT convor.visitors_register(
    $1, ROW($2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)::convor.change, $13, $14, $15, $16, $17, $18)";
const FIND: &str = "SELECT id, site_id, name, email, created_at FROM convor.visitors_find($1, $2)";
const FIND_BY_TOKEN: &str =
    "SELECT id, site_id, name, email, created_at FROM convor.visitors_find_by_token($1, $2)";
const UPDATE: &str = "SELECT id, site_id, name, email, created_at FROM convor.visitors_update(
    $1, ROW($2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)::convor.change, $13, $14, $15, $16, $17)";
const ERASE: &str = "SELECT convor.visitors_erase(
    $1, ROW($2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)::convor.change, $13)";

#[async_trait]
impl VisitorRepository for PostgresStorage {
    async fn register(
        &self,
        tenant: TenantId,
        new: &NewVisitor,
        change: &Change,
    ) -> Result<bool, StorageError> {
        let visitor = &new.visitor;
        let call = Call::change(REGISTER, tenant, change)
            .bind(visitor.id.uuid())
            .bind(visitor.site.uuid())
            .bind(visitor.name.as_ref().map(Text::as_str))
            .bind(visitor.email.as_ref().map(Email::as_str))
            .bind(visitor.created_at.millis())
            .bind(new.token.bytes().as_slice());
        self.value(call).await
    }

    async fn find(&self, tenant: TenantId, visitor: VisitorId) -> Result<Option<Visitor>, StorageError> {
        self.optional(Call::read(FIND, tenant).bind(visitor.uuid()), read).await
    }

    async fn find_by_token(
        &self,
        tenant: TenantId,
        token: &TokenHash,
    ) -> Result<Option<Visitor>, StorageError> {
        self.optional(Call::read(FIND_BY_TOKEN, tenant).bind(token.bytes().as_slice()), read).await
    }

    async fn update(
        &self,
        tenant: TenantId,
        visitor: VisitorId,
        patch: &ContactPatch,
        change: &Change,
    ) -> Result<Option<Visitor>, StorageError> {
        let name = patch.name.as_ref().and_then(Option::as_ref).map(Text::as_str);
        let email = patch.email.as_ref().and_then(Option::as_ref).map(Email::as_str);
        let call = Call::change(UPDATE, tenant, change)
            .bind(visitor.uuid())
            .bind(patch.name.is_some())
            .bind(name)
            .bind(patch.email.is_some())
            .bind(email);
        self.optional(call, read).await
    }

    async fn erase(
        &self,
        tenant: TenantId,
        visitor: VisitorId,
        change: &Change,
    ) -> Result<bool, StorageError> {
        self.value(Call::change(ERASE, tenant, change).bind(visitor.uuid())).await
    }
}

pub(super) fn read(row: &PgRow) -> Result<Visitor, Failure> {
    Ok(Visitor {
        id: id(row, "id")?,
        site: id(row, "site_id")?,
        name: field::<Option<String>>(row, "name")?.map(Text::from_stored),
        email: field::<Option<String>>(row, "email")?.map(Email::from_stored),
        created_at: time(row, "created_at")?,
    })
}
