//! Operators sign in and out, with e-mail and password.

mod passwords;

use std::net::IpAddr;

use crate::credentials::{TenantKey, Token, TokenKind};
use crate::domain::{AuditAction, ControlEvent, Email, Operator, OutboxEntry, Principal};
use crate::error::Error;
use crate::ids::{OperatorId, SessionId, TenantId};
use crate::ports::storage::{AccountRepository, Login, NewSession};
use crate::time::Timestamp;

use super::{Chat, parse};
pub(super) use passwords::Passwords;
use passwords::{hash, verify};

/// Passwords that everybody tries first. They are refused when a password is set.
const COMMON: &str = include_str!("common_passwords.txt");

/// How often a password is verified in one sign-in while others renew its hash.
const VERIFICATIONS_MAX: usize = 3;

/// An operator has signed in.
#[derive(Debug)]
#[non_exhaustive]
pub struct SignedIn {
    /// Who.
    pub operator: Operator,
    /// The session's token, shown this once.
    pub token: Token,
    /// When the session ends by itself.
    pub expires_at: Timestamp,
}

/// The session to which a token belongs.
#[derive(Debug)]
#[non_exhaustive]
pub struct CurrentSession {
    /// Whose it is.
    pub operator: Operator,
    /// Its id.
    pub id: SessionId,
    /// When it ends by itself.
    pub expires_at: Timestamp,
}

impl Chat {
    /// Sets an operator's password, and ends all of its sessions: whoever is signed in with the old one is out, on every
    /// node.
    ///
    /// # Errors
    /// [`Error::Invalid`] for one that is too short, too long or too common, [`Error::NotFound`],
    /// [`Error::Unsupported`] if the storage keeps no accounts.
    pub async fn set_password(
        &self,
        tenant: TenantId,
        operator: OperatorId,
        password: &str,
    ) -> Result<(), Error> {
        let limits = self.limits();
        let chars = password.chars().count();
        if !(limits.password_chars_min..=limits.password_chars_max).contains(&chars) {
            let (min, max) = (limits.password_chars_min, limits.password_chars_max);
            return Err(Error::invalid("password", format!("must have {min} to {max} characters")));
        }
        let lower = password.to_lowercase();
        if COMMON.lines().any(|common| common == lower) {
            return Err(Error::invalid("password", "is one that everybody tries first"));
        }
        let (password, salt) = (password.to_owned(), self.random_bytes());
        let hash = self
            .inner
            .passwords
            .run(tenant, move || hash(&password, &salt))
            .await?
            .ok_or(Error::Unavailable)?;
        let change = self.audited(&Principal::system(tenant), AuditAction::PasswordSet, operator.uuid());
        let _looked_at = self.control_may_grow(tenant);
        if !self.within(self.accounts()?.set_password(tenant, operator, &hash, &change)).await? {
            return Err(Error::NotFound);
        }
        self.control_grew(tenant).await
    }

    /// Signs an operator in. Whatever is wrong with an account, the answer is [`Error::Unauthenticated`] after the work of one
    /// hash; what is wrong with the tenant key, which is public, is said at once.
    ///
    /// # Errors
    /// [`Error::Unauthenticated`], [`Error::RateLimited`] beyond [`Limits::sign_ins`](crate::Limits::sign_ins),
    /// [`Limits::sign_ins_per_account`](crate::Limits::sign_ins_per_account) or
    /// [`Limits::sign_ins_per_address`](crate::Limits::sign_ins_per_address), [`Error::Unavailable`] if too many wait,
    /// [`Error::Unsupported`] if the storage keeps no accounts.
    pub async fn sign_in(
        &self,
        tenant: &str,
        email: &str,
        password: &str,
        address: Option<IpAddr>,
    ) -> Result<SignedIn, Error> {
        let accounts = self.accounts()?;
        let tenant =
            TenantKey::parse(tenant).ok_or_else(|| Error::invalid("tenant", "is no tenant key"))?.tenant;
        let email = parse("email", Email::parse(email))?;
        self.admit_sign_in_from(address)?;
        self.check_tenant(tenant).await?;
        self.admit_sign_in(tenant, &email, address)?;
        if password.chars().nth(self.limits().password_chars_max).is_some() {
            return Err(Error::Unauthenticated);
        }
        let Login { operator, hash: verified } = self.verified(tenant, &email, password).await?;
        let principal = Principal::operator(tenant, operator.id, operator.role);
        let token = Token::generate(TokenKind::Session, tenant, self.inner.entropy.as_ref());
        let expires_at = self.now().plus(self.limits().session_lifetime);
        let id: SessionId = self.new_id();
        let session = NewSession { id, operator: operator.id, verified, token: token.hash(), expires_at };
        let change = self.audited(&principal, AuditAction::SignedIn, id.uuid());
        if !self.within(accounts.insert_session(tenant, &session, &change)).await? {
            return Err(Error::Unauthenticated);
        }
        Ok(SignedIn { operator, token, expires_at })
    }

