//! Operators' passwords and sessions.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use async_trait::async_trait;
use convor::credentials::TokenHash;
use convor::domain::{ControlEvent, Email};
use convor::ids::{OperatorId, SessionId, TenantId};
use convor::ports::storage::{AccountRepository, Login, NewSession, PasswordHash, Session};
use convor::ports::{Change, StorageError, StorageErrorKind};
use convor::time::Timestamp;

use super::MemoryStorage;

/// The accounts of a tenant.
#[derive(Default)]
pub(super) struct Accounts {
    pub(super) passwords: BTreeMap<OperatorId, PasswordHash>,
    pub(super) sessions: BTreeMap<SessionId, Kept>,
    pub(super) sessions_by_token: HashMap<TokenHash, SessionId>,
    /// An operator without sessions is not in it.
    sessions_of: HashMap<OperatorId, BTreeSet<SessionId>>,
}

/// A session that was added.
pub(super) struct Kept {
    pub(super) operator: OperatorId,
    pub(super) token: TokenHash,
    pub(super) expires_at: Timestamp,
}

impl Accounts {
    pub(super) fn add(&mut self, id: SessionId, session: Kept) {
        self.sessions_by_token.insert(session.token, id);
        self.sessions_of.entry(session.operator).or_default().insert(id);
        self.sessions.insert(id, session);
    }

    fn end(&mut self, id: SessionId) {
        let Some(ended) = self.sessions.remove(&id) else { return };
        self.sessions_by_token.remove(&ended.token);
        if let Some(of) = self.sessions_of.get_mut(&ended.operator) {
            of.remove(&id);
            if of.is_empty() {
                self.sessions_of.remove(&ended.operator);
            }
        }
    }

    /// Removes the operator's sessions that have expired.
    fn sweep(&mut self, operator: OperatorId, now: Timestamp) {
        let expired = |id: &SessionId| self.sessions.get(id).is_some_and(|kept| kept.expires_at <= now);
        let of = self.sessions_of.get(&operator).into_iter().flatten();
        let expired: Vec<SessionId> = of.copied().filter(expired).collect();
        expired.into_iter().for_each(|id| self.end(id));
    }

    /// Removes all of the operator's sessions.
    fn end_all(&mut self, operator: OperatorId) -> Vec<SessionId> {
        let of = self.sessions_of.get(&operator).into_iter().flatten();
        let ended: Vec<SessionId> = of.copied().collect();
        ended.iter().for_each(|id| self.end(*id));
        ended
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
            let ended = state.accounts.end_all(operator);
            ended.into_iter().for_each(|id| state.push_control(ControlEvent::SessionEnded(id)));
            Ok(true)
        });
        set.unwrap_or(Ok(false))
    }

    async fn replace_hash(
        &self,
        tenant: TenantId,
        operator: OperatorId,
        expected: &PasswordHash,
        new: &PasswordHash,
        change: &Change,
    ) -> Result<bool, StorageError> {
        let replaced = self.write(tenant, |state| {
            if state.accounts.passwords.get(&operator) != Some(expected) {
                return Ok(false);
            }
            state.commit(change);
            state.accounts.passwords.insert(operator, new.clone());
            Ok(true)
        });
        replaced.unwrap_or(Ok(false))
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
            // Only operators have a password, so that nobody else passes.
            if taken || state.accounts.passwords.get(&session.operator) != Some(&session.verified) {
                return Ok(false);
            }
            // Two tokens of 256 random bits are never the same: somebody has handed in the same one twice.
            if state.accounts.sessions_by_token.contains_key(&session.token) {
                return Err(StorageError::new(StorageErrorKind::Other));
            }
            state.commit(change);
            state.accounts.sweep(session.operator, change.at);
            let kept =
                Kept { operator: session.operator, token: session.token, expires_at: session.expires_at };
            state.accounts.add(session.id, kept);
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
            state.accounts.end(session);
            Ok(true)
        });
        ended.unwrap_or(Ok(false))
    }
}
