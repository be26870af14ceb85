//! Deleting projects, which can be undone for a while, and removing them.

use crate::auth::access::Action;
use crate::model::project::Project;
use crate::model::time::now;
use crate::model::user::User;
use crate::projects::find::permit_even_deleted;
use crate::projects::{Overwrite, ProjectCleanup, ProjectError, ProjectReference, look_up};
use crate::store::{Store, StoreError};
use chrono::TimeDelta;
use std::error::Error;
use std::time::Duration;

/// Deletes a project if `confirmation` is its slug: nothing of it is deployed or routed to from now on, and what it was can be
/// brought back for as long as `undo` says. What runs of it is to be taken away with [`withdraw`]. `None`: it is gone
/// already.
///
/// # Errors
/// [`ProjectError::Deleted`] when it is already, and can still be brought back.
pub async fn delete(
    store: &Store,
    project: &Project,
    confirmation: Option<&str>,
    undo: Duration,
) -> Result<Option<Project>, ProjectError> {
    if let Some(deletion) = project.deletion.filter(|known| known.can_be_undone(now()) && !undo.is_zero()) {
        return Err(ProjectError::Deleted(project.slug.clone(), deletion));
    }
    if confirmation != Some(project.slug.as_str()) {
        return Err(ProjectError::NotConfirmed { slug: project.slug.clone(), for_good: undo.is_zero() });
    }
    // No push begins from here on.
    let final_at = now() + TimeDelta::from_std(undo).unwrap_or(TimeDelta::MAX);
    match store.mark_project_deleted(project.id, final_at).await {
        Ok(project) => Ok(Some(project)),
        Err(StoreError::NotFound) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Stops a project that was deleted, or removes everything of it where it cannot be brought back any more.
///
/// # Errors
/// [`ProjectError::Cleanup`] when something outside the database could not be removed: removing it is tried again until it is
/// done.
pub async fn withdraw(
    store: &Store,
    cleanup: &dyn ProjectCleanup,
    project: &Project,
) -> Result<(), ProjectError> {
    if !project.deletion.is_some_and(|deletion| deletion.can_be_undone(now())) {
        return remove(store, cleanup, project).await;
    }
    if let Err(error) = cleanup.stop_project(project).await {
        // The reconciler stops what belongs to nothing that is served.
        tracing::warn!(project = %project.slug, error = &error as &dyn Error, "a deleted project is not stopped yet");
    }
    Ok(())
}

/// Removes everything of a project whose deletion is final. Can run any number of times, and go on where another one was
/// cut off: its rows go last.
///
/// # Errors
/// [`ProjectError::Cleanup`] when something outside the database could not be removed.
pub async fn remove(
    store: &Store,
    cleanup: &dyn ProjectCleanup,
    project: &Project,
) -> Result<(), ProjectError> {
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

/// The project that is meant, also one that was deleted, if the account may delete it.
///
/// # Errors
/// [`ProjectError::NotFound`] also where the account must not know of it.
pub async fn find_even_deleted(
    store: &Store,
    user: &User,
    reference: &ProjectReference,
) -> Result<Project, ProjectError> {
    permit_even_deleted(user, look_up(store, reference).await?, Action::DeleteProject)
}

/// Takes the deletion of a project back. What it had live is to be asked for again by the caller.
///
/// # Errors
/// [`ProjectError::NotDeleted`] when it is not deleted, [`ProjectError::Deleted`] when its time is over;
/// [`StoreError::Stale`] when it was changed and must not have been.
pub async fn undelete(
    store: &Store,
    (project, overwrite): (&Project, Overwrite),
) -> Result<Project, ProjectError> {
    let since = overwrite.unless_since(project.updated_at);
    if let Some(project) = store.undelete_project(project.id, since).await? {
        return Ok(project);
    }
    let project = store.project(project.id).await?;
    if since.is_some_and(|since| since != project.updated_at) {
        return Err(StoreError::Stale.into());
    }
    Err(match project.deletion {
        Some(deletion) => ProjectError::Deleted(project.slug, deletion),
        None => ProjectError::NotDeleted(project.slug),
    })
}
