//! Short tables: what runs of an environment, and its releases.

use super::find;
use super::front::Front;
use super::output::Output;
use super::session::{Refusal, failed};
use crate::auth::access::Action;
use crate::model::deployment::{Deployment, DeploymentState};
use crate::model::id::DeploymentId;
use crate::model::release::Release;
use crate::model::time::{Timestamp, age, now};
use crate::model::user::User;
use crate::processes::{Process, ProcessError, ProcessState, VolumeEntry};
use crate::store::{PageRequest, StoreError};
use crate::wire::deployment::MadeFromBody;
use crate::wire::release::came_from;

/// Releases that are shown.
const NEWEST: u16 = 15;
/// Between two columns.
const GAP: &str = "  ";

/// Shows the instances of an environment: process, state, since when, restarts, release.
pub(super) async fn instances(
    front: &Front,
    user: &User,
    name: &str,
    output: &Output,
) -> Result<u32, Refusal> {
    let (project, environment) = find::environment(front, user, name, Action::ReadProject).await?;
    let processes = front.processes.list(&environment).await.map_err(not_shown)?;
    let place = environment.name.shown_of(&project.slug);
    if environment.stopped_at.is_some() {
        output.say(&format!("{place} is stopped: `start {place}` starts it.\n")).await;
    } else if environment.maintenance_at.is_some() {
        output
            .say(&format!("{place} is in maintenance: `maintenance off {place}` lets requests through.\n"))
            .await;
    }
    if processes.is_empty() {
        output.say(&format!("Nothing of {place} runs.\n")).await;
        return Ok(0);
    }
    let mut rows = vec![["PROCESS", "STATE", "SINCE", "RESTARTS", "RELEASE"].map(str::to_owned)];
    rows.extend(processes.iter().map(|process| process_row(process, now())));
    output.say(&table(&rows)).await;
    for process in &processes {
        if let Some(remark) = &process.remark {
            output.say(&format!("{}: {remark}\n", process.name)).await;
        }
    }
    Ok(0)
}

/// Shows the newest releases of an environment: version, state, where it came from, commit, who, age.
pub(super) async fn releases(
    front: &Front,
    user: &User,
    name: &str,
    output: &Output,
) -> Result<u32, Refusal> {
    let (project, environment) = find::environment(front, user, name, Action::ReadProject).await?;
    let current = front.store.current_release(environment.id).await.map_err(failed)?;
    let page = PageRequest::new(NEWEST, None);
    let releases = front.store.releases_of(environment.id, page).await.map_err(failed)?.data;
    if releases.is_empty() {
        output.say(&format!("{} has no release yet.\n", environment.name.shown_of(&project.slug))).await;
        return Ok(0);
    }
    let ids: Vec<DeploymentId> = releases.iter().map(|release| release.deployment_id).collect();
    let deployments = front.store.deployments_with(&ids).await.map_err(failed)?;
    let there = front.processes.images_there(&releases).await;
    let mut rows = vec![["RELEASE", "STATE", "FROM", "COMMIT", "BY", "AGE"].map(str::to_owned)];
    for release in &releases {
        let of = deployments.iter().find(|deployment| deployment.id == release.deployment_id);
        let is_current = current.as_ref().is_some_and(|current| current.id == release.id);
        let is_gone = there.as_ref().is_some_and(|there| !there.contains(&release.content.image));
        let state = match of.map_or("replaced", |deployment| state_word(deployment.state)) {
            _ if is_current => "current",
            "replaced" if is_gone => "replaced, image gone",
            word => word,
        };
        rows.push(release_row(front, release, (state, of)).await?);
    }
    output.say(&table(&rows)).await;
    Ok(0)
}

/// Shows the volumes of an environment: name, where each is, whether it is written, age.
pub(super) async fn volumes(front: &Front, user: &User, name: &str, output: &Output) -> Result<u32, Refusal> {
    let (project, environment) = find::environment(front, user, name, Action::ReadProject).await?;
    let volumes = front.processes.volumes(&environment).await.map_err(not_shown)?;
    if volumes.is_empty() {
        output.say(&format!("{} has no volumes.\n", environment.name.shown_of(&project.slug))).await;
        return Ok(0);
    }
    let mut rows = vec![["VOLUME", "PATH", "ACCESS", "AGE"].map(str::to_owned)];
    rows.extend(volumes.into_iter().map(|VolumeEntry { volume, mount }| {
        let access = mount
            .as_ref()
            .map_or("not used", |mount| if mount.read_only { "read" } else { "read and write" });
        let path = mount.as_ref().map_or_else(|| "-".to_owned(), |mount| mount.path.to_string());
        let age = volume.created_at.map_or_else(|| "-".to_owned(), |at| age(at, now()));
        [volume.name.to_string(), path, access.to_owned(), age]
    }));
    output.say(&table(&rows)).await;
    Ok(0)
}

