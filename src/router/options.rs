//! What a router is started with.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

/// Settings of a router. [`RouterOptions::new`] gives values fit for strangers on the internet.
#[derive(Debug, Clone)]
pub struct RouterOptions {
    /// Where to listen; port 0 takes a free one.
    pub address: SocketAddr,
    /// Where the table is kept between two runs. `None`: nowhere.
    pub snapshot_path: Option<PathBuf>,
    /// Largest request body. `None`: as large as the app allows.
    pub max_body_bytes: Option<u64>,
    /// Largest head of a request, in bytes, give or take what one read brings; a larger one gets 431.
    pub max_header_bytes: usize,
    /// Connections of clients at the same time; more wait in the kernel's queue.
    pub max_connections: usize,
    /// Connections that one of those clients may have; more are turned away.
    pub max_connections_per_peer: usize,
    /// How long a connection to an instance may take to open.
    pub connect_timeout: Duration,
    /// How long an app may be silent, from the last byte of the request's body to the head of its answer.
    pub response_timeout: Duration,
    /// How long a client may take to send the head of a request, from its first byte to its last.
    pub header_timeout: Duration,
    /// How long a client's connection may be idle between two requests.
    pub keep_alive_timeout: Duration,
    /// Requests of one environment that may wait while its instances are replaced, and how long each may.
    pub max_held: usize,
    pub hold_limit: Duration,
    /// How long requests and websockets may go on after the router was told to stop.
    pub drain_deadline: Duration,
    /// How long a connection without a request is kept then: its client may be about to send one.
    pub idle_grace: Duration,
}

impl RouterOptions {
    /// The defaults, listening on `address`, without a snapshot.
    #[must_use]
    pub fn new(address: SocketAddr) -> Self {
        Self {
            address,
            snapshot_path: None,
            max_body_bytes: None,
            max_header_bytes: 64 * 1024,
            max_connections: 16_384,
            max_connections_per_peer: 4096,
            connect_timeout: Duration::from_secs(2),
            response_timeout: Duration::from_mins(1),
            header_timeout: Duration::from_secs(10),
            // As nginx: longer than the 60 s for which load balancers in front of a server keep connections.
            keep_alive_timeout: Duration::from_secs(75),
            max_held: 256,
            hold_limit: Duration::from_secs(30),
            drain_deadline: Duration::from_secs(25),
            idle_grace: Duration::from_secs(2),
        }
    }
}
