//! The router as its clients and its apps see it: real sockets on both sides.

mod bodies;
mod clients;
mod drains;
mod failures;
mod heads;
mod health;
mod holds;
mod snapshots;
mod support;
mod switches;
mod upgrades;
