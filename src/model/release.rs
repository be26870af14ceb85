//! Releases: what runs, never changed once made.

use crate::model::cron::CronJob;
use crate::model::environment::{DrainSeconds, EnvironmentSettings, HealthCheck, SleepSeconds, WatchSeconds};
use crate::model::id::{DeploymentId, EnvironmentId, ReleaseId, UserId};
use crate::model::name::{CommitId, CronName, FilePath, ProcessType, VolumeName};
use crate::model::plan::BuildPlan;
use crate::model::process::{Command, Formation, Limits};
use crate::model::time::Timestamp;
use crate::model::volume::{CanaryOptions, ManyWriters, Mount, Strategy};
use chrono::TimeDelta;
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
    /// How long it is watched after it went live.
    #[serde(default)]
    pub watch_seconds: WatchSeconds,
    /// After how long without a request its web instances are stopped.
    #[serde(default)]
    pub sleep_seconds: SleepSeconds,
    /// Whether clients stay with the instance that answered them first.
    #[serde(default)]
    pub sticky: bool,
    /// Volumes of the environment that every instance has.
    #[serde(default)]
    pub volumes: BTreeMap<VolumeName, Mount>,
    /// How its instances take the place of those before, where the project says so.
    #[serde(default)]
    pub strategy: Option<Strategy>,
    /// How they are tried out before, where the strategy does.
    #[serde(default)]
    pub canary: Option<CanaryOptions>,
    /// Commands that run by a schedule.
    #[serde(default)]
    pub cron: BTreeMap<CronName, CronJob>,
    /// Variables that the project's files set; config vars of the same name win.
    #[serde(default)]
    pub variables: BTreeMap<String, String>,
    /// Config vars as they were, references resolved: names with sealed values.
    pub sealed_config: BTreeMap<String, String>,
    /// Configuration files as they were: paths with sealed contents.
    #[serde(default)]
    pub sealed_files: BTreeMap<FilePath, String>,
    /// Stands for the variables that the image was built with; `None`: with none.
    #[serde(default)]
    pub build_variables: Option<String>,
    /// What was set for the environment; a rollback sets it again. Releases of older servers do not know.
    #[serde(default)]
    pub settings: Option<EnvironmentSettings>,
    /// The deployment whose instances run this release, where it has added to them or taken away instead of replacing
    /// them. `None`: its own.
    #[serde(default)]
    pub instances_of: Option<DeploymentId>,
    pub plan: BuildPlan,
}

impl Release {
    /// The deployment that its instances are named after: the one that made it, or an earlier one of which nothing but
    /// the number of instances was changed.
    #[must_use]
    pub fn instances_of(&self) -> DeploymentId {
        self.content.instances_of.unwrap_or(self.deployment_id)
    }

    /// When it has proved itself, unless it has failed by then or something took its place.
    #[must_use]
    pub fn watched_until(&self) -> Timestamp {
        self.created_at + TimeDelta::seconds(self.content.watch_seconds.0.into())
    }
}

impl ReleaseContent {
    /// Every sealed value of it, to be sealed once more.
    pub fn sealed_values(&mut self) -> impl Iterator<Item = &mut String> {
        self.sealed_config.values_mut().chain(self.sealed_files.values_mut())
    }

    /// Whether everything but the number of instances is the same.
    #[must_use]
    pub fn differs_in_formation_only(&self, other: &Self) -> bool {
        let Self { formation, settings, instances_of, .. } = self.clone();
        *self == Self { formation, settings, instances_of, ..other.clone() }
    }

    /// How its instances take the place of those before: where they write a volume, not beside them unless the project
    /// says so.
    #[must_use]
    pub fn strategy(&self) -> Strategy {
        let usual = if self.written_volume().is_some() { Strategy::Hold } else { Strategy::Rolling };
        self.strategy.unwrap_or(usual)
    }

    /// A volume that its instances write.
    #[must_use]
    pub fn written_volume(&self) -> Option<&VolumeName> {
        self.volumes.iter().find(|(_, mount)| !mount.read_only).map(|(name, _)| name)
    }

    /// Which instances of a formation would write the same volume, unless the project says how they are replaced: then it
    /// has thought of it.
    #[must_use]
    pub fn many_writers(&self, formation: &Formation) -> Option<ManyWriters> {
        let volume = self.written_volume().filter(|_| self.strategy.is_none())?;
        self.processes
            .keys()
            .filter(|process_type| !process_type.is_release())
            .map(|process_type| (process_type, formation.instances(process_type)))
            .find(|(_, count)| *count > 1)
            .map(|(process_type, count)| ManyWriters {
                process_type: process_type.clone(),
                count,
                volume: volume.clone(),
            })
    }

    /// What one instance of a process type may use.
    #[must_use]
    pub fn limits_of(&self, process_type: &ProcessType) -> Limits {
        self.process_limits.get(process_type).copied().unwrap_or(self.limits)
    }
}
