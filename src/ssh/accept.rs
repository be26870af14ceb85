//! Binding, accepting, and stopping in order.

use super::connection::Connection;
use super::front::Front;
use super::host_key;
use crate::model::admission::{Admission, Place, TurnedAway};
use russh::server::{Config, run_stream};
use russh::{Disconnect, MethodKind, MethodSet};
use std::future::Future;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;

/// Connections that are served at the same time; more wait in the backlog of the socket.
const MAX_CONNECTIONS: usize = 512;
/// Those of them that may belong to clients who have not proved yet who they are, and of these to one peer. More are
/// closed at once: strangers leave the other places to those who have a key.
const MAX_LOGINS: usize = 128;
const MAX_LOGINS_PER_PEER: usize = 32;
/// What a client is told that is not let in, before the protocol begins (RFC 4253 §4.2).
const TURNED_AWAY: &[u8] = b"Too many SSH connections to this server. Try again in a moment.\r\n";
/// Time a client has to say that it speaks SSH.
const GREETING_TIME: Duration = Duration::from_secs(10);
/// Time a client has from then on to have proved who it is. Somebody may have to touch a key or to type its password.
const LOGIN_TIME: Duration = Duration::from_secs(30);
/// Time a client has to leave by itself after its last command. One that is told to go while the exit code is still on
/// its way takes the command for failed.
const LEAVING_TIME: Duration = Duration::from_secs(1);

/// Why the SSH server cannot start.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    #[error("cannot listen for SSH on {address}: {source}")]
    Listen { address: SocketAddr, source: io::Error },
    #[error("cannot use the host key {}", path.display())]
    HostKey { path: PathBuf, source: io::Error },
}

/// A bound SSH server that does not accept yet.
pub struct Bound {
    listener: TcpListener,
    address: SocketAddr,
    fingerprint: String,
    config: Arc<Config>,
    doors: Doors,
}

/// The limits that a connection passes.
struct Doors {
    /// Of every connection, until its end.
    connections: Admission,
    /// Of those that are not logged in yet.
    logins: Admission,
}

/// What a connection holds.
struct Places {
    _in_all: OwnedSemaphorePermit,
    _of_peer: Place,
    /// Given back once the client is known.
    login: Place,
}

impl Doors {
    fn new(per_peer: usize) -> Self {
        Self {
            connections: Admission::shares_of(MAX_CONNECTIONS, per_peer),
            logins: Admission::new(MAX_LOGINS, per_peer.min(MAX_LOGINS_PER_PEER)),
        }
    }

    fn admit(&self, place: OwnedSemaphorePermit, peer: SocketAddr) -> Result<Places, TurnedAway> {
        let of_peer = self.connections.admit(peer.ip())?;
        Ok(Places { _in_all: place, _of_peer: of_peer, login: self.logins.admit(peer.ip())? })
    }
}

/// Binds the socket and reads the host key, which is made on the first start. `per_peer` is the number of connections
/// that one client may have.
///
/// # Errors
/// When the address is taken or the key cannot be used.
pub async fn bind(address: SocketAddr, host_key: &Path, per_peer: usize) -> Result<Bound, BindError> {
    let listener =
        TcpListener::bind(address).await.map_err(|source| BindError::Listen { address, source })?;
    on(listener, address, host_key, per_peer)
}

/// The same on a socket that listens already, which must not block; `address` is what the settings say.
pub fn on(
    listener: TcpListener,
    address: SocketAddr,
    host_key: &Path,
    per_peer: usize,
) -> Result<Bound, BindError> {
    let key = host_key::read_or_create(host_key)
        .map_err(|source| BindError::HostKey { path: host_key.to_owned(), source })?;
    let address = listener.local_addr().map_err(|source| BindError::Listen { address, source })?;
    let fingerprint = host_key::fingerprint(&key);
    Ok(Bound { listener, address, fingerprint, config: Arc::new(config(key)), doors: Doors::new(per_peer) })
}

fn config(key: russh::keys::PrivateKey) -> Config {
    Config {
        // Keyboard-interactive never lets anybody in: it carries the sentence that says why no key did.
        methods: MethodSet::from(&[MethodKind::PublicKey, MethodKind::KeyboardInteractive][..]),
        auth_rejection_time: Duration::from_millis(50),
        // OpenSSH asks for "none" first: without this every push would wait a second.
        auth_rejection_time_initial: Some(Duration::ZERO),
        keys: vec![key],
        nodelay: true,
        // A silent build is not an idle client: keep-alives tell one from the other.
        inactivity_timeout: None,
        keepalive_interval: Some(Duration::from_secs(15)),
        keepalive_max: 3,
        ..Config::default()
    }
}

