//! The product as its users meet it: the real program, the real `git` and `ssh`, a real Docker Engine.
//!
//! Every test has a server of its own, on ports of its own, with a home of its own. When the test is over, the server
//! has to end well and to leave nothing on the engine: [`support::Server`] proves it when it is dropped.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod access;
mod backup;
mod branches;
mod bring_back;
mod build_variables;
mod buildpacks;
mod canary;
mod cancelling;
mod chaos;
mod client;
mod config;
mod cron;
mod database_away;
mod deleting;
mod disk_full;
mod docker_away;
#[path = "../support/documentation.rs"]
mod documentation;
mod drains;
mod engine;
mod engine_restarts;
mod environments;
#[path = "../support/events.rs"]
mod events;
mod examples;
mod faults;
mod forks;
mod health;
mod hooks;
mod images;
mod large_files;
mod lean;
mod liveness;
mod maintenance;
mod misbehaving;
mod nginx;
mod notifications;
mod one_off;
mod pins;
#[path = "../support/postgres.rs"]
mod postgres;
mod previews;
mod project_file;
#[path = "../support/provider_api.rs"]
mod provider_api;
mod pushed_images;
mod pushers;
mod queue;
mod reconciler;
mod recovery;
mod redeploy;
mod refusals;
mod releases;
mod repositories;
mod restarts;
mod sleep;
mod start;
mod submodule_bounds;
mod submodules;
mod support;
mod switching;
mod uploads;
mod volumes;
mod waiting_for_checks;
mod watch;
