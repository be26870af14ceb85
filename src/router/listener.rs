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
        Self::on(options, listener).await
    }

    /// The same on a socket that listens already, whatever address the options say. It must not block.
    pub async fn on(options: RouterOptions, listener: TcpListener) -> Result<Bound, BindError> {
        let address = options.address;
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

    /// Serves until `shutdown` is ready. Then it lets requests, downloads and websockets end until
    /// [`RouterOptions::drain_deadline`]. New requests are answered until then, each with the word that its connection
    /// ends: those that come while a long download ends shall not wait for it.
    pub async fn serve(self, shutdown: impl Future<Output = ()>) -> Stopped {
        let Self { listener, shared, changes, .. } = self;
        let serving = async {
            let door = Door::new(listener, &shared);
            let connections = door.accept_until(pin!(shutdown)).await;
            let stopped = door.drain(connections).await;
            shared.phase.send_replace(Phase::Stopped);
            stopped
        };
        let (stopped, ()) = tokio::join!(serving, snapshot::keep_written(&shared, changes));
        stopped
    }
}

/// The listener, and who may come in.
struct Door<'a> {
    listener: TcpListener,
    places: Arc<Semaphore>,
    admission: Admission,
    shared: &'a Arc<Shared>,
}

impl<'a> Door<'a> {
    fn new(listener: TcpListener, shared: &'a Arc<Shared>) -> Self {
        let RouterOptions { max_connections, max_connections_per_peer, .. } = shared.options;
        Self {
            listener,
            places: Arc::new(Semaphore::new(max_connections)),
            admission: Admission::shares_of(max_connections, max_connections_per_peer),
            shared,
        }
    }

    /// Takes connections until `shutdown`.
    async fn accept_until(&self, mut shutdown: Pin<&mut impl Future<Output = ()>>) -> JoinSet<()> {
        let mut connections = JoinSet::new();
        let mut every_second = tokio::time::interval(Duration::from_secs(1));
        let mut pause = Pause::default();
        loop {
            let accepted = tokio::select! {
                accepted = self.accept() => accepted,
                () = &mut shutdown => return connections,
                Some(_) = connections.join_next() => continue,
                _ = every_second.tick() => {
                    self.shared.table.load().targets().for_each(|target| target.pool().sweep());
                    continue;
                }
            };
            self.serve(accepted, &mut connections, &mut pause).await;
        }
    }

    /// Lets the connections and websockets end, taking more meanwhile, and cuts those that have not at the deadline.
    /// What is left in the kernel's queue then is taken too: those clients were promised an answer.
    async fn drain(self, mut connections: JoinSet<()>) -> Stopped {
        self.shared.phase.send_replace(Phase::Draining);
        let deadline = tokio::time::Instant::now() + self.shared.options.drain_deadline;
        let mut late = JoinSet::new();
        self.accept_meanwhile(&mut late, async {
            let all = async {
                while connections.join_next().await.is_some() {}
                self.shared.tunnels.all_closed().await;
            };
            let _ = tokio::time::timeout_at(deadline, all).await;
        })
        .await;
        while let Some(Ok(accepted)) = self.accept().now_or_never() {
            late.spawn(accepted.serve(Arc::clone(self.shared)));
        }
        drop(self.listener);
        let all = async { while late.join_next().await.is_some() {} };
        // What came late has had no time of its own when the deadline was used up by the others.
        let deadline = deadline.max(tokio::time::Instant::now() + LATE_GRACE);
        let _ = tokio::time::timeout_at(deadline, all).await;
        let cut = connections.len() + late.len();
        connections.shutdown().await;
        late.shutdown().await;
        Stopped { cut }
    }

    /// Takes connections for as long as something else lasts.
    async fn accept_meanwhile(&self, connections: &mut JoinSet<()>, something: impl Future<Output = ()>) {
        let mut something = pin!(something);
        let mut pause = Pause::default();
        loop {
            let accepted = tokio::select! {
                accepted = self.accept() => accepted,
                () = &mut something => return,
                Some(_) = connections.join_next() => continue,
            };
            self.serve(accepted, connections, &mut pause).await;
        }
    }

    /// The next connection of a peer that has not too many.
    async fn accept(&self) -> io::Result<Accepted> {
        let place = Arc::clone(&self.places).acquire_owned().await.map_err(io::Error::other)?;
        loop {
            let (stream, peer) = self.listener.accept().await?;
            match self.admission.admit(peer.ip()) {
                Ok(share) => return Ok(Accepted { stream, peer, places: (place, share) }),
                Err(reason) => {
                    tracing::debug!(%peer, ?reason, "a client was turned away");
                    // As far as it goes: a new connection has room for so much.
                    drop(stream.into_std().and_then(|mut stream| stream.write(TURNED_AWAY)));
                }
            }
        }
    }

    async fn serve(&self, accepted: io::Result<Accepted>, connections: &mut JoinSet<()>, pause: &mut Pause) {
        match accepted {
            Ok(accepted) => {
                *pause = Pause::default();
                connections.spawn(accepted.serve(Arc::clone(self.shared)));
            }
            Err(error) => pause.after(&error).await,
        }
    }
}

/// Least time that a request has which came during the drain.
const LATE_GRACE: Duration = Duration::from_secs(1);

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
