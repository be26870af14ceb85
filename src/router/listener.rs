//! Taking connections of clients, and letting go of them.

use crate::model::admission::{Admission, Place};
use crate::router::handle::{Phase, RouterHandle, Shared};
use crate::router::options::RouterOptions;
use crate::router::{client_connection, snapshot};
use futures_util::FutureExt;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;

/// Starts routers.
#[derive(Debug)]
pub struct Router;

/// The router could not start.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    #[error("cannot listen on {address} for the apps: another program already does")]
    AddressInUse { address: SocketAddr },
    #[error("cannot listen on {address} for the apps: ports below 1024 need root or CAP_NET_BIND_SERVICE")]
    NotAllowed { address: SocketAddr },
    #[error("cannot listen on {address} for the apps: this machine does not have the address")]
    NoSuchAddress { address: SocketAddr },
    #[error("cannot listen on {address} for the apps")]
    Other { address: SocketAddr, source: io::Error },
}

impl Router {
    /// Takes the address and loads the last table from disk. Connections wait in the kernel until
    /// [`Bound::serve`]; a snapshot that cannot be read is reported in the log and never in the way.
    pub async fn bind(options: RouterOptions) -> Result<Bound, BindError> {
        let address = options.address;
        let listener = TcpListener::bind(address).await.map_err(|source| match source.kind() {
            io::ErrorKind::AddrInUse => BindError::AddressInUse { address },
            io::ErrorKind::PermissionDenied => BindError::NotAllowed { address },
            io::ErrorKind::AddrNotAvailable => BindError::NoSuchAddress { address },
            _ => BindError::Other { address, source },
        })?;
        let local = listener.local_addr().map_err(|source| BindError::Other { address, source })?;
        let shared = Arc::new(Shared::new(options));
        snapshot::restore(&shared).await;
        let changes = shared.changed.subscribe();
        Ok(Bound { listener, address: local, shared, changes })
    }
}

/// A router that has its address and its table, and does not serve yet.
#[derive(Debug)]
pub struct Bound {
    listener: TcpListener,
    address: SocketAddr,
    shared: Arc<Shared>,
    /// Changes since the table was loaded.
    changes: watch::Receiver<()>,
}

/// How a router ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stopped {
    /// Connections of clients with a request that had not ended at the deadline.
    pub cut: usize,
}

impl Bound {
    /// Where it listens, with the port that was free if port 0 was asked for.
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// The way to change what it serves.
    pub fn handle(&self) -> RouterHandle {
        RouterHandle(Arc::clone(&self.shared))
    }

    /// Serves until `shutdown` is ready. Then it takes no more connections, lets requests end until
    /// [`RouterOptions::drain_deadline`], and closes websockets last: they would keep a restart waiting for ever.
    pub async fn serve(self, shutdown: impl Future<Output = ()>) -> Stopped {
        let Self { listener, shared, changes, .. } = self;
        let serving = async {
            let connections = accept_until(&listener, &shared, pin!(shutdown)).await;
            drop(listener);
            let stopped = drain(&shared, connections).await;
            shared.phase.send_replace(Phase::Stopped);
            stopped
        };
        let (stopped, ()) = tokio::join!(serving, snapshot::keep_written(&shared, changes));
        stopped
    }
}

/// Takes connections until `shutdown`, and then what is left in the kernel's queue: those clients were promised an
/// answer.
async fn accept_until(
    listener: &TcpListener,
    shared: &Arc<Shared>,
    mut shutdown: Pin<&mut impl Future<Output = ()>>,
) -> JoinSet<()> {
    let places = Arc::new(Semaphore::new(shared.options.max_connections));
    let admission =
        Admission::shares_of(shared.options.max_connections, shared.options.max_connections_per_peer);
    let mut connections = JoinSet::new();
    let mut every_second = tokio::time::interval(Duration::from_secs(1));
    let mut pause = Pause::default();
    loop {
        let accepted = tokio::select! {
            accepted = accept(listener, &places, &admission) => accepted,
            () = &mut shutdown => break,
            Some(_) = connections.join_next() => continue,
            _ = every_second.tick() => {
                shared.table.load().targets().for_each(|target| target.pool().sweep());
                continue;
            }
        };
        match accepted {
            Ok(accepted) => {
                pause = Pause::default();
                connections.spawn(accepted.serve(Arc::clone(shared)));
            }
            Err(error) => pause.after(&error).await,
        }
    }
    while let Some(Ok(accepted)) = accept(listener, &places, &admission).now_or_never() {
        connections.spawn(accepted.serve(Arc::clone(shared)));
    }
    connections
}

/// Lets the connections end, and cuts those that have not at the deadline.
async fn drain(shared: &Shared, mut connections: JoinSet<()>) -> Stopped {
    shared.phase.send_replace(Phase::Draining);
    let all = async { while connections.join_next().await.is_some() {} };
    if tokio::time::timeout(shared.options.drain_deadline, all).await.is_ok() {
        return Stopped { cut: 0 };
    }
    let cut = connections.len();
    connections.shutdown().await;
    Stopped { cut }
}

/// What a client is told that has too many connections already.
const TURNED_AWAY: &[u8] = b"HTTP/1.1 429 Too Many Requests\r\nConnection: close\r\nRetry-After: 5\r\n\
    Content-Type: text/plain\r\nContent-Length: 72\r\n\r\n\
    Your address has too many connections open here. Close some, and retry.\n";

/// A connection and its places: among [`RouterOptions::max_connections`], and among those of its peer.
struct Accepted {
    stream: TcpStream,
    peer: SocketAddr,
    places: (OwnedSemaphorePermit, Place),
}

impl Accepted {
    async fn serve(self, shared: Arc<Shared>) {
        client_connection::serve(self.stream, self.peer, shared).await;
        drop(self.places);
    }
}

/// The next connection of a peer that has not too many.
async fn accept(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
    admission: &Admission,
) -> io::Result<Accepted> {
    let place = Arc::clone(places).acquire_owned().await.map_err(io::Error::other)?;
    loop {
        let (stream, peer) = listener.accept().await?;
        match admission.admit(peer.ip()) {
            Ok(share) => return Ok(Accepted { stream, peer, places: (place, share) }),
            Err(reason) => {
                tracing::debug!(%peer, ?reason, "a client was turned away");
                // As far as it goes: a new connection has room for so much.
                drop(stream.into_std().and_then(|mut stream| stream.write(TURNED_AWAY)));
            }
        }
    }
}

/// How long to let go of accepting: without file descriptors it fails again at once, and would take a whole core.
#[derive(Debug, Default)]
struct Pause(Duration);

impl Pause {
    async fn after(&mut self, error: &io::Error) {
        use io::ErrorKind::{ConnectionAborted, ConnectionReset, Interrupted};
        if matches!(error.kind(), ConnectionAborted | ConnectionReset | Interrupted) {
            return;
        }
        self.0 = (self.0 * 2).clamp(Duration::from_millis(50), Duration::from_secs(1));
        tracing::warn!(%error, pause = ?self.0, "the router cannot take connections");
        tokio::time::sleep(self.0).await;
    }
}
