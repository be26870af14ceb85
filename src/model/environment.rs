//! Environments: the places of a project where releases run.

use crate::model::elsewhere::{FetchExtras, ImagePush};
use crate::model::id::{EnvironmentId, ProjectId};
use crate::model::name::{BranchName, CommandLine, ConfigName, EnvironmentName, FolderPath, MaintenancePage};
use crate::model::process::{Formation, Limits};
use crate::model::setting_times::SettingTimes;
use crate::model::time::Timestamp;
use crate::model::volume::{CanaryOptions, Strategy};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// An environment of a project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Environment {
    pub id: EnvironmentId,
    pub project_id: ProjectId,
    pub name: EnvironmentName,
    /// A push to this branch deploys here. `None`: nothing does.
    pub branch: Option<BranchName>,
    pub settings: EnvironmentSettings,
    /// When each of them was changed.
    pub settings_set_at: SettingTimes,
    /// Since when nothing is deployed to it: it is being deleted.
    pub disabled_at: Option<Timestamp>,
    /// Since when requests get a page that says that it is being worked on.
    pub maintenance_at: Option<Timestamp>,
    /// Since when nothing of it runs.
    pub stopped_at: Option<Timestamp>,
    /// Since when its web instances are stopped as nobody asked for them: the next request starts them.
    pub asleep_at: Option<Timestamp>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

/// What can be set for an environment. Stored as one document: a new field needs a default, not a migration.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct EnvironmentSettings {
    pub formation: Formation,
    pub limits: Limits,
    pub health: HealthCheck,
    pub on_hang_up: HangUpPolicy,
    /// How long old instances may finish their requests after the switch, in seconds.
    pub drain_seconds: DrainSeconds,
    /// How long a new release is watched.
    pub watch_seconds: WatchSeconds,
    /// After how long without a request its web instances are stopped.
    pub sleep_seconds: SleepSeconds,
    /// How new instances take the place of the old ones, where the project's files do not say; `None`: beside each other,
    /// unless they write a volume.
    pub strategy: Option<Strategy>,
    /// How new instances are tried out, where the project's files do not say how they take the place of the old ones and none
    /// writes a volume; `None`: not at all.
    pub canary: Option<CanaryOptions>,
    /// The folder of the repository that is the project, in place of what its `gilgal.toml` says.
    pub root: Option<FolderPath>,
    /// What builds the project, and what starts it, where its own files do not say.
    pub build_command: Option<CommandLine>,
    pub start_command: Option<CommandLine>,
    /// Where the images that are built for it are pushed; `None`: nowhere.
    pub push_images: Option<ImagePush>,
    /// What is fetched for it beside commits.
    pub fetch: FetchExtras,
    /// What people see while it is being worked on, in HTML.
    pub maintenance_page: Option<MaintenancePage>,
    /// What they see when no instance answers, in HTML.
    pub error_page: Option<MaintenancePage>,
}

/// Seconds that old instances get to finish requests; 30 unless set, as Heroku's shutdown time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct DrainSeconds(pub u16);

impl Default for DrainSeconds {
    fn default() -> Self {
        Self(30)
    }
}

impl DrainSeconds {
    /// The same as a duration.
    #[must_use]
    pub fn duration(self) -> Duration {
        Duration::from_secs(u64::from(self.0))
    }
}

/// Seconds for which a release is watched after it went live, and rolled back when it fails; 60 unless set, 0: not at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct WatchSeconds(pub u16);

impl Default for WatchSeconds {
    fn default() -> Self {
        Self(60)
    }
}

/// Seconds without a request after which web instances are stopped until the next one comes; 0, as unless set: never.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SleepSeconds(pub u32);

impl SleepSeconds {
    /// The same as a duration; `None`: never.
    #[must_use]
    pub fn duration(self) -> Option<Duration> {
        (self.0 > 0).then(|| Duration::from_secs(self.0.into()))
    }
}

/// What happens to a deployment when the connection that pushed it goes away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HangUpPolicy {
    /// It goes on; its log stays readable.
    #[default]
    Detach,
    /// It is cancelled and undone.
    Cancel,
}

/// How an instance proves that it may receive traffic.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct HealthCheck {
    pub probe: Probe,
    /// Milliseconds between two attempts.
    pub interval_ms: u32,
    /// Milliseconds one attempt may take.
    pub attempt_timeout_ms: u32,
    /// Milliseconds after which an instance that was never healthy has failed.
    pub deadline_ms: u32,
    /// Successes in a row that make an instance healthy.
    pub successes: u16,
    /// Milliseconds between two attempts once it is live; 0: it is not asked any more.
    pub live_interval_ms: u32,
    /// Failures in a row after which a live instance is replaced.
    pub live_failures: u16,
}

/// What an attempt does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Probe {
    /// `GET path`; any answer below 500 is a success.
    Http { path: String },
    /// A connection that is accepted is a success.
    Tcp,
}

impl Default for HealthCheck {
    fn default() -> Self {
        Self {
            probe: Probe::Http { path: "/".to_owned() },
            interval_ms: 1_000,
            attempt_timeout_ms: 5_000,
            deadline_ms: 60_000,
            successes: 1,
            live_interval_ms: 10_000,
            live_failures: 3,
        }
    }
}

/// A config var as stored: its value is sealed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigVar {
    pub name: ConfigName,
    /// Ciphertext made by `secrets`; never the value itself.
    pub sealed_value: String,
    pub scope: ConfigScope,
    /// Whether the value may be read back through the API.
    pub secret: bool,
    /// Whether previews of pull requests get it; in a preview, whether it has come from there.
    pub previews: bool,
    pub updated_at: Timestamp,
}

/// Who sees a config var.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConfigScope {
    Build,
    Runtime,
    Both,
}

impl ConfigScope {
    /// The word that is stored and shown.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Build => "build",
            Self::Runtime => "runtime",
            Self::Both => "both",
        }
    }

    /// Whether a build gets the variable.
    #[must_use]
    pub const fn at_build(self) -> bool {
        match self {
            Self::Runtime => false,
            Self::Build | Self::Both => true,
        }
    }

    /// Whether running instances get the variable.
    #[must_use]
    pub const fn at_runtime(self) -> bool {
        match self {
            Self::Build => false,
            Self::Runtime | Self::Both => true,
        }
    }
}
