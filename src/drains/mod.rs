//! Log drains: what the instances of a project print, sent to where its owner wants it.
//!
//! | file | what |
//! |---|---|
//! | `manage`, `error` | the use cases: making, changing and removing drains |
//! | `supervise` | what runs: keeps senders and readers as the database says, and writes down how far they are |
//! | `reader` | reads one instance, and gives each line to the drains of its project |
//! | `ring` | what waits for a drain; full, the oldest lines go and are counted |
//! | `sender` | takes from one ring and sends, with pauses where that fails |
//! | `destination`, `tcp`, `http`, `tls` | one try to send lines somewhere |
//! | `line`, `syslog` | a line, and how it is written |
//!
//! Its shared state is one [`running::Running`] a drain. A reader never waits for a drain, so that an app that prints never
//! waits for anybody; only the environments of projects with drains are read at all.

mod destination;
mod error;
mod http;
mod line;
mod manage;
mod reader;
mod ring;
mod running;
mod sender;
mod supervise;
mod syslog;
mod tcp;
mod tls;

pub use self::error::{DrainError, DrainFault};
pub use self::manage::DrainChange;

use crate::engine::Engine;
use crate::outbound::Guard;
use crate::secrets::MasterKey;
use crate::store::Store;
use std::sync::Arc;
use tokio::sync::Notify;

/// What drains need of the rest of the server.
#[derive(Clone)]
pub struct Drains {
    pub store: Store,
    pub engine: Arc<dyn Engine>,
    pub master_key: MasterKey,
    /// Where lines may be sent.
    pub guard: Guard,
    /// The name of this server, which syslog messages say they come from.
    pub host: String,
    /// Says that a drain was made, changed or removed.
    pub changed: Arc<Notify>,
}
