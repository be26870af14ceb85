//! Where the server may connect to when somebody who uses it says where: not to the machines around it.
//!
//! A name is looked up here and its addresses are judged before one of them is connected to, each time anew: a name that
//! pointed outside when it was written down may point inside later.

use ipnet::IpNet;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

/// How long a name may take to be looked up.
const LOOK_UP: Duration = Duration::from_secs(10);

/// Networks that are not public, or nobody's (IANA's registries of special-purpose addresses, RFC 6890).
const SPECIAL_V4: [(Ipv4Addr, u8); 15] = [
    (Ipv4Addr::UNSPECIFIED, 8),
    (Ipv4Addr::new(10, 0, 0, 0), 8),
    (Ipv4Addr::new(100, 64, 0, 0), 10),
    (Ipv4Addr::new(127, 0, 0, 0), 8),
    (Ipv4Addr::new(169, 254, 0, 0), 16),
    (Ipv4Addr::new(172, 16, 0, 0), 12),
    (Ipv4Addr::new(192, 0, 0, 0), 24),
    (Ipv4Addr::new(192, 0, 2, 0), 24),
    (Ipv4Addr::new(192, 88, 99, 0), 24),
    (Ipv4Addr::new(192, 168, 0, 0), 16),
    (Ipv4Addr::new(198, 18, 0, 0), 15),
    (Ipv4Addr::new(198, 51, 100, 0), 24),
    (Ipv4Addr::new(203, 0, 113, 0), 24),
    (Ipv4Addr::new(224, 0, 0, 0), 4),
    (Ipv4Addr::new(240, 0, 0, 0), 4),
];

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
    #[error("the host name cannot be looked up")]
    Unknown(#[source] io::Error),
    #[error("the host name could not be looked up in time")]
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
        self.names(address) || is_public(address)
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
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let found = tokio::time::timeout(LOOK_UP, tokio::net::lookup_host((host, port))).await;
        let found = found.map_err(|_elapsed| Unreachable::TimedOut)?.map_err(Unreachable::Unknown)?;
        let admitted: Vec<SocketAddr> = found.filter(|address| self.admits(address.ip())).collect();
        if admitted.is_empty() { Err(Unreachable::NotPublic) } else { Ok(admitted) }
    }
}

/// Whether an address is one that anybody on the Internet may have.
fn is_public(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let bits = address.to_bits();
    !SPECIAL_V4
        .iter()
        .any(|(network, length)| (bits ^ network.to_bits()).leading_zeros() >= u32::from(*length))
}

/// What is not of `2000::/3` is nobody's or not public; of it, what stands for an address of version 4 is judged as that.
fn is_public_v6(address: Ipv6Addr) -> bool {
    let [first, second, third, ..] = address.segments();
    let carried =
        |high: u16, low: u16| is_public_v4(Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low)));
    match (first, second) {
        // NAT64 (RFC 6052).
        (0x64, 0xff9b) => match address.segments() {
            [_, _, 0, 0, 0, 0, high, low] => carried(high, low),
            _ => false,
        },
        // Teredo, benchmarks, ORCHID and other protocols; documentation; the other block of documentation.
        (0x2001, 0x0000..=0x01ff | 0x0db8) | (0x3fff, 0x0000..=0x0fff) => false,
        // 6to4 (RFC 3056).
        (0x2002, high) => carried(high, third),
        (0x2000..=0x3fff, _) => true,
        (_, _) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn public_addresses_are_admitted_and_no_others() {
        let guard = Guard::default();
        for public in [
            "1.1.1.1",
            "172.32.0.1",
            "100.128.0.1",
            "2606:4700::1111",
            "::ffff:8.8.8.8",
            "64:ff9b::808:808",
            "2002:808:808::1",
        ] {
            assert!(guard.admits(public.parse().unwrap()), "{public}");
        }
        for inside in [
            "0.0.0.0",
            "10.1.2.3",
            "100.64.0.1",
            "127.0.0.1",
            "127.255.255.255",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "198.19.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "::7f00:1",
            "fe80::1",
            "fc00::1",
            "fd12::1",
            "ff02::1",
            "64:ff9b::a00:1",
            "64:ff9b:1::808:808",
            "2002:a00:1::1",
            "2002:7f00:1::",
            "2001::1",
            "2001:db8::1",
            "fec0::1",
            "100::1",
            "4000::1",
        ] {
            assert!(!guard.admits(inside.parse().unwrap()), "{inside}");
        }
    }

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