    /// Whether there is such a tenant. The keys of those that there are are remembered, so that it seldom asks the storage.
    async fn check_tenant(&self, tenant: TenantId) -> Result<(), Error> {
        match self.digest_key(tenant).await {
            Ok(_) => Ok(()),
            Err(Error::NotFound) => Err(Error::Unauthenticated),
            Err(error) => Err(error),
        }
    }

    /// The login at which the password is right, with the hash that is stored now.
    async fn verified(&self, tenant: TenantId, email: &Email, password: &str) -> Result<Login, Error> {
        let accounts = self.accounts()?;
        for _ in 0..VERIFICATIONS_MAX {
            let login = self.within(accounts.find_login(tenant, email)).await?;
            let (given, salt) = (password.to_owned(), self.random_bytes());
            let stored = login.as_ref().map(|login| login.hash.clone());
            let work = move || verify(&given, stored.as_ref(), &salt);
            let outcome = self.inner.passwords.run(tenant, work).await?;
            let (Some(login), Some(verified)) = (login, outcome) else {
                return Err(Error::Unauthenticated);
            };
            let Some(renewed) = verified.renewed else { return Ok(login) };
            let principal = Principal::operator(tenant, login.operator.id, login.operator.role);
            let (operator, change) = (login.operator.id, self.change(&principal));
            let replacing = accounts.replace_hash(tenant, operator, &login.hash, &renewed, &change);
            if self.within(replacing).await? {
                return Ok(Login { hash: renewed, ..login });
            }
            // Another sign-in has renewed it, or it is another password now: which, the next look tells.
        }
        Err(Error::Unavailable)
    }

    /// The session to which a token belongs.
    ///
    /// # Errors
    /// [`Error::Unauthenticated`] if it belongs to none.
    pub async fn current_session(&self, token: &str) -> Result<CurrentSession, Error> {
        let token = Token::parse(token).filter(|token| token.kind() == TokenKind::Session);
        let token = token.ok_or(Error::Unauthenticated)?;
        let session =
            self.within(self.accounts()?.find_session(token.tenant(), &token.hash(), self.now())).await?;
        let session = session.ok_or(Error::Unauthenticated)?;
        Ok(CurrentSession { operator: session.operator, id: session.id, expires_at: session.expires_at })
    }

    /// Signs an operator out: the token is worth nothing from now on, and the session's connections are closed, on every
    /// node.
    ///
    /// # Errors
    /// [`Error::Unauthenticated`] if the token belongs to no session.
    pub async fn sign_out(&self, token: &str) -> Result<(), Error> {
        let session = self.current_session(token).await?;
        let tenant = Token::parse(token).ok_or(Error::Unauthenticated)?.tenant();
        let principal = Principal::operator(tenant, session.operator.id, session.operator.role);
        let mut change = self.audited(&principal, AuditAction::SignedOut, session.id.uuid());
        change.outbox.push(OutboxEntry::Control(ControlEvent::SessionEnded(session.id)));
        let _looked_at = self.control_may_grow(tenant);
        self.within(self.accounts()?.end_session(tenant, session.id, &change)).await?;
        self.control_grew(tenant).await
    }

    fn accounts(&self) -> Result<&dyn AccountRepository, Error> {
        self.storage().accounts().ok_or(Error::Unsupported)
    }
}
