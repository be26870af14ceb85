//! Taking an environment out of service, and putting it back.

use super::{DeployError, Deployments};
use crate::model::deployment::Deployment;
use crate::model::environment::Environment;
use crate::model::user::User;

impl Deployments {
    /// Answers requests with a page that says that the app is being worked on, or lets them through again. Its instances
    /// run on.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn set_maintenance(
        &self,
        environment: &Environment,
        on: bool,
    ) -> Result<Environment, DeployError> {
        let changed = self.store.set_maintenance(environment.id, on).await?;
        self.look_again.notify_one();
        Ok(changed)
    }

    /// Stops every instance, and the schedule. What is deployed from now on starts it again; what is under way does not.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn stop(&self, environment: &Environment) -> Result<Environment, DeployError> {
        let changed = self.store.stop_environment(environment.id).await?;
        self.look_again.notify_one();
        Ok(changed)
    }

    /// Starts what was stopped, with what is set for the environment now.
    ///
    /// # Errors
    /// When it is not stopped, or nothing is live.
    pub async fn start(&self, environment: &Environment, author: &User) -> Result<Deployment, DeployError> {
        if environment.stopped_at.is_none() {
            return Err(DeployError::NotStopped(environment.name.clone()));
        }
        self.restart(environment, author).await
    }
}
