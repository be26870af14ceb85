//! Every socket that the server listens on: received from systemd, or opened.

use crate::api::{self, BoundApi};
use crate::app::StartError;
use crate::config::{Home, Settings};
use crate::git;
use crate::model::address::PublicAddress;
use crate::receive::{self, BoundSocket};
use crate::router::{self, Router, RouterOptions};
use crate::{ssh, systemd};
use tokio::net::TcpListener;

/// Every socket that the server listens on, and its home. What can fail at the start fails here.
pub struct Sockets {
    pub home: Home,
    pub router: router::Bound,
    pub ssh: ssh::Bound,
    pub api: BoundApi,
    pub hooks: BoundSocket,
}

impl Sockets {
    /// Opens the home and binds every address for which no socket was received.
    ///
    /// # Errors
    /// When another server uses the home, or an address is taken.
    pub async fn bind(settings: &Settings, received: systemd::Sockets) -> Result<Self, StartError> {
        let home = Home::open(&settings.home)?;
        let usable = |socket: Option<_>| socket.map(TcpListener::from_std).transpose();
        let http = usable(received.http).map_err(StartError::Received)?;
        let ssh = usable(received.ssh).map_err(StartError::Received)?;
        let api = usable(received.api).map_err(StartError::Received)?;
        git::install_hooks(&home.hooks()).map_err(StartError::HookScripts)?;
        let options = RouterOptions {
            snapshot_path: Some(home.routes()),
            max_connections_per_peer: settings.http_connections_per_peer,
            ..RouterOptions::new(settings.http_address)
        };
        let router = match http {
            Some(listener) => Router::on(options, listener).await,
            None => Router::bind(options).await,
        };
        let router = router.map_err(|source| StartError::Router { source })?;
        let (ssh_key, per_peer) = (home.ssh_host_key(), settings.ssh_connections_per_peer);
        let ssh = match ssh {
            Some(listener) => ssh::on(listener, settings.ssh_address, &ssh_key, per_peer),
            None => ssh::bind(settings.ssh_address, &ssh_key, per_peer).await,
        };
        let ssh = ssh.map_err(|source| StartError::Ssh { source })?;
        let per_peer = settings.api_connections_per_peer;
        let api = match api {
            Some(listener) => api::on(listener, settings.api_address, per_peer),
            None => api::bind(settings.api_address, per_peer).await,
        };
        let api = api.map_err(|source| StartError::Api { source })?;
        let hooks = receive::bind(&home.hook_socket())?;
        Ok(Self { home, router, ssh, api, hooks })
    }

    /// Under which names and ports the server is known outside.
    #[must_use]
    pub fn public_address(&self, settings: &Settings) -> PublicAddress {
        PublicAddress {
            base_domain: settings.base_domain.clone(),
            http_port: settings.http_public_port.unwrap_or_else(|| self.router.local_addr().port()),
            ssh_host: settings.ssh_host.clone(),
            ssh_port: settings.ssh_public_port.unwrap_or_else(|| self.ssh.local_addr().port()),
        }
    }
}
