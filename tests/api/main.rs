//! The API as its users meet it: a real server on a loopback port, a real `SQLite` file, a real HTTP client.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod access;
mod accounts;
mod api_keys;
mod audit;
mod cli;
mod config;
mod conventions;
mod delivery_memory;
mod deploying;
mod deployments;
mod drains;
mod environments;
#[path = "../support/events.rs"]
mod events;
mod following;
mod hooks;
mod hostile;
mod idempotency;
mod invitations;
mod keys;
mod login_time;
mod logs;
mod moved_hooks;
mod previews;
mod profile;
mod projects;
mod protection;
#[path = "../support/provider_api.rs"]
mod provider_api;
mod redeploying;
mod second_factor;
mod sockets;
mod sources;
mod support;
mod system;
mod webhooks;
