//! Commands of a schedule, over SSH.

use super::find;
use super::front::Front;
use super::output::Output;
use super::session::{Refusal, failed};
use super::tables::{not_shown, table};
use crate::auth::access::Action;
use crate::model::cron::{CronRun, CronRunState};
use crate::model::log::Stream;
use crate::model::name::CronName;
use crate::model::terminal_text::one_line;
use crate::model::time::{Timestamp, age, now};
use crate::model::user::User;
use crate::processes::CronEntry;
use crate::store::PageRequest;

/// Runs that are shown.
const NEWEST: u16 = 10;
/// Lines of each run that are shown.
const LINES: usize = 5;

/// Shows the schedule of an environment, or the newest runs of one of its commands.
pub(super) async fn show(
    front: &Front,
    user: &User,
    (of, name): (&str, Option<&CronName>),
    output: &Output,
) -> Result<u32, Refusal> {
    let (project, environment) = find::environment(front, user, of, Action::ReadLogs).await?;
    let Some(name) = name else {
        let entries = front.processes.cron(&environment).await.map_err(not_shown)?;
        if entries.is_empty() {
            let place = environment.name.shown_of(&project.slug);
            output.say(&format!("Nothing of {place} runs by a schedule.\n")).await;
            return Ok(0);
        }
        let mut rows = vec![["NAME", "SCHEDULE", "NEXT", "LAST", "COMMAND"].map(str::to_owned)];
        rows.extend(entries.iter().map(|entry| entry_row(entry, now())));
        output.say(&table(&rows)).await;
        return Ok(0);
    };
    let runs = front.processes.cron_history(&environment, name, PageRequest::new(NEWEST, None)).await;
    let runs = runs.map_err(not_shown)?.data;
    if runs.is_empty() {
        output.say(&format!("{name} has not run yet.\n")).await;
    }
    for run in &runs {
        output.say(&format!("{} {}\n", run.started_at.format("%Y-%m-%d %H:%M:%S"), ended(run))).await;
        let lines: Vec<&str> = run.output.lines().collect();
        for line in &lines[lines.len().saturating_sub(LINES)..] {
            output.show(Stream::App, line).await;
        }
    }
    Ok(0)
}

/// Runs a command now, and shows what it prints; its exit code is the answer. It goes on when the client hangs up.
pub(super) async fn run(
    front: &Front,
    user: &User,
    (of, name): (&str, &CronName),
    output: &Output,
) -> Result<u32, Refusal> {
    let (project, environment) = find::environment(front, user, of, Action::RunCommand).await?;
    let started = front.processes.run_cron(&project, &environment, name, user).await;
    let mut started = started.map_err(not_shown)?;
    while let Some(line) = started.lines.recv().await {
        output.show(Stream::App, &line).await;
    }
    let run = front.store.cron_run(started.run.id).await.map_err(failed)?;
    if run.state != CronRunState::Succeeded {
        output.notice(&format!("{name} {}.", ended(&run))).await;
    }
    let code = run.exit_code.unwrap_or(i64::from(run.state != CronRunState::Succeeded));
    Ok(u32::try_from(code).unwrap_or(1))
}

fn entry_row(entry: &CronEntry, now: Timestamp) -> [String; 5] {
    let zone = entry.job.time_zone.as_str();
    let zone = if zone == "UTC" { String::new() } else { format!(" ({zone})") };
    let next = entry.next.map_or_else(|| "never".to_owned(), |at| format!("in {}", age(now, at)));
    let last = entry.last.as_ref().map_or_else(
        || "-".to_owned(),
        |run| format!("{} {} ago", state_word(run.state), age(run.started_at, now)),
    );
    let command = one_line(&entry.job.command);
    [entry.name.to_string(), format!("{}{zone}", entry.job.schedule), next, last, command]
}

/// What became of a run, for people.
fn ended(run: &CronRun) -> String {
    let code = run.exit_code.filter(|code| *code != 0).map(|code| format!(" with exit code {code}"));
    let reason = run.reason.as_ref().map(|reason| format!(": {}", reason.trim_end_matches('.')));
    let by = if run.scheduled_at.is_none() { ", started by hand" } else { "" };
    let word = state_word(run.state);
    format!("{word}{}{}{by} (v{})", code.unwrap_or_default(), reason.unwrap_or_default(), run.version)
}

const fn state_word(state: CronRunState) -> &'static str {
    match state {
        CronRunState::Running => "runs",
        CronRunState::Succeeded => "succeeded",
        CronRunState::Failed => "failed",
        CronRunState::TimedOut => "timed out",
        CronRunState::Skipped => "left out",
        CronRunState::Replaced => "replaced",
        CronRunState::Interrupted => "interrupted",
    }
}
