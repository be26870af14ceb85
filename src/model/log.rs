//! The lines of a deployment's log.

use crate::model::deployment::Step;
use crate::model::time::Timestamp;
use serde::{Deserialize, Serialize};

/// How much a line matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    Info,
    Warning,
    Error,
}

impl Level {
    /// The word that is stored and shown.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// Who said a line, and how it is shown to the pusher.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stream {
    /// A step that begins: `-----> text`.
    Step,
    /// An outcome: `=====> text`.
    Outcome,
    /// A detail of ours, indented.
    Detail,
    /// A warning or an error of ours: ` !     text`.
    Notice,
    /// What the build printed, indented.
    Build,
    /// What an instance of the app printed, indented.
    App,
}

impl Stream {
    /// The word that is stored and shown.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Step => "step",
            Self::Outcome => "outcome",
            Self::Detail => "detail",
            Self::Notice => "notice",
            Self::Build => "build",
            Self::App => "app",
        }
    }
}

/// A line before it has a number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewLine {
    pub at: Timestamp,
    pub level: Level,
    pub step: Step,
    pub stream: Stream,
    pub text: String,
}

/// One line of a deployment's log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLine {
    /// 1 for the first line of the deployment, without gaps.
    pub seq: i64,
    pub line: NewLine,
}