/// What somebody is told who cannot be shown what runs, or for whom a command was not run.
pub(super) fn not_shown(error: ProcessError) -> Refusal {
    match error {
        ProcessError::Store(error) => failed(error),
        ProcessError::Engine(error) => {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "the engine does not do what it is asked for"
            );
            Refusal(error.to_string())
        }
        ProcessError::NothingLive(_)
        | ProcessError::TooMany(_)
        | ProcessError::NoCron(_)
        | ProcessError::CronRuns(_)
        | ProcessError::NoProcess(_)
        | ProcessError::Config(_) => Refusal(error.to_string()),
    }
}

fn process_row(process: &Process, now: Timestamp) -> [String; 5] {
    let state = match process.state {
        ProcessState::Starting => "starting".to_owned(),
        ProcessState::Running => "running".to_owned(),
        ProcessState::Crashed { out_of_memory: true, .. } => "out of memory".to_owned(),
        ProcessState::Crashed { code, out_of_memory: false } => format!("exited ({code})"),
        ProcessState::Silent => "not answering".to_owned(),
        ProcessState::Asleep => "asleep".to_owned(),
        ProcessState::CrashLooping { code: Some(code) } => format!("crash loop ({code})"),
        ProcessState::CrashLooping { code: None } => "crash loop".to_owned(),
    };
    let since = process.since.map_or_else(|| "-".to_owned(), |at| age(at, now));
    // An instance of a deployment that is still being checked belongs to no release yet.
    let release = process.version.map_or_else(|| "deploying".to_owned(), |version| format!("v{version}"));
    [process.name.clone(), state, since, process.restarts.to_string(), release]
}

async fn release_row(
    front: &Front,
    release: &Release,
    (state, of): (&str, Option<&Deployment>),
) -> Result<[String; 6], Refusal> {
    let by = match release.created_by {
        Some(id) => match front.store.user(id).await {
            Ok(user) => user.username.to_string(),
            Err(StoreError::NotFound) => "-".to_owned(),
            Err(error) => return Err(failed(error)),
        },
        None => "-".to_owned(),
    };
    let commit = release.commit.as_ref().map_or_else(|| "-".to_owned(), |commit| commit.short().to_owned());
    let from = of.map_or_else(
        || "-".to_owned(),
        |of| {
            let made_from = MadeFromBody::of(of.options.clone(), of.environment_id);
            came_from(of.source, of.branch.as_ref(), &made_from)
        },
    );
    let age = age(release.created_at, now());
    Ok([format!("v{}", release.version), state.to_owned(), from, commit, by, age])
}

/// What a release is that is not the current one.
const fn state_word(state: DeploymentState) -> &'static str {
    match state {
        DeploymentState::Live | DeploymentState::Draining => "replaced",
        DeploymentState::Queued
        | DeploymentState::Fetching
        | DeploymentState::Detecting
        | DeploymentState::Building
        | DeploymentState::Releasing
        | DeploymentState::Starting
        | DeploymentState::Checking
        | DeploymentState::Switching => "deploying",
        DeploymentState::UndoingFailure
        | DeploymentState::UndoingCancel
        | DeploymentState::Failed
        | DeploymentState::Cancelled
        | DeploymentState::Superseded => "never live",
    }
}

/// Rows with their columns on the left, as wide as the widest word.
pub(super) fn table<const COLUMNS: usize>(rows: &[[String; COLUMNS]]) -> String {
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: [usize; COLUMNS] = std::array::from_fn(width);
    let mut text = String::new();
    for row in rows {
        let words: Vec<String> =
            row.iter().zip(widths).map(|(word, width)| format!("{word:width$}")).collect();
        text.push_str(words.join(GAP).trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_word() {
        let rows = [["A", "LONG"], ["web.10", "x"]].map(|row| row.map(str::to_owned));
        assert_eq!(table(&rows), "A       LONG\nweb.10  x\n");
    }
}
