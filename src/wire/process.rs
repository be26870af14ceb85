//! Bodies of what runs of an environment.

use crate::model::name::ProcessType;
use crate::model::time::Timestamp;
use crate::wire::deployment::DeploymentBody;
use crate::wire::form::{Body, Form};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// One instance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProcessBody {
    /// `web.1`
    pub name: String,
    #[serde(rename = "type")]
    pub process_type: ProcessType,
    pub state: ProcessStateBody,
    /// How it ended, where it has.
    pub exit_code: Option<i64>,
    /// When it was started last, or has ended.
    pub since: Option<Timestamp>,
    /// How often it was started again after it had ended by itself.
    pub restarts: u32,
    /// Of the release that it runs; `null`: of a deployment that is not live yet.
    pub version: Option<i64>,
}

/// What an instance is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProcessStateBody {
    Starting,
    Running,
    /// It has ended, and is started again after a pause.
    Crashed,
    /// The same: the kernel has killed it for its memory.
    OutOfMemory,
}

/// `PUT /api/environments/:id/formation`: instances by process type. What is not named stays.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FormationBody(pub BTreeMap<ProcessType, u16>);

impl Body for FormationBody {
    fn take(form: &mut Form) -> Option<Self> {
        Some(Self(form.counts()))
    }
}

/// The answer to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScaledBody {
    /// What is set now.
    pub formation: BTreeMap<ProcessType, u16>,
    /// What brings it about; `null`: it is so already.
    pub deployment: Option<DeploymentBody>,
}

/// One line that an instance has printed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AppLineBody {
    pub time: Option<Timestamp>,
    /// `web.1`
    pub process: String,
    /// `stdout` or `stderr`.
    pub stream: AppStream,
    pub text: String,
}

/// Where a line was printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AppStream {
    Stdout,
    Stderr,
}
