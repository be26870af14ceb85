//! Where a request comes from.

use std::net::IpAddr;

/// Where a request comes from, as the front door saw it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Origin {
    /// The other end of the connection: a proxy, where one is in between.
    pub peer: IpAddr,
    /// Whether it was sent on the machine of the server, with no proxy in between that shows.
    pub local: bool,
}
