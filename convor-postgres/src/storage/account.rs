//! Operators' passwords and sessions.

use async_trait::async_trait;
use convor::credentials::TokenHash;
use convor::domain::Email;
use convor::ids::{OperatorId, SessionId, TenantId};
use convor::ports::storage::{AccountRepository, Login, NewSession, PasswordHash, Session};
use convor::ports::{Change, StorageError};
use convor::time::Timestamp;

use super::{PostgresStorage, operator};
use crate::call::Call;
use crate::rows::{field, id, time};

const SET_PASSWORD: &str = "SELECT convor.accounts_set_password(
    $1, ROW($2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)::convor.change, $13, $14)";
const REPLACE_HASH: &str = "SELECT convor.accounts_replace_hash(
    $1, ROW($2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)::convor.change, $13, $14, $15)";
const FIND_LOGIN: &str =
    "SELECT id, name, email, role, created_at, hash FROM convor.accounts_find_login($1, $2)";
const INSERT_SESSION: &str = "SELECT convor.accounts_insert_session(
    $1, ROW($2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)::convor.change, $13, $14, $15, $16, $17)";
const FIND_SESSION: &str = "SELECT session_id, expires_at, id, name, email, role, created_at
    FROM convor.accounts_find_session($1, $2, $3)";
const END_SESSION: &str = "SELECT convor.accounts_end_session(
    $1, ROW($2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)::convor.change, $13)";

#[async_trait]
impl AccountRepository for PostgresStorage {
    async fn set_password(
        &self,
        tenant: TenantId,
        operator: OperatorId,
        hash: &PasswordHash,
        change: &Change,
    ) -> Result<bool, StorageError> {
        let call = Call::change(SET_PASSWORD, tenant, change).bind(operator.uuid()).bind(hash.as_str());
        self.value(call).await
    }

    async fn replace_hash(
        &self,
        tenant: TenantId,
        operator: OperatorId,
        expected: &PasswordHash,
        new: &PasswordHash,
        change: &Change,
    ) -> Result<bool, StorageError> {
        let call = Call::change(REPLACE_HASH, tenant, change)
            .bind(operator.uuid())
            .bind(expected.as_str())
            .bind(new.as_str());
        self.value(call).await
    }

    async fn find_login(&self, tenant: TenantId, email: &Email) -> Result<Option<Login>, StorageError> {
        self.optional(Call::read(FIND_LOGIN, tenant).bind(email.as_str()), |row| {
            let hash = PasswordHash::from_phc(field(row, "hash")?);
            Ok(Login { operator: operator::read(row)?, hash })
        })
        .await
    }

    async fn insert_session(
        &self,
        tenant: TenantId,
        session: &NewSession,
        change: &Change,
    ) -> Result<bool, StorageError> {
        let call = Call::change(INSERT_SESSION, tenant, change)
            .bind(session.id.uuid())
            .bind(session.operator.uuid())
            .bind(session.verified.as_str())
            .bind(session.token.bytes().as_slice())
            .bind(session.expires_at.millis());
        self.value(call).await
    }

    async fn find_session(
        &self,
        tenant: TenantId,
        token: &TokenHash,
        now: Timestamp,
    ) -> Result<Option<Session>, StorageError> {
        let call = Call::read(FIND_SESSION, tenant).bind(token.bytes().as_slice()).bind(now.millis());
        self.optional(call, |row| {
            Ok(Session {
                id: id(row, "session_id")?,
                operator: operator::read(row)?,
                expires_at: time(row, "expires_at")?,
            })
        })
        .await
    }

    async fn end_session(
        &self,
        tenant: TenantId,
        session: SessionId,
        change: &Change,
    ) -> Result<bool, StorageError> {
        self.value(Call::change(END_SESSION, tenant, change).bind(session.uuid())).await
    }
}
