//! Changing environments. What is changed holds from the next deployment on.

use super::EnvironmentError;
use super::create::{check_host, taken};
use crate::model::elsewhere::{FetchExtras, ImagePush, MOST_HOSTS};
use crate::model::environment::{
    DrainSeconds, Environment, EnvironmentSettings, HangUpPolicy, HealthCheck, Probe, SleepSeconds,
    WatchSeconds,
};
use crate::model::name::{BranchName, CommandLine, EnvironmentName, FolderPath, MaintenancePage};
use crate::model::process::{Limits, Maxima};
use crate::model::project::Project;
use crate::model::volume::{CanaryOptions, Strategy};
use crate::projects::Overwrite;
use crate::store::{Store, StoreError};

/// Longest time of a health check, in milliseconds, and of a drain, in seconds: an hour.
const HOUR_MS: u32 = 3_600_000;
const HOUR_SECONDS: u16 = 3_600;
/// Longest time without a request until an app falls asleep.
const DAY_SECONDS: u32 = 86_400;

/// What is to become of an environment; `None` leaves a thing as it is, and `Some(None)` takes it away.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EnvironmentChange {
    pub name: Option<EnvironmentName>,
    pub branch: Option<Option<BranchName>>,
    pub limits: Option<Limits>,
    pub health: Option<HealthCheck>,
    pub drain_seconds: Option<DrainSeconds>,
    pub watch_seconds: Option<WatchSeconds>,
    pub sleep_seconds: Option<SleepSeconds>,
    pub strategy: Option<Option<Strategy>>,
    pub canary: Option<Option<CanaryOptions>>,
    pub on_hang_up: Option<HangUpPolicy>,
    pub root: Option<Option<FolderPath>>,
    pub build_command: Option<Option<CommandLine>>,
    pub start_command: Option<Option<CommandLine>>,
    pub push_images: Option<Option<ImagePush>>,
    pub fetch: Option<FetchExtras>,
    pub maintenance_page: Option<Option<MaintenancePage>>,
    pub error_page: Option<Option<MaintenancePage>>,
}

impl EnvironmentChange {
    /// The settings with what is changed of them.
    pub(super) fn applied_to(&self, settings: EnvironmentSettings) -> EnvironmentSettings {
        EnvironmentSettings {
            limits: self.limits.unwrap_or(settings.limits),
            health: self.health.clone().unwrap_or(settings.health),
            drain_seconds: self.drain_seconds.unwrap_or(settings.drain_seconds),
            watch_seconds: self.watch_seconds.unwrap_or(settings.watch_seconds),
            sleep_seconds: self.sleep_seconds.unwrap_or(settings.sleep_seconds),
            strategy: self.strategy.unwrap_or(settings.strategy),
            canary: self.canary.unwrap_or(settings.canary),
            on_hang_up: self.on_hang_up.unwrap_or(settings.on_hang_up),
            root: self.root.clone().unwrap_or(settings.root),
            build_command: self.build_command.clone().unwrap_or(settings.build_command),
            start_command: self.start_command.clone().unwrap_or(settings.start_command),
            push_images: self.push_images.clone().unwrap_or(settings.push_images),
            fetch: self.fetch.clone().unwrap_or(settings.fetch),
            maintenance_page: self.maintenance_page.clone().unwrap_or(settings.maintenance_page),
            error_page: self.error_page.clone().unwrap_or(settings.error_page),
            formation: settings.formation,
        }
    }
}

/// Changes an environment, as it is now or only as it was read.
///
/// # Errors
/// When the new name, branch or host name is taken, something is not valid, or production is to be called otherwise;
/// [`StoreError::Stale`] when it was changed and must not have been.
pub async fn change(
    store: &Store,
    project: &Project,
    (environment, overwrite): (&Environment, Overwrite),
    change: EnvironmentChange,
    maxima: Maxima,
) -> Result<Environment, EnvironmentError> {
    let name = change.name.clone().filter(|name| *name != environment.name);
    if let Some(name) = &name {
        if environment.name == EnvironmentName::production() {
            return Err(EnvironmentError::ProductionStays);
        }
        check_host(&project.slug, name)?;
    }
    let shown_name = name.as_ref().unwrap_or(&environment.name);
    let wanted_branch = change.branch.clone().flatten();
    let changed = store
        .change_environment(environment.id, &project.slug, |now| {
            match overwrite {
                Overwrite::Unchanged if now != environment => return Err(StoreError::Stale.into()),
                Overwrite::Unchanged | Overwrite::Anything => {}
            }
            let settings = change.applied_to(now.settings.clone());
            check(&settings, maxima)?;
            Ok(Environment {
                name: shown_name.clone(),
                branch: change.branch.clone().unwrap_or_else(|| now.branch.clone()),
                settings,
                ..now.clone()
            })
        })
        .await;
    changed.map_err(|error| taken(error, &project.slug, shown_name, wanted_branch.as_ref()))?
}

