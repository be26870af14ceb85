//! Addresses that anybody on the internet could reach, and those that only this machine and its neighbours can.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Networks of IPv4 that are no part of the internet, with the number of bits that are theirs (the IANA IPv4
/// Special-Purpose Address Registry, and RFC 5771 §3 for multicast).
const SPECIAL_V4: [([u8; 4], u32); 15] = [
    ([0, 0, 0, 0], 8),
    ([10, 0, 0, 0], 8),
    // Of a provider, behind its own NAT.
    ([100, 64, 0, 0], 10),
    ([127, 0, 0, 0], 8),
    // Link-local: where clouds serve the credentials of a machine.
    ([169, 254, 0, 0], 16),
    ([172, 16, 0, 0], 12),
    ([192, 0, 0, 0], 24),
    ([192, 0, 2, 0], 24),
    ([192, 88, 99, 0], 24),
    ([192, 168, 0, 0], 16),
    ([198, 18, 0, 0], 15),
    ([198, 51, 100, 0], 24),
    ([203, 0, 113, 0], 24),
    ([224, 0, 0, 0], 4),
    ([240, 0, 0, 0], 4),
];

/// The same of IPv6, within the one eighth of it that is given out (RFC 4291 §2.4): everything else is no part of the
/// internet.
const SPECIAL_V6: [([u16; 2], u32); 4] = [
    // Of protocols: Teredo, benchmarks, ORCHID.
    ([0x2001, 0x0000], 23),
    ([0x2001, 0x0db8], 32),
    // 6to4: what it leads to is an address of IPv4.
    ([0x2002, 0x0000], 16),
    ([0x3fff, 0x0000], 20),
];

/// Where a packet to an address ends up: `64:ff9b::/96` is where a translator makes an address of IPv4 of the last 32 bits (RFC
/// 6052 §2.1).
pub(super) fn led_to(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(translated) => match translated.segments() {
            [0x64, 0xff9b, 0, 0, 0, 0, high, low] => {
                Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low)).into()
            }
            _ => translated.into(),
        },
        address @ IpAddr::V4(_) => address,
    }
}

/// Whether an address is one of the internet.
pub(super) fn is_of_the_internet(address: IpAddr) -> bool {
    match led_to(address) {
        IpAddr::V4(address) => is_v4(address),
        IpAddr::V6(address) => is_v6(address),
    }
}

fn is_v4(address: Ipv4Addr) -> bool {
    let in_network = |(network, bits): &([u8; 4], u32)| {
        let mask = u32::MAX << (32 - bits);
        address.to_bits() & mask == u32::from_be_bytes(*network)
    };
    !SPECIAL_V4.iter().any(in_network)
}

fn is_v6(address: Ipv6Addr) -> bool {
    let begins_with = |(network, bits): &([u16; 2], u32)| {
        let [first, second, ..] = address.segments();
        let mask = u32::MAX << (32 - bits);
        let network = u32::from(network[0]) << 16 | u32::from(network[1]);
        (u32::from(first) << 16 | u32::from(second)) & mask == network
    };
    begins_with(&([0x2000, 0], 3)) && !SPECIAL_V6.iter().any(begins_with)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_of_the_internet_is_not_reached() {
        for inside in [
            "0.0.0.0",
            "0.1.2.3",
            "10.0.0.1",
            "10.255.255.255",
            "100.64.0.1",
            "100.127.255.254",
            "127.0.0.1",
            "127.255.0.1",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.8",
            "192.0.2.1",
            "192.168.1.1",
            "198.18.0.1",
            "198.19.255.255",
            "203.0.113.7",
            "224.0.0.1",
            "239.255.255.255",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::7f00:1",
            "::ffff:10.0.0.1",
            "::ffff:169.254.169.254",
            "64:ff9b::a00:1",
            "64:ff9b::a9fe:a9fe",
            "64:ff9b:1::1",
            "100::1",
            "2001::1",
            "2001:db8::1",
            "2002:a00:1::1",
            "3fff::1",
            "fc00::1",
            "fd12:3456::1",
            "fe80::1",
            "fec0::1",
            "ff02::1",
            "4000::1",
        ] {
            assert!(!is_of_the_internet(inside.parse().unwrap()), "{inside}");
        }
    }

    #[test]
    fn what_is_translated_is_judged_by_where_it_ends_up() {
        for (address, end) in [
            ("64:ff9b::7f00:1", "127.0.0.1"),
            ("64:ff9b::8c52:7904", "140.82.121.4"),
            ("::ffff:10.0.0.1", "10.0.0.1"),
            ("64:ff9b:1::1", "64:ff9b:1::1"),
            ("2606:50c0:8000::153", "2606:50c0:8000::153"),
        ] {
            assert_eq!(led_to(address.parse().unwrap()), end.parse::<IpAddr>().unwrap(), "{address}");
        }
    }

    #[test]
    fn what_is_of_the_internet_is_reached() {
        for outside in [
            "1.1.1.1",
            "9.255.255.255",
            "11.0.0.1",
            "100.63.255.255",
            "100.128.0.1",
            "140.82.121.4",
            "172.15.255.255",
            "172.32.0.1",
            "192.0.1.1",
            "198.17.255.255",
            "198.20.0.1",
            "223.255.255.255",
            "::ffff:140.82.121.4",
            "64:ff9b::8c52:7904",
            "2606:50c0:8000::153",
            "2a00:1450:4001::1",
            "2001:4860:4860::8888",
        ] {
            assert!(is_of_the_internet(outside.parse().unwrap()), "{outside}");
        }
    }
}
