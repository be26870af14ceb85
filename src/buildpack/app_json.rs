//! Heroku's `app.json`: the parts that say how the app runs. It is somebody else's format, so what is not known is left alone.
//!
//! Sources: Heroku's "app.json Schema" (`env`, `formation`, `scripts`) and Dokku's reading of it (`healthchecks`, `cron`,
//! `scripts.dokku`).

use crate::buildpack::documents::{Documents, lookup};
use crate::buildpack::project_file::{Health, Project};
use crate::buildpack::refusal::{Refusal, shown};
use crate::model::cron::{CronJob, Overlap, Schedule, TimeZoneName, USUAL_TIMEOUT_SECONDS};
use crate::model::environment::Probe;
use crate::model::name::{ConfigName, CronName, ProcessType};
use crate::model::plan::{Evidence, Running};
use crate::model::process::Command;
use serde_json::Value;
use std::collections::BTreeMap;

/// Where it is expected: in the root of the project.
pub(crate) const PATH: &str = "app.json";

/// As many instances as one process type may have by a file.
const MOST_INSTANCES: u64 = 100;

/// As many commands of a schedule as are read.
const MOST_CRON_LINES: usize = 100;

/// What was read, and what is worth a warning.
#[derive(Debug, Default)]
pub(crate) struct AppJson {
    pub(crate) running: Running,
    pub(crate) warnings: Vec<String>,
    /// Dokku's command before a deployment: the process type `release`, where nothing else declares it.
    pub(crate) release: Option<String>,
    /// Variables that the file wants and gives no value for, each with what to do.
    pub(crate) wanted: BTreeMap<String, String>,
}

/// The key of [`AppJson::release`].
pub(crate) const PREDEPLOY: &str = "scripts.dokku.predeploy";

/// Reads the file; nothing where there is none, or where it is Expo's, which has the same name.
///
/// # Errors
/// When it is no JSON.
pub(crate) fn read(documents: &Documents<'_>) -> Result<AppJson, Refusal> {
    let Some(document) = documents.document(PATH)? else { return Ok(AppJson::default()) };
    if document.get("expo").is_some() {
        return Ok(AppJson::default());
    }
    let mut app = AppJson::default();
    read_variables(&document, &mut app);
    read_formation(&document, &mut app);
    read_health(&document, &mut app);
    read_cron(&document, &mut app);
    let predeploy = lookup(&document, PREDEPLOY).and_then(Value::as_str).map(str::trim);
    app.release = predeploy.filter(|command| is_line(command)).map(str::to_owned);
    let once = "Put what has to run before each release into the process type `release` of the Procfile.";
    for (key, way_out) in [
        ("scripts.postdeploy", once),
        ("scripts.dokku.postdeploy", once),
        ("addons", "Run the service yourself and set its URL as a config var."),
    ] {
        if lookup(&document, key).is_some() {
            app.warnings.push(format!("{PATH}: {key} is not used. {way_out}"));
        }
    }
    Ok(app)
}

/// A row for each key that is used, and for each in whose place `gilgal.toml` or nothing is; `processes` are those that the
/// project has in the end.
pub(crate) fn evidence(project: &Project, processes: &BTreeMap<ProcessType, Command>) -> Vec<Evidence> {
    let running = &project.app.running;
    let file = &project.file;
    let row = |what: String, key: &str, by: Option<String>| match by {
        Some(by) => Evidence { what: format!("{PATH}: {key}"), from: by },
        None => Evidence { what, from: format!("{PATH}: {key}") },
    };
    let superseded = |is: bool, key: String| is.then(|| format!("superseded by {}", project.key(&key)));
    let variables = running.variables.keys().map(|name| {
        let is_said = file.env.keys().any(|given| given.as_str() == name);
        row(format!("Variable {name}"), &format!("env.{name}"), superseded(is_said, format!("env.{name}")))
    });
    let formation = running.formation.iter().map(|(name, count)| {
        let is_said = file.processes.get(name).is_some_and(|process| process.instances.is_some());
        let nothing =
            || (!processes.contains_key(name)).then(|| "not a process type of the project".to_owned());
        let by = superseded(is_said, format!("processes.{name}.instances")).or_else(nothing);
        row(format!("{name}: {count} instances"), &format!("formation.{name}"), by)
    });
    let probe = match &running.health.probe {
        Some(Probe::Http { path }) => Some(format!("GET {path}")),
        Some(Probe::Tcp) | None => None,
    };
    let health = probe.map(|probe| {
        let is_said = file.deploy.health != Health::default();
        row(probe, "healthchecks.web", superseded(is_said, "deploy.health".to_owned()))
    });
    let cron = running.cron.iter().map(|(name, job)| {
        row(job.command.clone(), "cron", superseded(file.cron.contains_key(name), format!("cron.{name}")))
    });
    variables.chain(formation).chain(health).chain(cron).collect()
}

