//! What people and programs are told of a deployment: its step, its status, and the words of its states.

use super::state::DeploymentState;
use serde::{Deserialize, Serialize};
use std::fmt;

impl DeploymentState {
    /// The coarse status that users of the API see.
    #[must_use]
    pub const fn status(self) -> Status {
        match self {
            Self::Queued => Status::Queued,
            Self::Fetching | Self::Detecting | Self::Building => Status::Building,
            Self::Releasing
            | Self::Starting
            | Self::Checking
            | Self::Switching
            | Self::Draining
            | Self::UndoingFailure
            | Self::UndoingCancel => Status::Deploying,
            Self::Live => Status::Success,
            Self::Failed => Status::Failed,
            Self::Cancelled => Status::Cancelled,
            Self::Superseded => Status::Superseded,
        }
    }

    /// The step that runs in this state.
    #[must_use]
    pub const fn step(self) -> Step {
        match self {
            Self::Queued => Step::Queue,
            Self::Fetching => Step::Fetch,
            Self::Detecting => Step::Detect,
            Self::Building => Step::Build,
            Self::Releasing => Step::Release,
            Self::Starting => Step::Start,
            Self::Checking => Step::Check,
            Self::Switching => Step::Switch,
            Self::Draining => Step::Drain,
            Self::UndoingFailure | Self::UndoingCancel => Step::Undo,
            Self::Live | Self::Failed | Self::Cancelled | Self::Superseded => Step::Done,
        }
    }

    /// The word that is stored and shown.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Fetching => "fetching",
            Self::Detecting => "detecting",
            Self::Building => "building",
            Self::Releasing => "releasing",
            Self::Starting => "starting",
            Self::Checking => "checking",
            Self::Switching => "switching",
            Self::Draining => "draining",
            Self::Live => "live",
            Self::UndoingFailure => "undoing_failure",
            Self::UndoingCancel => "undoing_cancel",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::Superseded => "superseded",
        }
    }
}

impl fmt::Display for DeploymentState {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// The status of a deployment in the API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    Queued,
    Building,
    Deploying,
    Success,
    Failed,
    Cancelled,
    Superseded,
}

impl Status {
    /// The word that is shown.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Building => "building",
            Self::Deploying => "deploying",
            Self::Success => "success",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::Superseded => "superseded",
        }
    }
}

/// A step of a deployment, as log lines and timings name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    Queue,
    Fetch,
    Detect,
    Build,
    Release,
    Start,
    Check,
    Switch,
    Drain,
    Undo,
    Done,
}

impl Step {
    /// The word that is stored and shown.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Queue => "queue",
            Self::Fetch => "fetch",
            Self::Detect => "detect",
            Self::Build => "build",
            Self::Release => "release",
            Self::Start => "start",
            Self::Check => "check",
            Self::Switch => "switch",
            Self::Drain => "drain",
            Self::Undo => "undo",
            Self::Done => "done",
        }
    }
}
