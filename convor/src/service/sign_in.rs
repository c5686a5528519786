//! Operators sign in and out, with e-mail and password.

use std::net::IpAddr;
use std::sync::Arc;

use argon2::password_hash::phc::PasswordHash as Phc;
use argon2::{Algorithm, Argon2, Params, PasswordHasher, PasswordVerifier, Version};
use tokio::sync::Semaphore;

use crate::config::Limits;
use crate::credentials::{TenantKey, Token, TokenKind};
use crate::domain::{AuditAction, ControlEvent, Email, Operator, OutboxEntry, Principal};
use crate::error::Error;
use crate::ids::{OperatorId, SessionId, TenantId};
use crate::ports::storage::{AccountRepository, NewSession, PasswordHash};
use crate::time::Timestamp;

use super::{Chat, parse};

/// Memory of one hash in KiB, passes and lanes: the least that OWASP recommends for argon2id.
const PARAMS: (u32, u32, u32) = (19 * 1024, 2, 1);

/// Passwords that everybody tries first. They are refused when a password is set.
const COMMON: &str = include_str!("common_passwords.txt");

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

/// Hashes passwords off the async threads, a few at a time.
#[derive(Debug)]
pub(super) struct Passwords {
    slots: Arc<Semaphore>,
    waiting: Arc<Semaphore>,
}

impl Passwords {
    pub(super) fn new(limits: &Limits) -> Self {
        let waiting = limits.password_hashes_parallel_max + limits.password_hashes_waiting_max;
        Self {
            slots: Arc::new(Semaphore::new(limits.password_hashes_parallel_max.max(1))),
            waiting: Arc::new(Semaphore::new(waiting.max(1))),
        }
    }

    /// Runs `work` on a blocking thread when it is its turn. The place in the queue belongs to the work, so that callers who go away do not
    /// make room for more of it than is allowed.
    async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, Error> {
        let place = Arc::clone(&self.waiting).try_acquire_owned().map_err(|_| Error::Unavailable)?;
        let slot = Arc::clone(&self.slots).acquire_owned().await.map_err(|_| Error::Unavailable)?;
        let work = tokio::task::spawn_blocking(move || {
            let done = work();
            drop((slot, place));
            done
        });
        work.await.map_err(|_| Error::Unavailable)
    }
}

impl Chat {
    /// Sets an operator's password.
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
        let hash =
            self.inner.passwords.run(move || hash(&password, &salt)).await?.ok_or(Error::Unavailable)?;
        let change = self.audited(&Principal::system(tenant), AuditAction::PasswordSet, operator.uuid());
        let set = self.accounts()?.set_password(tenant, operator, &hash, &change).await?;
        if set { Ok(()) } else { Err(Error::NotFound) }
    }

    /// Signs an operator in. Whatever is wrong, the answer is [`Error::Unauthenticated`] after the work of one hash.
    ///
    /// # Errors
    /// [`Error::Unauthenticated`], [`Error::RateLimited`] beyond [`Limits::sign_ins`], [`Error::Unavailable`] if too
    /// many wait, [`Error::Unsupported`] if the storage keeps no accounts.
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
        if password.chars().nth(self.limits().password_chars_max).is_some() {
            return Err(Error::Unauthenticated);
        }
        self.admit_sign_in(tenant, &email, address)?;
        let login = accounts.find_login(tenant, &email).await?;
        let (operator, stored) = login.map(|login| (login.operator, login.hash)).unzip();
        let (given, salt) = (password.to_owned(), self.random_bytes());
        let outcome = self.inner.passwords.run(move || verify(&given, stored.as_ref(), &salt)).await?;
        let (Some(operator), Some(verified)) = (operator, outcome) else {
            return Err(Error::Unauthenticated);
        };
        let principal = Principal::operator(tenant, operator.id, operator.role);
        if let Some(renewed) = verified.renewed {
            accounts.set_password(tenant, operator.id, &renewed, &self.change(&principal)).await?;
        }
        let token = Token::generate(TokenKind::Session, tenant, self.inner.entropy.as_ref());
        let expires_at = self.now().plus(self.limits().session_lifetime);
        let id: SessionId = self.new_id();
        let session = NewSession { id, operator: operator.id, token: token.hash(), expires_at };
        let change = self.audited(&principal, AuditAction::SignedIn, id.uuid());
        if !accounts.insert_session(tenant, &session, &change).await? {
            return Err(Error::Unauthenticated);
        }
        Ok(SignedIn { operator, token, expires_at })
    }

    /// The session to which a token belongs.
    ///
    /// # Errors
    /// [`Error::Unauthenticated`] if it belongs to none.
    pub async fn current_session(&self, token: &str) -> Result<CurrentSession, Error> {
        let token = Token::parse(token).filter(|token| token.kind() == TokenKind::Session);
        let token = token.ok_or(Error::Unauthenticated)?;
        let session = self.accounts()?.find_session(token.tenant(), &token.hash(), self.now()).await?;
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
        self.accounts()?.end_session(tenant, session.id, &change).await?;
        self.control_grew(tenant).await
    }

    fn accounts(&self) -> Result<&dyn AccountRepository, Error> {
        self.storage().accounts().ok_or(Error::Unsupported)
    }
}

/// The password was right.
struct Verified {
    /// Its hash with the present parameters, if the stored one has others.
    renewed: Option<PasswordHash>,
}

fn argon2() -> Option<Argon2<'static>> {
    let (memory, passes, lanes) = PARAMS;
    let params = Params::new(memory, passes, lanes, None).ok()?;
    Some(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

fn hash(password: &str, salt: &[u8; 16]) -> Option<PasswordHash> {
    let hash = argon2()?.hash_password_with_salt(password.as_bytes(), salt).ok()?;
    Some(PasswordHash::from_phc(hash.to_string()))
}

/// Compares a password with a stored hash. Without one it does the work of a hash all the same, so that the time does
/// not tell whether there is an account.
fn verify(password: &str, stored: Option<&PasswordHash>, salt: &[u8; 16]) -> Option<Verified> {
    let argon2 = argon2()?;
    let Some(stored) = stored.and_then(|stored| Phc::new(stored.as_str()).ok()) else {
        std::hint::black_box(hash(password, salt));
        return None;
    };
    argon2.verify_password(password.as_bytes(), &stored).ok()?;
    let (memory, passes, lanes) = PARAMS;
    let present = Params::try_from(&stored)
        .is_ok_and(|params| (params.m_cost(), params.t_cost(), params.p_cost()) == (memory, passes, lanes));
    let renewed = if present { None } else { hash(password, salt) };
    Some(Verified { renewed })
}
