//! What a plan takes of `gilgal.toml`: variables for the templates, and how the instances run.

use super::{CronLine, Health, PATH, Project, ProjectFile, TreePath, site};
use crate::buildpack::catalog::Pack;
use crate::buildpack::refusal::Refusal;
use crate::model::cron::{CronJob, USUAL_TIMEOUT_SECONDS};
use crate::model::environment::Probe;
use crate::model::name::{ProcessType, VolumeName};
use crate::model::plan::{Evidence, HealthChange, Running};
use crate::model::process::{Command, LimitsChange};
use crate::model::volume::{CanaryOptions, Mount, Strategy};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The variables that every template has: null, or an empty list, where the file says nothing.
pub(crate) fn variables(project: &Project) -> BTreeMap<String, Value> {
    let build = &project.file.build;
    let command = |line: &Option<super::CommandLine>| line.as_ref().map(|line| line.as_str().to_owned());
    let variables = [
        ("install_command", json!(command(&build.install_command))),
        ("pre_build_command", json!(command(&build.pre_build_command))),
        (
            "build_command",
            json!(
                command(&build.build_command)
                    .or_else(|| project.build_command.as_ref().map(|set| set.what.clone()))
            ),
        ),
        ("post_build_command", json!(command(&build.post_build_command))),
        ("packages", json!(build.packages.iter().map(super::PackageName::as_str).collect::<Vec<_>>())),
    ];
    variables
        .into_iter()
        .chain(project.file.site.variables())
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}

/// Base images that are taken from elsewhere.
pub(crate) fn images(file: &ProjectFile) -> BTreeMap<String, String> {
    file.images.iter().map(|(name, other)| (name.as_str().to_owned(), other.as_str().to_owned())).collect()
}

/// What a template has to do itself: a pack whose templates do not name it cannot be asked for it.
pub(crate) const ASKED_OF_TEMPLATES: [&str; 5] =
    ["install_command", "pre_build_command", "build_command", "post_build_command", "packages"];

/// What a template does for `build.cache`.
const CACHES: &str = "build_caches";
/// The page that every path of a single-page app gets.
const PAGE: &str = "index.html";

/// Gives the variables of a pack the values that the file has for them: its word is the last. What is worth showing of it is
/// returned.
///
/// # Errors
/// With a key that the pack does nothing with.
pub(crate) fn override_variables(
    pack: &Pack,
    project: &Project,
    variables: &mut BTreeMap<String, Value>,
) -> Result<Vec<Evidence>, Refusal> {
    let build = &project.file.build;
    let mut evidence = Vec::new();
    let said = |output: &TreePath| project.says(output.as_str(), "build.output");
    if let Some(Evidence { what, from }) = build.output.as_ref().map(said).or_else(|| project.output.clone())
    {
        let name = pack.manifest.output_variable.clone().ok_or_else(|| unsupported("output", pack))?;
        variables.insert(name, what.as_str().into());
        evidence.push(Evidence { what: format!("Output {what}"), from });
    }
    if !build.cache.is_empty() {
        let caches = variables.get_mut(CACHES).and_then(Value::as_array_mut);
        let caches = caches.ok_or_else(|| unsupported("cache", pack))?;
        caches.extend(build.cache.iter().map(|folder| Value::from(folder.as_str())));
    }
    if let Some(is_single_page) = project.file.site.spa {
        variables.insert("fallback".to_owned(), is_single_page.then_some(PAGE).into());
    }
    site::check(project)?;
    Ok(evidence)
}

/// Refuses what the file asks of a pack that does not do it.
///
/// # Errors
/// With the key that would be skipped silently.
pub(crate) fn refuse_unsupported(pack: &Pack, variables: &BTreeMap<String, Value>) -> Result<(), Refusal> {
    let is_set =
        |name: &str| variables.get(name).is_some_and(|value| !value.is_null() && *value != json!([]));
    let skipped = ASKED_OF_TEMPLATES.iter().find(|name| is_set(name) && !pack.settings.contains(**name));
    skipped.map_or(Ok(()), |name| Err(unsupported(name, pack)))
}

