//! What a request says of an environment, over what is so already or as is usual.

use crate::model::elsewhere::{FetchExtras, ImagePush};
use crate::model::environment::{
    DrainSeconds, EnvironmentSettings, HangUpPolicy, HealthCheck, Probe, SleepSeconds, WatchSeconds,
};
use crate::model::image::ImageName;
use crate::model::name::{BranchName, CommandLine, FolderPath, MaintenancePage};
use crate::model::process::Limits;
use crate::model::remote_host::RemoteHost;
use crate::model::volume::{CanaryOptions, Strategy};
use crate::wire::form::Form;
use serde::{Deserialize, Deserializer};

/// What can be said of an environment in a request: a field that is left out says nothing, one that is `null` is none, or
/// as is usual.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EnvironmentFields {
    pub branch: Option<Option<BranchName>>,
    pub health: Option<Option<HealthFields>>,
    pub limits: Option<Option<LimitsFields>>,
    pub drain_seconds: Option<Option<DrainSeconds>>,
    pub watch_seconds: Option<Option<WatchSeconds>>,
    pub sleep_seconds: Option<Option<SleepSeconds>>,
    pub strategy: Option<Option<Strategy>>,
    pub canary: Option<Option<CanaryFields>>,
    pub on_hang_up: Option<Option<HangUpPolicy>>,
    pub root: Option<Option<FolderPath>>,
    pub build_command: Option<Option<CommandLine>>,
    pub start_command: Option<Option<CommandLine>>,
    pub push_images: Option<Option<ImagePushFields>>,
    pub fetch: Option<Option<FetchFields>>,
    pub maintenance_page: Option<Option<MaintenancePage>>,
    pub error_page: Option<Option<MaintenancePage>>,
}

const HEALTH: &str = "an object with `path` or `tcp`, and perhaps `interval_ms`, `timeout_ms`, `deadline_ms`, `threshold`, \
     `live_interval_ms` and `live_failures`";
const STRATEGY: &str = "`rolling`, `hold`, `recreate` or `canary`, or null";
const CANARY: &str = "an object with `percent` or `seconds`, or null";
const PUSH_IMAGES: &str = "an object with the name of an `image`, and perhaps `required`, or null";
const FETCH: &str = "an object with perhaps `submodules`, `large_files` and `hosts`";
const LIMITS: &str = "an object with `memory_mib`, `cpu_millis` or `processes`";
const SECONDS: &str = "a number of seconds";

impl EnvironmentFields {
    pub(super) fn take(form: &mut Form) -> Self {
        Self {
            branch: form.change("branch"),
            health: form.change_value("health", HEALTH),
            limits: form.change_value("limits", LIMITS),
            drain_seconds: form.change_value("drain_seconds", SECONDS),
            watch_seconds: form.change_value("watch_seconds", SECONDS),
            sleep_seconds: form.change_value("sleep_seconds", SECONDS),
            strategy: form.change_value("strategy", STRATEGY),
            canary: form.change_value("canary", CANARY),
            on_hang_up: form.change_value("on_hang_up", "`detach` or `cancel`"),
            root: form.change("root"),
            build_command: form.change("build_command"),
            start_command: form.change("start_command"),
            push_images: form.change_value("push_images", PUSH_IMAGES),
            fetch: form.change_value("fetch", FETCH),
            maintenance_page: form.change("maintenance_page"),
            error_page: form.change("error_page"),
        }
    }

    /// The settings with what is said here. What is in an object stays where the object does not name it.
    #[must_use]
    pub fn over(&self, settings: EnvironmentSettings) -> EnvironmentSettings {
        let said = self.clone();
        EnvironmentSettings {
            health: merged(said.health, settings.health, HealthFields::over),
            limits: merged(said.limits, settings.limits, LimitsFields::over),
            drain_seconds: said.drain_seconds.map_or(settings.drain_seconds, Option::unwrap_or_default),
            watch_seconds: said.watch_seconds.map_or(settings.watch_seconds, Option::unwrap_or_default),
            sleep_seconds: said.sleep_seconds.map_or(settings.sleep_seconds, Option::unwrap_or_default),
            strategy: said.strategy.unwrap_or(settings.strategy),
            canary: match said.canary {
                None => settings.canary,
                Some(said) => said.map(|said| said.over(settings.canary.unwrap_or_default())),
            },
            on_hang_up: said.on_hang_up.map_or(settings.on_hang_up, Option::unwrap_or_default),
            root: said.root.unwrap_or(settings.root),
            build_command: said.build_command.unwrap_or(settings.build_command),
            start_command: said.start_command.unwrap_or(settings.start_command),
            push_images: match said.push_images {
                None => settings.push_images,
                Some(said) => said.map(|said| said.over(settings.push_images.as_ref())),
            },
            fetch: merged(said.fetch, settings.fetch, FetchFields::over),
            maintenance_page: said.maintenance_page.unwrap_or(settings.maintenance_page),
            error_page: said.error_page.unwrap_or(settings.error_page),
            formation: settings.formation,
        }
    }

