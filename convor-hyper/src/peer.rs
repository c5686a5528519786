//! From where a client speaks, as far as the host says.

use std::any::Any;
use std::collections::HashMap;
use std::fmt;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The address of the client. A tower service cannot see it, so the host inserts it as an extension of each request; what
/// a client claims in `X-Forwarded-For` or `Forwarded` never counts, and a host behind a proxy of its own derives the
/// address from what that proxy says. Without it the limits by address are off, which is said once in the log.
///
/// It is only counted, never stored.
///
/// ```
/// use std::net::IpAddr;
///
/// let mut request = http::Request::new(());
/// request.extensions_mut().insert(convor_hyper::Peer(IpAddr::from([192, 0, 2, 7])));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "hosts build it")]
pub struct Peer(pub IpAddr);

/// What a host keeps for as long as a connection lasts, such as its place among all of them. The host inserts it as an extension of
/// each request: a request that becomes a WebSocket takes it along. A server's own future for a connection ends with the
/// upgrade, so that what only that holds says nothing of sockets.
///
/// ```
/// use std::sync::Arc;
///
/// let places = Arc::new(tokio::sync::Semaphore::new(20_000));
/// let place = places.try_acquire_owned().expect("the first has a place");
/// let mut request = http::Request::new(());
/// request.extensions_mut().insert(convor_hyper::WhileConnected(Arc::new(place)));
/// ```
#[derive(Clone)]
#[expect(clippy::exhaustive_structs, reason = "hosts build it")]
pub struct WhileConnected(pub Arc<dyn Any + Send + Sync>);

impl fmt::Debug for WhileConnected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WhileConnected(…)")
    }
}

/// How many connections each network has.
#[derive(Debug, Default)]
pub(crate) struct Places(Mutex<HashMap<IpAddr, usize>>);

impl Places {
    /// A place among at most `max`; `None` if there is none left.
    pub(crate) fn take(self: &Arc<Self>, peer: Peer, max: usize) -> Option<Place> {
        let network = convor::network(peer.0);
        let mut counts = self.counts();
        let count = counts.get(&network).copied().unwrap_or(0);
        if count >= max {
            return None;
        }
        counts.insert(network, count + 1);
        Some(Place { places: Arc::clone(self), network })
    }

    fn counts(&self) -> MutexGuard<'_, HashMap<IpAddr, usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A place among a network's connections; dropped, it is free again.
#[derive(Debug)]
pub(crate) struct Place {
    places: Arc<Places>,
    network: IpAddr,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut counts = self.places.counts();
        if let Some(count) = counts.get_mut(&self.network) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.network);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peer(address: &str) -> Peer {
        Peer(address.parse().expect("an address"))
    }

    #[test]
    fn s25_a_network_has_so_many_places_and_gets_them_back() {
        let pending = Arc::new(Places::default());
        let first = pending.take(peer("2001:db8::1"), 2).expect("a place");
        let _second = pending.take(peer("2001:db8::ffff:2"), 2).expect("a place");
        assert!(pending.take(peer("2001:db8::3"), 2).is_none(), "one /64 is one client");
        assert!(pending.take(peer("2001:db8:0:1::3"), 2).is_some(), "another network has places of its own");
        drop(first);
        assert!(pending.take(peer("2001:db8::3"), 2).is_some());
    }

    #[test]
    fn an_address_in_the_other_notation_is_the_same_one() {
        let pending = Arc::new(Places::default());
        let _place = pending.take(peer("192.0.2.1"), 1).expect("a place");
        assert!(pending.take(peer("::ffff:192.0.2.1"), 1).is_none());
        assert!(pending.take(peer("::ffff:192.0.2.2"), 1).is_some());
    }
}
