//! Taking an environment out of service, and putting it back.

use super::{DeployError, Deployments, new_deployment};
use crate::model::basis::DeploymentBasis;
use crate::model::deployment::{Deployment, DeploymentOptions, DeploymentSource};
use crate::model::environment::Environment;
use crate::model::id::{EnvironmentId, UserId};
use crate::model::project::Project;
use crate::model::user::User;
use crate::store::{NewDeployment, StoreError};

impl Deployments {
    /// Answers requests with a page that says that the app is being worked on, or lets them through again. Its instances
    /// run on.
    ///
    /// # Errors
    /// [`StoreError::Stale`] when it is to be `as_read`, and is not.
    pub async fn set_maintenance(
        &self,
        id: EnvironmentId,
        on: bool,
        as_read: Option<&Environment>,
    ) -> Result<Environment, DeployError> {
        let changed = self.store.set_maintenance(id, on, as_read).await?;
        self.look_again.notify_one();
        Ok(changed)
    }

    /// Stops every instance, and the schedule. What is deployed from now on starts it again; what is under way does not.
    ///
    /// # Errors
    /// [`StoreError::Stale`] when it is to be `as_read`, and is not.
    pub async fn stop(
        &self,
        id: EnvironmentId,
        as_read: Option<&Environment>,
    ) -> Result<Environment, DeployError> {
        let changed = self.store.stop_environment(id, as_read).await?;
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

    /// Asks for what a project had live before it was deleted, in each environment that was not stopped. Can be done twice.
    ///
    /// # Errors
    /// When the database does not answer: what is missing is asked for later ([`Store::projects_coming_back`]).
    ///
    /// [`Store::projects_coming_back`]: crate::store::Store::projects_coming_back
    pub async fn bring_back(&self, project: &Project, author: UserId) -> Result<(), DeployError> {
        for environment in self.store.environments_of(project.id).await? {
            if environment.stopped_at.is_some() || environment.disabled_at.is_some() {
                continue;
            }
            let Some(live) = self.store.current_release(environment.id).await? else { continue };
            let Some(commit) = live.commit else { continue };
            let basis = DeploymentBasis::Live { restart: true, rebuild: false };
            let options = DeploymentOptions { basis, ..DeploymentOptions::default() };
            let new = new_deployment(&environment, commit, DeploymentSource::Restart, options);
            let new = NewDeployment { author: Some(author), ..new };
            match self.enqueue(new, "superseded when the project was brought back").await {
                // It was deleted again, or its environment is being removed.
                Ok(_) | Err(StoreError::Disabled | StoreError::NotFound) => {}
                Err(error) => return Err(error.into()),
            }
        }
        self.store.note_brought_back(project.id).await?;
        self.look_again.notify_one();
        Ok(())
    }
}