/// The keys that say how a buildpack builds: an own Dockerfile says that itself, and is refused with them.
pub(crate) fn taken_over(project: &Project) -> Vec<String> {
    let build = &project.file.build;
    let keys = [
        ("build.buildpack", build.buildpack.is_some()),
        ("build.install_command", build.install_command.is_some()),
        ("build.pre_build_command", build.pre_build_command.is_some()),
        ("build.build_command", build.build_command.is_some()),
        ("build.post_build_command", build.post_build_command.is_some()),
        ("build.packages", !build.packages.is_empty()),
        ("build.output", build.output.is_some()),
        ("build.cache", !build.cache.is_empty()),
        ("[images]", !project.file.images.is_empty()),
        ("[static]", project.file.site != site::Site::default()),
    ];
    keys.into_iter().filter(|(_, is_said)| *is_said).map(|(key, _)| key.to_owned()).collect()
}

fn unsupported(key: &str, pack: &Pack) -> Refusal {
    // The only key that is set for environments, too.
    let or_set = if key == "build_command" { ", or of the environment," } else { "" };
    Refusal::Unsupported {
        what: format!(
            "The key build.{key} of {PATH}{or_set} for a project of the kind \"{}\"",
            pack.manifest.kind
        ),
        way_out: "Leave it out, or bring a Dockerfile of your own: `gilgal eject` writes one.".to_owned(),
    }
}

/// How the instances run, as the file says.
///
/// # Errors
/// When it says something of a process type that has no command.
pub(crate) fn running(
    project: &Project,
    processes: &BTreeMap<ProcessType, Command>,
) -> Result<Running, Refusal> {
    let mut running = project.app.running.clone();
    running.formation.retain(|process_type, _| processes.contains_key(process_type));
    let own_health = health(&project.file.deploy.health);
    if own_health != HealthChange::default() {
        running.health = own_health;
    }
    running.drain_seconds = project.file.deploy.drain.map(|time| seconds(time.0));
    running.watch_seconds = project.file.deploy.watch.map(|time| seconds(time.0));
    running.sleep_seconds = project.file.deploy.sleep.map(|time| time.0.div_ceil(1000));
    running.sticky = project.file.deploy.sticky;
    (running.strategy, running.canary) = strategy(project)?;
    let mounts = project.file.volumes.iter();
    running.volumes =
        mounts.filter_map(|(name, at)| Some((name.clone(), at.as_str().parse().ok()?))).collect();
    refuse_nested(project, &running)?;
    running.cron.extend(project.file.cron.iter().map(|(name, line)| (name.clone(), cron_job(line))));
    let variables = project.file.env.iter();
    running.variables.extend(variables.map(|(name, value)| (name.to_string(), value.as_str().to_owned())));
    for (process_type, process) in &project.file.processes {
        if !processes.contains_key(process_type) {
            let reason = format!(
                "it has no command for the process type {process_type}: say `command = \"…\"` in \
                     `[processes.{process_type}]`, or add a line `{process_type}: …` to the Procfile"
            );
            return Err(Refusal::BrokenFile { path: project.path.clone(), reason });
        }
        if let Some(instances) = process.instances {
            running.formation.insert(process_type.clone(), instances.0);
        }
        let limits = LimitsChange {
            memory_mib: process.memory.map(|memory| memory.0),
            cpu_millis: process.cpu.map(|cores| cores.0),
        };
        if limits != LimitsChange::default() {
            running.limits.insert(process_type.clone(), limits);
        }
        if let Some(signal) = process.stop_signal {
            running.stop_signals.insert(process_type.clone(), signal);
        }
    }
    Ok(running)
}