fn read_variables(document: &Value, app: &mut AppJson) {
    let Some(variables) = document.get("env").and_then(Value::as_object) else { return };
    for (name, value) in variables {
        let Ok(name) = name.parse::<ConfigName>() else { continue };
        if value.get("generator").is_some_and(|generator| generator == "secret") {
            let sentence = format!("{PATH} wants a secret in {name}. Set one as a config var.");
            app.wanted.insert(name.to_string(), sentence);
        } else if let Some(value) = value.as_str().or_else(|| value.get("value")?.as_str())
            && !value.contains('\0')
        {
            app.running.variables.insert(name.to_string(), value.to_owned());
        } else if value.get("required").and_then(Value::as_bool) == Some(true) {
            let sentence = format!("{PATH} wants a value for {name}. Set it as a config var.");
            app.wanted.insert(name.to_string(), sentence);
        }
    }
}

/// Dokku's form: a list of commands with schedules, which have no names.
fn read_cron(document: &Value, app: &mut AppJson) {
    let Some(lines) = document.get("cron").and_then(Value::as_array) else { return };
    for (number, line) in (1..=MOST_CRON_LINES).zip(lines) {
        let text = |key: &str| line.get(key).and_then(Value::as_str).map(str::trim);
        let Some(command) = text("command").filter(|command| is_line(command)) else {
            app.warnings.push(format!("{PATH}: the {number}. line of cron has no command and is not used."));
            continue;
        };
        let schedule = match text("schedule").unwrap_or_default().parse::<Schedule>() {
            Ok(schedule) => schedule,
            Err(error) => {
                app.warnings.push(format!("{PATH}: the {number}. line of cron is not used: {error}."));
                continue;
            }
        };
        let overlap = match text("concurrency_policy") {
            Some("allow") => Overlap::Allow,
            Some("replace") => Overlap::Replace,
            Some(_) | None => Overlap::Skip,
        };
        let Ok(name) = format!("line-{number}").parse::<CronName>() else { continue };
        let job = CronJob {
            schedule,
            time_zone: TimeZoneName::default(),
            command: command.to_owned(),
            overlap,
            timeout_seconds: USUAL_TIMEOUT_SECONDS,
        };
        app.running.cron.insert(name, job);
    }
}

fn is_line(text: &str) -> bool {
    !text.is_empty() && text.len() <= 4096 && !text.contains(char::is_control)
}

fn read_formation(document: &Value, app: &mut AppJson) {
    let Some(formation) = document.get("formation").and_then(Value::as_object) else { return };
    for (process_type, wanted) in formation {
        let quantity =
            wanted.get("quantity").and_then(Value::as_u64).filter(|quantity| *quantity <= MOST_INSTANCES);
        if let (Ok(process_type), Some(Ok(quantity))) =
            (process_type.parse::<ProcessType>(), quantity.map(u16::try_from))
        {
            app.running.formation.insert(process_type, quantity);
        }
    }
}

/// The first check of `web` that asks for a path. Dokku's times are seconds.
fn read_health(document: &Value, app: &mut AppJson) {
    let others = document.get("healthchecks").and_then(Value::as_object).into_iter().flatten();
    let others = others.map(|(process_type, _)| process_type).filter(|name| *name != "web");
    app.warnings.extend(others.map(|name| {
        format!(
            "{PATH}: healthchecks.{} is not used. Only web is asked; any other process type has to keep running.",
            shown(name)
        )
    }));
    let checks = lookup(document, "healthchecks.web").and_then(Value::as_array);
    if checks.is_some_and(|checks| checks.len() > 1) {
        app.warnings.push(format!("{PATH}: of healthchecks.web only the first one with a path is used."));
    }
    let with_path =
        |check: &&Value| check.get("path").and_then(Value::as_str).is_some_and(|path| path.starts_with('/'));
    let Some(check) = checks.and_then(|checks| checks.iter().find(with_path)) else { return };
    let milliseconds = |key: &str| {
        let seconds =
            check.get(key).and_then(Value::as_u64).filter(|seconds| (1..=3600).contains(seconds))?;
        u32::try_from(seconds * 1000).ok()
    };
    let path = check.get("path").and_then(Value::as_str).unwrap_or("/").to_owned();
    app.running.health.probe = Some(Probe::Http { path });
    app.running.health.attempt_timeout_ms = milliseconds("timeout");
    app.running.health.interval_ms = milliseconds("wait");
}
