//! Why what runs cannot be looked at, or a command not be run.

use crate::engine::EngineError;
use crate::model::name::{CronName, EnvironmentName, ProcessType};
use crate::secrets::ClosedVariable;
use crate::store::StoreError;

/// Why what runs cannot be looked at, or a command not be run: a sentence with the way out.
#[derive(Debug, thiserror::Error)]
pub enum ProcessError {
    #[error("Nothing is live in {0}. Push first.")]
    NothingLive(EnvironmentName),
    #[error("{0} one-off commands run already, as many as may at once. Wait for one to end.")]
    TooMany(usize),
    #[error("There is no command `{0}` in the schedule of what is live.")]
    NoCron(CronName),
    #[error("`{0}` runs already. Wait for it to end, or say `overlap = \"allow\"` in gilgal.toml.")]
    CronRuns(CronName),
    #[error("{0} is no process type of what is live.")]
    NoProcess(ProcessType),
    #[error(transparent)]
    Config(#[from] ClosedVariable),
    #[error(transparent)]
    Engine(#[from] EngineError),
    #[error(transparent)]
    Store(#[from] StoreError),
}
