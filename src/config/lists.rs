//! Settings that are lists, separated by commas.

use crate::model::repository_url::Scheme;
use ipnet::IpNet;
use std::net::IpAddr;
use std::str::FromStr;

/// Networks; an address alone is one of its own.
#[derive(Debug)]
pub(super) struct Networks(pub(super) Vec<IpNet>);

impl FromStr for Networks {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let network = |text: &str| match text.parse() {
            Ok(network) => Ok(network),
            Err(_) => text.parse::<IpAddr>().map(IpNet::from).map_err(drop),
        };
        parts(text).map(network).collect::<Result<_, _>>().map(Self)
    }
}

/// Ways to reach a repository.
#[derive(Debug)]
pub(super) struct Schemes(pub(super) Vec<Scheme>);

impl FromStr for Schemes {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        parts(text).map(str::parse).collect::<Result<_, _>>().map(Self)
    }
}

/// Origins as browsers send them (RFC 6454 §6.2): scheme, host and port, without a path.
#[derive(Debug)]
pub(super) struct Origins(pub(super) Vec<String>);

impl FromStr for Origins {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let origin = |text: &str| {
            let host =
                text.strip_prefix("https://").or_else(|| text.strip_prefix("http://")).unwrap_or_default();
            let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-.:[]".contains(c);
            if host.is_empty() || !host.chars().all(plain) { Err(()) } else { Ok(text.to_owned()) }
        };
        parts(text).map(origin).collect::<Result<_, _>>().map(Self)
    }
}

fn parts(text: &str) -> impl Iterator<Item = &str> {
    text.split(',').map(str::trim).filter(|part| !part.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_and_origins_are_lists() {
        let networks = "10.0.0.0/8, ::1,192.0.2.7".parse::<Networks>().unwrap().0;
        assert_eq!(networks.len(), 3);
        assert!(networks[1].contains(&IpAddr::from([0, 0, 0, 0, 0, 0, 0, 1])));
        for bad in ["10.0.0.0/33", "proxy", "10.0.0.0/8;::1"] {
            assert!(bad.parse::<Networks>().is_err(), "{bad}");
        }
        assert_eq!("https, ssh".parse::<Schemes>().unwrap().0, [Scheme::Https, Scheme::Ssh]);
        assert!("https,git".parse::<Schemes>().is_err());
        let origins = "https://a.example.com, http://localhost:5173".parse::<Origins>().unwrap().0;
        assert_eq!(origins, ["https://a.example.com", "http://localhost:5173"]);
        for bad in
            ["*", "null", "https://a.example.com/", "a.example.com", "https://", "https://A.example.com"]
        {
            assert!(bad.parse::<Origins>().is_err(), "{bad}");
        }
    }
}
