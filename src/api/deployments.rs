//! `/api/deployments` and the deployments of a project.

use crate::api::Api;
use crate::api::error::ApiError;
use crate::api::reply::{self, Answer, accepted, ok};
use crate::api::request::Request;
use crate::deployments::DeployError;
use crate::model::deployment::{Deployment, DeploymentState};
use crate::model::environment::Environment;
use crate::model::id::UserId;
use crate::model::name::{CommitId, Username};
use crate::model::project::Project;
use crate::store::DeploymentFilter;
use crate::wire::deployment::{DeploymentBody, MadeFromBody, PromoteBody, RedeployBody, RollbackBody, steps};
use crate::wire::plan::PlanBody;
use serde_json::json;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

pub(super) async fn list(api: Arc<Api>, request: Request) -> Answer {
    let project = request.project(&api).await?;
    let mut query = request.query()?;
    let page = query.page()?;
    let filter = DeploymentFilter {
        status: query.word("status")?,
        environment_id: query.value("environment_id")?,
        commit: query.value::<CommitId>("commit")?,
    };
    query.finish()?;
    let page = api.store.deployments_of(project.id, &filter, page).await?;
    let authors = Authors::of(&api, page.data.iter().map(|deployment| deployment.author)).await?;
    let data = page.data.into_iter().map(|deployment| {
        let author = authors.name(deployment.author);
        shown(deployment, author)
    });
    Ok(reply::list(data.collect(), page.next))
}

pub(super) async fn show(api: Arc<Api>, request: Request) -> Answer {
    let deployment = request.deployment(&api).await?;
    Ok(ok(&with_steps(&api, deployment).await?))
}

/// Deploys its commit again, with what is set now.
pub(super) async fn redeploy(api: Arc<Api>, mut request: Request) -> Answer {
    let deployment = request.deployment(&api).await?;
    let RedeployBody { no_cache } = request.json().await?;
    let author = &request.caller()?.user;
    let deployment = api.ports.deployments.redeploy(&deployment, no_cache, author).await?;
    request.trail.changed();
    Ok(accepted(&with_steps(&api, deployment).await?))
}

/// Makes the release live again that it has made.
pub(super) async fn roll_back(api: Arc<Api>, mut request: Request) -> Answer {
    let deployment = request.deployment(&api).await?;
    let RollbackBody { rebuild } = request.json().await?;
    let version = deployment.version.ok_or(DeployError::NotReleased)?;
    let environment = api.store.environment(deployment.environment_id).await?;
    let author = &request.caller()?.user;
    let queued = api.ports.deployments.rollback(&environment, Some(version), rebuild, author).await?;
    request.trail.changed();
    Ok(accepted(&with_steps(&api, queued).await?))
}

/// Brings the release that it has made to another environment.
pub(super) async fn promote(api: Arc<Api>, mut request: Request) -> Answer {
    let deployment = request.deployment(&api).await?;
    let PromoteBody { environment } = request.json().await?;
    let version = deployment.version.ok_or(DeployError::NotReleased)?;
    let project = api.store.project(deployment.project_id).await?;
    let from = api.store.environment(deployment.environment_id).await?;
    let to = environment_of(&api, &project, &environment).await?;
    let author = &request.caller()?.user;
    let queued = api.ports.deployments.promote(&from, version, &to, author).await?;
    request.trail.changed();
    Ok(accepted(&with_steps(&api, queued).await?))
}

/// The environment of a project that a field names, by name or id.
pub(super) async fn environment_of(
    api: &Api,
    project: &Project,
    wanted: &str,
) -> Result<Environment, ApiError> {
    let environments = api.store.environments_of(project.id).await?;
    let mut named = environments
        .into_iter()
        .filter(|environment| environment.name.as_str() == wanted || environment.id.to_string() == wanted);
    named.next().ok_or_else(|| ApiError::field("environment", "The project has no such environment."))
}

/// Asks for it to be stopped. The answer comes at once; one that waits is `cancelled` then, one that runs when everything
/// that it had made is taken back.
pub(super) async fn cancel(api: Arc<Api>, request: Request) -> Answer {
    let deployment = request.deployment(&api).await?;
    request.trail.before(&json!({ "status": deployment.state.status() }));
    if !api.ports.deployments.cancel(deployment.id).await? {
        return Err(DeployError::NotCancellable.into());
    }
    request.trail.changed();
    let deployment = api.store.deployment(deployment.id).await?;
    Ok(accepted(&with_steps(&api, deployment).await?))
}

pub(super) async fn with_steps(api: &Api, deployment: Deployment) -> Result<DeploymentBody, ApiError> {
    let events = api.store.deployment_events(deployment.id).await?;
    let author = Authors::of(api, std::iter::once(deployment.author)).await?.name(deployment.author);
    let before = match deployment.state {
        DeploymentState::Queued => api.store.deployments_before(deployment.id).await?,
        DeploymentState::Building => api.ports.deployments.builds.before(deployment.id),
        _ => None,
    };
    let plan = deployment.record.plan().map(PlanBody::from);
    Ok(DeploymentBody { before, plan, steps: Some(steps(&events)), ..shown(deployment, author) })
}

fn shown(deployment: Deployment, author: Option<Username>) -> DeploymentBody {
    let queued_because = deployment.options.automatic.as_ref().map(|automatic| automatic.why.clone());
    DeploymentBody {
        id: deployment.id,
        project_id: deployment.project_id,
        environment_id: deployment.environment_id,
        version: deployment.version,
        status: deployment.state.status(),
        step: deployment.state.step(),
        reason: deployment.reason.or(queued_because),
        commit: Some(deployment.commit).filter(CommitId::is_known),
        branch: deployment.branch,
        author,
        source: deployment.source,
        made_from: MadeFromBody::of(deployment.options, deployment.environment_id),
        created_at: deployment.created_at,
        started_at: deployment.started_at,
        finished_at: deployment.finished_at,
        before: None,
        plan: None,
        steps: None,
    }
}

/// Names of accounts, asked for at once.
pub(super) struct Authors(HashMap<UserId, Username>);

impl Authors {
    pub(super) async fn of(api: &Api, ids: impl Iterator<Item = Option<UserId>>) -> Result<Self, ApiError> {
        let ids: HashSet<UserId> = ids.flatten().collect();
        let ids: Vec<UserId> = ids.into_iter().collect();
        Ok(Self(if ids.is_empty() { HashMap::new() } else { api.store.usernames(&ids).await? }))
    }

    /// The name of an account; `None` where it is gone.
    pub(super) fn name(&self, id: Option<UserId>) -> Option<Username> {
        self.0.get(&id?).cloned()
    }
}
