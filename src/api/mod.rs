//! Front door for programs: JSON over HTTP.
//!
//! | file | what |
//! |---|---|
//! | `endpoint` | the table of every route: method, path, who may use it, and the handler |
//! | `route` | finds the endpoint of a request in the table and lets it answer |
//! | `rate`, `origin`, `cors` | who is let in, from where, and how often |
//! | `idempotency`, `representation`, `trail` | what is kept of a request: its answer, its entity tag, its entry in the audit log |
//! | `request`, `error`, `reply` | what a handler is given, and the two things that it gives back |
//! | `socket` | from a request to a WebSocket |
//! | `readiness` | what was found of the server's needs a moment ago |
//! | `passing` | lines to somebody who follows them, for as long as they are taken and may be read |
//! | one file per resource | the handlers, and nothing else |
//! | `server`, `patience`, `connection` | the listener, and what every request passes on its way in and out |
//!
//! A handler translates: it reads the request, calls one use case and shows the outcome. It decides nothing; who may use
//! it stands in the table.

mod accounts;
mod api_keys;
mod app_logs;
mod applied;
mod audit;
mod config;
mod config_files;
mod connection;
mod cors;
mod cron;
mod deployments;
mod drains;
mod endpoint;
mod environments;
mod error;
mod follow;
mod hooks;
mod idempotency;
mod incoming;
mod invitations;
mod keys;
mod logs;
mod new_deployment;
mod openapi;
mod origin;
mod passing;
mod patience;
mod pins;
mod place;
mod ports;
mod previews;
mod processes;
mod projects;
mod query;
mod rate;
mod readiness;
mod releases;
mod reply;
mod representation;
mod request;
mod route;
mod run;
mod second_factor;
mod server;
mod socket;
mod sources;
mod system;
mod trail;
mod volumes;
mod webhooks;

pub use self::endpoint::{Access, Endpoint, Row};
pub use self::ports::{Check, LogFollower, Ports, Readiness};
pub use self::rate::RequestLimits;
pub use self::server::{BindError, BoundApi, bind, on};

use self::cors::Cors;
use self::rate::Rates;
use self::readiness::Recent;
use crate::auth::accounts::Accounts;
use crate::config::Mode;
use crate::model::address::PublicAddress;
use crate::model::admission::Admission;
use crate::model::process::Maxima;
use crate::secrets::MasterKey;
use crate::store::Store;
use ipnet::IpNet;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// What the handlers share.
pub struct Api {
    accounts: Accounts,
    store: Store,
    /// Seals config vars and files, and the answers that are kept for requests that are sent twice.
    master_key: MasterKey,
    ports: Ports,
    options: ApiOptions,
    rates: Rates,
    cors: Cors,
    ready: Recent,
    /// Each WebSocket that is open, by account.
    sockets: Admission,
    /// A place for each byte of deliveries that may be in memory.
    deliveries: Admission,
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
    /// How long a deleted project can be brought back.
    pub undo_of_deletion: Duration,
    /// What environments may ask for.
    pub maxima: Maxima,
    /// Beginnings of the names of config vars that builds write into what everybody can read.
    pub public_prefixes: Vec<String>,
    /// How many requests a minute are taken.
    pub request_limits: RequestLimits,
    /// The networks of proxies whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<IpNet>,
    /// The origins whose pages may use the API: `https://dashboard.example.com`.
    pub cors_origins: Vec<String>,
}

impl Api {
    /// The API of a server.
    #[must_use]
    pub fn new(
        accounts: Accounts,
        store: Store,
        master_key: MasterKey,
        ports: Ports,
        options: ApiOptions,
    ) -> Arc<Self> {
        let (rates, cors) = (Rates::new(options.request_limits), Cors::new(&options.cors_origins));
        let (sockets, stopping) =
            (Admission::new(usize::MAX, socket::PER_ACCOUNT), watch::Sender::new(false));
        let deliveries = Admission::new(incoming::IN_HAND, incoming::ARRIVING_OF_PEER);
        Arc::new(Self {
            accounts,
            store,
            master_key,
            ports,
            options,
            rates,
            cors,
            ready: Recent::default(),
            sockets,
            deliveries,
            stopping,
        })
    }
}
