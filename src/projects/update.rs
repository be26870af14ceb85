//! Changing projects.

use crate::model::project::Project;
use crate::model::title::Title;
use crate::projects::ProjectError;
use crate::store::Store;

/// Gives a project another name. Its slug stays: clones, links and host names rely on it.
pub async fn rename(store: &Store, project: &Project, name: &Title) -> Result<Project, ProjectError> {
    Ok(store.rename_project(project.id, name.as_str()).await?)
}
