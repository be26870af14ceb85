//! The API as its users meet it: a real server on a loopback port, a real `SQLite` file, a real HTTP client.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod access;
mod accounts;
mod conventions;
mod deploying;
mod deployments;
mod keys;
mod logs;
mod projects;
mod support;
mod system;
