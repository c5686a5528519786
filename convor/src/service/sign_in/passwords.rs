//! Passwords are hashed off the async threads, a few at a time, and no tenant takes all the places.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use argon2::password_hash::phc::PasswordHash as Phc;
use argon2::{Algorithm, Argon2, Params, PasswordHasher, PasswordVerifier, Version};
use tokio::sync::Semaphore;

use crate::config::Limits;
use crate::error::Error;
use crate::ids::TenantId;
use crate::ports::storage::PasswordHash;

/// Memory of one hash in KiB, passes and lanes: the least that OWASP recommends for argon2id.
const PARAMS: (u32, u32, u32) = (19 * 1024, 2, 1);

/// Runs the work of hashes.
#[derive(Debug)]
pub(crate) struct Passwords {
    slots: Arc<Semaphore>,
    waiting: Arc<Semaphore>,
    shares: Arc<Shares>,
}

impl Passwords {
    pub(crate) fn new(limits: &Limits) -> Self {
        let parallel = limits.password_hashes_parallel_max.clamp(1, Semaphore::MAX_PERMITS);
        let places = parallel.saturating_add(limits.password_hashes_waiting_max).min(Semaphore::MAX_PERMITS);
        Self {
            slots: Arc::new(Semaphore::new(parallel)),
            waiting: Arc::new(Semaphore::new(places)),
            shares: Arc::new(Shares {
                places_max: limits.password_hashes_per_tenant_max.max(1),
                held: Mutex::default(),
            }),
        }
    }

    /// Runs `work` on a blocking thread when it is its turn. The place in the queue belongs to the work, so that callers
    /// who go away do not make room for more of it than is allowed.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        tenant: TenantId,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Error> {
        let share = Shares::take(&self.shares, tenant).ok_or(Error::Unavailable)?;
        let place = Arc::clone(&self.waiting).try_acquire_owned().map_err(|_| Error::Unavailable)?;
        let slot = Arc::clone(&self.slots).acquire_owned().await.map_err(|_| Error::Unavailable)?;
        let work = tokio::task::spawn_blocking(move || {
            let done = work();
            drop((slot, place, share));
            done
        });
        work.await.map_err(|_| Error::Unavailable)
    }
}

/// How many places each tenant holds. It has no more entries than there are places.
#[derive(Debug)]
struct Shares {
    places_max: usize,
    held: Mutex<HashMap<TenantId, usize>>,
}

/// One place of a tenant, until it is dropped.
struct Share {
    shares: Arc<Shares>,
    tenant: TenantId,
}

impl Shares {
    fn take(shares: &Arc<Self>, tenant: TenantId) -> Option<Share> {
        let mut held = shares.held.lock().unwrap_or_else(PoisonError::into_inner);
        let places = held.entry(tenant).or_default();
        if *places >= shares.places_max {
            return None;
        }
        *places += 1;
        drop(held);
        Some(Share { shares: Arc::clone(shares), tenant })
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let mut held = self.shares.held.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(places) = held.get_mut(&self.tenant) {
            *places -= 1;
            if *places == 0 {
                held.remove(&self.tenant);
            }
        }
    }
}

/// The password was right.
pub(super) struct Verified {
    /// Its hash with the present parameters, if the stored one has others.
    pub(super) renewed: Option<PasswordHash>,
}

fn argon2() -> Option<Argon2<'static>> {
    let (memory, passes, lanes) = PARAMS;
    let params = Params::new(memory, passes, lanes, None).ok()?;
    Some(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

pub(super) fn hash(password: &str, salt: &[u8; 16]) -> Option<PasswordHash> {
    let hash = argon2()?.hash_password_with_salt(password.as_bytes(), salt).ok()?;
    Some(PasswordHash::from_phc(hash.to_string()))
}

/// Compares a password with a stored hash. Without one it does the work of a hash all the same, so that the time does
/// not tell whether there is an account.
pub(super) fn verify(password: &str, stored: Option<&PasswordHash>, salt: &[u8; 16]) -> Option<Verified> {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn tenant(n: u128) -> TenantId {
        uuid::Uuid::from_u128(n).into()
    }

    #[tokio::test]
    async fn s26_one_tenant_does_not_hold_every_place() {
        let passwords = Arc::new(Passwords::new(&Limits {
            password_hashes_parallel_max: 1,
            password_hashes_waiting_max: 7,
            password_hashes_per_tenant_max: 2,
            ..Limits::default()
        }));
        let (go, wait) = std::sync::mpsc::channel::<()>();
        let busy = Arc::clone(&passwords);
        let busy = tokio::spawn(async move { busy.run(tenant(1), move || wait.recv()).await });
        while passwords.waiting.available_permits() == 8 {
            tokio::task::yield_now().await;
        }
        let second = Arc::clone(&passwords);
        let second = tokio::spawn(async move { second.run(tenant(1), || ()).await });
        while passwords.waiting.available_permits() == 7 {
            tokio::task::yield_now().await;
        }
        let third = passwords.run(tenant(1), || ()).await;
        assert!(matches!(third, Err(Error::Unavailable)), "the tenant holds its two places");
        let other = Arc::clone(&passwords);
        let other = tokio::spawn(async move { other.run(tenant(2), || ()).await });
        go.send(()).expect("somebody waits");
        busy.await.expect("no panic").expect("a place").expect("sent");
        second.await.expect("no panic").expect("a place");
        other.await.expect("no panic").expect("another tenant has places");
        assert!(passwords.shares.held.lock().expect("no panic").is_empty(), "what is done holds nothing");
        assert!(passwords.run(tenant(1), || ()).await.is_ok());
    }
}
