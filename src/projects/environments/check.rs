//! Which settings of an environment mean something, and are no more than this server gives.

use super::EnvironmentError;
use crate::model::elsewhere::MOST_HOSTS;
use crate::model::environment::{EnvironmentSettings, HealthCheck, Probe};
use crate::model::name::{EnvironmentName, Slug};
use crate::model::process::{Limits, Maxima};
use crate::model::volume::Strategy;
use crate::wire::environment_fields::EnvironmentFields;

/// Longest time of a health check, in milliseconds, and of a drain, in seconds: an hour.
const HOUR_MS: u32 = 3_600_000;
const HOUR_SECONDS: u16 = 3_600;
/// Longest time without a request until an app falls asleep.
const DAY_SECONDS: u32 = 86_400;

/// Refuses a new name that is none for DNS, and settings that exclude each other, mean nothing, or are more than this server
/// gives. `fields` is what was said of the settings.
///
/// # Errors
/// [`EnvironmentError::Invalid`] with what is wrong of each.
pub(super) fn check(
    (project, name): (&Slug, Option<&EnvironmentName>),
    fields: &EnvironmentFields,
    settings: &EnvironmentSettings,
    maxima: Maxima,
) -> Result<(), EnvironmentError> {
    let contradiction = fields.health_contradiction().map(str::to_owned);
    let faults = [
        ("name", name.and_then(|name| host(project, name))),
        ("limits", limits(&settings.limits, maxima)),
        ("health", contradiction.or_else(|| health(&settings.health))),
        (
            "drain_seconds",
            at_most(settings.drain_seconds.0, HOUR_SECONDS, "Old instances get at most an hour."),
        ),
        (
            "watch_seconds",
            at_most(settings.watch_seconds.0, HOUR_SECONDS, "A release is watched for an hour at most."),
        ),
        (
            "sleep_seconds",
            at_most(
                settings.sleep_seconds.0,
                DAY_SECONDS,
                "An app falls asleep after a day at most; 0: never.",
            ),
        ),
        ("canary", canary(settings)),
        ("push_images", push_images(settings)),
        ("fetch", fetch(settings)),
    ];
    let faults: Vec<(&'static str, String)> =
        faults.into_iter().filter_map(|(field, fault)| Some((field, fault?))).collect();
    if faults.is_empty() { Ok(()) } else { Err(EnvironmentError::Invalid(faults)) }
}

/// A DNS label has at most 63 octets (RFC 1035 §2.3.4).
fn host(project: &Slug, name: &EnvironmentName) -> Option<String> {
    let label = name.host_label(project);
    (label.len() > Slug::MAX_LENGTH).then(|| {
        format!(
            "The host name \"{label}\" would be longer than the 63 characters that a part of one may have. Choose a \
             shorter name."
        )
    })
}

fn at_most<T: PartialOrd + Copy>(value: T, most: T, fault: &str) -> Option<String> {
    (value > most).then(|| fault.to_owned())
}

fn limits(limits: &Limits, maxima: Maxima) -> Option<String> {
    // What is not asked for may be more than what may be asked for: the operator's business.
    if *limits == Limits::default() {
        return None;
    }
    if !(16..=maxima.memory_mib).contains(&limits.memory_mib) {
        return Some(format!("An instance has from 16 to {} MiB of memory here.", maxima.memory_mib));
    }
    if !(10..=maxima.cpu_millis).contains(&limits.cpu_millis) {
        return Some(format!("An instance has from 10 to {} thousandths of a core here.", maxima.cpu_millis));
    }
    let processes = (16..=32_768).contains(&limits.processes);
    (!processes).then(|| "An instance has from 16 to 32768 processes and threads.".to_owned())
}

fn health(health: &HealthCheck) -> Option<String> {
    let times = [health.interval_ms, health.attempt_timeout_ms, health.deadline_ms];
    let fault = if times.iter().any(|time| !(1..=HOUR_MS).contains(time)) {
        "Times of a health check are from 1 ms to an hour."
    } else if health.live_interval_ms > HOUR_MS || (1..1000).contains(&health.live_interval_ms) {
        "A live instance is asked every second at most and every hour at least; 0 asks none."
    } else if !(1..=100).contains(&health.live_failures) {
        "From 1 to 100 failures in a row have an instance replaced."
    } else if !(1..=100).contains(&health.successes) {
        "From 1 to 100 successes in a row can be asked for."
    } else if matches!(&health.probe, Probe::Http { path } if !is_request_path(path)) {
        "The path of a health check begins with a slash, as in /up, and has no spaces."
    } else {
        return None;
    };
    Some(fault.to_owned())
}

fn canary(settings: &EnvironmentSettings) -> Option<String> {
    let canary = settings.canary.as_ref()?;
    if !(1..=99).contains(&canary.percent) || !(1..=HOUR_SECONDS).contains(&canary.seconds) {
        return Some(
            "From 1 to 99 percent of the requests try new instances out, for an hour at most.".to_owned(),
        );
    }
    match settings.strategy? {
        Strategy::Canary => None,
        strategy @ (Strategy::Rolling | Strategy::Hold | Strategy::Recreate) => Some(format!(
            "With the strategy {} nothing is tried out: leave one of them out.",
            strategy.as_str()
        )),
    }
}

fn push_images(settings: &EnvironmentSettings) -> Option<String> {
    let is_one_digest = settings.push_images.as_ref()?.image.digest().is_some();
    let fault = "What is pushed has another digest each time: name a tag, as in ghcr.io/ada/shop:live.";
    is_one_digest.then(|| fault.to_owned())
}

fn fetch(settings: &EnvironmentSettings) -> Option<String> {
    let too_many = settings.fetch.hosts.len() > MOST_HOSTS;
    too_many.then(|| format!("Submodules may be on {MOST_HOSTS} other hosts at most."))
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
    use crate::model::elsewhere::ImagePush;
    use crate::model::environment::{DrainSeconds, SleepSeconds, WatchSeconds};
    use crate::model::volume::CanaryOptions;

    const MAXIMA: Maxima = Maxima { memory_mib: 1024, cpu_millis: 2000, instances: 4 };

    fn check(settings: &EnvironmentSettings, maxima: Maxima) -> Result<(), EnvironmentError> {
        super::check((&"shop".parse().unwrap(), None), &EnvironmentFields::default(), settings, maxima)
    }

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

    #[test]
    fn everything_that_is_wrong_is_named_at_once() {
        let mut settings =
            EnvironmentSettings { drain_seconds: DrainSeconds(u16::MAX), ..Default::default() };
        settings.health.successes = 0;
        settings.limits.memory_mib = 1;
        let EnvironmentError::Invalid(faults) = check(&settings, MAXIMA).unwrap_err() else { panic!() };
        assert_eq!(
            faults.iter().map(|(field, _)| *field).collect::<Vec<_>>(),
            ["limits", "health", "drain_seconds"]
        );
    }
}
