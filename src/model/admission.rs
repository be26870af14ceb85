//! Who is let in: how many connections a listener takes from one peer, and in all; and how much of a thing an account has
//! at a time.

use crate::model::id::UserId;
use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::{Arc, Mutex, PoisonError};

/// Whom a connection counts for: an IPv4 address, or the first 64 bits of an IPv6 address, which is the least that a
/// customer of a network is given (RFC 6177 §2): counted one by one, its addresses would never run out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Peer(IpAddr);

impl From<IpAddr> for Peer {
    fn from(address: IpAddr) -> Self {
        Self(match address.to_canonical() {
            IpAddr::V4(address) => IpAddr::V4(address),
            IpAddr::V6(address) => IpAddr::V6(first_bits(address, 64)),
        })
    }
}

fn first_bits(address: Ipv6Addr, bits: u32) -> Ipv6Addr {
    Ipv6Addr::from(u128::from(address) & (u128::MAX << (128 - bits)))
}

/// A range of addresses that one hand may hold many of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Network {
    Peer(Peer),
    /// What a customer of a network is given: 56 bits at home, 48 bits as a company (RFC 6177 §2).
    Home(Ipv6Addr),
    Site(Ipv6Addr),
    /// The private addresses of one kind, named by their first one. Every container has one, and a project as many as it
    /// starts; which of them are containers cannot be told from the address, so that the neighbours on such a network
    /// have their places together with them.
    Private(IpAddr),
    /// Not of addresses: what one account has, from wherever.
    Account(UserId),
}

impl Network {
    /// Those that a connection from an address counts for, the smallest first.
    fn of(address: IpAddr) -> [Option<Self>; 3] {
        let peer = Some(Self::Peer(Peer::from(address)));
        match address.to_canonical() {
            address if address.is_loopback() => [peer, None, None],
            IpAddr::V4(address) => [peer, private_v4(address).map(Self::Private), None],
            IpAddr::V6(address) if address.is_unique_local() || address.is_unicast_link_local() => {
                [peer, Some(Self::Private(Ipv6Addr::new(0xfc00, 0, 0, 0, 0, 0, 0, 0).into())), None]
            }
            IpAddr::V6(address) => {
                [peer, Some(Self::Home(first_bits(address, 56))), Some(Self::Site(first_bits(address, 48)))]
            }
        }
    }
}

/// The range of RFC 1918 that an address is in; link-local addresses (RFC 3927) count as the last of them. Docker takes
/// its networks from 172.16.0.0/12 first and from 192.168.0.0/16 then, and `engine` the rest from 10.128.0.0/9: a LAN on
/// a range that is not reached yet is apart from them.
fn private_v4(address: Ipv4Addr) -> Option<IpAddr> {
    let first = match address.octets() {
        [10, ..] => Ipv4Addr::new(10, 0, 0, 0),
        [172, 16..=31, ..] => Ipv4Addr::new(172, 16, 0, 0),
        [192, 168, ..] | [169, 254, ..] => Ipv4Addr::new(192, 168, 0, 0),
        _ => return None,
    };
    Some(first.into())
}

/// Why a connection is turned away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TurnedAway {
    /// The peer has as many connections as one may have, or a network that it is in.
    PeerHasItsShare,
    /// All places are taken.
    Full,
}

/// The places of a listener. Clones share them.
///
/// It is shared by the tasks of all connections since each gives its place back when it ends.
#[derive(Debug, Clone)]
pub struct Admission(Arc<Places>);

#[derive(Debug)]
struct Places {
    in_all: usize,
    shares: Shares,
    taken: Mutex<Taken>,
}

/// Places that one of each may have.
#[derive(Debug, Clone, Copy)]
struct Shares {
    peer: usize,
    /// A quarter of all: for the four kinds of private addresses together there is no more than all, and the rest of the
    /// world is left three quarters by those of the containers.
    private_or_home: usize,
    site: usize,
}

impl Shares {
    fn new(in_all: usize, per_peer: usize) -> Self {
        Self { peer: per_peer, private_or_home: per_peer.max(in_all / 4), site: per_peer.max(in_all / 2) }
    }

    const fn of(self, network: Network) -> usize {
        match network {
            Network::Peer(_) | Network::Account(_) => self.peer,
            Network::Home(_) | Network::Private(_) => self.private_or_home,
            Network::Site(_) => self.site,
        }
    }
}

#[derive(Debug, Default)]
struct Taken {
    in_all: usize,
    by: HashMap<Network, usize>,
}

/// The place of one connection, given back when it is dropped.
#[derive(Debug)]
pub struct Place {
    places: Arc<Places>,
    networks: [Option<Network>; 3],
}

impl Admission {
    /// Places for `in_all` connections, of which a peer may take `per_peer`, and a network of peers the larger of that
    /// and a part of all; `usize::MAX` for as many as come.
    #[must_use]
    pub fn new(in_all: usize, per_peer: usize) -> Self {
        Self::with(in_all, Shares::new(in_all, per_peer))
    }

    /// The shares of a listener that counts its `in_all` places itself, and lets connections wait for them.
    #[must_use]
    pub fn shares_of(in_all: usize, per_peer: usize) -> Self {
        Self::with(usize::MAX, Shares::new(in_all, per_peer))
    }

