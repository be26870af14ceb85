//! Deleting projects.

use crate::model::project::Project;
use crate::model::time::now;
use crate::projects::{ProjectCleanup, ProjectError};
use crate::store::{Store, StoreError};

/// Disables a project, stops it and removes everything of it, if `confirmation` is its slug.
///
/// # Errors
/// [`ProjectError::Cleanup`] when something outside the database could not be removed: the project is still there, and
/// deleting it again goes on where this ended.
pub async fn delete(
    store: &Store,
    cleanup: &dyn ProjectCleanup,
    project: &Project,
    confirmation: Option<&str>,
) -> Result<(), ProjectError> {
    if confirmation != Some(project.slug.as_str()) {
        return Err(ProjectError::NotConfirmed(project.slug.clone()));
    }
    // No push begins from here on. It stays so when something cannot be removed.
    match store.set_project_disabled(project.id, Some(now())).await {
        Ok(_) => {}
        Err(StoreError::NotFound) => return Ok(()),
        Err(error) => return Err(error.into()),
    }
    cleanup.remove_everything(project).await?;
    match store.delete_project(project.id).await {
        // Somebody else deleted it at the same time: it is gone, as wished.
        Ok(()) | Err(StoreError::NotFound) => {}
        Err(error) => return Err(error.into()),
    }
    // Base images that only its builds went by.
    cleanup.remove_unused_images().await;
    Ok(())
}
