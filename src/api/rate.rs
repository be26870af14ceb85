//! How many requests are taken, by peer and by account.
//!
//! The counts are in memory, shared by all requests: they protect this process, and end with it.

use crate::auth::origin::Origin;
use crate::model::admission::Peer;
use crate::model::id::UserId;
use crate::rate::Rate;
use std::hash::Hash;
use std::num::NonZeroU32;
use std::time::Duration;

/// Deliveries of hooks that a peer may send for each request that it may make: one provider sends for everybody.
const DELIVERIES: NonZeroU32 = NonZeroU32::new(10).expect("ten is not zero");

/// How many requests a minute are taken. `None` for no limit.
#[derive(Debug, Clone, Copy, Default)]
pub struct RequestLimits {
    pub per_peer: Option<NonZeroU32>,
    pub per_account: Option<NonZeroU32>,
}

/// Counts requests.
pub(super) struct Rates {
    peers: Option<Rate<Peer>>,
    deliveries: Option<Rate<Peer>>,
    accounts: Option<Rate<UserId>>,
}

impl Rates {
    pub(super) fn new(limits: RequestLimits) -> Self {
        let deliveries = limits.per_peer.map(|limit| per_minute(limit.saturating_mul(DELIVERIES)));
        Self {
            peers: limits.per_peer.map(per_minute),
            deliveries,
            accounts: limits.per_account.map(per_minute),
        }
    }

    /// Counts a request of a peer. A loopback address counts for nobody: it is this machine, or a proxy on it that speaks
    /// for everybody and is not among the trusted ones.
    ///
    /// # Errors
    /// How long to wait.
    pub(super) fn admit_peer(&self, origin: Origin) -> Result<(), Duration> {
        admit(self.peers.as_ref(), origin)
    }

    /// Counts a delivery of a peer, whatever it is signed with.
    ///
    /// # Errors
    /// How long to wait.
    pub(super) fn admit_delivery(&self, origin: Origin) -> Result<(), Duration> {
        admit(self.deliveries.as_ref(), origin)
    }

    /// Counts a request of an account, by whatever login or key.
    ///
    /// # Errors
    /// How long to wait.
    pub(super) fn admit_account(&self, id: UserId) -> Result<(), Duration> {
        self.accounts.as_ref().map_or(Ok(()), |rate| rate.admit(&id))
    }
}

fn admit(rate: Option<&Rate<Peer>>, origin: Origin) -> Result<(), Duration> {
    match rate {
        Some(rate) if !origin.peer.is_loopback() => rate.admit(&Peer::from(origin.peer)),
        Some(_) | None => Ok(()),
    }
}

/// So many a minute.
fn per_minute<K: Clone + Hash + Eq>(number: NonZeroU32) -> Rate<K> {
    Rate::new(number, Duration::from_mins(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rates(number: u32) -> Rates {
        let limit = NonZeroU32::new(number);
        Rates::new(RequestLimits { per_peer: limit, per_account: limit })
    }

    fn from(address: &str) -> Origin {
        Origin { peer: address.parse().unwrap(), local: false }
    }

    #[test]
    fn each_peer_and_each_account_has_its_share() {
        let rates = rates(3);
        for address in ["192.0.2.1", "192.0.2.2", "2001:db8::1"] {
            for _ in 0..3 {
                rates.admit_peer(from(address)).unwrap();
            }
            let wait = rates.admit_peer(from(address)).unwrap_err();
            assert!(wait > Duration::from_secs(15) && wait <= Duration::from_secs(20), "{wait:?}");
        }
        assert!(rates.admit_peer(from("2001:db8::2")).is_err(), "a network of 64 bits is one peer");
        let (ada, bob) = (UserId::generate(), UserId::generate());
        for _ in 0..3 {
            rates.admit_account(ada).unwrap();
        }
        assert!(rates.admit_account(ada).is_err());
        rates.admit_account(bob).unwrap();
    }

    #[test]
    fn loopback_and_no_limit_count_for_nobody() {
        for _ in 0..10 {
            rates(3).admit_peer(from("127.0.0.1")).unwrap();
        }
        let unlimited = rates(0);
        for _ in 0..10 {
            unlimited.admit_peer(from("192.0.2.1")).unwrap();
            unlimited.admit_account(UserId::generate()).unwrap();
        }
    }
}
