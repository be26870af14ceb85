//! How a project is doing.

use crate::model::deployment::Deployment;
use crate::model::project::Project;
use crate::projects::ProjectError;
use crate::store::{DeploymentFilter, PageRequest, Store};
use crate::wire::project::ProjectStatus;

/// How a project is doing, told by its newest deployment and by what its environments serve.
pub async fn condition(store: &Store, project: &Project) -> Result<ProjectStatus, ProjectError> {
    if project.disabled_at.is_some() {
        return Ok(ProjectStatus::Disabled);
    }
    let newest = PageRequest::new(1, None);
    let newest = store.deployments_of(project.id, &DeploymentFilter::default(), newest).await?.data.pop();
    match newest {
        None => Ok(ProjectStatus::Created),
        Some(Deployment { state, .. }) if !state.is_final() => Ok(ProjectStatus::Deploying),
        Some(_) if serves(store, project).await? => Ok(ProjectStatus::Live),
        Some(_) => Ok(ProjectStatus::Failed),
    }
}

async fn serves(store: &Store, project: &Project) -> Result<bool, ProjectError> {
    for environment in store.environments_of(project.id).await? {
        if store.current_release(environment.id).await?.is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}
