//! The store, on both databases: every suite runs on a SQLite file and on a PostgreSQL cluster of its own.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod accounts;
mod audit;
mod configuration;
mod credentials;
mod cron;
mod deletion;
mod deployments;
mod feedback;
mod fixture;
mod jobs;
mod logs;
mod migrations;
#[path = "../support/postgres.rs"]
mod postgres;
mod previews;
mod projects;
mod queue;
mod refresh_tokens;
mod releases;
mod remotes;
mod retention;
mod schema;
mod server;
mod webhooks;
