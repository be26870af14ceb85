//! Who is let in: how many connections a listener takes from one peer, and in all; and how much of a thing a peer or an
//! account has at a time.

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

/// The place of one connection, or the room of something that grows, given back when it is dropped.
#[derive(Debug)]
pub struct Place {
    places: Arc<Places>,
    networks: [Option<Network>; 3],
    size: usize,
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
        self.place(Network::of(address))
    }

    /// A place for a connection from a proxy that many clients are behind: it is one of all, and has no share.
    ///
    /// # Errors
    /// Where all places are taken.
    pub fn admit_proxy(&self) -> Result<Place, TurnedAway> {
        self.place([None, None, None])
    }

    /// A place for something that an account does, whatever its address.
    ///
    /// # Errors
    /// Why there is none.
    pub fn admit_account(&self, account: UserId) -> Result<Place, TurnedAway> {
        self.place([Some(Network::Account(account)), None, None])
    }

    fn place(&self, networks: [Option<Network>; 3]) -> Result<Place, TurnedAway> {
        let mut place = Place { places: Arc::clone(&self.0), networks, size: 0 };
        place.grow(1)?;
        Ok(place)
    }
}

impl Place {
    /// Takes so much more.
    ///
    /// # Errors
    /// Why there is no more. What it has already it keeps.
    pub fn grow(&mut self, more: usize) -> Result<(), TurnedAway> {
        let Places { in_all, shares, .. } = *self.places;
        self.places.taken().enter(&self.networks, more, in_all, shares)?;
        self.size += more;
        Ok(())
    }

    /// Counts from now on for nobody, and only in all.
    pub fn leave_shares(&mut self) {
        self.places.taken().leave_shares(&self.networks, self.size);
        self.networks = [None, None, None];
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
        more: usize,
        in_all: usize,
        shares: Shares,
    ) -> Result<(), TurnedAway> {
        let with_it = |network: &Network| self.by.get(network).copied().unwrap_or(0).saturating_add(more);
        if networks.iter().flatten().any(|network| with_it(network) > shares.of(*network)) {
            return Err(TurnedAway::PeerHasItsShare);
        }
        if self.in_all.saturating_add(more) > in_all {
            return Err(TurnedAway::Full);
        }
        self.in_all += more;
        for network in networks.iter().flatten() {
            *self.by.entry(*network).or_default() += more;
        }
        Ok(())
    }

    fn leave_shares(&mut self, networks: &[Option<Network>], size: usize) {
        for network in networks.iter().flatten() {
            if let Some(count) = self.by.get_mut(network) {
                *count -= size;
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
        // One that was not let in has nothing.
        if self.size > 0 {
            let mut taken = self.places.taken();
            taken.in_all -= self.size;
            taken.leave_shares(&self.networks, self.size);
        }
    }
}

#[cfg(test)]
mod tests;
