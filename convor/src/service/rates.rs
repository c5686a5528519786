//! How often principals, addresses and tenants may do what.

use std::net::IpAddr;
use std::time::Duration;

use crate::config::Limits;
#[cfg(feature = "accounts")]
use crate::domain::Email;
use crate::domain::{Author, Principal};
use crate::error::Error;
use crate::ids::{SiteId, TenantId};
use crate::rate::{Quota, RateLimiter, network};
use crate::time::Timestamp;

use super::Chat;

/// One limiter a kind of action. Keys begin with the tenant wherever there is one, and no key names a tenant that nobody has
/// found.
#[derive(Debug)]
pub(super) struct Rates {
    requests: Shared,
    messages: Shared,
    connections: RateLimiter<(TenantId, Author)>,
    registrations: RateLimiter<(TenantId, SiteId, IpAddr)>,
    #[cfg(feature = "accounts")]
    sign_ins: SignIns,
}

impl Rates {
    pub(super) fn new(limits: &Limits) -> Self {
        let keys = limits.rate_keys_max;
        let shared = |principal, tenant| Shared {
            principals: RateLimiter::new(principal, keys),
            tenants: RateLimiter::new(tenant, keys),
        };
        Self {
            requests: shared(limits.requests, limits.requests_per_tenant),
            messages: shared(limits.messages, limits.messages_per_tenant),
            connections: RateLimiter::new(limits.connections, keys),
            registrations: RateLimiter::new(limits.registrations, keys),
            #[cfg(feature = "accounts")]
            sign_ins: SignIns {
                addresses: RateLimiter::new(limits.sign_ins_per_address, keys),
                attempts: RateLimiter::new(limits.sign_ins, keys),
                accounts: RateLimiter::new(limits.sign_ins_per_account, keys),
            },
        }
    }
}

/// What a principal does is counted for it, and then for its tenant.
#[derive(Debug)]
struct Shared {
    principals: RateLimiter<(TenantId, Author)>,
    tenants: RateLimiter<TenantId>,
}

impl Shared {
    /// A principal that is refused uses up nothing of its tenant's.
    fn take(&self, principal: &Principal, now: Timestamp) -> Result<Quota, Error> {
        let tenant = principal.tenant();
        let quota = self.principals.take((tenant, principal.author()), now).map_err(limited)?;
        self.tenants.take(tenant, now).map_err(limited)?;
        Ok(quota)
    }
}

/// Sign-ins are counted for the address, for the account from that address, and for the account from anywhere.
#[cfg(feature = "accounts")]
#[derive(Debug)]
struct SignIns {
    addresses: RateLimiter<IpAddr>,
    attempts: RateLimiter<(TenantId, Email, Option<IpAddr>)>,
    accounts: RateLimiter<(TenantId, Email)>,
}

impl Chat {
    /// Counts one request or frame of a principal.
    ///
    /// # Errors
    /// [`Error::RateLimited`].
    pub fn admit(&self, principal: &Principal) -> Result<Quota, Error> {
        self.inner.rates.requests.take(principal, self.now())
    }

    pub(super) fn admit_message(&self, principal: &Principal) -> Result<(), Error> {
        self.inner.rates.messages.take(principal, self.now()).map(|_| ())
    }

    /// Counts one connection that a principal opens.
    pub(crate) fn admit_connection(&self, principal: &Principal) -> Result<(), Error> {
        let key = (principal.tenant(), principal.author());
        self.inner.rates.connections.take(key, self.now()).map(|_| ()).map_err(limited)
    }

    pub(super) fn admit_registration(
        &self,
        tenant: TenantId,
        site: SiteId,
        address: Option<IpAddr>,
    ) -> Result<(), Error> {
        let Some(address) = address else { return Ok(()) };
        let taken = self.inner.rates.registrations.take((tenant, site, network(address)), self.now());
        taken.map(|_| ()).map_err(limited)
    }

    /// Counts a sign-in from this address, before anybody looks whether there is such a tenant.
    #[cfg(feature = "accounts")]
    pub(super) fn admit_sign_in_from(&self, address: Option<IpAddr>) -> Result<(), Error> {
        let Some(address) = address else { return Ok(()) };
        let taken = self.inner.rates.sign_ins.addresses.take(network(address), self.now());
        taken.map(|_| ()).map_err(limited)
    }

    /// Counts a sign-in at an account of a tenant that there is. What is refused for the address uses up nothing of what
    /// is left for the account, so that a stranger locks out nobody but itself.
    #[cfg(feature = "accounts")]
    pub(super) fn admit_sign_in(
        &self,
        tenant: TenantId,
        email: &Email,
        address: Option<IpAddr>,
    ) -> Result<(), Error> {
        let (sign_ins, now) = (&self.inner.rates.sign_ins, self.now());
        sign_ins.attempts.take((tenant, email.clone(), address.map(network)), now).map_err(limited)?;
        sign_ins.accounts.take((tenant, email.clone()), now).map(|_| ()).map_err(limited)
    }
}

const fn limited(retry_after: Duration) -> Error {
    Error::RateLimited { retry_after }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Rate;
    use uuid::Uuid;

    fn visitor(tenant: u128, visitor: u128) -> Principal {
        let id = Uuid::from_u128(tenant);
        Principal::visitor(id.into(), id.into(), Uuid::from_u128(visitor).into())
    }

    fn shared(principal: Rate, tenant: Rate) -> Shared {
        Shared { principals: RateLimiter::new(principal, 100), tenants: RateLimiter::new(tenant, 100) }
    }

    #[test]
    fn s26_a_tenant_has_a_rate_of_its_own() {
        let rates = shared(Rate::per_minute(1, 10), Rate::per_minute(1, 3));
        let now = Timestamp::from_millis(0);
        for principal in 1..=3 {
            assert!(rates.take(&visitor(1, principal), now).is_ok());
        }
        assert!(matches!(rates.take(&visitor(1, 4), now), Err(Error::RateLimited { .. })));
        assert!(rates.take(&visitor(2, 4), now).is_ok(), "another tenant's is its own");
    }

    #[test]
    fn s26_who_is_refused_uses_up_nothing_of_its_tenants() {
        let rates = shared(Rate::per_minute(1, 1), Rate::per_minute(1, 3));
        let now = Timestamp::from_millis(0);
        let taken = (0..10).filter(|_| rates.take(&visitor(1, 1), now).is_ok()).count();
        assert_eq!(taken, 1);
        assert!(rates.take(&visitor(1, 2), now).is_ok() && rates.take(&visitor(1, 3), now).is_ok());
    }

    #[test]
    fn an_ipv6_network_counts_as_one() {
        let address = |text: &str| text.parse::<IpAddr>().expect("an address");
        assert_eq!(network(address("2001:db8::1")), network(address("2001:db8::ffff:1")));
        assert_ne!(network(address("2001:db8::1")), network(address("2001:db8:0:1::1")));
        assert_eq!(network(address("::ffff:192.0.2.1")), address("192.0.2.1"));
        assert_ne!(network(address("192.0.2.1")), network(address("192.0.2.2")));
    }
}
