//! Front door for programs: JSON over HTTP.
//!
//! | file | what |
//! |---|---|
//! | `endpoint` | the table of every route: method, path, who may use it, and the handler |
//! | `route` | finds the endpoint of a request in the table and lets it answer |
//! | `request`, `error`, `reply` | what a handler is given, and the two things that it gives back |
//! | one file per resource | the handlers, and nothing else |
//! | `server`, `connection` | the listener, and what every request passes on its way in and out |
//!
//! A handler translates: it reads the request, calls one use case and shows the outcome. It decides nothing; who may use
//! it stands in the table.

mod accounts;
mod app_logs;
mod connection;
mod deployments;
mod endpoint;
mod error;
mod follow;
mod keys;
mod logs;
mod origin;
mod ports;
mod processes;
mod projects;
mod query;
mod releases;
mod reply;
mod request;
mod route;
mod server;
mod system;

pub use self::endpoint::{Access, Endpoint, Row};
pub use self::ports::{Check, LogFollower, Ports, Readiness};
pub use self::server::{BindError, BoundApi, bind};

use crate::auth::accounts::Accounts;
use crate::config::Mode;
use crate::model::address::PublicAddress;
use crate::store::Store;
use std::sync::Arc;
use tokio::sync::watch;

/// What the handlers share.
pub struct Api {
    accounts: Accounts,
    store: Store,
    ports: Ports,
    options: ApiOptions,
    /// Turns true when the server stops: answers that would last end.
    stopping: watch::Sender<bool>,
}

/// What the API is told about its surroundings.
#[derive(Debug, Clone)]
pub struct ApiOptions {
    /// In development a 500 carries its causes.
    pub mode: Mode,
    /// What the URLs in answers are made of.
    pub address: PublicAddress,
    /// Projects that one account may have.
    pub max_projects: u32,
}

impl Api {
    /// The API of a server.
    #[must_use]
    pub fn new(accounts: Accounts, store: Store, ports: Ports, options: ApiOptions) -> Arc<Self> {
        Arc::new(Self { accounts, store, ports, options, stopping: watch::Sender::new(false) })
    }
}
