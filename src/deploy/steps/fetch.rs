//! Making sure of the commit: it is there, it stays, and its branch can be moved to it. A deployment that is made from a
//! release takes it over here ([`super::take`]).

use crate::deploy::Deployer;
use crate::deploy::failure::{Failure, StepError};
use crate::deploy::run::Run;
use crate::git::{BranchMove, Repository};
use crate::model::basis::DeploymentBasis;
use crate::model::origin::Origin;
use crate::model::repository_url::ReferenceName;

impl Deployer {
    pub(in crate::deploy) async fn fetch(&self, run: &mut Run) -> Result<(), StepError> {
        match run.deployment.options.basis {
            DeploymentBasis::Commit => {
                self.fetch_remote(run).await?;
                self.repository(run)?;
                self.follow_branch(run).await?;
                run.step(&heading(run));
            }
            DeploymentBasis::Release { .. }
            | DeploymentBasis::Live { .. }
            | DeploymentBasis::Promotion { .. } => self.take_release(run).await?,
        }
        if run.has_content() {
            return Ok(());
        }
        let repository = self.repository(run)?;
        let wanted = wanted_move(run);
        let (id, commit) = (run.deployment.id, run.deployment.commit.clone());
        let checked = tokio::task::spawn_blocking(move || {
            if let Some(wanted) = &wanted {
                repository.check_move(wanted).map_err(StepError::from)?;
            }
            repository.pin(id, &commit).map_err(StepError::from)
        });
        checked.await.unwrap_or_else(|error| Err(Failure::new("server failed", error.to_string()).into()))?;
        self.fetch_submodules(run).await
    }

    /// A deployment that does not move its branch deploys what the branch points at now: what it was when somebody asked
    /// may be older than what has gone live since.
    async fn follow_branch(&self, run: &mut Run) -> Result<(), StepError> {
        let deployment = &mut run.deployment;
        let Some(branch) = deployment.branch.clone().filter(|_| !deployment.options.move_branch) else {
            return Ok(());
        };
        let repository = self.repositories.existing(deployment.project_id);
        let looked_for = branch.clone();
        let found = tokio::task::spawn_blocking(move || {
            repository.map_or(Ok(None), |repository| repository.branch(&looked_for))
        });
        let found = found.await.map_err(|error| Failure::new("server failed", error.to_string()))??;
        let Some(commit) = found else {
            let sentence = format!("The branch `{branch}` is gone.");
            return Err(Failure::new("nothing to deploy", sentence).advise("Push it again.").into());
        };
        if commit != deployment.commit {
            self.store.set_deployment_commit(deployment.id, &commit).await?;
            deployment.previous_commit = Some(commit.clone());
            deployment.commit = commit;
        }
        Ok(())
    }

    /// The repository that the commit of a deployment is in.
    pub(in crate::deploy) fn repository(&self, run: &Run) -> Result<Repository, StepError> {
        self.repositories.existing(run.project.id).ok_or_else(|| {
            Failure::new("nothing to deploy", "Nothing was ever pushed to this project.").into()
        })
    }
}

/// How the branch is to move when the deployment goes live, if it is.
pub(super) fn wanted_move(run: &Run) -> Option<BranchMove> {
    let deployment = &run.deployment;
    let branch = deployment.branch.clone().filter(|_| deployment.options.move_branch)?;
    Some(BranchMove { branch, from: deployment.previous_commit.clone(), to: deployment.commit.clone() })
}

fn heading(run: &Run) -> String {
    let deployment = &run.deployment;
    let commit = deployment.commit.short();
    let what = match (&deployment.options.origin, &deployment.branch) {
        (Some(Origin::Image { image }), _) => image.to_string(),
        (Some(Origin::Upload), _) => format!("upload {commit}"),
        (_, Some(branch)) => format!("{branch} {commit}"),
        (Some(Origin::Repository { url, reference, .. }), None) => {
            let reference = reference.as_ref().map_or("HEAD", ReferenceName::as_str);
            let reference = reference.strip_prefix("refs/heads/").unwrap_or(reference);
            // A whole id says no more than its beginning.
            let reference = if reference == deployment.commit.as_str() { "" } else { reference };
            format!("{reference} {commit} of {}/{}", url.host(), url.name()).trim_start().to_owned()
        }
        (None, None) => commit.to_owned(),
    };
    let author = run.author.as_ref().map(|author| format!(" by {author}")).unwrap_or_default();
    format!("Deploying {} to {} ({what}{author})", run.project.slug, run.environment.name)
}
