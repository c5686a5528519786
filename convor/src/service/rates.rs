//! How often principals and addresses may do what.

use std::net::IpAddr;
use std::time::Duration;

use crate::config::Limits;
use crate::domain::{Author, Principal};
use crate::error::Error;
use crate::ids::{SiteId, TenantId};
use crate::rate::{Quota, RateLimiter};

use super::Chat;

/// One limiter a kind of action. Keys begin with the tenant wherever there is one.
#[derive(Debug)]
pub(super) struct Rates {
    requests: RateLimiter<(TenantId, Author)>,
    messages: RateLimiter<(TenantId, Author)>,
    registrations: RateLimiter<(TenantId, SiteId, IpAddr)>,
    #[cfg(feature = "accounts")]
    sign_ins: RateLimiter<(TenantId, crate::domain::Email)>,
    #[cfg(feature = "accounts")]
    sign_in_addresses: RateLimiter<IpAddr>,
}

impl Rates {
    pub(super) fn new(limits: &Limits) -> Self {
        let keys = limits.rate_keys_max;
        Self {
            requests: RateLimiter::new(limits.requests, keys),
            messages: RateLimiter::new(limits.messages, keys),
            registrations: RateLimiter::new(limits.registrations, keys),
            #[cfg(feature = "accounts")]
            sign_ins: RateLimiter::new(limits.sign_ins, keys),
            #[cfg(feature = "accounts")]
            sign_in_addresses: RateLimiter::new(limits.sign_ins_per_address, keys),
        }
    }
}

impl Chat {
    /// Counts one request or frame of a principal.
    ///
    /// # Errors
    /// [`Error::RateLimited`].
    pub fn admit(&self, principal: &Principal) -> Result<Quota, Error> {
        let taken = self.inner.rates.requests.take((principal.tenant(), principal.author()), self.now());
        taken.map_err(limited)
    }

    pub(super) fn admit_message(&self, principal: &Principal) -> Result<(), Error> {
        let taken = self.inner.rates.messages.take((principal.tenant(), principal.author()), self.now());
        taken.map(|_| ()).map_err(limited)
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

    #[cfg(feature = "accounts")]
    pub(super) fn admit_sign_in(
        &self,
        tenant: TenantId,
        email: &crate::domain::Email,
        address: Option<IpAddr>,
    ) -> Result<(), Error> {
        let (rates, now) = (&self.inner.rates, self.now());
        if let Some(address) = address {
            rates.sign_in_addresses.take(network(address), now).map_err(limited)?;
        }
        rates.sign_ins.take((tenant, email.clone()), now).map(|_| ()).map_err(limited)
    }
}

/// Whoever has one address of an IPv6 network has all of its 2^64.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => std::net::Ipv6Addr::from_bits(v6.to_bits() >> 64 << 64).into(),
        v4 @ IpAddr::V4(_) => v4,
    }
}

const fn limited(retry_after: Duration) -> Error {
    Error::RateLimited { retry_after }
}
