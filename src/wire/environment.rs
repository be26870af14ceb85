//! Bodies of `/api/environments`.

use crate::model::environment::{DrainSeconds, HangUpPolicy, HealthCheck, Probe, SleepSeconds, WatchSeconds};
use crate::model::id::{EnvironmentId, ProjectId};
use crate::model::name::{BranchName, CommandLine, EnvironmentName, FolderPath, MaintenancePage};
use crate::model::process::{Formation, Limits};
use crate::model::time::Timestamp;
use crate::model::volume::Strategy;
use crate::wire::canary::CanaryBody;
use crate::wire::elsewhere::{FetchBody, ImagePushBody};
use crate::wire::environment_fields::EnvironmentFields;
use crate::wire::form::{Body, Form};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// `POST /api/projects/:id/environments`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewEnvironmentBody {
    pub name: EnvironmentName,
    pub fields: EnvironmentFields,
}

impl Body for NewEnvironmentBody {
    fn take(form: &mut Form) -> Option<Self> {
        let (name, fields) = (form.required("name"), EnvironmentFields::take(form));
        Some(Self { name: name?, fields })
    }
}

/// `PATCH /api/environments/:id`: the fields to change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UpdateEnvironmentBody {
    pub name: Option<EnvironmentName>,
    pub fields: EnvironmentFields,
}

impl Body for UpdateEnvironmentBody {
    fn take(form: &mut Form) -> Option<Self> {
        Some(Self { name: form.optional("name"), fields: EnvironmentFields::take(form) })
    }
}

/// `PUT /api/environments/:id`: every field that can be changed; one that is left out is as for a new environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplaceEnvironmentBody {
    pub name: EnvironmentName,
    pub fields: EnvironmentFields,
}

impl Body for ReplaceEnvironmentBody {
    fn take(form: &mut Form) -> Option<Self> {
        let (name, fields) = (form.required("name"), EnvironmentFields::take(form));
        Some(Self { name: name?, fields })
    }
}

/// `POST /api/environments/:id/maintenance`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MaintenanceBody {
    pub on: bool,
}

impl Body for MaintenanceBody {
    fn take(form: &mut Form) -> Option<Self> {
        let on = form.optional_value("on", "`true` or `false`");
        if on.is_none() {
            form.refuse("on", "This must be `true` or `false`.");
        }
        Some(Self { on: on? })
    }
}

/// An environment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EnvironmentBody {
    pub id: EnvironmentId,
    pub project_id: ProjectId,
    pub name: EnvironmentName,
    /// A push to it deploys here; `null`: nothing does.
    pub branch: Option<BranchName>,
    pub url: String,
    /// Of the release that is served: `7` for v7; `null` where there is none.
    pub version: Option<i64>,
    /// Instances that somebody has asked for, by process type.
    pub formation: Formation,
    pub health: HealthCheckBody,
    pub limits: LimitsBody,
    pub drain_seconds: DrainSeconds,
    /// For so long a new release is watched, and rolled back when it fails; 0: not at all.
    pub watch_seconds: WatchSeconds,
    /// After so long without a request its web instances are stopped, until the next one comes; 0: never.
    pub sleep_seconds: SleepSeconds,
    /// How new instances take the place of the old ones, where the project's files do not say; `null`: beside each other, unless
    /// they write a volume.
    pub strategy: Option<Strategy>,
    /// How new instances are tried out, where the project's files do not say how they take the place of the old ones and none
    /// writes a volume; `null`: not at all.
    pub canary: Option<CanaryBody>,
    pub on_hang_up: HangUpPolicy,
    pub root: Option<FolderPath>,
    pub build_command: Option<CommandLine>,
    pub start_command: Option<CommandLine>,
    /// Where the images that are built for it are pushed; `null`: nowhere.
    pub push_images: Option<ImagePushBody>,
    /// What is fetched for it beside commits.
    pub fetch: FetchBody,
    /// What people see while it is being worked on, in HTML; `null`: a page of the server's.
    pub maintenance_page: Option<MaintenancePage>,
    /// What people see when no instance answers, in HTML; `null`: a page of the server's.
    pub error_page: Option<MaintenancePage>,
    /// Whether requests get that page.
    pub maintenance: bool,
    /// Whether somebody has stopped it.
    pub stopped: bool,
    /// Since when its web instances are stopped as nobody asked for them; `null`: it is awake.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub asleep_at: Option<Timestamp>,
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    pub updated_at: Timestamp,
}

/// How an instance proves that it may receive traffic. Either `path` or `tcp`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct HealthCheckBody {
    /// `GET` of it with any answer below 500 is a success.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// A connection that is accepted is a success.
    pub tcp: bool,
    pub interval_ms: u32,
    pub timeout_ms: u32,
    pub deadline_ms: u32,
    /// Successes in a row.
    pub threshold: u16,
    /// Between two attempts once an instance is live; 0: it is not asked any more.
    pub live_interval_ms: u32,
    /// Failures in a row after which a live instance is replaced.
    pub live_failures: u16,
}

impl Default for HealthCheckBody {
    fn default() -> Self {
        let usual = Self::from(HealthCheck::default());
        // Said only where it is asked for: `tcp` alone is not both.
        Self { path: None, ..usual }
    }
}

impl From<HealthCheck> for HealthCheckBody {
    fn from(check: HealthCheck) -> Self {
        let (path, tcp) = match check.probe {
            Probe::Http { path } => (Some(path), false),
            Probe::Tcp => (None, true),
        };
        Self {
            path,
            tcp,
            interval_ms: check.interval_ms,
            timeout_ms: check.attempt_timeout_ms,
            deadline_ms: check.deadline_ms,
            threshold: check.successes,
            live_interval_ms: check.live_interval_ms,
            live_failures: check.live_failures,
        }
    }
}

/// What one instance may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct LimitsBody {
    pub memory_mib: u32,
    /// Thousandths of a core.
    pub cpu_millis: u32,
    /// Processes and threads.
    pub processes: u32,
}

impl Default for LimitsBody {
    fn default() -> Self {
        Limits::default().into()
    }
}

impl From<Limits> for LimitsBody {
    fn from(limits: Limits) -> Self {
        let Limits { memory_mib, cpu_millis, processes } = limits;
        Self { memory_mib, cpu_millis, processes }
    }
}
