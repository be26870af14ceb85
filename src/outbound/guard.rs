//! Which addresses are connected to: those of the internet, and what the operator allows beside them.
//!
//! A name is looked up anew each time: one that pointed outside when it was written down may point inside later.

use super::addresses::{is_of_the_internet, led_to};
use super::neighbours::is_neighbour;
use ipnet::IpNet;
use rustix::io::Errno;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::time::Duration;

/// How long a name may take to be looked up.
const LOOK_UP: Duration = Duration::from_secs(10);

/// Any port will do where nothing is sent (RFC 863).
const DISCARD: u16 = 9;

/// Where the server may connect to: public addresses, and what the operator allows beside them.
#[derive(Debug, Clone, Default)]
pub struct Guard {
    allowed: Vec<IpNet>,
}

/// Why a destination is not connected to: a sentence without an address, which its owner may be told.
#[derive(Debug, thiserror::Error)]
pub enum Unreachable {
    /// The operator could allow it.
    #[error("the server does not connect to addresses that are not public")]
    NotPublic,
    #[error("its name cannot be looked up: {0}")]
    Unknown(#[source] io::Error),
    #[error("nobody has answered for its name in time")]
    TimedOut,
}

impl Guard {
    /// A guard that lets connect to some networks although they are not public.
    #[must_use]
    pub const fn new(allowed: Vec<IpNet>) -> Self {
        Self { allowed }
    }

    /// Whether an address may be connected to.
    #[must_use]
    pub fn admits(&self, address: IpAddr) -> bool {
        self.names(address) || (is_of_the_internet(address) && !is_here(led_to(address)))
    }

    /// Whether the operator has allowed an address, public or not.
    #[must_use]
    pub fn names(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.allowed.iter().any(|network| network.contains(&address))
    }

    /// Whether the operator has allowed any.
    #[must_use]
    pub const fn names_any(&self) -> bool {
        !self.allowed.is_empty()
    }

    /// The addresses of a host that may be connected to; `host` is a name or an address.
    ///
    /// # Errors
    /// When it has none.
    pub async fn look_up(&self, host: &str, port: u16) -> Result<Vec<SocketAddr>, Unreachable> {
        let mut found = addresses_of(host, port).await?;
        found.retain(|address| self.admits(address.ip()));
        if found.is_empty() { Err(Unreachable::NotPublic) } else { Ok(found) }
    }
}

/// The addresses of a host, whatever they are; `host` is a name or an address.
pub(super) async fn addresses_of(host: &str, port: u16) -> Result<Vec<SocketAddr>, Unreachable> {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let found = tokio::time::timeout(LOOK_UP, tokio::net::lookup_host((host, port))).await;
    let found = found.map_err(|_elapsed| Unreachable::TimedOut)?.map_err(Unreachable::Unknown)?;
    Ok(found.collect())
}

/// Whether an address is one of this machine, or of a network of IPv6 that it is in.
fn is_here(address: IpAddr) -> bool {
    let is_beside = match address {
        IpAddr::V4(_) => false,
        IpAddr::V6(address) => is_neighbour(address),
    };
    is_beside || is_own(address)
}

/// Whether an address is one of this machine, which reaches what listens here past any firewall before it: only such an
/// address can be bound. Where `net.ipv4.ip_nonlocal_bind` lets every address be bound, it is own if what goes to it comes
/// from it.
fn is_own(address: IpAddr) -> bool {
    // Of networks for documentation (RFC 5737, RFC 3849).
    let (nobodys, unspecified): (IpAddr, IpAddr) = match address {
        IpAddr::V4(_) => (Ipv4Addr::new(192, 0, 2, 1).into(), Ipv4Addr::UNSPECIFIED.into()),
        IpAddr::V6(_) => {
            (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1).into(), Ipv6Addr::UNSPECIFIED.into())
        }
    };
    let bound = |address: IpAddr| UdpSocket::bind((address, 0));
    match bound(address) {
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::AddrNotAvailable => return false,
        // Nothing is reached by a protocol that this machine does not speak.
        Err(error) if error.raw_os_error() == Some(Errno::AFNOSUPPORT.raw_os_error()) => return false,
        // It cannot be told, for want of descriptors for one.
        Err(_) => return true,
    }
    if bound(nobodys).is_err() {
        return true;
    }
    let source = bound(unspecified).and_then(|socket| {
        // Nothing is sent.
        socket.connect((address, DISCARD))?;
        socket.local_addr()
    });
    source.is_ok_and(|source| source.ip() == address)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_operator_can_allow_networks() {
        let guard = Guard::new(vec!["10.1.0.0/16".parse().unwrap(), "fd00::/8".parse().unwrap()]);
        for (address, admitted, named) in [
            ("10.1.2.3", true, true),
            ("::ffff:10.1.2.3", true, true),
            ("10.2.2.3", false, false),
            ("fd00::1", true, true),
            ("1.1.1.1", true, false),
        ] {
            let address = address.parse().unwrap();
            assert_eq!((guard.admits(address), guard.names(address)), (admitted, named), "{address}");
        }
    }

    #[test]
    fn the_addresses_of_this_machine_are_its_own() {
        for (address, own) in
            [("127.0.0.1", true), ("127.3.2.1", true), ("192.0.2.1", false), ("2001:db8::1", false)]
        {
            assert_eq!(is_own(address.parse().unwrap()), own, "{address}");
        }
    }

    #[tokio::test]
    async fn names_are_judged_by_their_addresses() {
        let refused = Guard::default().look_up("localhost", 1).await;
        assert!(matches!(refused, Err(Unreachable::NotPublic)), "{refused:?}");
        // However an address is spelt.
        for spelt in ["127.1", "0x7f000001", "2130706433", "[::1]", "017700000001"] {
            let refused = Guard::default().look_up(spelt, 1).await;
            assert!(
                matches!(refused, Err(Unreachable::NotPublic | Unreachable::Unknown(_))),
                "{spelt}: {refused:?}"
            );
        }
        let guard = Guard::new(vec!["127.0.0.0/8".parse().unwrap()]);
        assert_eq!(guard.look_up("127.0.0.1", 80).await.unwrap(), ["127.0.0.1:80".parse().unwrap()]);
    }
}
