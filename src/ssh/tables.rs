//! Short tables: what runs of a project, and its releases.

use super::commands::production;
use super::find;
use super::front::Front;
use super::output::Output;
use super::session::{Refusal, failed};
use crate::auth::access::Action;
use crate::engine::EngineError;
use crate::model::deployment::DeploymentState;
use crate::model::id::{DeploymentId, ReleaseId};
use crate::model::instance::{Instance, InstanceState};
use crate::model::release::Release;
use crate::model::time::{Timestamp, age, now};
use crate::model::user::User;
use crate::store::{PageRequest, StoreError};
use std::collections::HashMap;
use std::collections::hash_map::Entry;

/// Releases that are shown.
const NEWEST: u16 = 15;
/// Between two columns.
const GAP: &str = "  ";

/// Shows the instances of a project: process, state, age, release.
pub(super) async fn instances(
    front: &Front,
    user: &User,
    name: &str,
    output: &Output,
) -> Result<u32, Refusal> {
    let project = find::project(front, user, name, Action::ReadProject).await?;
    let mut instances = front.engine.list().await.map_err(|error| unavailable(&error))?;
    instances.retain(|instance| instance.key.project_id == project.id);
    if instances.is_empty() {
        output.say(&format!("Nothing of {} runs.\n", project.slug)).await;
        return Ok(0);
    }
    instances.sort_by(|a, b| (&a.key.process_type, a.key.index).cmp(&(&b.key.process_type, b.key.index)));
    let mut versions: HashMap<DeploymentId, Option<i64>> = HashMap::new();
    for instance in &instances {
        if let Entry::Vacant(unknown) = versions.entry(instance.key.deployment_id) {
            let version = version_of(front, *unknown.key()).await?;
            unknown.insert(version);
        }
    }
    let mut rows = vec![["PROCESS", "STATE", "AGE", "RELEASE"].map(str::to_owned)];
    rows.extend(instances.iter().map(|instance| {
        let version = versions.get(&instance.key.deployment_id).copied().flatten();
        instance_row(instance, version, now())
    }));
    output.say(&table(&rows)).await;
    Ok(0)
}

/// Shows the newest releases of a project's production: version, state, commit, who, age.
pub(super) async fn releases(
    front: &Front,
    user: &User,
    name: &str,
    output: &Output,
) -> Result<u32, Refusal> {
    let project = find::project(front, user, name, Action::ReadProject).await?;
    let environment = production(front, &project).await?;
    let current = front.store.current_release(environment.id).await.map_err(failed)?;
    let page = PageRequest::new(NEWEST, None);
    let releases = front.store.releases_of(environment.id, page).await.map_err(failed)?.data;
    if releases.is_empty() {
        output.say(&format!("{} has no release yet.\n", project.slug)).await;
        return Ok(0);
    }
    let mut rows = vec![["RELEASE", "STATE", "COMMIT", "BY", "AGE"].map(str::to_owned)];
    for release in &releases {
        rows.push(release_row(front, release, current.as_ref().map(|release| release.id)).await?);
    }
    output.say(&table(&rows)).await;
    Ok(0)
}

fn unavailable(error: &EngineError) -> Refusal {
    tracing::warn!(error = error as &dyn std::error::Error, "instances cannot be listed");
    Refusal(error.to_string())
}

/// The version of the release that a deployment has made, if it has.
async fn version_of(front: &Front, deployment: DeploymentId) -> Result<Option<i64>, Refusal> {
    match front.store.deployment(deployment).await {
        Ok(deployment) => Ok(deployment.version),
        Err(StoreError::NotFound) => Ok(None),
        Err(error) => Err(failed(error)),
    }
}

fn instance_row(instance: &Instance, version: Option<i64>, now: Timestamp) -> [String; 4] {
    let state = match instance.state {
        InstanceState::Created => "starting".to_owned(),
        InstanceState::Running => "running".to_owned(),
        InstanceState::Exited { out_of_memory: true, .. } => "out of memory".to_owned(),
        InstanceState::Exited { code, out_of_memory: false } => format!("exited ({code})"),
    };
    let age = instance.created_at.map_or_else(|| "-".to_owned(), |at| age(at, now));
    // An instance of a deployment that is still being checked belongs to no release yet.
    let release = version.map_or_else(|| "deploying".to_owned(), |version| format!("v{version}"));
    [instance.key.shown(), state, age, release]
}

async fn release_row(
    front: &Front,
    release: &Release,
    current: Option<ReleaseId>,
) -> Result<[String; 5], Refusal> {
    let state = if current == Some(release.id) {
        "current"
    } else {
        match front.store.deployment(release.deployment_id).await {
            Ok(deployment) => state_word(deployment.state),
            Err(StoreError::NotFound) => "replaced",
            Err(error) => return Err(failed(error)),
        }
    };
    let by = match release.created_by {
        Some(id) => match front.store.user(id).await {
            Ok(user) => user.username.to_string(),
            Err(StoreError::NotFound) => "-".to_owned(),
            Err(error) => return Err(failed(error)),
        },
        None => "-".to_owned(),
    };
    let commit = release.commit.as_ref().map_or_else(|| "-".to_owned(), |commit| commit.short().to_owned());
    Ok([format!("v{}", release.version), state.to_owned(), commit, by, age(release.created_at, now())])
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
fn table<const COLUMNS: usize>(rows: &[[String; COLUMNS]]) -> String {
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
