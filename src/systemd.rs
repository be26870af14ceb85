//! What systemd hands to the server, and what it is told: listening sockets that outlive a process of the server
//! (`sd_listen_fds(3)`), and how far it is (`sd_notify(3)`). Started in another way, it is handed none, and nobody listens.
//!
//! Not here: what is done with the sockets.

use listenfd::ListenFd;
use sd_notify::NotifyState;
use std::net::TcpListener;

/// The sockets that systemd has opened for the server, each by its name (`FileDescriptorName=` of its unit). Connections
/// wait in them while one process ends and the next one starts.
#[derive(Debug, Default)]
pub struct Sockets {
    /// `ssh`
    pub ssh: Option<TcpListener>,
    /// `api`
    pub api: Option<TcpListener>,
    /// `http`
    pub http: Option<TcpListener>,
}

/// A socket that was handed over and cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SocketsError {
    #[error(
        "a socket was handed over with the name \"{0}\". Set FileDescriptorName= of its unit to ssh, api or http."
    )]
    UnknownName(String),
    #[error("two sockets were handed over with the name \"{0}\". Each has one unit with one ListenStream=.")]
    Twice(String),
    #[error(
        "the socket \"{name}\" that was handed over does not listen for TCP. Set ListenStream= of its unit to a port."
    )]
    NotTcp { name: String, source: std::io::Error },
}

impl Sockets {
    /// Takes what was handed over to this process; `names` is `LISTEN_FDNAMES`. None of them blocks. To be called once,
    /// before there are threads: it removes the variables that say so from the environment.
    ///
    /// # Errors
    /// When a socket has no name of ours, the name of another one, or is no TCP socket that listens.
    pub fn received(names: Option<&str>) -> Result<Self, SocketsError> {
        let mut handed = ListenFd::from_env();
        let mut names = names.unwrap_or_default().split(':');
        let mut sockets = Self::default();
        for index in 0..handed.len() {
            let name = names.next().unwrap_or_default();
            let place = match name {
                "ssh" => &mut sockets.ssh,
                "api" => &mut sockets.api,
                "http" => &mut sockets.http,
                unknown => return Err(SocketsError::UnknownName(unknown.to_owned())),
            };
            let listener = handed.take_tcp_listener(index).and_then(|listener| {
                listener.as_ref().map_or(Ok(()), |listener| listener.set_nonblocking(true))?;
                Ok(listener)
            });
            let listener =
                listener.map_err(|source| SocketsError::NotTcp { name: name.to_owned(), source })?;
            if std::mem::replace(place, listener).is_some() {
                return Err(SocketsError::Twice(name.to_owned()));
            }
        }
        Ok(sockets)
    }
}

/// How far the server is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// The apps are served by the last table; the database has not answered yet.
    ServingApps,
    /// Everything is served.
    Ready,
    /// It ends, and still answers.
    Stopping,
}

/// Tells systemd how far the server is.
pub fn tell(progress: Progress) {
    let states: &[NotifyState] = match progress {
        Progress::ServingApps => &[NotifyState::Status("the apps are served; waiting for the database")],
        Progress::Ready => &[NotifyState::Ready, NotifyState::Status("ready")],
        Progress::Stopping => {
            &[NotifyState::Stopping, NotifyState::Status("deployments and requests are ending")]
        }
    };
    if let Err(error) = sd_notify::notify(states) {
        tracing::warn!(%error, "systemd cannot be told how far the server is");
    }
}
