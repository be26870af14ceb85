//! Who is let in: how many connections a listener takes from one peer, and in all; and what else is counted so.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, PoisonError};

/// Whom a connection counts for: an IPv4 address, or the first 64 bits of an IPv6 address, which is the least that a
/// customer of a network is given (RFC 6177 §2): counted one by one, its addresses would never run out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Peer(IpAddr);

impl From<IpAddr> for Peer {
    fn from(address: IpAddr) -> Self {
        Self(match address.to_canonical() {
            IpAddr::V4(address) => IpAddr::V4(address),
            IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from(u128::from(address) >> 64 << 64)),
        })
    }
}

/// Why a connection is turned away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TurnedAway {
    /// The peer has as many connections as one may have.
    PeerHasItsShare,
    /// All places are taken.
    Full,
}

/// The places of a listener. Clones share them.
///
/// It is shared by the tasks of all connections since each gives its place back when it ends.
#[derive(Debug, Clone)]
pub struct Admission<Who: Copy + Eq + Hash = Peer>(Arc<Places<Who>>);

#[derive(Debug)]
struct Places<Who> {
    in_all: usize,
    per_peer: usize,
    taken: Mutex<Taken<Who>>,
}

#[derive(Debug)]
struct Taken<Who> {
    in_all: usize,
    by: HashMap<Who, usize>,
}

/// The place of one connection, given back when it is dropped.
#[derive(Debug)]
pub struct Place<Who: Copy + Eq + Hash = Peer> {
    places: Arc<Places<Who>>,
    who: Who,
}

impl<Who: Copy + Eq + Hash> Admission<Who> {
    /// Places for `in_all`, of which each may take `per_peer`; `usize::MAX` for as many as come.
    #[must_use]
    pub fn new(in_all: usize, per_peer: usize) -> Self {
        let taken = Mutex::new(Taken { in_all: 0, by: HashMap::new() });
        Self(Arc::new(Places { in_all, per_peer, taken }))
    }

    /// A place for a connection from an address, or for what else is counted.
    ///
    /// # Errors
    /// Why there is none. The connection is to be closed: one that waits would keep others waiting.
    pub fn admit(&self, who: impl Into<Who>) -> Result<Place<Who>, TurnedAway> {
        let who = who.into();
        self.0.taken().enter(who, self.0.in_all, self.0.per_peer)?;
        Ok(Place { places: Arc::clone(&self.0), who })
    }
}

impl<Who> Places<Who> {
    fn taken(&self) -> std::sync::MutexGuard<'_, Taken<Who>> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<Who: Copy + Eq + Hash> Taken<Who> {
    fn enter(&mut self, who: Who, in_all: usize, per_peer: usize) -> Result<(), TurnedAway> {
        let by_peer = self.by.get(&who).copied().unwrap_or(0);
        if by_peer >= per_peer {
            return Err(TurnedAway::PeerHasItsShare);
        }
        if self.in_all >= in_all {
            return Err(TurnedAway::Full);
        }
        self.in_all += 1;
        self.by.insert(who, by_peer + 1);
        Ok(())
    }

    fn leave(&mut self, who: Who) {
        self.in_all -= 1;
        if let Some(count) = self.by.get_mut(&who) {
            *count -= 1;
            // A peer that has gone is forgotten: strangers must not fill the memory.
            if *count == 0 {
                self.by.remove(&who);
            }
        }
    }
}

impl<Who: Copy + Eq + Hash> Drop for Place<Who> {
    fn drop(&mut self) {
        self.places.taken().leave(self.who);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn a_peer_has_its_share_and_leaves_the_others_theirs() {
        let admission = Admission::<Peer>::new(3, 2);
        let greedy = address("192.0.2.1");
        let first = admission.admit(greedy).unwrap();
        let _second = admission.admit(greedy).unwrap();
        assert_eq!(admission.admit(greedy).unwrap_err(), TurnedAway::PeerHasItsShare);
        let third = admission.admit(address("192.0.2.2")).unwrap();
        assert_eq!(admission.admit(address("192.0.2.3")).unwrap_err(), TurnedAway::Full);
        drop(third);
        let _other = admission.admit(address("192.0.2.3")).unwrap();
        drop(first);
        let _again = admission.admit(greedy).unwrap();
    }

    #[test]
    fn who_has_gone_is_forgotten() {
        let admission = Admission::<Peer>::new(8, 8);
        drop((
            admission.admit(address("192.0.2.1")).unwrap(),
            admission.admit(address("2001:db8::1")).unwrap(),
        ));
        let taken = admission.0.taken();
        assert_eq!((taken.in_all, taken.by.len()), (0, 0));
    }

    #[test]
    fn a_network_is_one_peer() {
        let peer = |text: &str| Peer::from(address(text));
        assert_eq!(peer("2001:db8:1:2:3:4:5:6"), peer("2001:db8:1:2:ffff::"));
        assert_ne!(peer("2001:db8:1:2::"), peer("2001:db8:1:3::"));
        assert_ne!(peer("192.0.2.1"), peer("192.0.2.2"));
        // As a socket for both families names the peer.
        assert_eq!(peer("::ffff:192.0.2.1"), peer("192.0.2.1"));
        assert_ne!(peer("::ffff:192.0.2.1"), peer("::ffff:192.0.2.2"));
    }
}
