//! Bringing what runs in one environment to another one.

use super::{DeployError, Deployments, new_deployment};
use crate::model::basis::DeploymentBasis;
use crate::model::deployment::{Deployment, DeploymentOptions, DeploymentSource};
use crate::model::environment::Environment;
use crate::model::user::User;

impl Deployments {
    /// Deploys the image of a release to another environment of the project, without building it again: config and
    /// formation are those of the environment that it comes to.
    ///
    /// # Errors
    /// When there is no such release, both environments are the same, or nothing is deployed to the project.
    pub async fn promote(
        &self,
        from: &Environment,
        version: i64,
        to: &Environment,
        author: &User,
    ) -> Result<Deployment, DeployError> {
        if from.id == to.id || from.project_id != to.project_id {
            return Err(DeployError::SameEnvironment);
        }
        let release = self.release(from, version).await?;
        let commit = release.commit.ok_or(DeployError::NotReleased)?;
        let basis = DeploymentBasis::Promotion { environment_id: from.id, version, rebuild: false };
        let what = format!("a promotion of v{version} of {}", from.name);
        let options = DeploymentOptions { basis, ..DeploymentOptions::default() };
        let new = new_deployment(to, commit, DeploymentSource::Promote, options);
        self.queue(new, author, &what).await
    }
}
