//! A small durable queue.
//!
//! A job is a row: it is claimed with a lease by one guarded update, kept by a heartbeat, and claimed again when the
//! lease runs out, so that nothing is in progress for ever. [`Queue::wake`] is for speed, the poll is for truth: a lost
//! wake-up costs a tick, not a job. What a job does is not known here; a [`Handler`] is given in.
//! Within a job, [`BuildTurns`] says whose image is built next.

mod build_turns;
mod extras;
mod in_hand;
mod interrupts;
mod runner;
#[cfg(test)]
mod tests;

pub use build_turns::{BuildTurn, BuildTurns, Waiting, Whose};
pub use extras::{Extra, Extras};
pub use interrupts::{Interrupts, Looks};
pub use runner::{Handler, Outcome, Queue, Runner};
