//! Deleting environments.

use super::EnvironmentError;
use crate::model::environment::Environment;
use crate::model::name::EnvironmentName;
use crate::projects::{Overwrite, ProjectCleanup};
use crate::store::{Store, StoreError};

/// Disables an environment, stops it and removes everything of it, if `confirmation` is its name.
///
/// # Errors
/// [`StoreError::Stale`] when it was changed and must not have been; [`EnvironmentError::ProductionStays`] for production; [`EnvironmentError::Cleanup`] when something outside the database
/// could not be removed: the environment is still there, and deleting it again goes on where this ended.
pub async fn delete(
    store: &Store,
    cleanup: &dyn ProjectCleanup,
    (environment, overwrite): (&Environment, Overwrite),
    confirmation: Option<&str>,
) -> Result<(), EnvironmentError> {
    if environment.name == EnvironmentName::production() {
        return Err(EnvironmentError::ProductionStays);
    }
    if confirmation != Some(environment.name.as_str()) {
        return Err(EnvironmentError::NotConfirmed(environment.name.clone()));
    }
    // No deployment begins from here on. It stays so when something cannot be removed.
    let as_read = match overwrite {
        Overwrite::Anything => None,
        Overwrite::Unchanged => Some(environment),
    };
    store.disable_environment(environment.id, as_read).await?;
    cleanup.remove_environment(environment).await?;
    match store.delete_environment(environment.id).await {
        // Somebody else deleted it at the same time: it is gone, as wished.
        Ok(()) | Err(StoreError::NotFound) => {}
        Err(error) => return Err(error.into()),
    }
    cleanup.remove_unused_images().await;
    Ok(())
}
