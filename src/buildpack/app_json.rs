//! Heroku's `app.json`: the parts that say how the app runs. It is somebody else's format, so what is not known is left alone.
//!
//! Sources: Heroku's "app.json Schema" (`env`, `formation`, `scripts`) and Dokku's reading of it (`healthchecks`, `cron`).

use crate::buildpack::documents::{Documents, lookup};
use crate::buildpack::refusal::Refusal;
use crate::model::cron::{CronJob, Overlap, Schedule, TimeZoneName, USUAL_TIMEOUT_SECONDS};
use crate::model::environment::Probe;
use crate::model::name::{ConfigName, CronName, ProcessType};
use crate::model::plan::Running;
use serde_json::Value;

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
    /// Whether anything of it was used.
    pub(crate) used: bool,
}

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
    for (key, way_out) in [
        (
            "scripts.postdeploy",
            "Put what has to run before each release into the process type `release` of the Procfile.",
        ),
        (
            "scripts.dokku",
            "Put what has to run before each release into the process type `release` of the Procfile.",
        ),
        ("addons", "Run the service yourself and set its URL as a config var."),
    ] {
        if lookup(&document, key).is_some() {
            app.warnings.push(format!("{PATH}: {key} is not used. {way_out}"));
        }
    }
    app.used = app.running != Running::default();
    Ok(app)
}

fn read_variables(document: &Value, app: &mut AppJson) {
    let Some(variables) = document.get("env").and_then(Value::as_object) else { return };
    for (name, value) in variables {
        let Ok(name) = name.parse::<ConfigName>() else { continue };
        if value.get("generator").is_some_and(|generator| generator == "secret") {
            app.warnings.push(format!("{PATH} wants a secret in {name}. Set one as a config var."));
        } else if let Some(value) = value.as_str().or_else(|| value.get("value")?.as_str())
            && !value.contains('\0')
        {
            app.running.variables.insert(name.to_string(), value.to_owned());
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
    let checks = lookup(document, "healthchecks.web").and_then(Value::as_array);
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
