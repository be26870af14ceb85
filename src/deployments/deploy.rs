//! Deploying a commit that was pushed before.

use super::{DeployError, Deployments, new_deployment};
use crate::git::{GitError, Repository};
use crate::model::deployment::{Deployment, DeploymentOptions, DeploymentSource};
use crate::model::environment::Environment;
use crate::model::name::{BranchName, CommitId};
use crate::model::origin::Origin;
use crate::model::user::User;
use crate::store::NewDeployment;

/// What is to be deployed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wanted {
    /// A commit, whatever branch it is on.
    Commit(CommitId),
    /// What a branch points at when the turn of the deployment comes.
    Branch(BranchName),
}

impl Deployments {
    /// Deploys a commit or a branch to an environment; no branch is moved by it.
    ///
    /// # Errors
    /// When there is no such commit or branch, or nothing is deployed to the project.
    pub async fn deploy(
        &self,
        environment: &Environment,
        wanted: Wanted,
        no_cache: bool,
        author: &User,
    ) -> Result<Deployment, DeployError> {
        self.deploy_as(DeploymentSource::Api, environment, wanted, no_cache, author).await
    }

    /// Deploys what the branch of an environment points at when the turn comes. What waits to move that branch is newer,
    /// and is followed instead.
    ///
    /// # Errors
    /// When the environment follows no branch, or nothing was ever pushed to it.
    pub async fn redeploy_branch(
        &self,
        environment: &Environment,
        author: &User,
    ) -> Result<Deployment, DeployError> {
        let branch = environment.branch.clone();
        let branch = branch.ok_or_else(|| DeployError::FollowsNoBranch(environment.name.clone()))?;
        self.deploy_as(DeploymentSource::Redeploy, environment, Wanted::Branch(branch), false, author).await
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
        match deployment.options.origin.clone() {
            // It was never fetched. What may be fetched is the same.
            Some(Origin::Repository { url, reference, only }) if !deployment.commit.is_known() => {
                let wanted = (reference, only);
                return self.deploy_fetched(&environment, url, wanted, no_cache, author).await;
            }
            Some(Origin::Image { image }) => {
                let image = deployment.record.pulled_image().cloned().unwrap_or(image);
                return self.deploy_image(&environment, image, no_cache, author).await;
            }
            Some(Origin::Repository { .. } | Origin::Upload) | None => {}
        }
        let wanted = Wanted::Commit(deployment.commit.clone());
        self.deploy_as(DeploymentSource::Redeploy, &environment, wanted, no_cache, author).await
    }

    async fn deploy_as(
        &self,
        source: DeploymentSource,
        environment: &Environment,
        wanted: Wanted,
        no_cache: bool,
        author: &User,
    ) -> Result<Deployment, DeployError> {
        let commit = self.commit_of(environment, &wanted).await?;
        let what = format!("a deployment of {}", commit.short());
        let branch = match wanted {
            Wanted::Commit(_) => None,
            Wanted::Branch(branch) => Some(branch),
        };
        let options = DeploymentOptions { no_cache, ..DeploymentOptions::default() };
        let new = NewDeployment { branch, ..new_deployment(environment, commit, source, options) };
        self.queue(new, author, &what).await
    }

    /// The commit that is meant now, which the repository has.
    async fn commit_of(&self, environment: &Environment, wanted: &Wanted) -> Result<CommitId, DeployError> {
        let (repository, wanted) = (self.repositories.existing(environment.project_id), wanted.clone());
        let looked_up = tokio::task::spawn_blocking(move || match (repository, wanted) {
            (Some(repository), Wanted::Commit(commit)) => has_commit(&repository, commit),
            (None, Wanted::Commit(commit)) => Err(DeployError::NoCommit(commit)),
            (repository, Wanted::Branch(branch)) => {
                let found = repository.map(|repository| repository.branch(&branch)).transpose()?;
                found.flatten().ok_or(DeployError::NoBranch(branch))
            }
        });
        looked_up.await.unwrap_or_else(|panic| Err(GitError::from(std::io::Error::other(panic)).into()))
    }
}

fn has_commit(repository: &Repository, commit: CommitId) -> Result<CommitId, DeployError> {
    if repository.has_commit(&commit)? { Ok(commit) } else { Err(DeployError::NoCommit(commit)) }
}
