//! A server of its own for each test, and clients of it.

mod acceptable;
mod client;
mod fixtures;
mod provider;
mod server;
mod socket;
mod totp;

pub(crate) use acceptable::{Acceptable, acceptable};
pub(crate) use client::{Client, Reply};
pub(crate) use fixtures::{commit, deployment, go_live, line_of, lines, move_to, released, with_log};
pub(crate) use server::{Options, TestServer};
pub(crate) use socket::{Socket, token_as_subprotocol};
pub(crate) use totp::{totp, totp_step};
