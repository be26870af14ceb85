//! `/api/environments` and the environments of a project.

use crate::api::Api;
use crate::api::deployments::with_steps;
use crate::api::error::ApiError;
use crate::api::reply::{self, Answer, accepted, created, no_content, ok};
use crate::api::request::Request;
use crate::model::environment::{Environment, EnvironmentSettings};
use crate::model::id::EnvironmentId;
use crate::model::project::Project;
use crate::projects::environments::{self, EnvironmentChange, EnvironmentDraft, Otherwise};
use crate::wire::environment::{
    EnvironmentBody, MaintenanceBody, NewEnvironmentBody, ReplaceEnvironmentBody, UpdateEnvironmentBody,
};
use std::sync::Arc;

/// All of them: a project has few.
pub(super) async fn list(api: Arc<Api>, request: Request) -> Answer {
    let project = request.project(&api).await?;
    request.query()?.finish()?;
    let environments = api.store.environments_of(project.id).await?;
    let ids: Vec<EnvironmentId> = environments.iter().map(|environment| environment.id).collect();
    let live = api.store.live_versions(&ids).await?;
    let data = environments.into_iter().map(|environment| {
        let version = live.get(&environment.id).copied();
        with_version(&api, &project, version, environment)
    });
    Ok(reply::list(data.collect(), None::<String>))
}

pub(super) async fn create(api: Arc<Api>, mut request: Request) -> Answer {
    let project = request.project(&api).await?;
    let NewEnvironmentBody { name, fields } = request.json().await?;
    let otherwise = EnvironmentSettings::default();
    let draft = EnvironmentDraft { name, fields, otherwise, preview: None };
    let environment = environments::create(&api.store, &project, draft, api.options.maxima).await?;
    request.trail.changed();
    Ok(created(&shown(&api, &project, environment).await?))
}

pub(super) async fn show(api: Arc<Api>, request: Request) -> Answer {
    let (project, environment) = request.environment(&api).await?;
    Ok(ok(&shown(&api, &project, environment).await?))
}

pub(super) async fn replace(api: Arc<Api>, mut request: Request) -> Answer {
    let (project, environment) = request.environment(&api).await?;
    let ReplaceEnvironmentBody { name, fields } = request.json().await?;
    let change = EnvironmentChange { name: Some(name), fields, otherwise: Otherwise::AsIsUsual };
    change_to(&api, &request, &project, &environment, change).await
}

pub(super) async fn update(api: Arc<Api>, mut request: Request) -> Answer {
    let (project, environment) = request.environment(&api).await?;
    let UpdateEnvironmentBody { name, fields } = request.json().await?;
    let change = EnvironmentChange { name, fields, otherwise: Otherwise::AsItIs };
    change_to(&api, &request, &project, &environment, change).await
}

pub(super) async fn delete(api: Arc<Api>, request: Request) -> Answer {
    let (project, environment) = request.environment(&api).await?;
    let mut query = request.query()?;
    let confirmation = query.text("confirm");
    query.finish()?;
    let overwrite = request.unless_changed(&shown(&api, &project, environment.clone()).await?)?;
    let as_read = (&environment, overwrite);
    environments::disable(&api.store, as_read, confirmation.as_deref()).await?;
    request.trail.changed();
    environments::remove(&api.store, &*api.ports.cleanup, &environment).await?;
    Ok(no_content())
}

/// Takes it out of service for people, or puts it back.
pub(super) async fn maintain(api: Arc<Api>, mut request: Request) -> Answer {
    let (project, environment) = request.environment(&api).await?;
    let MaintenanceBody { on } = request.json().await?;
    let overwrite = request.unless_changed(&shown(&api, &project, environment.clone()).await?)?;
    let as_read = overwrite.as_read(&environment);
    let changed = api.ports.deployments.set_maintenance(environment.id, on, as_read).await?;
    request.trail.changed();
    Ok(ok(&shown(&api, &project, changed).await?))
}

/// Stops every instance.
pub(super) async fn stop(api: Arc<Api>, request: Request) -> Answer {
    let (project, environment) = request.environment(&api).await?;
    let overwrite = request.unless_changed(&shown(&api, &project, environment.clone()).await?)?;
    let stopped = api.ports.deployments.stop(environment.id, overwrite.as_read(&environment)).await?;
    request.trail.changed();
    Ok(ok(&shown(&api, &project, stopped).await?))
}

/// Starts it again.
pub(super) async fn start(api: Arc<Api>, request: Request) -> Answer {
    let (_, environment) = request.environment(&api).await?;
    let deployment = api.ports.deployments.start(&environment, &request.caller()?.user).await?;
    request.trail.changed();
    Ok(accepted(&with_steps(&api, deployment).await?))
}

async fn change_to(
    api: &Api,
    request: &Request,
    project: &Project,
    environment: &Environment,
    change: EnvironmentChange,
) -> Answer {
    let overwrite = request.unless_changed(&shown(api, project, environment.clone()).await?)?;
    let as_read = (environment, overwrite);
    let changed = environments::change(&api.store, project, as_read, change, api.options.maxima).await?;
    request.trail.changed();
    Ok(ok(&shown(api, project, changed).await?))
}

pub(super) async fn shown(
    api: &Api,
    project: &Project,
    environment: Environment,
) -> Result<EnvironmentBody, ApiError> {
    let live = api.store.live_versions(&[environment.id]).await?;
    Ok(with_version(api, project, live.get(&environment.id).copied(), environment))
}

fn with_version(
    api: &Api,
    project: &Project,
    version: Option<i64>,
    environment: Environment,
) -> EnvironmentBody {
    let settings = environment.settings;
    EnvironmentBody {
        url: api.options.address.app_url(&project.slug, &environment.name),
        version,
        id: environment.id,
        project_id: environment.project_id,
        name: environment.name,
        branch: environment.branch,
        formation: settings.formation,
        health: settings.health.into(),
        limits: settings.limits.into(),
        drain_seconds: settings.drain_seconds,
        watch_seconds: settings.watch_seconds,
        sleep_seconds: settings.sleep_seconds,
        strategy: settings.strategy,
        canary: settings.canary.map(Into::into),
        on_hang_up: settings.on_hang_up,
        root: settings.root,
        build_command: settings.build_command,
        start_command: settings.start_command,
        push_images: settings.push_images.map(Into::into),
        fetch: settings.fetch.into(),
        maintenance_page: settings.maintenance_page,
        error_page: settings.error_page,
        maintenance: environment.maintenance_at.is_some(),
        stopped: environment.stopped_at.is_some(),
        asleep_at: environment.asleep_at,
        created_at: environment.created_at,
        updated_at: environment.updated_at,
    }
}
