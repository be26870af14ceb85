//! The HTTP front door of the deployed apps.
//!
//! It is handed [`Route`](crate::model::route::Route)s and serves them until it is told otherwise: it opens no database, asks no engine, and starts
//! from the last good table on disk, so that apps stay reachable while everything else is down.
//!
//! ```text
//! listener → exchange ─ host, headers ─→ table → app → target → pool → the instance
//!                  └──── pages (when it cannot)   └ drain (once a target has left the table)
//! ```
//!
//! * A change swaps the whole table at once. A request looks at a table only while it picks a target, never across
//!   an await, so a new table is in force for every request that comes after it.
//! * A target is one instance with its own pool of idle connections. The pool dies with it: an address that the
//!   engine gives to another container can never be reached through an old connection.
//! * What an instance answered is passed on as it comes: bodies stream, and nothing is buffered or rewritten.
//!
//! What the router answers itself carries a code in `X-Gilgal-Error` that does not change:
//!
//! | status | codes |
//! |---|---|
//! | 400 | `two_hosts`, `no_host`, `request_incomplete` |
//! | 404 | `no_such_app` |
//! | 405 | `method_not_allowed` (`CONNECT`) |
//! | 408 | `request_timeout` |
//! | 413 | `payload_too_large` |
//! | 502 | `app_hung_up`, `app_bad_response` |
//! | 503 | `no_instance`, `app_unreachable`, `app_replaced`, `app_waking`, `app_not_woken`, `maintenance`, `app_stopped`, with `Retry-After` |
//! | 504 | `app_timeout` |
//!
//! Not here: TLS and certificates, and knowing which instances there should be.

mod access_log;
mod app;
mod body;
mod canary;
mod client_connection;
mod connection;
mod counters;
mod drain;
mod exchange;
mod forwarded;
mod handle;
pub mod health;
mod hold;
mod hop;
mod host;
mod incoming;
mod listener;
mod options;
mod pages;
mod pool;
mod probe;
mod problem;
mod protocol;
mod request_id;
mod snapshot;
mod sticky;
mod table;
mod target;
mod tunnel;
mod turn;
mod verdict;

pub use canary::CanaryCounters;
pub use counters::{Answered, Counters, ReleaseCounters};
pub use drain::{Drain, Drained, Switched};
pub use handle::RouterHandle;
pub use hold::Held;
pub use listener::{BindError, Bound, Router, Stopped};
pub use options::RouterOptions;
pub use verdict::worse;

#[cfg(test)]
mod tests;