    /// Why two things that are said of the health check exclude each other.
    #[must_use]
    pub fn health_contradiction(&self) -> Option<&'static str> {
        let health = self.health.as_ref()?.as_ref()?;
        let both = health.path.is_some() && health.tcp == Some(true);
        both.then_some("Ask for a `path` or for `tcp`, not for both.")
    }
}

/// What is said over what there is; over nothing where it is as usual.
#[expect(clippy::option_option, reason = "left out, as usual, and a value are three things")]
fn merged<F, T: Default>(said: Option<Option<F>>, there: T, over: impl FnOnce(F, T) -> T) -> T {
    match said {
        None => there,
        Some(None) => T::default(),
        Some(Some(said)) => over(said, there),
    }
}

/// What is said of a health check: either of its `path` or of `tcp`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct HealthFields {
    pub path: Option<String>,
    #[serde(deserialize_with = "given")]
    pub tcp: Option<bool>,
    #[serde(deserialize_with = "given")]
    pub interval_ms: Option<u32>,
    #[serde(deserialize_with = "given")]
    pub timeout_ms: Option<u32>,
    #[serde(deserialize_with = "given")]
    pub deadline_ms: Option<u32>,
    #[serde(deserialize_with = "given")]
    pub threshold: Option<u16>,
    #[serde(deserialize_with = "given")]
    pub live_interval_ms: Option<u32>,
    #[serde(deserialize_with = "given")]
    pub live_failures: Option<u16>,
}

impl HealthFields {
    fn over(self, check: HealthCheck) -> HealthCheck {
        let probe = match (self.path, self.tcp) {
            (Some(path), _) => Probe::Http { path },
            (None, Some(true)) => Probe::Tcp,
            (None, Some(false)) if check.probe == Probe::Tcp => HealthCheck::default().probe,
            (None, Some(false) | None) => check.probe,
        };
        HealthCheck {
            probe,
            interval_ms: self.interval_ms.unwrap_or(check.interval_ms),
            attempt_timeout_ms: self.timeout_ms.unwrap_or(check.attempt_timeout_ms),
            deadline_ms: self.deadline_ms.unwrap_or(check.deadline_ms),
            successes: self.threshold.unwrap_or(check.successes),
            live_interval_ms: self.live_interval_ms.unwrap_or(check.live_interval_ms),
            live_failures: self.live_failures.unwrap_or(check.live_failures),
        }
    }
}

/// What is said of what one instance may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LimitsFields {
    #[serde(deserialize_with = "given")]
    pub memory_mib: Option<u32>,
    #[serde(deserialize_with = "given")]
    pub cpu_millis: Option<u32>,
    #[serde(deserialize_with = "given")]
    pub processes: Option<u32>,
}

impl LimitsFields {
    fn over(self, limits: Limits) -> Limits {
        Limits {
            memory_mib: self.memory_mib.unwrap_or(limits.memory_mib),
            cpu_millis: self.cpu_millis.unwrap_or(limits.cpu_millis),
            processes: self.processes.unwrap_or(limits.processes),
        }
    }
}

/// What is said of how new instances are tried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CanaryFields {
    #[serde(deserialize_with = "given")]
    pub percent: Option<u8>,
    #[serde(deserialize_with = "given")]
    pub seconds: Option<u16>,
}

impl CanaryFields {
    fn over(self, canary: CanaryOptions) -> CanaryOptions {
        CanaryOptions {
            percent: self.percent.unwrap_or(canary.percent),
            seconds: self.seconds.unwrap_or(canary.seconds),
        }
    }
}

/// What is said of where images are pushed.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ImagePushFields {
    pub image: ImageName,
    #[serde(default, deserialize_with = "given")]
    pub required: Option<bool>,
}

impl ImagePushFields {
    fn over(self, push: Option<&ImagePush>) -> ImagePush {
        let required = self.required.unwrap_or_else(|| push.is_some_and(|push| push.required));
        ImagePush { image: self.image, required }
    }
}

/// What is said of what is fetched beside commits.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FetchFields {
    #[serde(deserialize_with = "given")]
    pub submodules: Option<bool>,
    #[serde(deserialize_with = "given")]
    pub large_files: Option<bool>,
    #[serde(deserialize_with = "given")]
    pub hosts: Option<Vec<RemoteHost>>,
}

impl FetchFields {
    fn over(self, extras: FetchExtras) -> FetchExtras {
        FetchExtras {
            submodules: self.submodules.unwrap_or(extras.submodules),
            large_files: self.large_files.unwrap_or(extras.large_files),
            hosts: self.hosts.unwrap_or(extras.hosts),
        }
    }
}

/// A value that may be left out and, unlike one that serde takes as an `Option`, is not `null`.
fn given<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}
