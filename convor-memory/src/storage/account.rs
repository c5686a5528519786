//! Operators' passwords and sessions.

use std::collections::HashMap;

use async_trait::async_trait;
use convor::credentials::TokenHash;
use convor::domain::Email;
use convor::ids::{OperatorId, SessionId, TenantId};
use convor::ports::storage::{AccountRepository, Login, NewSession, PasswordHash, Session};
use convor::ports::{Change, StorageError, StorageErrorKind};
use convor::time::Timestamp;

use super::MemoryStorage;

/// The accounts of a tenant.
#[derive(Default)]
pub(super) struct Accounts {
    passwords: HashMap<OperatorId, PasswordHash>,
    sessions: HashMap<SessionId, NewSession>,
    sessions_by_token: HashMap<TokenHash, SessionId>,
}

impl Accounts {
    /// Removes the operator's sessions that have expired.
    fn sweep(&mut self, operator: OperatorId, now: Timestamp) {
        let expired = |session: &NewSession| session.operator == operator && session.expires_at <= now;
        for (_, session) in self.sessions.extract_if(|_, session| expired(session)) {
            self.sessions_by_token.remove(&session.token);
        }
    }
}

#[async_trait]
impl AccountRepository for MemoryStorage {
    async fn set_password(
        &self,
        tenant: TenantId,
        operator: OperatorId,
        hash: &PasswordHash,
        change: &Change,
    ) -> Result<bool, StorageError> {
        let set = self.write(tenant, |state| {
            if !state.operators.contains_key(&operator) {
                return Ok(false);
            }
            state.commit(change);
            state.accounts.passwords.insert(operator, hash.clone());
            Ok(true)
        });
        set.unwrap_or(Ok(false))
    }

    async fn find_login(&self, tenant: TenantId, email: &Email) -> Result<Option<Login>, StorageError> {
        let found = self.read(tenant, |state| {
            let id = state.operators_by_email.get(email)?;
            let operator = state.operators.get(id)?.clone();
            let hash = state.accounts.passwords.get(id)?.clone();
            Some(Login { operator, hash })
        });
        Ok(found.flatten())
    }

    async fn insert_session(
        &self,
        tenant: TenantId,
        session: &NewSession,
        change: &Change,
    ) -> Result<bool, StorageError> {
        let inserted = self.write(tenant, |state| {
            let taken = state.accounts.sessions.contains_key(&session.id);
            if taken || !state.operators.contains_key(&session.operator) {
                return Ok(false);
            }
            // Two tokens of 256 random bits are never the same: somebody has handed in the same one twice.
            if state.accounts.sessions_by_token.contains_key(&session.token) {
                return Err(StorageError::new(StorageErrorKind::Other));
            }
            state.commit(change);
            state.accounts.sweep(session.operator, change.at);
            state.accounts.sessions_by_token.insert(session.token, session.id);
            state.accounts.sessions.insert(session.id, *session);
            Ok(true)
        });
        inserted.unwrap_or(Ok(false))
    }

    async fn find_session(
        &self,
        tenant: TenantId,
        token: &TokenHash,
        now: Timestamp,
    ) -> Result<Option<Session>, StorageError> {
        let found = self.read(tenant, |state| {
            let id = state.accounts.sessions_by_token.get(token)?;
            let session = state.accounts.sessions.get(id).filter(|session| now < session.expires_at)?;
            let operator = state.operators.get(&session.operator)?.clone();
            Some(Session { id: *id, operator, expires_at: session.expires_at })
        });
        Ok(found.flatten())
    }

    async fn end_session(
        &self,
        tenant: TenantId,
        session: SessionId,
        change: &Change,
    ) -> Result<bool, StorageError> {
        let ended = self.write(tenant, |state| {
            if !state.accounts.sessions.contains_key(&session) {
                return Ok(false);
            }
            state.commit(change);
            if let Some(ended) = state.accounts.sessions.remove(&session) {
                state.accounts.sessions_by_token.remove(&ended.token);
            }
            Ok(true)
        });
        ended.unwrap_or(Ok(false))
    }
}
