//! Which hosts the server talks to when somebody names one: those of the internet, and no others.
//!
//! A project's member can name a repository, an image, a log drain or a webhook anywhere, and the server is inside of a network that they are not
//! in. So a name is looked up here, every address that it has is checked, and what connects to a repository, a drain or a webhook is
//! told the address: whoever answers for the name cannot give another one a moment later. So is what pushes an image. The name
//! of a registry that is pulled from is judged once, and the engine, which pulls, looks it up again, as it does for every
//! `FROM` of a Dockerfile.

mod addresses;
mod clients;
mod guard;
mod http;
mod neighbours;

pub use clients::Clients;
pub use guard::{Guard, Unreachable};
pub use http::{client, failure, wait};

use crate::model::repository_url::Scheme;
use std::net::IpAddr;

/// What the operator lets projects reach.
#[derive(Debug, Clone, Default)]
pub struct Outbound {
    /// How repositories may be reached.
    pub schemes: Vec<Scheme>,
    /// Which addresses.
    pub guard: Guard,
}

/// A host is not talked to: a whole sentence with the way out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OutboundError {
    #[error(
        "Repositories are not fetched over {} here. Use https or ssh, or ask the operator of this server (GILGAL_FETCH_SCHEMES).",
        .0.as_str()
    )]
    Scheme(Scheme),
    #[error("There is no host {host}: {reason}. Check its name.")]
    NoSuchHost { host: String, reason: String },
    #[error(
        "{host} is {address}, which is no address of the internet, or one of this server or of its own network, and is not connected to. If it is to be reached, ask the \
         operator of this server (GILGAL_FETCH_ALLOW_NETWORKS)."
    )]
    NotAllowed { host: String, address: IpAddr },
}

impl Outbound {
    /// Whether repositories may be reached so.
    ///
    /// # Errors
    /// [`OutboundError::Scheme`] when not.
    pub fn check_scheme(&self, scheme: Scheme) -> Result<(), OutboundError> {
        if self.schemes.contains(&scheme) { Ok(()) } else { Err(OutboundError::Scheme(scheme)) }
    }

    /// Refuses a host that is written as an address which may not be reached. What a name leads to is not looked up.
    ///
    /// # Errors
    /// [`OutboundError::NotAllowed`]
    pub fn check_literal(&self, host: &str) -> Result<(), OutboundError> {
        host.parse().map_or(Ok(()), |address| self.check(host, address))
    }

    /// The addresses of a host, every one of which may be reached.
    ///
    /// # Errors
    /// When there is no such host, or one of its addresses may not be reached.
    pub async fn resolve(&self, host: &str, port: u16) -> Result<Vec<IpAddr>, OutboundError> {
        let missing = |reason: String| OutboundError::NoSuchHost { host: host.to_owned(), reason };
        let found = guard::addresses_of(host, port).await.map_err(|error| missing(error.to_string()))?;
        let mut addresses: Vec<IpAddr> = Vec::new();
        for address in found.into_iter().map(|address| address.ip().to_canonical()) {
            self.check(host, address)?;
            if !addresses.contains(&address) {
                addresses.push(address);
            }
        }
        if addresses.is_empty() { Err(missing("its name has no address".to_owned())) } else { Ok(addresses) }
    }

    fn check(&self, host: &str, address: IpAddr) -> Result<(), OutboundError> {
        let address = address.to_canonical();
        if self.guard.admits(address) {
            return Ok(());
        }
        Err(OutboundError::NotAllowed { host: host.to_owned(), address })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_name_is_as_good_as_its_addresses() {
        let closed = Outbound::default();
        for host in ["localhost", "127.0.0.1", "127.1", "0x7f000001", "2130706433", "::1", "169.254.169.254"]
        {
            let refused = closed.resolve(host, 80).await;
            assert!(matches!(refused, Err(OutboundError::NotAllowed { .. })), "{host}: {refused:?}");
        }
        let refused = closed.resolve("no-such-host.invalid", 443).await;
        assert!(matches!(refused, Err(OutboundError::NoSuchHost { .. })), "{refused:?}");
        let loopback = Guard::new(vec!["127.0.0.0/8".parse().unwrap()]);
        let loopback = Outbound { guard: loopback, ..closed };
        assert_eq!(loopback.resolve("127.0.0.1", 80).await, Ok(vec![IpAddr::from([127, 0, 0, 1])]));
        // The same address in the clothes of IPv6.
        assert_eq!(loopback.check("x", "::ffff:127.0.0.1".parse().unwrap()), Ok(()));
        assert!(loopback.check("x", "::1".parse().unwrap()).is_err());
    }

    #[test]
    fn schemes_and_addresses_are_refused_with_the_setting_that_allows_them() {
        let outbound = Outbound { schemes: vec![Scheme::Https], ..Outbound::default() };
        assert_eq!(outbound.check_scheme(Scheme::Https), Ok(()));
        let said = outbound.check_scheme(Scheme::Http).unwrap_err().to_string();
        assert!(said.contains("GILGAL_FETCH_SCHEMES"), "{said}");
        let said = outbound.check_literal("10.0.0.1").unwrap_err().to_string();
        assert!(said.contains("GILGAL_FETCH_ALLOW_NETWORKS"), "{said}");
        assert_eq!(outbound.check_literal("localhost"), Ok(()));
    }
}
