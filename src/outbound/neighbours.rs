//! The networks of IPv6 that this machine is in: what is there has an address of the internet too, and is reached without the
//! router that would keep strangers out.

use std::fs;
use std::net::Ipv6Addr;

/// The routes of this machine, as the kernel shows them.
const ROUTES: &str = "/proc/net/ipv6_route";
/// The shortest prefix of a network of neighbours (RFC 7421): a shorter one is a way out, of a line that has two ends.
const SHORTEST: u32 = 64;
/// Flags of a route that leads to a router, and of one that leads nowhere (`linux/route.h`, `linux/ipv6_route.h`).
const GATEWAY: u32 = 0x0002;
const REJECT: u32 = 0x0200;

/// Whether an address is in a network that this machine is in.
pub(super) fn is_neighbour(address: Ipv6Addr) -> bool {
    // A machine without IPv6 has no such file.
    fs::read_to_string(ROUTES).is_ok_and(|routes| is_on_link(&routes, address))
}

fn is_on_link(routes: &str, address: Ipv6Addr) -> bool {
    routes.lines().filter_map(on_link).any(|(network, bits)| {
        let mask = u128::MAX << (128 - bits);
        network & mask == address.to_bits() & mask
    })
}

/// The network that a route reaches by itself, with the number of bits that are its own.
fn on_link(route: &str) -> Option<(u128, u32)> {
    let mut fields = route.split_ascii_whitespace();
    let network = u128::from_str_radix(fields.next()?, 16).ok()?;
    let bits = u32::from_str_radix(fields.next()?, 16).ok()?;
    // Behind the source with its length, the gateway, the metric and two counts.
    let flags = u32::from_str_radix(fields.nth(6)?, 16).ok()?;
    ((SHORTEST..=128).contains(&bits) && flags & (GATEWAY | REJECT) == 0).then_some((network, bits))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A network with its neighbours, a line to a provider, a router, what is refused, and an address of the machine.
    const SHOWN: &str = "\
2a010db8000100020000000000000000 40 00000000000000000000000000000000 00 00000000000000000000000000000000 00000100 00000001 00000000 00000001     eth0
20000000000000000000000000000000 03 00000000000000000000000000000000 00 00000000000000000000000000000000 00000400 00000001 00000000 00000001     ppp0
2a010db8000200000000000000000000 40 00000000000000000000000000000000 00 fe800000000000000000000000000001 00000400 00000001 00000000 00000003     eth0
2a010db8000300000000000000000000 40 00000000000000000000000000000000 00 00000000000000000000000000000000 ffffffff 00000001 00000000 00200200       lo
2a010db8000400000000000000000007 80 00000000000000000000000000000000 00 00000000000000000000000000000000 00000000 00000004 00000000 80200001     eth0
";

    #[test]
    fn neighbours_are_told_from_those_behind_a_router() {
        for (address, expected) in [
            ("2a01:db8:1:2::99", true),
            ("2a01:db8:1:3::99", false),
            ("2a01:db8:2::99", false),
            ("2a01:db8:3::99", false),
            ("2a01:db8:4::7", true),
            ("2a01:db8:4::8", false),
        ] {
            assert_eq!(is_on_link(SHOWN, address.parse().unwrap()), expected, "{address}");
        }
    }

    #[test]
    fn the_routes_of_this_machine_are_read() {
        let Ok(addresses) = fs::read_to_string("/proc/net/if_inet6") else { return };
        for line in addresses.lines() {
            let address = u128::from_str_radix(line.split_ascii_whitespace().next().unwrap(), 16).unwrap();
            let address = Ipv6Addr::from_bits(address);
            assert!(is_neighbour(address), "{address}");
        }
        assert!(!is_neighbour("2606:50c0:8000::153".parse().unwrap()));
    }
}
