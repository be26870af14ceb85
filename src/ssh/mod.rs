//! Front door for git and for people's `ssh`: the only folder that knows russh.
//!
//! [`bind`] opens the socket and reads the host key: what fails there fails the start. [`Bound::serve`] accepts
//! connections until it is told to stop. The callbacks of russh ([`connection`]) only translate; what a client asks
//! for is parsed in [`request`] and done in [`session`]. Identity is the key that has *signed*, by its fingerprint,
//! and it is looked up again for every command, so that a revoked key ends with its next command.

mod accept;
mod commands;
mod connection;
mod greeting;
mod host_key;
mod pump;
mod request;
mod session;

pub use accept::{BindError, Bound, bind};
pub use session::Front;
