//! `/api/projects`.

use crate::api::Api;
use crate::api::error::ApiError;
use crate::api::reply::{self, Answer, created, no_content, ok};
use crate::api::request::Request;
use crate::model::name::EnvironmentName;
use crate::model::project::Project;
use crate::projects::{self, ProjectDraft};
use crate::wire::project::{NewProjectBody, ProjectBody, ReplaceProjectBody, UpdateProjectBody};
use std::sync::Arc;

pub(super) async fn list(api: Arc<Api>, request: Request) -> Answer {
    let mut query = request.query()?;
    let page = query.page()?;
    query.finish()?;
    let page = projects::list(&api.store, &request.caller()?.user, page).await?;
    let mut data = Vec::with_capacity(page.data.len());
    for project in page.data {
        data.push(shown(&api, project).await?);
    }
    Ok(reply::list(data, page.next))
}

pub(super) async fn create(api: Arc<Api>, mut request: Request) -> Answer {
    let owner = request.caller()?.user.id;
    let NewProjectBody { name, slug } = request.json().await?;
    let draft = ProjectDraft { name, slug, at_most: api.options.max_projects };
    let (project, _production) = projects::create(&api.store, owner, draft).await?;
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
    Ok(ok(&shown(&api, project).await?))
}

pub(super) async fn update(api: Arc<Api>, mut request: Request) -> Answer {
    let mut project = request.project(&api).await?;
    let UpdateProjectBody { name } = request.json().await?;
    let overwrite = request.unless_changed(&shown(&api, project.clone()).await?)?;
    if let Some(name) = name {
        project = projects::rename(&api.store, &project, &name, overwrite).await?;
    }
    Ok(ok(&shown(&api, project).await?))
}

pub(super) async fn delete(api: Arc<Api>, request: Request) -> Answer {
    let project = request.project(&api).await?;
    let mut query = request.query()?;
    let confirmation = query.text("confirm");
    query.finish()?;
    request.unless_changed(&shown(&api, project.clone()).await?)?;
    projects::delete(&api.store, &*api.ports.cleanup, &project, confirmation.as_deref()).await?;
    Ok(no_content())
}

async fn shown(api: &Api, project: Project) -> Result<ProjectBody, ApiError> {
    let address = &api.options.address;
    let status = projects::condition(&api.store, &project).await?;
    Ok(ProjectBody {
        status,
        git_url: address.git_url(&project.slug),
        url: address.app_url(&project.slug, &EnvironmentName::production()),
        id: project.id,
        slug: project.slug,
        name: project.name,
        framework: project.framework,
        created_at: project.created_at,
        updated_at: project.updated_at,
    })
}
