//! Bodies of `/api/environments`.

use crate::model::environment::{DrainSeconds, HangUpPolicy, HealthCheck, Probe, SleepSeconds, WatchSeconds};
use crate::model::id::{EnvironmentId, ProjectId};
use crate::model::name::{BranchName, CommandLine, EnvironmentName, FolderPath, MaintenancePage};
use crate::model::process::{Formation, Limits};
use crate::model::time::Timestamp;
use crate::model::volume::Strategy;
use crate::wire::canary::CanaryBody;
use crate::wire::elsewhere::{FetchBody, ImagePushBody};
use crate::wire::form::{Body, Form};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What can be said of an environment in a request. A field that is left out stays as it is, or as is usual; one that is
/// `null` is taken away.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EnvironmentFields {
    pub branch: Option<Option<BranchName>>,
    pub health: Option<HealthCheckBody>,
    pub limits: Option<LimitsBody>,
    pub drain_seconds: Option<DrainSeconds>,
    pub watch_seconds: Option<WatchSeconds>,
    pub sleep_seconds: Option<SleepSeconds>,
    pub strategy: Option<Option<Strategy>>,
    pub canary: Option<Option<CanaryBody>>,
    pub on_hang_up: Option<HangUpPolicy>,
    pub root: Option<Option<FolderPath>>,
    pub build_command: Option<Option<CommandLine>>,
    pub start_command: Option<Option<CommandLine>>,
    pub push_images: Option<Option<ImagePushBody>>,
    pub fetch: Option<FetchBody>,
    pub maintenance_page: Option<Option<MaintenancePage>>,
    pub error_page: Option<Option<MaintenancePage>>,
}

impl EnvironmentFields {
    fn take(form: &mut Form) -> Self {
        Self {
            branch: form.change("branch"),
            health: form.optional_value("health", HEALTH),
            limits: form.optional_value("limits", LIMITS),
            drain_seconds: form.optional_value("drain_seconds", "a number of seconds"),
            watch_seconds: form.optional_value("watch_seconds", "a number of seconds"),
            sleep_seconds: form.optional_value("sleep_seconds", "a number of seconds"),
            strategy: form.change_value("strategy", STRATEGY),
            canary: form.change_value("canary", CANARY),
            on_hang_up: form.optional_value("on_hang_up", "`detach` or `cancel`"),
            root: form.change("root"),
            build_command: form.change("build_command"),
            start_command: form.change("start_command"),
            push_images: form.change_value("push_images", PUSH_IMAGES),
            fetch: form.optional_value("fetch", FETCH),
            maintenance_page: form.change("maintenance_page"),
            error_page: form.change("error_page"),
        }
    }
}

const HEALTH: &str = "an object with `path` or `tcp`, and perhaps `interval_ms`, `timeout_ms`, `deadline_ms`, `threshold`, \
     `live_interval_ms` and `live_failures`";
const STRATEGY: &str = "`rolling`, `hold`, `recreate` or `canary`, or null";
const CANARY: &str = "an object with `percent` or `seconds`, or null";
const PUSH_IMAGES: &str = "an object with the name of an `image`, and perhaps `required`, or null";
const FETCH: &str = "an object with perhaps `submodules`, `large_files` and `hosts`";
const LIMITS: &str = "an object with `memory_mib`, `cpu_millis` or `processes`";

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
        let fields = EnvironmentFields {
            branch: Some(fields.branch.flatten()),
            health: Some(fields.health.unwrap_or_default()),
            limits: Some(fields.limits.unwrap_or_default()),
            drain_seconds: Some(fields.drain_seconds.unwrap_or_default()),
            watch_seconds: Some(fields.watch_seconds.unwrap_or_default()),
            sleep_seconds: Some(fields.sleep_seconds.unwrap_or_default()),
            strategy: Some(fields.strategy.flatten()),
            canary: Some(fields.canary.flatten()),
            on_hang_up: Some(fields.on_hang_up.unwrap_or_default()),
            root: Some(fields.root.flatten()),
            build_command: Some(fields.build_command.flatten()),
            start_command: Some(fields.start_command.flatten()),
            push_images: Some(fields.push_images.flatten()),
            fetch: Some(fields.fetch.unwrap_or_default()),
            maintenance_page: Some(fields.maintenance_page.flatten()),
            error_page: Some(fields.error_page.flatten()),
        };
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

impl HealthCheckBody {
    /// The check that is meant; `None` where both a path and a connection are asked for.
    #[must_use]
    pub fn check(self) -> Option<HealthCheck> {
        let probe = match (self.path, self.tcp) {
            (Some(_), true) => return None,
            (None, true) => Probe::Tcp,
            (Some(path), false) => Probe::Http { path },
            (None, false) => HealthCheck::default().probe,
        };
        Some(HealthCheck {
            probe,
            interval_ms: self.interval_ms,
            attempt_timeout_ms: self.timeout_ms,
            deadline_ms: self.deadline_ms,
            successes: self.threshold,
            live_interval_ms: self.live_interval_ms,
            live_failures: self.live_failures,
        })
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

impl From<LimitsBody> for Limits {
    fn from(body: LimitsBody) -> Self {
        let LimitsBody { memory_mib, cpu_millis, processes } = body;
        Self { memory_mib, cpu_millis, processes }
    }
}
