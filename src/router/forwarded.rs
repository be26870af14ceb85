//! What an app is told about its client, in headers that only we may set.

use crate::router::host;
use hyper::HeaderMap;
use hyper::header::{HeaderName, HeaderValue};
use std::net::IpAddr;

const FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const PORT: HeaderName = HeaderName::from_static("x-forwarded-port");
const PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const REAL_IP: HeaderName = HeaderName::from_static("x-real-ip");

/// Every header that starts like this says something about the client.
const PREFIX: &str = "x-forwarded-";

/// One client's connection.
#[derive(Debug)]
pub(super) struct Client {
    address: HeaderValue,
    secure: bool,
}

impl Client {
    /// The client at `address`; `secure` when it speaks TLS with us.
    pub(super) fn new(address: IpAddr, secure: bool) -> Self {
        let shown = address.to_canonical().to_string();
        let address = HeaderValue::from_str(&shown).unwrap_or_else(|_| HeaderValue::from_static("unknown"));
        Self { address, secure }
    }

    /// Whether it speaks TLS with us.
    pub(super) const fn is_secure(&self) -> bool {
        self.secure
    }

    /// Replaces whatever the client claims about itself by what we know. `authority` is the host it asked for.
    pub(super) fn describe(&self, headers: &mut HeaderMap, authority: &HeaderValue) {
        drop_claims(headers);
        headers.insert(FOR, self.address.clone());
        headers.insert(REAL_IP, self.address.clone());
        headers.insert(PROTO, HeaderValue::from_static(if self.secure { "https" } else { "http" }));
        let port = match host::port_of(authority.as_bytes()) {
            Some(port) => HeaderValue::from(port),
            None => HeaderValue::from_static(if self.secure { "443" } else { "80" }),
        };
        headers.insert(PORT, port);
        headers.insert(HOST, authority.clone());
    }
}

/// Removes `Forwarded`, `X-Forwarded-*` and `X-Real-IP`: we are the edge, so nobody before us is to be trusted.
fn drop_claims(headers: &mut HeaderMap) {
    let claims: Vec<HeaderName> = headers.keys().filter(|name| is_claim(name.as_str())).cloned().collect();
    for name in claims {
        headers.remove(name);
    }
}

/// CGI, WSGI and Rack give `x_real_ip` and `x-real-ip` to the app under the same name, so both count.
fn is_claim(name: &str) -> bool {
    let same = |known: &str, given: &str| {
        known.len() == given.len()
            && known
                .bytes()
                .zip(given.bytes())
                .all(|(known, given)| known == given || (known == b'-' && given == b'_'))
    };
    same("forwarded", name)
        || same("x-real-ip", name)
        || name.get(..PREFIX.len()).is_some_and(|start| same(PREFIX, start))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn claims_of_the_client_do_not_pass() {
        let mut headers = HeaderMap::new();
        for name in [
            "forwarded",
            "x-forwarded-for",
            "x_forwarded_for",
            "x-forwarded_proto",
            "x-forwarded-prefix",
            "x-real-ip",
            "x_real_ip",
        ] {
            headers.append(HeaderName::from_static(name), HeaderValue::from_static("6.6.6.6"));
        }
        headers.insert("x-forward", HeaderValue::from_static("stays"));
        let client = Client::new("::ffff:192.0.2.7".parse().unwrap(), false);
        client.describe(&mut headers, &HeaderValue::from_static("shop.example.com:8080"));
        let mut lines: Vec<_> =
            headers.iter().map(|(name, value)| format!("{name}: {}", value.to_str().unwrap())).collect();
        lines.sort();
        assert_eq!(
            lines,
            [
                "x-forward: stays",
                "x-forwarded-for: 192.0.2.7",
                "x-forwarded-host: shop.example.com:8080",
                "x-forwarded-port: 8080",
                "x-forwarded-proto: http",
                "x-real-ip: 192.0.2.7",
            ]
        );
    }

    #[test]
    fn the_port_follows_the_scheme_when_none_is_named() {
        for (secure, port) in [(true, "443"), (false, "80")] {
            let mut headers = HeaderMap::new();
            let client = Client::new("192.0.2.7".parse().unwrap(), secure);
            client.describe(&mut headers, &HeaderValue::from_static("shop"));
            assert_eq!(headers.get(PORT).unwrap(), port);
        }
    }
}
