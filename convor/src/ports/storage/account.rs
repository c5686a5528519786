//! Operators' passwords and sessions: an optional group, behind the feature `accounts`.

use std::fmt;

use async_trait::async_trait;

use crate::credentials::TokenHash;
use crate::domain::{Email, Operator};
use crate::ids::{OperatorId, SessionId, TenantId};
use crate::ports::{Change, StorageError};
use crate::time::Timestamp;

/// Operators' passwords and sessions.
#[async_trait]
pub trait AccountRepository: Send + Sync {
    /// Sets the operator's password and ends every session of the operator, so that whoever knew the old one is out;
    /// `false`, and no change, if there is no such operator.
    ///
    /// # To ensure correctness
    /// - In the same transaction each session that ends, expired or not, adds a [`ControlEvent::SessionEnded`] to the control
    ///   log, after the change's own control events and in the order of the sessions' ids.
    /// - Of a concurrent [`Self::insert_session`] that was verified against the old hash nothing is left: either it comes first
    ///   and its session ends, or it comes second and is refused.
    ///
    /// [`ControlEvent::SessionEnded`]: crate::domain::ControlEvent::SessionEnded
    ///
    /// # Errors
    /// [`StorageError`].
    async fn set_password(
        &self,
        tenant: TenantId,
        operator: OperatorId,
        hash: &PasswordHash,
        change: &Change,
    ) -> Result<bool, StorageError>;

    /// Puts another hash of the same password in the place of `expected`; the operator's sessions go on. `false`, and no
    /// change, if the operator's hash is not `expected` (any more), or if there is no such operator.
    ///
    /// # Errors
    /// [`StorageError`].
    async fn replace_hash(
        &self,
        tenant: TenantId,
        operator: OperatorId,
        expected: &PasswordHash,
        new: &PasswordHash,
        change: &Change,
    ) -> Result<bool, StorageError>;

    /// The operator with this address, if it has a password.
    ///
    /// # Errors
    /// [`StorageError`].
    async fn find_login(&self, tenant: TenantId, email: &Email) -> Result<Option<Login>, StorageError>;

    /// Adds a session; `false`, and no change, if there is no such operator, if its hash is not
    /// [`verified`](NewSession::verified) (any more), or if the id is taken. The operator's sessions that have expired at the
    /// change's time are removed with it, so that signing in leaves nothing behind.
    ///
    /// # Errors
    /// [`StorageError`].
    async fn insert_session(
        &self,
        tenant: TenantId,
        session: &NewSession,
        change: &Change,
    ) -> Result<bool, StorageError>;

    /// The session whose token has this hash **in this tenant**, unless it has expired at `now`.
    ///
    /// # Errors
    /// [`StorageError`].
    async fn find_session(
        &self,
        tenant: TenantId,
        token: &TokenHash,
        now: Timestamp,
    ) -> Result<Option<Session>, StorageError>;

    /// Ends a session; `false`, and no change, if there is none.
    ///
    /// # Errors
    /// [`StorageError`].
    async fn end_session(
        &self,
        tenant: TenantId,
        session: SessionId,
        change: &Change,
    ) -> Result<bool, StorageError>;
}

/// A password's hash in the PHC string format (`$argon2id$…`).
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash(String);

impl PasswordHash {
    /// The hash in this string.
    #[must_use]
    pub const fn from_phc(text: String) -> Self {
        Self(text)
    }

    /// The string.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash(…)")
    }
}

/// What a sign-in is checked against.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "adapters build it")]
pub struct Login {
    /// Who signs in.
    pub operator: Operator,
    /// The hash of the password.
    pub hash: PasswordHash,
}

/// A session to be added.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "adapters read it")]
pub struct NewSession {
    /// Its id.
    pub id: SessionId,
    /// Whose it is.
    pub operator: OperatorId,
    /// The hash of the operator's password against which the sign-in was verified; it is compared, and not kept.
    pub verified: PasswordHash,
    /// The hash of its token.
    pub token: TokenHash,
    /// When it ends by itself.
    pub expires_at: Timestamp,
}

/// A session that goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "adapters build it")]
pub struct Session {
    /// Its id.
    pub id: SessionId,
    /// Whose it is.
    pub operator: Operator,
    /// When it ends by itself.
    pub expires_at: Timestamp,
}
