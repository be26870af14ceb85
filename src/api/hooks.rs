//! `/api/projects/:id/hooks` and `/api/hooks`: the connections of projects to repositories elsewhere.

use crate::api::Api;
use crate::api::error::{ApiError, Code};
use crate::api::reply::{self, Answer, accepted, created, no_content, ok, secret};
use crate::api::request::{Request, not_found};
use crate::hooks::{HookChange, NewHook};
use crate::model::hook::{Delivery, DeliveryOutcome, Hook};
use crate::model::id::HookId;
use crate::model::secret::Secret;
use crate::store::StoreError;
use crate::wire::hook::{
    HookBody, HookDeliveryBody, NewHookBody, RotateHookBody, ShownHookBody, UpdateHookBody,
};
use chrono::TimeDelta;
use std::sync::Arc;
use warp::reply::Response;

/// All of them: a project has few.
pub(super) async fn list(api: Arc<Api>, request: Request) -> Answer {
    let project = request.project(&api).await?;
    request.query()?.finish()?;
    let mut hooks = Vec::new();
    for hook in api.store.hooks(project.id).await? {
        hooks.push(shown(&api, hook).await?);
    }
    Ok(reply::list(hooks, None::<String>))
}

pub(super) async fn create(api: Arc<Api>, mut request: Request) -> Answer {
    let project = request.project(&api).await?;
    let NewHookBody { provider, repository, tag_environment, previews, feedback, wait_for_checks, via } =
        request.json().await?;
    request.may_name(&api, via).await?;
    let previews = previews.map(Into::into);
    let new = NewHook { provider, repository, tag_environment, previews, feedback, wait_for_checks, via };
    let (hook, told) = api.ports.hooks.create(project.id, new).await?;
    request.trail.changed();
    with_secret(&api, hook, told, created).await
}

pub(super) async fn show(api: Arc<Api>, request: Request) -> Answer {
    let hook = request.hook(&api).await?;
    Ok(ok(&shown(&api, hook).await?))
}

pub(super) async fn update(api: Arc<Api>, mut request: Request) -> Answer {
    let hook = request.hook(&api).await?;
    let UpdateHookBody { repository, tag_environment, previews, enabled, feedback, wait_for_checks, via } =
        request.json().await?;
    // What it is told of is asked for anew where that is another repository.
    let is_moved = repository.as_ref().is_some_and(|repository| *repository != hook.repository);
    request.may_name(&api, via.unwrap_or(hook.via.filter(|_| is_moved))).await?;
    request.unless_changed(&shown(&api, hook.clone()).await?)?;
    let previews = previews.map(|previews| previews.map(Into::into));
    let change =
        HookChange { repository, tag_environment, previews, enabled, feedback, wait_for_checks, via };
    // Of the repository that it is not connected to any more.
    let parting = if is_moved { api.ports.notifications.parting(&hook).await? } else { None };
    let hook = api.ports.hooks.update(hook, change).await?;
    api.ports.notifications.part(parting);
    request.trail.changed();
    Ok(ok(&shown(&api, hook).await?))
}

pub(super) async fn delete(api: Arc<Api>, request: Request) -> Answer {
    let hook = request.hook(&api).await?;
    request.unless_changed(&shown(&api, hook.clone()).await?)?;
    let parting = api.ports.notifications.parting(&hook).await?;
    api.ports.hooks.remove(&hook).await?;
    api.ports.notifications.part(parting);
    Ok(no_content())
}

pub(super) async fn rotate(api: Arc<Api>, mut request: Request) -> Answer {
    let hook = request.hook(&api).await?;
    let RotateHookBody { signing_token, overlap_seconds } = request.json().await?;
    request.trail.before(&shown(&api, hook.clone()).await?);
    let overlap = TimeDelta::seconds(overlap_seconds.into());
    let (hook, told) = api.ports.hooks.rotate(&hook, signing_token, overlap).await?;
    request.trail.changed();
    with_secret(&api, hook, told, ok).await
}

