//! `/api/projects`.

use crate::api::Api;
use crate::api::error::ApiError;
use crate::api::reply::{self, Answer, created, no_content, ok};
use crate::api::request::Request;
use crate::model::name::EnvironmentName;
use crate::model::project::Project;
use crate::projects::{self, ProjectDraft};
use crate::store::Presence;
use crate::wire::project::{
    NewProjectBody, ProjectBody, ProjectStatus, ReplaceProjectBody, UpdateProjectBody,
};
use std::sync::Arc;
use std::time::Duration;

pub(super) async fn list(api: Arc<Api>, request: Request) -> Answer {
    let mut query = request.query()?;
    let page = query.page()?;
    let deleted = query.value::<bool>("deleted")?.unwrap_or(false);
    query.finish()?;
    let presence = if deleted { Presence::Deleted } else { Presence::There };
    let page = projects::list(&api.store, &request.caller()?.user, presence, page).await?;
    let status = projects::conditions(&api.store, &page.data).await?;
    let status = |project: &Project| status.get(&project.id).copied().unwrap_or(ProjectStatus::Created);
    let data = page.data.into_iter().map(|project| with_status(&api, status(&project), project));
    Ok(reply::list(data.collect(), page.next))
}

pub(super) async fn create(api: Arc<Api>, mut request: Request) -> Answer {
    let owner = request.caller()?.user.id;
    let NewProjectBody { name, slug } = request.json().await?;
    let draft = ProjectDraft { name, slug, at_most: api.options.max_projects };
    let (project, _production) = projects::create(&api.store, owner, draft).await?;
    request.trail.project(project.id);
    request.trail.changed();
    Ok(created(&shown(&api, project).await?))
}

pub(super) async fn show(api: Arc<Api>, request: Request) -> Answer {
    let project = request.project(&api).await?;
    Ok(ok(&shown(&api, project).await?))
}

pub(super) async fn replace(api: Arc<Api>, mut request: Request) -> Answer {
    let project = request.project(&api).await?;
    let ReplaceProjectBody { name } = request.json().await?;
    let overwrite = request.unless_changed(&shown(&api, project.clone()).await?)?;
    let project = projects::rename(&api.store, &project, &name, overwrite).await?;
    request.trail.changed();
    Ok(ok(&shown(&api, project).await?))
}

pub(super) async fn update(api: Arc<Api>, mut request: Request) -> Answer {
    let mut project = request.project(&api).await?;
    let UpdateProjectBody { name } = request.json().await?;
    let overwrite = request.unless_changed(&shown(&api, project.clone()).await?)?;
    if let Some(name) = name {
        project = projects::rename(&api.store, &project, &name, overwrite).await?;
        request.trail.changed();
    }
    Ok(ok(&shown(&api, project).await?))
}

/// Deletes it, so that it can be brought back for a while; with `now=true` it is removed at once, deleted before or not.
pub(super) async fn delete(api: Arc<Api>, request: Request) -> Answer {
    let project = request.project_even_deleted(&api).await?;
    let mut query = request.query()?;
    let confirmation = query.text("confirm");
    let at_once = query.value::<bool>("now")?.unwrap_or(false);
    query.finish()?;
    let undo = if at_once { Duration::ZERO } else { api.options.undo_of_deletion };
    request.unless_changed(&shown(&api, project.clone()).await?)?;
    if let Some(project) = projects::delete(&api.store, &project, confirmation.as_deref(), undo).await? {
        request.trail.changed();
        projects::withdraw(&api.store, &*api.ports.cleanup, &project).await?;
    }
    Ok(no_content())
}

/// Brings a deleted project back, with what it had live.
pub(super) async fn restore(api: Arc<Api>, request: Request) -> Answer {
    let project = request.project_even_deleted(&api).await?;
    request.query()?.finish()?;
    let overwrite = request.unless_changed(&shown(&api, project.clone()).await?)?;
    let project = projects::undelete(&api.store, (&project, overwrite)).await?;
    request.trail.changed();
    api.ports.deployments.bring_back(&project, request.caller()?.user.id).await?;
    Ok(ok(&shown(&api, project).await?))
}

async fn shown(api: &Api, project: Project) -> Result<ProjectBody, ApiError> {
    let status = projects::conditions(&api.store, std::slice::from_ref(&project)).await?;
    let status = status.get(&project.id).copied().unwrap_or(ProjectStatus::Created);
    Ok(with_status(api, status, project))
}

fn with_status(api: &Api, status: ProjectStatus, project: Project) -> ProjectBody {
    let address = &api.options.address;
    ProjectBody {
        status,
        git_url: address.git_url(&project.slug),
        url: address.app_url(&project.slug, &EnvironmentName::production()),
        id: project.id,
        slug: project.slug,
        name: project.name,
        framework: project.framework,
        created_at: project.created_at,
        updated_at: project.updated_at,
        deleted_at: project.deletion.map(|deletion| deletion.at),
        restorable_until: project.deletion.map(|deletion| deletion.final_at),
    }
}
