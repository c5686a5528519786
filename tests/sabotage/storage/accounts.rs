//! Accounts, with their faults.

use async_trait::async_trait;
use convor::credentials::TokenHash;
use convor::domain::Email;
use convor::ids::{OperatorId, SessionId, TenantId};
use convor::ports::storage::{AccountRepository, Login, NewSession, PasswordHash, Session};
use convor::ports::{Change, Storage, StorageError};
use convor::time::Timestamp;

use super::Sabotaged;
use crate::fault::Fault;

impl Sabotaged {
    fn kept_accounts(&self) -> &dyn AccountRepository {
        self.inner.accounts().expect("the decorator offers accounts where the storage does")
    }
}

#[async_trait]
impl AccountRepository for Sabotaged {
    async fn set_password(
        &self,
        tenant: TenantId,
        operator: OperatorId,
        hash: &PasswordHash,
        change: &Change,
    ) -> Result<bool, StorageError> {
        let before = self.memory().passwords.insert((tenant, operator), hash.clone());
        if self.has(Fault::KeepsSessionsOfAnOldPassword)
            && let Some(before) = before
        {
            return self.kept_accounts().replace_hash(tenant, operator, &before, hash, change).await;
        }
        self.kept_accounts().set_password(tenant, operator, hash, change).await
    }

    async fn replace_hash(
        &self,
        tenant: TenantId,
        operator: OperatorId,
        expected: &PasswordHash,
        new: &PasswordHash,
        change: &Change,
    ) -> Result<bool, StorageError> {
        if self.has(Fault::ReplacesAnyHash) {
            return self.kept_accounts().set_password(tenant, operator, new, change).await;
        }
        self.kept_accounts().replace_hash(tenant, operator, expected, new, change).await
    }

    async fn find_login(&self, tenant: TenantId, email: &Email) -> Result<Option<Login>, StorageError> {
        for tenant in self.reach(tenant, Fault::SignsInAtAnyTenant) {
            if let Some(login) = self.kept_accounts().find_login(tenant, email).await? {
                return Ok(Some(login));
            }
        }
        Ok(None)
    }

    async fn insert_session(
        &self,
        tenant: TenantId,
        session: &NewSession,
        change: &Change,
    ) -> Result<bool, StorageError> {
        self.kept_accounts().insert_session(tenant, session, change).await
    }

    async fn find_session(
        &self,
        tenant: TenantId,
        token: &TokenHash,
        now: Timestamp,
    ) -> Result<Option<Session>, StorageError> {
        let now = if self.has(Fault::KeepsExpiredSessions) { Timestamp::from_millis(0) } else { now };
        self.kept_accounts().find_session(tenant, token, now).await
    }

    async fn end_session(
        &self,
        tenant: TenantId,
        session: SessionId,
        change: &Change,
    ) -> Result<bool, StorageError> {
        self.kept_accounts().end_session(tenant, session, change).await
    }
}
