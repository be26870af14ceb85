//! What runs of an environment: its instances, what they print, and one-off commands beside them, by hand or by a schedule. For every front door.
//!
//! Nothing here changes what is live: that is [`crate::deployments`].

mod cron;
mod error;
mod images;
mod input;
mod list;
mod logs;
mod one_off;
mod search;
mod selector;
mod volumes;

pub use self::cron::{CronEntry, CronRuns, CronStarted};
pub use self::error::ProcessError;
pub use self::input::Waiting;
pub use self::list::{Process, ProcessState};
pub use self::logs::{AppLine, LineSource, LogRequest};
pub use self::one_off::{OneOff, OneOffControl, OneOffRequest, TIMED_OUT, out_of_time, typed};
pub use self::search::{InvalidSearch, Search};
pub use self::selector::{InvalidSelector, ProcessSelector};
pub use self::volumes::VolumeEntry;

pub use crate::engine::{OutputStream, SessionOutput, TerminalSize};

use crate::engine::Engine;
use crate::model::one_off::OneOffs;
use crate::model::vitals::Vitals;
use crate::secrets::MasterKey;
use crate::store::Store;
use std::sync::Arc;
use std::time::Duration;

/// What looking at what runs needs of the rest of the server.
#[derive(Clone)]
pub struct Processes {
    pub store: Store,
    pub engine: Arc<dyn Engine>,
    pub master_key: MasterKey,
    /// The one-off commands that this server talks to.
    pub one_offs: OneOffs,
    /// Which live instances answer.
    pub vitals: Vitals,
    /// The runs of schedules that are under way.
    pub cron_runs: CronRuns,
    /// How long a one-off command may run.
    pub longest_run: Duration,
}
