//! The short commands that a developer may run over SSH on the same key.

use super::find;
use super::front::Front;
use super::output::Output;
use super::session::{Refusal, failed, internal};
use crate::auth::access::Action;
use crate::deployments::DeployError;
use crate::journal::{Conclusion, Next};
use crate::model::deployment::Deployment;
use crate::model::id::{DeploymentId, EnvironmentId};
use crate::model::name::ProcessType;
use crate::model::project::Project;
use crate::model::user::User;
use crate::projects::{self, ProjectError, ProjectReference};
use crate::store::{DeploymentFilter, PageRequest, StoreError};
use std::collections::BTreeMap;

/// Shows the log of a deployment, or of the newest one of a project or an environment, and follows it to its end.
pub(super) async fn logs(front: &Front, user: &User, of: &str, output: &Output) -> Result<u32, Refusal> {
    // 32 digits without dashes are an id, too, but may be a slug as well.
    let deployment = match of.parse::<DeploymentId>() {
        Ok(id) if of.contains('-') => find_deployment(front, user, id).await?,
        _ if of.contains(':') => {
            let (project, environment) = find::environment(front, user, of, Action::ReadLogs).await?;
            newest(front, &project, Some(environment.id)).await?
        }
        _ => {
            let project = find::project(front, user, of, Action::ReadLogs).await?;
            newest(front, &project, None).await?
        }
    };
    follow(front, deployment.id, output).await
}

/// Deploys again what is live in an environment, by where it came from, and shows the log. What waits there already and does
/// that is followed instead.
pub(super) async fn redeploy(front: &Front, user: &User, of: &str, output: &Output) -> Result<u32, Refusal> {
    let (_, environment) = find::environment(front, user, of, Action::Deploy).await?;
    let deployment = front.deployments.redeploy_live(&environment, false, user).await.map_err(not_queued)?;
    follow(front, deployment.id, output).await
}

/// Goes back to a release of an environment, by default the one before, and shows the log.
pub(super) async fn rollback(
    front: &Front,
    user: &User,
    (of, version, rebuild): (&str, Option<i64>, bool),
    output: &Output,
) -> Result<u32, Refusal> {
    let (_, environment) = find::environment(front, user, of, Action::Deploy).await?;
    let queued = front.deployments.rollback(&environment, version, rebuild, user).await;
    follow(front, queued.map_err(not_queued)?.id, output).await
}

/// Replaces every instance of an environment by a new one, and shows the log.
pub(super) async fn restart(front: &Front, user: &User, of: &str, output: &Output) -> Result<u32, Refusal> {
    let (_, environment) = find::environment(front, user, of, Action::Deploy).await?;
    let deployment = front.deployments.restart(&environment, user).await.map_err(not_queued)?;
    follow(front, deployment.id, output).await
}

/// Sets how many instances of some process types an environment has, and shows the log.
pub(super) async fn scale(
    front: &Front,
    user: &User,
    (of, counts): (&str, &BTreeMap<ProcessType, u16>),
    output: &Output,
) -> Result<u32, Refusal> {
    let (_, environment) = find::environment(front, user, of, Action::Deploy).await?;
    let queued = front.deployments.scale(&environment, counts, user).await.map_err(not_queued)?;
    if let Some(deployment) = queued {
        return follow(front, deployment.id, output).await;
    }
    output.say("It is set, and nothing has to be done for it.\n").await;
    Ok(0)
}

/// What somebody is told whose deployment was not queued.
pub(super) fn not_queued(error: DeployError) -> Refusal {
    match error {
        DeployError::Store(error) => failed(error),
        DeployError::Git(error) => internal(error),
        DeployError::Upload(error) => internal(error),
        DeployError::NoBranch(_)
        | DeployError::NoCommit(_)
        | DeployError::FollowsNoBranch(_)
        | DeployError::NoRelease(_)
        | DeployError::NoneBefore(_)
        | DeployError::NotReleased
        | DeployError::LiveAlready(_)
        | DeployError::NothingLive(_)
        | DeployError::NotStopped(_)
        | DeployError::SameEnvironment
        | DeployError::NoProcess(..)
        | DeployError::TooMuch(_)
        | DeployError::NotCancellable
        | DeployError::NoRoom(_)
        | DeployError::Repository(_)
        | DeployError::Registry(_)
        | DeployError::Disabled => Refusal(error.to_string()),
    }
}

/// Writes the log to the client; the exit code says whether the deployment went live.
pub(super) async fn follow(front: &Front, deployment: DeploymentId, output: &Output) -> Result<u32, Refusal> {
    let mut reader = front.journal.read(deployment, 0);
    loop {
        match reader.next().await {
            Ok(Next::Lines(piece)) => output.show_all(piece.lines()).await,
            Ok(Next::End(Conclusion::Live)) => return Ok(0),
            Ok(Next::End(Conclusion::NotLive(_))) => return Ok(1),
            Err(error) => return Err(failed(error)),
        }
    }
}

async fn find_deployment(front: &Front, user: &User, id: DeploymentId) -> Result<Deployment, Refusal> {
    let unknown = || Refusal("There is no such deployment.".to_owned());
    let deployment = match front.store.deployment(id).await {
        Ok(deployment) => deployment,
        Err(StoreError::NotFound) => return Err(unknown()),
        Err(error) => return Err(failed(error)),
    };
    let project = ProjectReference::Id(deployment.project_id);
    match projects::find(&front.store, user, &project, Action::ReadLogs).await {
        Ok(_) => Ok(deployment),
        Err(ProjectError::NotFound) => Err(unknown()),
        Err(error) => Err(find::refusal(error)),
    }
}

async fn newest(
    front: &Front,
    project: &Project,
    environment_id: Option<EnvironmentId>,
) -> Result<Deployment, Refusal> {
    let page = PageRequest::new(1, None);
    let filter = DeploymentFilter { environment_id, ..DeploymentFilter::default() };
    let deployments = front.store.deployments_of(project.id, &filter, page).await;
    deployments
        .map_err(failed)?
        .data
        .pop()
        .ok_or_else(|| Refusal(format!("Nothing was ever deployed to {}. Push first.", project.slug)))
}
