//! Gilgal: `git push gilgal main`, and it is live.
//!
//! The map of the modules, from the bottom up; a module uses only rows below its own (`tests/architecture.rs` holds
//! the table and fails on an arrow that points up):
//!
//! | row | modules |
//! |---|---|
//! | 6 | [`app`], [`serve`], [`sockets`], [`ports`]: every long-lived part built once, started and drained in order |
//! | 5 | [`ssh`], [`api`], [`cli`], [`work`]: the front doors |
//! | 4 | [`receive`], [`deploy`], [`deployments`], [`processes`], [`projects`], [`hooks`], [`notifications`], [`backup`], [`disk`], [`seed`]: the use cases |
//! | 3 | [`auth`], [`jobs`], [`journal`], [`sources`] |
//! | 2 | [`store`], [`git`], [`build`], [`engine`], [`router`]: doing, each fencing one heavy library |
//! | 1 | [`wire`], [`config`], [`secrets`], [`buildpack`], [`docker`], [`outbound`], [`rate`], [`systemd`], [`telemetry`] |
//! | 0 | [`model`]: nouns and rules |

pub mod api;
pub mod app;
pub mod auth;
pub mod backup;
pub mod build;
pub mod buildpack;
pub mod cli;
pub mod config;
pub mod deploy;
pub mod deployments;
pub mod disk;
pub mod docker;
pub mod drains;
pub mod engine;
pub mod git;
pub mod hooks;
pub mod jobs;
pub mod journal;
pub mod model;
pub mod notifications;
pub mod outbound;
pub mod ports;
pub mod processes;
pub mod projects;
pub mod rate;
pub mod receive;
pub mod registry;
pub mod router;
pub mod secrets;
pub mod seed;
pub mod serve;
pub mod sockets;
pub mod sources;
pub mod ssh;
pub mod store;
pub mod systemd;
pub mod telemetry;
pub mod wire;
pub mod work;
