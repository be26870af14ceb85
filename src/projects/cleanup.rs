//! What belongs to a project or an environment outside the database, as far as deleting it is concerned.

use crate::model::environment::Environment;
use crate::model::project::Project;
use async_trait::async_trait;
use std::error::Error;

/// Stops and removes everything of a project that is not a row: instances, images, network, repository, route.
///
/// Runs before the rows go, so that a failure leaves a project that can be deleted again and never things that nobody
/// knows of. It must therefore take it well when some or all of it is gone already.
#[async_trait]
pub trait ProjectCleanup: Send + Sync {
    /// Removes all of it; traffic for the project's host names is answered as for an unknown name afterwards.
    async fn remove_everything(&self, project: &Project) -> Result<(), CleanupError>;

    /// Stops everything of a project that was deleted, and keeps what it needs to be brought back: images, volumes,
    /// repository. Traffic for its host names is answered as for an unknown name from the beginning on.
    async fn stop_project(&self, project: &Project) -> Result<(), CleanupError>;

    /// Removes the instances and the routes of one environment, whose deployments are cancelled or waited for. The network
    /// and the repository are the project's, and images may be another environment's, too.
    async fn remove_environment(&self, environment: &Environment) -> Result<(), CleanupError>;

    /// Removes images that no release has any more. What cannot be removed now is removed within the hour.
    async fn remove_unused_images(&self);
}

/// Something of a project could not be removed.
#[derive(Debug, thiserror::Error)]
#[error("{what} could not be removed")]
pub struct CleanupError {
    /// What is still there, for people: `the instances`.
    pub what: &'static str,
    #[source]
    pub source: Box<dyn Error + Send + Sync>,
}
