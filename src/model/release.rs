//! Releases: what runs, never changed once made.

use crate::model::environment::{DrainSeconds, HealthCheck};
use crate::model::id::{DeploymentId, EnvironmentId, ReleaseId, UserId};
use crate::model::name::{CommitId, ProcessType};
use crate::model::plan::BuildPlan;
use crate::model::process::{Command, Formation, Limits};
use crate::model::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A release of an environment: image, config and formation together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Release {
    pub id: ReleaseId,
    pub environment_id: EnvironmentId,
    /// The deployment that made it.
    pub deployment_id: DeploymentId,
    /// `1` for the first release of the environment, shown as `v1`.
    pub version: i64,
    pub commit: Option<CommitId>,
    pub created_by: Option<UserId>,
    pub content: ReleaseContent,
    pub created_at: Timestamp,
}

/// The part of a release that decides what runs. Stored as one document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReleaseContent {
    /// The image's id (`sha256:…`) in the engine.
    pub image: String,
    /// The port that web instances are told to listen on.
    pub port: u16,
    pub processes: BTreeMap<ProcessType, Command>,
    pub formation: Formation,
    /// Those of every process type that has none of its own.
    pub limits: Limits,
    #[serde(default)]
    pub process_limits: BTreeMap<ProcessType, Limits>,
    #[serde(default)]
    pub health: HealthCheck,
    /// What old instances get to finish their requests when this release takes their place.
    #[serde(default)]
    pub drain_seconds: DrainSeconds,
    /// Variables that the project's files set; config vars of the same name win.
    #[serde(default)]
    pub variables: BTreeMap<String, String>,
    /// Config vars as they were: names with sealed values.
    pub sealed_config: BTreeMap<String, String>,
    pub plan: BuildPlan,
}

impl ReleaseContent {
    /// What one instance of a process type may use.
    #[must_use]
    pub fn limits_of(&self, process_type: &ProcessType) -> Limits {
        self.process_limits.get(process_type).copied().unwrap_or(self.limits)
    }
}