/// Newest first.
pub(super) async fn list_deliveries(api: Arc<Api>, request: Request) -> Answer {
    let hook = request.hook(&api).await?;
    let mut query = request.query()?;
    let page = query.page()?;
    query.finish()?;
    let page = api.store.hook_deliveries_of(hook.id, page).await?;
    Ok(reply::list(page.data.into_iter().map(HookDeliveryBody::brief).collect(), page.next))
}

pub(super) async fn show_delivery(api: Arc<Api>, request: Request) -> Answer {
    let (_, delivery) = request.delivery(&api).await?;
    Ok(ok(&HookDeliveryBody::whole(delivery)))
}

/// Does once more what a delivery asks for: 202 with the new one where a deployment does it.
pub(super) async fn redeliver(api: Arc<Api>, request: Request) -> Answer {
    let (hook, delivery) = request.delivery(&api).await?;
    Ok(outcome(api.ports.hooks.redeliver(&hook, delivery).await?, false))
}

/// The answer with what became of a delivery: 202 where a deployment will do what it asks for.
pub(super) fn outcome(delivery: Delivery, replayed: bool) -> Response {
    let is_deployed = matches!(delivery.outcome, DeliveryOutcome::Deployed { .. });
    let body = HookDeliveryBody { replayed, ..HookDeliveryBody::brief(delivery) };
    if is_deployed { accepted(&body) } else { ok(&body) }
}

async fn shown(api: &Api, hook: Hook) -> Result<HookBody, ApiError> {
    let tag_environment = api.ports.hooks.tag_environment_of(&hook).await?;
    let feedback = api.ports.hooks.feedback_of(&hook).await?;
    Ok(HookBody::of(hook, api.ports.notifications.api_url.as_deref(), tag_environment, feedback))
}

/// The answer that tells a secret, which the audit log is not told.
async fn with_secret(
    api: &Api,
    hook: Hook,
    told: Secret<String>,
    answer: fn(&ShownHookBody) -> Response,
) -> Answer {
    let hook = shown(api, hook).await?;
    let whole = ShownHookBody { secret: told.into_exposed(), hook: hook.clone() };
    Ok(secret(answer(&whole), &hook))
}

impl Request {
    /// The hook in the path, if the caller may do to its project what the table says.
    async fn hook(&self, api: &Api) -> Result<Hook, ApiError> {
        let missing = Code::HookNotFound;
        let hook = match api.store.hook(self.id(missing)?).await {
            Ok(hook) => hook,
            Err(StoreError::NotFound) => return Err(not_found(missing)),
            Err(error) => return Err(error.into()),
        };
        self.permitted(api, hook.project_id, missing).await?;
        Ok(hook)
    }

    /// Refuses to name a hook of a project to whose hooks the caller may not do the same.
    async fn may_name(&self, api: &Api, hook: Option<HookId>) -> Result<(), ApiError> {
        let Some(id) = hook else { return Ok(()) };
        let missing = || ApiError::field("via", "There is no such hook.");
        let hook = match api.store.hook(id).await {
            Ok(hook) => hook,
            Err(StoreError::NotFound) => return Err(missing()),
            Err(error) => return Err(error.into()),
        };
        self.may(api, hook.project_id, Code::HookNotFound).await.map_err(|_| missing())
    }

    /// The delivery in the path with the hook that it has come for.
    async fn delivery(&self, api: &Api) -> Result<(Hook, Delivery), ApiError> {
        let hook = self.hook(api).await?;
        let missing = Code::DeliveryNotFound;
        match api.store.hook_delivery(hook.id, self.named(":delivery", missing)?).await {
            Ok(delivery) => Ok((hook, delivery)),
            Err(StoreError::NotFound) => Err(not_found(missing)),
            Err(error) => Err(error.into()),
        }
    }
}
