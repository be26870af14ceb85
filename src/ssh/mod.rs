//! Front door for git and for people's `ssh`: the only folder that knows russh.
//!
//! [`bind`] opens the socket and reads the host key: what fails there fails the start. [`Bound::serve`] accepts
//! connections until it is told to stop. The callbacks of russh ([`connection`]) only translate; what a client asks
//! for is parsed in [`request`] and done in [`session`]. Identity is the key that has *signed*, by its fingerprint,
//! and it is looked up again for every command, so that a revoked key ends with its next command.
//!
//! git's services are started and fed by [`git_session`] and [`pump`]; [`first_packets`] looks at what git's client says
//! first, and [`arrival`] at how much it says. Everything that the server itself says goes through [`output`].

mod accept;
mod app_logs;
mod arrival;
mod commands;
mod connection;
mod cron;
mod find;
mod first_packets;
mod front;
mod git_session;
mod gits;
mod greeting;
mod host_key;
mod one_off;
mod output;
mod pump;
mod push_limit;
mod request;
mod session;
mod standing;
mod still;
mod tables;
mod trail;

pub use accept::{BindError, Bound, bind, on};
pub use front::Front;
pub use gits::Gits;