/// Refuses settings that mean nothing, or are more than this server gives.
pub(super) fn check(settings: &EnvironmentSettings, maxima: Maxima) -> Result<(), EnvironmentError> {
    let EnvironmentSettings { limits, health, drain_seconds, watch_seconds, sleep_seconds, .. } = settings;
    let invalid = |field, reason: String| Err(EnvironmentError::Invalid { field, reason });
    let between = |value: u32, least: u32, most: u32| (least..=most).contains(&value);
    // What is not asked for may be more than what may be asked for: the operator's business.
    if *limits != Limits::default() {
        if !between(limits.memory_mib, 16, maxima.memory_mib) {
            return invalid(
                "limits",
                format!("An instance has from 16 to {} MiB of memory here.", maxima.memory_mib),
            );
        }
        if !between(limits.cpu_millis, 10, maxima.cpu_millis) {
            let most = maxima.cpu_millis;
            return invalid(
                "limits",
                format!("An instance has from 10 to {most} thousandths of a core here."),
            );
        }
        if !between(limits.processes, 16, 32_768) {
            return invalid("limits", "An instance has from 16 to 32768 processes and threads.".to_owned());
        }
    }
    let times = [health.interval_ms, health.attempt_timeout_ms, health.deadline_ms];
    if times.iter().any(|time| !between(*time, 1, HOUR_MS)) {
        return invalid("health", "Times of a health check are from 1 ms to an hour.".to_owned());
    }
    if !between(health.live_interval_ms, 0, HOUR_MS) || (1..1000).contains(&health.live_interval_ms) {
        let sentence = "A live instance is asked every second at most and every hour at least; 0 asks none.";
        return invalid("health", sentence.to_owned());
    }
    if !(1..=100).contains(&health.live_failures) {
        return invalid("health", "From 1 to 100 failures in a row have an instance replaced.".to_owned());
    }
    if !(1..=100).contains(&health.successes) {
        return invalid("health", "From 1 to 100 successes in a row can be asked for.".to_owned());
    }
    if let Probe::Http { path } = &health.probe
        && !is_request_path(path)
    {
        let reason = "The path of a health check begins with a slash, as in /up, and has no spaces.";
        return invalid("health", reason.to_owned());
    }
    if drain_seconds.0 > HOUR_SECONDS {
        return invalid("drain_seconds", "Old instances get at most an hour.".to_owned());
    }
    if watch_seconds.0 > HOUR_SECONDS {
        return invalid("watch_seconds", "A release is watched for an hour at most.".to_owned());
    }
    if sleep_seconds.0 > DAY_SECONDS {
        return invalid("sleep_seconds", "An app falls asleep after a day at most; 0: never.".to_owned());
    }
    let is_canary = |canary: &CanaryOptions| {
        (1..=99).contains(&canary.percent) && (1..=HOUR_SECONDS).contains(&canary.seconds)
    };
    if !settings.canary.as_ref().is_none_or(is_canary) {
        let reason = "From 1 to 99 percent of the requests try new instances out, for an hour at most.";
        return invalid("canary", reason.to_owned());
    }
    if let (Some(strategy @ (Strategy::Rolling | Strategy::Hold | Strategy::Recreate)), Some(_)) =
        (settings.strategy, settings.canary)
    {
        let strategy = strategy.as_str();
        return invalid(
            "canary",
            format!("With the strategy {strategy} nothing is tried out: leave one of them out."),
        );
    }
    if settings.push_images.as_ref().is_some_and(|push| push.image.digest().is_some()) {
        let reason = "What is pushed has another digest each time: name a tag, as in ghcr.io/ada/shop:live.";
        return invalid("push_images", reason.to_owned());
    }
    if settings.fetch.hosts.len() > MOST_HOSTS {
        return invalid("fetch", format!("Submodules may be on {MOST_HOSTS} other hosts at most."));
    }
    Ok(())
}

/// Whether a text can be asked for over HTTP (RFC 9112 §3.2.1).
fn is_request_path(path: &str) -> bool {
    path.starts_with('/')
        && path.len() <= 2048
        && path.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#')
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAXIMA: Maxima = Maxima { memory_mib: 1024, cpu_millis: 2000, instances: 4 };

    fn refused(change: impl FnOnce(&mut EnvironmentSettings)) -> String {
        let mut settings = EnvironmentSettings::default();
        change(&mut settings);
        check(&settings, MAXIMA).unwrap_err().to_string()
    }

    #[test]
    fn what_means_nothing_is_refused() {
        let limits = |memory_mib, cpu_millis, processes| Limits { memory_mib, cpu_millis, processes };
        let sentences = [
            refused(|settings| settings.limits = limits(8, 1000, 512)),
            refused(|settings| settings.limits = limits(2048, 1000, 512)),
            refused(|settings| settings.limits = limits(512, 4000, 512)),
            refused(|settings| settings.limits = limits(512, 1000, 1)),
            refused(|settings| settings.health.deadline_ms = HOUR_MS + 1),
            refused(|settings| settings.health.successes = 0),
            refused(|settings| settings.health.probe = Probe::Http { path: "up".to_owned() }),
            refused(|settings| settings.health.probe = Probe::Http { path: "/a\r\nb".to_owned() }),
            refused(|settings| settings.drain_seconds = DrainSeconds(u16::MAX)),
            refused(|settings| settings.watch_seconds = WatchSeconds(u16::MAX)),
            refused(|settings| settings.sleep_seconds = SleepSeconds(u32::MAX)),
            refused(|settings| settings.canary = Some(CanaryOptions { percent: 100, seconds: 1 })),
            refused(|settings| {
                settings.strategy = Some(Strategy::Hold);
                settings.canary = Some(CanaryOptions::default());
            }),
            refused(|settings| settings.health.live_interval_ms = 10),
            refused(|settings| settings.health.live_failures = 0),
            refused(|settings| {
                let image = format!("ghcr.io/a/b@sha256:{}", "a".repeat(64)).parse().unwrap();
                settings.push_images = Some(ImagePush { image, required: false });
            }),
            refused(|settings| settings.fetch.hosts = vec!["a.example".parse().unwrap(); MOST_HOSTS + 1]),
        ];
        insta::assert_snapshot!(sentences.join("\n"));
        assert!(check(&EnvironmentSettings::default(), Maxima { memory_mib: 64, ..MAXIMA }).is_ok());
    }
}
