//! A server of its own for each test, and clients of it.

mod client;
mod fixtures;
mod server;

pub(crate) use client::{Client, Reply};
pub(crate) use fixtures::{deployment, lines, move_to, released};
pub(crate) use server::{Options, TestServer};