    fn with(in_all: usize, shares: Shares) -> Self {
        Self(Arc::new(Places { in_all, shares, taken: Mutex::default() }))
    }

    /// A place for a connection from an address.
    ///
    /// # Errors
    /// Why there is none. The connection is to be closed: one that waits would keep others waiting.
    pub fn admit(&self, address: IpAddr) -> Result<Place, TurnedAway> {
        let networks = Network::of(address);
        self.0.taken().enter(&networks, self.0.in_all, self.0.shares)?;
        Ok(Place { places: Arc::clone(&self.0), networks })
    }

    /// A place for a connection from a proxy that many clients are behind: it is one of all, and has no share.
    ///
    /// # Errors
    /// Where all places are taken.
    pub fn admit_proxy(&self) -> Result<Place, TurnedAway> {
        let networks = [None, None, None];
        self.0.taken().enter(&networks, self.0.in_all, self.0.shares)?;
        Ok(Place { places: Arc::clone(&self.0), networks })
    }

    /// A place for something that an account does, whatever its address.
    ///
    /// # Errors
    /// Why there is none.
    pub fn admit_account(&self, account: UserId) -> Result<Place, TurnedAway> {
        let networks = [Some(Network::Account(account)), None, None];
        self.0.taken().enter(&networks, self.0.in_all, self.0.shares)?;
        Ok(Place { places: Arc::clone(&self.0), networks })
    }
}

impl Places {
    fn taken(&self) -> std::sync::MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Taken {
    fn enter(
        &mut self,
        networks: &[Option<Network>],
        in_all: usize,
        shares: Shares,
    ) -> Result<(), TurnedAway> {
        let count = |network: &Network| self.by.get(network).copied().unwrap_or(0);
        if networks.iter().flatten().any(|network| count(network) >= shares.of(*network)) {
            return Err(TurnedAway::PeerHasItsShare);
        }
        if self.in_all >= in_all {
            return Err(TurnedAway::Full);
        }
        self.in_all += 1;
        for network in networks.iter().flatten() {
            *self.by.entry(*network).or_default() += 1;
        }
        Ok(())
    }

    fn leave(&mut self, networks: &[Option<Network>]) {
        self.in_all -= 1;
        for network in networks.iter().flatten() {
            if let Some(count) = self.by.get_mut(network) {
                *count -= 1;
                // Who has gone is forgotten: strangers must not fill the memory.
                if *count == 0 {
                    self.by.remove(network);
                }
            }
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.places.taken().leave(&self.networks);
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
        let admission = Admission::new(3, 2);
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
        let admission = Admission::new(8, 8);
        drop((
            admission.admit(address("192.0.2.1")).unwrap(),
            admission.admit(address("172.17.0.2")).unwrap(),
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

    /// How many of these a listener with 64 places takes, 4 for a peer.
    fn taken(addresses: impl Iterator<Item = IpAddr>) -> (usize, Admission, Vec<Place>) {
        let admission = Admission::new(64, 4);
        let places: Vec<_> = addresses.filter_map(|address| admission.admit(address).ok()).collect();
        (places.len(), admission, places)
    }

    #[test]
    fn containers_leave_places_to_everybody_else() {
        let four_each = |address: IpAddr| [address; 8];
        let containers = (0..100_u8).map(|net| IpAddr::from([172, 17 + net % 15, net, 2]));
        let (count, admission, _places) = taken(containers.flat_map(four_each));
        assert_eq!(count, 16);
        for other in ["192.0.2.1", "10.0.0.1", "192.168.1.7", "127.0.0.1", "fd00::1", "2001:db8::1"] {
            admission.admit(address(other)).unwrap();
        }
        let (count, ..) = taken((0..100_u16).map(|net| Ipv6Addr::new(0xfd00, net, 0, 0, 0, 0, 0, 1).into()));
        assert_eq!(count, 16);
        // Of the rest of the world each address is for itself.
        let (count, ..) = taken((0..100_u8).map(|last| IpAddr::from([192, 0, 2, last])));
        assert_eq!(count, 64);
    }

    #[test]
    fn who_has_many_networks_has_one_share_of_them() {
        let in_site = |net: u16| Ipv6Addr::new(0x2001, 0xdb8, 1, net, 0, 0, 0, 1).into();
        assert_eq!(taken((0..8).map(|_| in_site(1))).0, 4);
        assert_eq!(taken((0..256).map(in_site)).0, 16);
        assert_eq!(taken((0..u16::MAX).map(in_site)).0, 32);
    }

    #[test]
    fn an_account_has_its_share_from_wherever() {
        let admission = Admission::new(usize::MAX, 1);
        let (ada, bob) = (UserId::generate(), UserId::generate());
        let place = admission.admit_account(ada).unwrap();
        assert_eq!(admission.admit_account(ada).unwrap_err(), TurnedAway::PeerHasItsShare);
        let _other = admission.admit_account(bob).unwrap();
        drop(place);
        let _again = admission.admit_account(ada).unwrap();
    }

    #[test]
    fn without_a_limit_there_is_none() {
        let admission = Admission::shares_of(16, usize::MAX);
        let _places: Vec<_> = (0..100).map(|_| admission.admit(address("172.17.0.2")).unwrap()).collect();
    }
}
