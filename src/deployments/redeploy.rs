//! Deploying once more what is live, or what a deployment was about.
//!
//! What is deployed again is what it was, by where it came from: a repository elsewhere is fetched anew, an image is the very
//! one that was pulled, an archive is its commit, and what was pushed is what its branch points at when the turn comes.

use super::{DeployError, Deployments, Wanted};
use crate::model::basis::DeploymentBasis;
use crate::model::deployment::{Deployment, DeploymentSource};
use crate::model::environment::Environment;
use crate::model::origin::Origin;
use crate::model::user::User;

/// What is behind the release that is live.
struct Behind {
    /// The deployment that has brought it to the project.
    deployment: Deployment,
    /// It was gone back to, or brought here from another environment: it is that one that is wanted, and nothing newer.
    chosen: bool,
}

impl Deployments {
    /// Deploys what is live in an environment again, by where it came from. Where nothing is live, and where what is live
    /// came from the branch that the environment follows, that is what the branch points at when the turn comes. What waits
    /// to move that branch is newer, and is followed instead.
    ///
    /// # Errors
    /// When nothing is live and the environment follows no branch, what it came from is gone, or nothing is deployed to the
    /// project.
    pub async fn redeploy_live(
        &self,
        environment: &Environment,
        no_cache: bool,
        author: &User,
    ) -> Result<Deployment, DeployError> {
        let Some(Behind { deployment, chosen }) = self.behind_live(environment).await? else {
            return self.redeploy_branch(environment, no_cache, author).await;
        };
        let follows = environment.branch.is_some() && environment.branch == deployment.branch;
        match &deployment.options.origin {
            // What may be fetched is the same.
            Some(Origin::Repository { url, reference, only }) if !chosen => {
                let (url, wanted) = (url.clone(), (reference.clone(), only.clone()));
                self.deploy_fetched(environment, url, wanted, no_cache, author).await
            }
            None if !chosen && follows => self.redeploy_branch(environment, no_cache, author).await,
            Some(Origin::Repository { .. } | Origin::Upload | Origin::Image { .. }) | None => {
                self.redeploy_in(environment, &deployment, no_cache, author).await
            }
        }
    }

    /// Deploys the commit of a deployment again, or the very image that it has pulled, with what is set for its environment
    /// now.
    ///
    /// # Errors
    /// When the commit is gone, or nothing is deployed to the project.
    pub async fn redeploy(
        &self,
        deployment: &Deployment,
        no_cache: bool,
        author: &User,
    ) -> Result<Deployment, DeployError> {
        let environment = self.store.environment(deployment.environment_id).await?;
        self.redeploy_in(&environment, deployment, no_cache, author).await
    }

    async fn redeploy_in(
        &self,
        environment: &Environment,
        deployment: &Deployment,
        no_cache: bool,
        author: &User,
    ) -> Result<Deployment, DeployError> {
        match deployment.options.origin.clone() {
            // It was never fetched. What may be fetched is the same.
            Some(Origin::Repository { url, reference, only }) if !deployment.commit.is_known() => {
                return self.deploy_fetched(environment, url, (reference, only), no_cache, author).await;
            }
            Some(Origin::Image { image }) => {
                let image = deployment.record.pulled_image().cloned().unwrap_or(image);
                return self.deploy_image(environment, image, no_cache, author).await;
            }
            Some(Origin::Repository { .. } | Origin::Upload) | None => {}
        }
        let wanted = Wanted::Commit(deployment.commit.clone());
        self.deploy_as(DeploymentSource::Redeploy, environment, wanted, no_cache, author).await
    }

    async fn redeploy_branch(
        &self,
        environment: &Environment,
        no_cache: bool,
        author: &User,
    ) -> Result<Deployment, DeployError> {
        let branch = environment.branch.clone();
        let branch = branch.ok_or_else(|| DeployError::FollowsNoBranch(environment.name.clone()))?;
        let wanted = Wanted::Branch(branch);
        self.deploy_as(DeploymentSource::Redeploy, environment, wanted, no_cache, author).await
    }

    /// The deployment behind what is live, through whatever settings, rollbacks and promotions; `None` where nothing is.
    async fn behind_live(&self, environment: &Environment) -> Result<Option<Behind>, DeployError> {
        let Some(live) = self.store.current_release(environment.id).await? else { return Ok(None) };
        let (mut chosen, mut at) = (false, (environment.id, live.version));
        let mut behind: Option<Deployment> = None;
        // Each leads to one that was made before it.
        while let Some(found) = self.store.deployment_behind(at.0, at.1).await? {
            let basis = found.options.basis;
            behind = Some(found);
            at = match basis {
                DeploymentBasis::Release { version, .. } => (at.0, version),
                DeploymentBasis::Promotion { environment_id, version, .. } => (environment_id, version),
                DeploymentBasis::Commit | DeploymentBasis::Live { .. } => break,
            };
            chosen = true;
        }
        Ok(behind.map(|deployment| Behind { deployment, chosen }))
    }
}
