//! Deleting environments.

use super::EnvironmentError;
use crate::model::environment::Environment;
use crate::model::name::EnvironmentName;
use crate::projects::{Overwrite, ProjectCleanup};
use crate::store::{Store, StoreError};

/// Disables an environment that is to be deleted, if `confirmation` is its name: no deployment begins there from now on.
///
/// # Errors
/// [`StoreError::Stale`] when it was changed and must not have been; [`EnvironmentError::ProductionStays`] for production.
pub async fn disable(
    store: &Store,
    (environment, overwrite): (&Environment, Overwrite),
    confirmation: Option<&str>,
) -> Result<(), EnvironmentError> {
    if environment.name == EnvironmentName::production() {
        return Err(EnvironmentError::ProductionStays);
    }
    if confirmation != Some(environment.name.as_str()) {
        return Err(EnvironmentError::NotConfirmed(environment.name.clone()));
    }
    Ok(store.disable_environment(environment.id, overwrite.as_read(environment)).await?)
}

/// Stops a disabled environment and removes everything of it.
///
/// # Errors
/// [`EnvironmentError::Cleanup`] when something outside the database could not be removed: the environment is still there, and
/// deleting it again goes on where this ended.
pub async fn remove(
    store: &Store,
    cleanup: &dyn ProjectCleanup,
    environment: &Environment,
) -> Result<(), EnvironmentError> {
    cleanup.remove_environment(environment).await?;
    match store.delete_environment(environment.id).await {
        // Somebody else deleted it at the same time: it is gone, as wished.
        Ok(()) | Err(StoreError::NotFound) => {}
        Err(error) => return Err(error.into()),
    }
    cleanup.remove_unused_images().await;
    Ok(())
}
