//! Changing projects.

use crate::model::project::Project;
use crate::model::title::Title;
use crate::projects::ProjectError;
use crate::store::Store;

/// Whether a change is made to a thing that somebody else has changed since it was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Overwrite {
    Anything,
    /// Only what is as it was read.
    Unchanged,
}

/// Gives a project another name. Its slug stays: clones, links and host names rely on it.
///
/// # Errors
/// [`crate::store::StoreError::Stale`] when it was changed and must not have been.
pub async fn rename(
    store: &Store,
    project: &Project,
    name: &Title,
    overwrite: Overwrite,
) -> Result<Project, ProjectError> {
    let since = match overwrite {
        Overwrite::Anything => None,
        Overwrite::Unchanged => Some(project.updated_at),
    };
    Ok(store.rename_project(project.id, name.as_str(), since).await?)
}