impl Bound {
    /// The address that the server is bound to.
    #[must_use]
    pub const fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// The host key's fingerprint, as `ssh-keygen -l` prints it.
    #[must_use]
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// Accepts connections until `stop` ends, then gives those that are open `grace` to end by themselves.
    pub async fn serve(self, front: Arc<Front>, stop: impl Future<Output = ()>, grace: Duration) {
        let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
        let (closing_sender, closing) = watch::channel(false);
        let mut connections = JoinSet::new();
        tokio::pin!(stop);
        loop {
            let place = tokio::select! {
                place = places.clone().acquire_owned() => place,
                () = &mut stop => break,
            };
            let Ok(place) = place else { break };
            let accepted = tokio::select! {
                accepted = self.listener.accept() => accepted,
                () = &mut stop => break,
            };
            match accepted {
                Ok((stream, peer)) => {
                    let places = match self.doors.admit(place, peer) {
                        Ok(places) => places,
                        Err(reason) => {
                            turn_away(stream, peer, reason);
                            continue;
                        }
                    };
                    let (config, front, closing) = (self.config.clone(), front.clone(), closing.clone());
                    connections.spawn(serve_connection(config, (stream, peer), places, front, closing));
                }
                Err(error) => {
                    // Out of file descriptors, most likely: waiting is better than spinning.
                    tracing::warn!(%error, "cannot accept an SSH connection");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            }
            while connections.try_join_next().is_some() {}
        }
        drop(self.listener);
        closing_sender.send_replace(true);
        let all_done = async { while connections.join_next().await.is_some() {} };
        if tokio::time::timeout(grace, all_done).await.is_err() {
            tracing::warn!("SSH connections were cut at the end of their grace");
        }
    }
}

fn turn_away(stream: TcpStream, peer: SocketAddr, reason: TurnedAway) {
    tracing::debug!(%peer, ?reason, "an SSH client was turned away");
    // As far as it goes: a new connection has room for so much.
    drop(stream.into_std().and_then(|mut stream| stream.write(TURNED_AWAY)));
}

async fn serve_connection(
    config: Arc<Config>,
    (stream, peer): (TcpStream, SocketAddr),
    places: Places,
    front: Arc<Front>,
    mut closing: watch::Receiver<bool>,
) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%peer, %error, "cannot switch off Nagle's algorithm");
    }
    let (logged_in_sender, mut logged_in) = watch::channel(false);
    let (idle_sender, mut idle) = watch::channel(0_usize);
    let connection = Connection::new(front, peer, logged_in_sender, idle_sender);
    let session = match tokio::time::timeout(GREETING_TIME, run_stream(config, stream, connection)).await {
        Ok(Ok(session)) => session,
        Ok(Err(error)) => return tracing::debug!(%peer, %error, "an SSH connection ended before it began"),
        Err(_) => return tracing::debug!(%peer, "an SSH client took too long to begin"),
    };
    let handle = session.handle();
    let Places { login: login_place, _in_all, _of_peer } = places;
    let login = async {
        let in_time = tokio::time::timeout(LOGIN_TIME, logged_in.wait_for(|done| *done)).await.is_ok();
        if in_time {
            drop(login_place);
            std::future::pending::<()>().await;
        }
    };
    let close = async {
        // An error means that the sender is gone, and with it what there was to wait for.
        drop(closing.wait_for(|closing| *closing).await);
        drop(idle.wait_for(|sessions| *sessions == 0).await);
        tokio::time::sleep(LEAVING_TIME).await;
    };
    let reason = tokio::select! {
        result = session => {
            if let Err(error) = result { tracing::debug!(%peer, %error, "an SSH connection broke"); }
            return;
        }
        () = login => "You took too long to log in.",
        () = close => "The server is stopping.",
    };
    if handle.disconnect(Disconnect::ByApplication, reason.to_owned(), "en".to_owned()).await.is_err() {
        tracing::debug!(%peer, "an SSH client was gone before it was told to go");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn strangers_leave_places_to_those_who_have_a_key() {
        let doors = Doors::new(64);
        let semaphore = Arc::new(Semaphore::new(MAX_CONNECTIONS));
        let place = || semaphore.clone().try_acquire_owned().unwrap();
        let peer = |last: usize| SocketAddr::from(([192, 0, 2, u8::try_from(last).unwrap()], 1));
        let mut strangers = Vec::new();
        for last in 0..MAX_LOGINS / MAX_LOGINS_PER_PEER {
            strangers.extend((0..MAX_LOGINS_PER_PEER).map(|_| doors.admit(place(), peer(last)).unwrap()));
            assert_eq!(doors.admit(place(), peer(last)).err(), Some(TurnedAway::PeerHasItsShare));
        }
        assert_eq!(doors.admit(place(), peer(200)).err(), Some(TurnedAway::Full));
        assert_eq!(semaphore.available_permits(), MAX_CONNECTIONS - MAX_LOGINS);

        // Who logs in makes room for another one.
        let Places { login, _in_all, _of_peer } = strangers.pop().unwrap();
        drop(login);
        assert!(doors.admit(place(), peer(200)).is_ok());
    }
}
