//! The API as its users meet it: a real server on a loopback port, a real `SQLite` file, a real HTTP client.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod access;
mod accounts;
mod config;
mod conventions;
mod deployments;
mod environments;
mod keys;
mod logs;
mod projects;
mod support;
mod system;
