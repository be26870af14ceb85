//! `/api/projects/:id/drains` and `/api/drains`.

use crate::api::Api;
use crate::api::error::{ApiError, Code};
use crate::api::reply::{self, Answer, created, no_content, ok};
use crate::api::request::{Request, not_found};
use crate::drains::DrainChange;
use crate::model::drain::Drain;
use crate::store::StoreError;
use crate::wire::drain::{DrainBody, NewDrainBody, UpdateDrainBody};
use std::sync::Arc;

/// All of them: a project has few.
pub(super) async fn list(api: Arc<Api>, request: Request) -> Answer {
    let project = request.project(&api).await?;
    request.query()?.finish()?;
    let mut drains = Vec::new();
    for drain in api.store.drains(Some(project.id)).await? {
        drains.push(shown(&api, drain).await?);
    }
    Ok(reply::list(drains, None::<String>))
}

pub(super) async fn create(api: Arc<Api>, mut request: Request) -> Answer {
    let project = request.project(&api).await?;
    let NewDrainBody { url, environment, token, certificates } = request.json().await?;
    let change = DrainChange {
        url: None,
        environment: Some(environment),
        token: Some(token),
        certificates: Some(certificates),
    };
    let drain = api.ports.drains.create(project.id, url, change).await?;
    request.trail.changed();
    Ok(created(&shown(&api, drain).await?))
}

pub(super) async fn show(api: Arc<Api>, request: Request) -> Answer {
    let drain = request.drain(&api).await?;
    Ok(ok(&shown(&api, drain).await?))
}

pub(super) async fn update(api: Arc<Api>, mut request: Request) -> Answer {
    let drain = request.drain(&api).await?;
    let UpdateDrainBody { url, environment, token, certificates } = request.json().await?;
    let overwrite = request.unless_changed(&shown(&api, drain.clone()).await?)?;
    let since = overwrite.unless_since(drain.updated_at);
    let change = DrainChange { url, environment, token, certificates };
    let drain = api.ports.drains.update(drain, change, since).await?;
    request.trail.changed();
    Ok(ok(&shown(&api, drain).await?))
}

pub(super) async fn delete(api: Arc<Api>, request: Request) -> Answer {
    let drain = request.drain(&api).await?;
    request.unless_changed(&shown(&api, drain.clone()).await?)?;
    api.ports.drains.remove(drain.id).await?;
    Ok(no_content())
}

async fn shown(api: &Api, drain: Drain) -> Result<DrainBody, ApiError> {
    let environment = api.ports.drains.environment_of(&drain).await?;
    Ok(DrainBody::of(drain, environment))
}

impl Request {
    /// The drain in the path, if the caller may do to its project what the table says.
    async fn drain(&self, api: &Api) -> Result<Drain, ApiError> {
        let missing = Code::DrainNotFound;
        let drain = match api.store.drain(self.id(missing)?).await {
            Ok(drain) => drain,
            Err(StoreError::NotFound) => return Err(not_found(missing)),
            Err(error) => return Err(error.into()),
        };
        self.permitted(api, drain.project_id, missing).await?;
        Ok(drain)
    }
}
