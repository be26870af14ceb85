//! Whether a request was sent on this machine.

use crate::auth::origin::Origin;
use ipnet::IpNet;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use warp::http::HeaderMap;
use warp::http::header::{FORWARDED, HOST, HeaderName, VIA};

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The two ends of a connection.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ends {
    pub(super) peer: SocketAddr,
    /// Our end; `None` when the system does not say.
    pub(super) own: Option<SocketAddr>,
}

/// Where a request comes from. A proxy on this machine connects from it too, so that a request counts as sent here only
/// when nothing in it speaks of a proxy, and when it is addressed to this machine and not to a name that others know:
/// proxies pass on one of the two.
///
/// Behind a trusted proxy the peer is the last address of `X-Forwarded-For` that is not one of a trusted proxy: those
/// before it were written by whoever sent the request.
pub(super) fn of(ends: Option<Ends>, headers: &HeaderMap, trusted: &[IpNet]) -> Origin {
    let Some(Ends { peer, own }) = ends else {
        return Origin { peer: Ipv4Addr::UNSPECIFIED.into(), local: false };
    };
    let peer = peer.ip().to_canonical();
    let here = peer.is_loopback() || own.is_some_and(|own| own.ip().to_canonical() == peer);
    let proxied = headers.keys().any(|name| tells_of_a_proxy(name.as_str()));
    let local = here && !proxied && is_addressed_to(peer, headers);
    Origin { peer: client(peer, headers, trusted), local }
}

/// The client in front of any number of trusted proxies.
fn client(peer: IpAddr, headers: &HeaderMap, trusted: &[IpNet]) -> IpAddr {
    let is_trusted = |address: IpAddr| trusted.iter().any(|network| network.contains(&address));
    let lines = headers.get_all(X_FORWARDED_FOR).iter().filter_map(|line| line.to_str().ok());
    let hops: Vec<&str> = lines.flat_map(|line| line.split(',')).collect();
    let mut client = peer;
    for hop in hops.into_iter().rev() {
        if !is_trusted(client) {
            break;
        }
        match address_of(hop.trim()) {
            Some(address) => client = address,
            // A trusted proxy writes addresses: what is none was sent by somebody before it.
            None => break,
        }
    }
    client
}

/// An address with or without a port.
fn address_of(text: &str) -> Option<IpAddr> {
    let with_port = || text.parse::<SocketAddr>().ok().map(|address| address.ip());
    text.parse().ok().or_else(with_port).map(|address: IpAddr| address.to_canonical())
}

/// `Forwarded` (RFC 7239), `Via` (RFC 9110 §7.6.3) and what was there before them.
fn tells_of_a_proxy(name: &str) -> bool {
    name == FORWARDED || name == VIA || name == "x-real-ip" || name.starts_with("x-forwarded-")
}

fn is_addressed_to(machine: IpAddr, headers: &HeaderMap) -> bool {
    let Some(host) = headers.get(HOST).and_then(|host| host.to_str().ok()) else { return false };
    let without_port = host.rsplit_once(':').map_or(host, |(name, _)| name);
    let is_here = |address: IpAddr| address.is_loopback() || address == machine;
    let name = without_port.trim_start_matches('[').trim_end_matches(']');
    without_port.eq_ignore_ascii_case("localhost") || name.parse().is_ok_and(is_here)
}

#[cfg(test)]
mod tests {
    use super::*;
    use warp::http::header::{HeaderName, HeaderValue};

    fn is_local(peer: &str, headers: &[(&'static str, &'static str)]) -> bool {
        let headers = headers
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)));
        let own = Some("192.0.2.1:3000".parse().unwrap());
        of(Some(Ends { peer: peer.parse().unwrap(), own }), &headers.collect(), &[]).local
    }

    #[test]
    fn what_is_sent_on_this_machine_is_local() {
        for host in ["127.0.0.1:3000", "localhost:3000", "[::1]:3000", "localhost"] {
            assert!(is_local("127.0.0.1:5000", &[("host", host)]), "{host}");
            assert!(is_local("[::ffff:127.0.0.1]:5000", &[("host", host)]), "{host}");
        }
        assert!(is_local("[::1]:5000", &[("host", "[::1]:3000")]));
        assert!(is_local("192.0.2.1:5000", &[("host", "192.0.2.1:3000")]));
    }

    #[test]
    fn what_comes_from_elsewhere_or_through_a_proxy_is_not() {
        assert!(!is_local("192.0.2.2:5000", &[("host", "127.0.0.1:3000")]));
        assert!(!is_local("172.17.0.2:5000", &[("host", "localhost")]));
        for header in
            ["forwarded", "via", "x-real-ip", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto"]
        {
            assert!(!is_local("127.0.0.1:5000", &[("host", "127.0.0.1:3000"), (header, "x")]), "{header}");
        }
        // A proxy that says nothing of itself, and a page whose name was made to lead here.
        for host in
            ["gilgal.example.com", "gilgal.example.com:3000", "203.0.113.5", "localhost.example.com", ""]
        {
            assert!(!is_local("127.0.0.1:5000", &[("host", host)]), "{host}");
        }
        assert!(!is_local("127.0.0.1:5000", &[]));
        assert!(!of(None, &HeaderMap::new(), &[]).local);
    }

    #[test]
    fn a_forwarded_address_is_believed_from_trusted_proxies_only() {
        let trusted = ["10.0.0.0/8".parse().unwrap(), "::1/128".parse().unwrap()];
        let client = |peer: &str, lines: &[&'static str]| {
            let mut headers = HeaderMap::new();
            for line in lines {
                headers.append(X_FORWARDED_FOR, HeaderValue::from_static(line));
            }
            let ends = Ends { peer: peer.parse().unwrap(), own: None };
            of(Some(ends), &headers, &trusted).peer.to_string()
        };
        assert_eq!(client("192.0.2.1:1", &["203.0.113.9"]), "192.0.2.1", "of nobody's that is trusted");
        assert_eq!(client("10.0.0.1:1", &["203.0.113.9"]), "203.0.113.9");
        assert_eq!(client("[::1]:1", &["203.0.113.9:4711"]), "203.0.113.9");
        assert_eq!(client("[::ffff:10.0.0.1]:1", &["[2001:db8::1]:80"]), "2001:db8::1");
        // What the client itself has written comes first, and is not believed.
        assert_eq!(client("10.0.0.1:1", &["127.0.0.1, 203.0.113.9"]), "203.0.113.9");
        assert_eq!(client("10.0.0.1:1", &["127.0.0.1", "203.0.113.9, 10.9.9.9"]), "203.0.113.9");
        assert_eq!(client("10.0.0.1:1", &["10.0.0.2, 10.0.0.3"]), "10.0.0.2");
        for nothing in ["", "unknown", "_hidden", "203.0.113.9, x"] {
            assert_eq!(client("10.0.0.1:1", &[nothing]), "10.0.0.1", "{nothing}");
        }
        assert_eq!(client("10.0.0.1:1", &[]), "10.0.0.1");
    }
}
