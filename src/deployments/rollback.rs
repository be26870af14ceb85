//! Going back to a release.

use super::{DeployError, Deployments};
use crate::model::basis::DeploymentBasis;
use crate::model::deployment::{Deployment, DeploymentSource};
use crate::model::environment::Environment;
use crate::model::release::Release;
use crate::model::time::now;
use crate::model::user::User;
use crate::store::StoreError;

impl Deployments {
    /// Makes a release of an environment live again: image, config and formation as they were. Unless a version is given it
    /// is the release before the one that is live. With `rebuild` its commit is built again, for when its image is gone.
    ///
    /// # Errors
    /// When there is no such release, it is the one that is live, or nothing is deployed to the project.
    pub async fn rollback(
        &self,
        environment: &Environment,
        version: Option<i64>,
        rebuild: bool,
        author: &User,
    ) -> Result<Deployment, DeployError> {
        let live = self.store.current_release(environment.id).await?;
        let live = live.ok_or_else(|| DeployError::NothingLive(environment.name.clone()))?;
        let release = match version {
            Some(version) => self.release(environment, version).await?,
            None => self.release_before(environment, live.version).await?,
        };
        let version = release.version;
        if version == live.version {
            return Err(DeployError::LiveAlready(version));
        }
        // Only releases that somebody pushed an image for have no commit; the live one's is as good as any to show.
        let commit = release.commit.or(live.commit).ok_or(DeployError::NotReleased)?;
        let basis = DeploymentBasis::Release { version, asked_at: now(), rebuild };
        let what = format!("a rollback to v{version}");
        self.queue_basis(environment, commit, (DeploymentSource::Rollback, basis), author, &what).await
    }

    /// A release by its version.
    pub(super) async fn release(
        &self,
        environment: &Environment,
        version: i64,
    ) -> Result<Release, DeployError> {
        match self.store.release(environment.id, version).await {
            Err(StoreError::NotFound) => Err(DeployError::NoRelease(version)),
            found => Ok(found?),
        }
    }

    async fn release_before(&self, environment: &Environment, live: i64) -> Result<Release, DeployError> {
        let before = self.store.release_before(environment.id, live).await?;
        before.ok_or(DeployError::NoneBefore(live))
    }
}
