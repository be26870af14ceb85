//! `/api/projects/:id/previews`: environments of pull requests.

use crate::api::Api;
use crate::api::deployments::with_steps;
use crate::api::error::{ApiError, Code};
use crate::api::reply::{self, Answer, accepted, no_content};
use crate::api::request::{Request, not_found};
use crate::model::name::EnvironmentName;
use crate::model::preview::Preview;
use crate::model::project::Project;
use crate::store::StoreError;
use crate::wire::preview::{ApprovePreviewBody, PreviewBody};
use std::sync::Arc;

/// All of them: a project has few.
pub(super) async fn list(api: Arc<Api>, request: Request) -> Answer {
    let project = request.project(&api).await?;
    request.query()?.finish()?;
    let mut previews = Vec::new();
    for preview in api.store.previews_of(project.id).await? {
        previews.push(shown(&api, &project, preview).await?);
    }
    Ok(reply::list(previews, None::<String>))
}

/// Lets the newest commit in. The caller says which one they have looked at.
pub(super) async fn approve(api: Arc<Api>, mut request: Request) -> Answer {
    let (project, preview) = request.preview(&api).await?;
    let ApprovePreviewBody { commit } = request.json().await?;
    let number = preview.number;
    request.trail.before(&shown(&api, &project, preview).await?);
    let deployment = api.ports.hooks.approve(&project, number, &commit).await?;
    request.trail.changed();
    Ok(accepted(&with_steps(&api, deployment).await?))
}

pub(super) async fn delete(api: Arc<Api>, request: Request) -> Answer {
    let (project, preview) = request.preview(&api).await?;
    request.query()?.finish()?;
    request.unless_changed(&shown(&api, &project, preview.clone()).await?)?;
    api.ports.hooks.remove_preview(&preview).await?;
    Ok(no_content())
}

async fn shown(api: &Api, project: &Project, preview: Preview) -> Result<PreviewBody, ApiError> {
    let usual = EnvironmentName::of_pull_request(preview.number);
    let name = match preview.environment_id {
        None => usual,
        // Somebody may have called it otherwise, or it is gone in this very moment.
        Some(id) => match api.store.environment(id).await {
            Ok(environment) => environment.name,
            Err(StoreError::NotFound) => usual,
            Err(error) => return Err(error.into()),
        },
    };
    let url = api.options.address.app_url(&project.slug, &name);
    let given = api.store.given_to_preview(&preview).await?.map(|(_, given)| given).unwrap_or_default();
    let config = given.into_iter().map(|var| var.name).collect();
    Ok(PreviewBody::of(preview, (name, url), config))
}

impl Request {
    /// The preview in the path with its project, if the caller may do to that what the table says.
    async fn preview(&self, api: &Api) -> Result<(Project, Preview), ApiError> {
        let project = self.project(api).await?;
        let missing = Code::PreviewNotFound;
        let found = api.store.preview(project.id, self.named(":number", missing)?).await?;
        Ok((project, found.ok_or_else(|| not_found(missing))?))
    }
}