/// How instances take the place of those before, and how they are tried out.
fn strategy(project: &Project) -> Result<(Option<Strategy>, Option<CanaryOptions>), Refusal> {
    let deploy = &project.file.deploy;
    let Some(canary) = &deploy.canary else { return Ok((deploy.strategy, None)) };
    match deploy.strategy {
        None | Some(Strategy::Canary) => {}
        Some(other @ (Strategy::Rolling | Strategy::Hold | Strategy::Recreate)) => {
            let reason = format!(
                "the strategy {} tries nothing out: leave out deploy.canary, or the strategy",
                other.as_str()
            );
            return Err(Refusal::BrokenFile { path: project.path.clone(), reason });
        }
    }
    let usual = CanaryOptions::default();
    let percent = canary.percent.and_then(|percent| u8::try_from(percent.0).ok());
    let options = CanaryOptions {
        percent: percent.unwrap_or(usual.percent),
        seconds: canary.r#for.map_or(usual.seconds, |time| seconds(time.0)),
    };
    Ok((Some(Strategy::Canary), Some(options)))
}

/// Two volumes are not in one place, and none is in another.
fn refuse_nested(project: &Project, running: &Running) -> Result<(), Refusal> {
    for (name, mount) in &running.volumes {
        let inside = |(other, outer): (&VolumeName, &Mount)| {
            let rest = mount.path.as_str().strip_prefix(outer.path.as_str())?;
            (other != name && (rest.is_empty() || rest.starts_with('/'))).then(|| other.clone())
        };
        if let Some(other) = running.volumes.iter().find_map(inside) {
            let reason = format!("the volume {name} is at {}, which is in the volume {other}", mount.path);
            return Err(Refusal::BrokenFile { path: project.path.clone(), reason });
        }
    }
    Ok(())
}

fn cron_job(line: &CronLine) -> CronJob {
    CronJob {
        schedule: line.schedule.clone(),
        time_zone: line.timezone.clone(),
        command: line.command.as_str().to_owned(),
        overlap: line.overlap,
        timeout_seconds: line.timeout.map_or(USUAL_TIMEOUT_SECONDS, |time| time.0.div_ceil(1000)),
    }
}

fn health(health: &Health) -> HealthChange {
    let path = health.path.as_ref().map(|path| Probe::Http { path: path.as_str().to_owned() });
    HealthChange {
        probe: if health.tcp { Some(Probe::Tcp) } else { path },
        interval_ms: health.interval.map(|time| time.0),
        attempt_timeout_ms: health.timeout.map(|time| time.0),
        deadline_ms: health.deadline.map(|time| time.0),
        successes: health.threshold.map(|count| count.0),
        live_interval_ms: health.live_interval.map(|time| time.0),
        live_failures: health.live_failures.map(|count| count.0),
    }
}

/// Milliseconds as whole seconds, rounded up.
fn seconds(milliseconds: u32) -> u16 {
    u16::try_from(milliseconds.div_ceil(1000)).unwrap_or(u16::MAX)
}

/// A row for each key that changes how the project is built or run, and that no other row shows.
pub(crate) fn evidence(project: &Project) -> Vec<Evidence> {
    let build = &project.file.build;
    let commands = [
        (&build.install_command, "build.install_command"),
        (&build.pre_build_command, "build.pre_build_command"),
        (&build.build_command, "build.build_command"),
        (&build.post_build_command, "build.post_build_command"),
    ];
    let commands =
        commands.into_iter().filter_map(|(line, key)| Some(project.says(line.as_ref()?.as_str(), key)));
    let set = project.build_command.iter().cloned();
    let target =
        build.target.iter().map(|stage| project.says(format!("Stage {}", stage.as_str()), "build.target"));
    let packages = (!build.packages.is_empty()).then(|| {
        let names: Vec<&str> = build.packages.iter().map(super::PackageName::as_str).collect();
        project.says(names.join(" "), "build.packages")
    });
    let images = project.file.images.iter();
    let images =
        images.map(|(name, other)| project.says(other.as_str(), &format!("images.{}", name.as_str())));
    commands.chain(set).chain(target).chain(packages).chain(images).collect()
}
