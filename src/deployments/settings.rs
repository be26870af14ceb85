//! Bringing what is set for an environment to what runs there.

use super::{DeployError, Deployments, new_deployment};
use crate::model::basis::DeploymentBasis;
use crate::model::deployment::{Deployment, DeploymentOptions, DeploymentSource};
use crate::model::environment::Environment;
use crate::model::name::CommitId;
use crate::model::release::Release;
use crate::model::user::User;

/// What has changed for an environment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// Something that instances or the router go by: config vars, files, limits, the health check, the time to drain.
    Runtime,
    /// Something that the build reads.
    Build,
}

impl Deployments {
    /// Brings what was set to what is live: a restart, or a build where the build reads it. `None` where nothing is live
    /// or about to be: the first deployment will have it. To be called after it was stored.
    ///
    /// # Errors
    /// When nothing is deployed to the project.
    pub async fn apply_settings(
        &self,
        environment: &Environment,
        change: Change,
        author: &User,
    ) -> Result<Option<Deployment>, DeployError> {
        if environment.stopped_at.is_some() && self.store.unfinished_of(environment.id).await?.is_empty() {
            // It has them when it is started.
            return Ok(None);
        }
        let live = self.store.current_release(environment.id).await?.and_then(|release| release.commit);
        let commit = match live {
            Some(commit) => Some(commit),
            None => self.under_way(environment).await?,
        };
        let Some(commit) = commit else { return Ok(None) };
        let rebuild = match change {
            Change::Runtime => false,
            Change::Build => true,
        };
        let basis = DeploymentBasis::Live { restart: false, rebuild };
        self.queue_live(environment, commit, (DeploymentSource::Config, basis), author).await.map(Some)
    }

    /// Replaces every instance of what is live by a new one.
    ///
    /// # Errors
    /// When nothing is live, or nothing is deployed to the project.
    pub async fn restart(&self, environment: &Environment, author: &User) -> Result<Deployment, DeployError> {
        let live = self.live(environment).await?;
        let basis = DeploymentBasis::Live { restart: true, rebuild: false };
        let commit = live.commit.ok_or(DeployError::NotReleased)?;
        self.queue_live(environment, commit, (DeploymentSource::Restart, basis), author).await
    }

    async fn live(&self, environment: &Environment) -> Result<Release, DeployError> {
        let live = self.store.current_release(environment.id).await?;
        live.ok_or_else(|| DeployError::NothingLive(environment.name.clone()))
    }

    /// The commit of what is under way, which may have read what was set before.
    pub(super) async fn under_way(&self, environment: &Environment) -> Result<Option<CommitId>, DeployError> {
        Ok(self.store.unfinished_of(environment.id).await?.pop().map(|newest| newest.commit))
    }

    pub(super) async fn queue_live(
        &self,
        environment: &Environment,
        commit: CommitId,
        (source, basis): (DeploymentSource, DeploymentBasis),
        author: &User,
    ) -> Result<Deployment, DeployError> {
        let options = DeploymentOptions { basis, ..DeploymentOptions::default() };
        let new = new_deployment(environment, commit, source, options);
        self.queue(new, author, "a change of its settings").await
    }
}
