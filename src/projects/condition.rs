//! How projects are doing.

use crate::model::id::ProjectId;
use crate::model::project::Project;
use crate::projects::ProjectError;
use crate::store::{ProjectActivity, Store};
use crate::wire::project::ProjectStatus;
use std::collections::HashMap;

/// How projects are doing, told by their newest deployments and by what their environments serve.
pub async fn conditions(
    store: &Store,
    projects: &[Project],
) -> Result<HashMap<ProjectId, ProjectStatus>, ProjectError> {
    let ids: Vec<ProjectId> = projects.iter().map(|project| project.id).collect();
    let activity = store.activity_of(&ids).await?;
    let status = |project: &Project| (project.id, condition(project, activity.get(&project.id).copied()));
    Ok(projects.iter().map(status).collect())
}

fn condition(project: &Project, activity: Option<ProjectActivity>) -> ProjectStatus {
    if project.deletion.is_some() {
        return ProjectStatus::Deleted;
    }
    if project.disabled_at.is_some() {
        return ProjectStatus::Disabled;
    }
    match activity.and_then(|activity| Some((activity.newest?, activity.serves))) {
        None => ProjectStatus::Created,
        Some((newest, _)) if !newest.is_final() => ProjectStatus::Deploying,
        Some((_, true)) => ProjectStatus::Live,
        Some((_, false)) => ProjectStatus::Failed,
    }
}
