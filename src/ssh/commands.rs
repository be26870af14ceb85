//! The short commands that a developer may run over SSH on the same key.

use super::session::{Front, Refusal, internal, say};
use crate::auth::access::Action;
use crate::journal::{Conclusion, Next};
use crate::model::deployment::{Deployment, DeploymentOptions, DeploymentSource};
use crate::model::id::DeploymentId;
use crate::model::name::{EnvironmentName, Slug};
use crate::model::project::Project;
use crate::model::user::User;
use crate::projects::{self, ProjectError, ProjectReference};
use crate::receive::report;
use crate::store::{DeploymentFilter, NewDeployment, PageRequest, StoreError};
use russh::ChannelWriteHalf;
use russh::server::Msg;

/// Shows the log of a deployment, or of a project's newest one, and follows it to its end.
pub(super) async fn logs(
    front: &Front,
    user: &User,
    of: &str,
    write: &ChannelWriteHalf<Msg>,
) -> Result<u32, Refusal> {
    // 32 digits without dashes are an id, too, but may be a slug as well.
    let deployment = match of.parse::<DeploymentId>() {
        Ok(id) if of.contains('-') => find_deployment(front, user, id).await?,
        _ => {
            let project = find_project(front, user, of, Action::ReadLogs).await?;
            newest(front, &project).await?
        }
    };
    follow(front, deployment.id, write).await
}

/// Deploys again what the branch of production points at, and shows the log.
pub(super) async fn redeploy(
    front: &Front,
    user: &User,
    slug: &str,
    write: &ChannelWriteHalf<Msg>,
) -> Result<u32, Refusal> {
    let project = find_project(front, user, slug, Action::Deploy).await?;
    let environments = front.store.environments_of(project.id).await.map_err(internal)?;
    let production =
        environments.into_iter().find(|environment| environment.name == EnvironmentName::production());
    let Some((environment, branch)) =
        production.and_then(|found| found.branch.clone().map(|branch| (found, branch)))
    else {
        return Err(Refusal("The environment production follows no branch.".to_owned()));
    };
    let nothing = || Refusal(format!("Nothing was ever deployed from `{branch}`. Push it first."));
    let repository = front.repositories.existing(project.id).ok_or_else(nothing)?;
    let looked_for = branch.clone();
    let commit = tokio::task::spawn_blocking(move || repository.branch(&looked_for))
        .await
        .map_err(internal)?
        .map_err(internal)?
        .ok_or_else(nothing)?;
    let new = NewDeployment {
        id: DeploymentId::generate(),
        project_id: project.id,
        environment_id: environment.id,
        previous_commit: Some(commit.clone()),
        commit,
        branch: Some(branch),
        author: Some(user.id),
        source: DeploymentSource::Api,
        options: DeploymentOptions::default(),
    };
    let why = format!("superseded by a redeployment of {}", user.username);
    let enqueued = front.store.enqueue_deployment(new, &why).await.map_err(internal)?;
    front.queue.wake();
    front.journal.wake_readers();
    follow(front, enqueued.deployment.id, write).await
}

/// Writes the log to the client; the exit code says whether the deployment went live.
async fn follow(
    front: &Front,
    deployment: DeploymentId,
    write: &ChannelWriteHalf<Msg>,
) -> Result<u32, Refusal> {
    let mut reader = front.journal.read(deployment, 0);
    loop {
        match reader.next().await.map_err(internal)? {
            Next::Lines(lines) => {
                for line in lines {
                    say(write, None, &format!("{}\n", report::render(line.line.stream, &line.line.text)))
                        .await;
                }
            }
            Next::End(Conclusion::Live) => return Ok(0),
            Next::End(Conclusion::NotLive(_)) => return Ok(1),
        }
    }
}

async fn find_project(front: &Front, user: &User, slug: &str, action: Action) -> Result<Project, Refusal> {
    let slug: Slug =
        slug.parse().map_err(|error: crate::model::name::InvalidName| Refusal(error.to_string()))?;
    match projects::find(&front.store, user, &ProjectReference::Slug(slug.clone()), action).await {
        Ok(project) => Ok(project),
        Err(ProjectError::NotFound) => Err(Refusal(format!("There is no project \"{slug}\"."))),
        Err(error @ ProjectError::Forbidden(_)) => Err(Refusal(error.to_string())),
        Err(error) => Err(internal(error)),
    }
}

async fn find_deployment(front: &Front, user: &User, id: DeploymentId) -> Result<Deployment, Refusal> {
    let unknown = || Refusal("There is no such deployment.".to_owned());
    let deployment = match front.store.deployment(id).await {
        Ok(deployment) => deployment,
        Err(StoreError::NotFound) => return Err(unknown()),
        Err(error) => return Err(internal(error)),
    };
    let project = ProjectReference::Id(deployment.project_id);
    match projects::find(&front.store, user, &project, Action::ReadLogs).await {
        Ok(_) => Ok(deployment),
        Err(ProjectError::NotFound) => Err(unknown()),
        Err(error @ ProjectError::Forbidden(_)) => Err(Refusal(error.to_string())),
        Err(error) => Err(internal(error)),
    }
}

async fn newest(front: &Front, project: &Project) -> Result<Deployment, Refusal> {
    let page = PageRequest::new(1, None);
    let deployments = front.store.deployments_of(project.id, &DeploymentFilter::default(), page).await;
    deployments
        .map_err(internal)?
        .data
        .pop()
        .ok_or_else(|| Refusal(format!("Nothing was ever deployed to {}. Push first.", project.slug)))
}
