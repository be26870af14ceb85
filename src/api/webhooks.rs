//! `/api/projects/:id/hooks` and `/api/hooks`: the connections of projects to repositories elsewhere.

use crate::api::Api;
use crate::api::error::{ApiError, Code};
use crate::api::reply::{self, Answer, accepted, created, no_content, ok, secret};
use crate::api::request::{Request, not_found};
use crate::model::secret::Secret;
use crate::model::webhook::{Delivery, DeliveryOutcome, Webhook};
use crate::store::StoreError;
use crate::webhooks::{NewWebhook, WebhookChange};
use crate::wire::webhook::{
    DeliveryBody, NewWebhookBody, RotateWebhookBody, ShownWebhookBody, UpdateWebhookBody, WebhookBody,
};
use chrono::TimeDelta;
use std::sync::Arc;
use warp::reply::Response;

/// All of them: a project has few.
pub(super) async fn list(api: Arc<Api>, request: Request) -> Answer {
    let project = request.project(&api).await?;
    request.query()?.finish()?;
    let mut webhooks = Vec::new();
    for webhook in api.store.webhooks(project.id).await? {
        webhooks.push(shown(&api, webhook).await?);
    }
    Ok(reply::list(webhooks, None::<String>))
}

pub(super) async fn create(api: Arc<Api>, mut request: Request) -> Answer {
    let project = request.project(&api).await?;
    let NewWebhookBody { provider, repository, tag_environment } = request.json().await?;
    let new = NewWebhook { provider, repository, tag_environment };
    let (webhook, told) = api.webhooks.create(project.id, new).await?;
    with_secret(&api, webhook, told, created).await
}

pub(super) async fn show(api: Arc<Api>, request: Request) -> Answer {
    let webhook = request.webhook(&api).await?;
    Ok(ok(&shown(&api, webhook).await?))
}

pub(super) async fn update(api: Arc<Api>, mut request: Request) -> Answer {
    let webhook = request.webhook(&api).await?;
    let UpdateWebhookBody { repository, tag_environment, enabled } = request.json().await?;
    request.unless_changed(&shown(&api, webhook.clone()).await?)?;
    let change = WebhookChange { repository, tag_environment, enabled };
    let webhook = api.webhooks.update(webhook, change).await?;
    Ok(ok(&shown(&api, webhook).await?))
}

pub(super) async fn delete(api: Arc<Api>, request: Request) -> Answer {
    let webhook = request.webhook(&api).await?;
    request.unless_changed(&shown(&api, webhook.clone()).await?)?;
    api.store.delete_webhook(webhook.id).await?;
    Ok(no_content())
}

pub(super) async fn rotate(api: Arc<Api>, mut request: Request) -> Answer {
    let webhook = request.webhook(&api).await?;
    let RotateWebhookBody { overlap_seconds } = request.json().await?;
    request.trail.before(&shown(&api, webhook.clone()).await?);
    let (webhook, told) = api.webhooks.rotate(&webhook, TimeDelta::seconds(overlap_seconds.into())).await?;
    with_secret(&api, webhook, told, ok).await
}

/// Newest first.
pub(super) async fn list_deliveries(api: Arc<Api>, request: Request) -> Answer {
    let webhook = request.webhook(&api).await?;
    let mut query = request.query()?;
    let page = query.page()?;
    query.finish()?;
    let page = api.store.deliveries_of(webhook.id, page).await?;
    Ok(reply::list(page.data.into_iter().map(DeliveryBody::brief).collect(), page.next))
}

pub(super) async fn show_delivery(api: Arc<Api>, request: Request) -> Answer {
    let (_, delivery) = request.delivery(&api).await?;
    Ok(ok(&DeliveryBody::whole(delivery)))
}

/// Does once more what a delivery asks for: 202 with the new one where a deployment does it.
pub(super) async fn redeliver(api: Arc<Api>, request: Request) -> Answer {
    let (webhook, delivery) = request.delivery(&api).await?;
    Ok(outcome(api.webhooks.redeliver(&webhook, delivery).await?, false))
}

/// The answer with what became of a delivery: 202 where a deployment will do what it asks for.
pub(super) fn outcome(delivery: Delivery, replayed: bool) -> Response {
    let is_deployed = matches!(delivery.outcome, DeliveryOutcome::Deployed { .. });
    let body = DeliveryBody { replayed, ..DeliveryBody::brief(delivery) };
    if is_deployed { accepted(&body) } else { ok(&body) }
}

async fn shown(api: &Api, webhook: Webhook) -> Result<WebhookBody, ApiError> {
    let tag_environment = api.webhooks.tag_environment_of(&webhook).await?;
    Ok(WebhookBody::of(webhook, tag_environment))
}

/// The answer that tells a secret, which the audit log is not told.
async fn with_secret(
    api: &Api,
    webhook: Webhook,
    told: Secret<String>,
    answer: fn(&ShownWebhookBody) -> Response,
) -> Answer {
    let webhook = shown(api, webhook).await?;
    let whole = ShownWebhookBody { secret: told.into_exposed(), webhook: webhook.clone() };
    Ok(secret(answer(&whole), &webhook))
}

impl Request {
    /// The webhook in the path, if the caller may do to its project what the table says.
    async fn webhook(&self, api: &Api) -> Result<Webhook, ApiError> {
        let missing = Code::WebhookNotFound;
        let webhook = match api.store.webhook(self.id(missing)?).await {
            Ok(webhook) => webhook,
            Err(StoreError::NotFound) => return Err(not_found(missing)),
            Err(error) => return Err(error.into()),
        };
        self.permitted(api, webhook.project_id, missing).await?;
        Ok(webhook)
    }

    /// The delivery in the path with the webhook that it has come for.
    async fn delivery(&self, api: &Api) -> Result<(Webhook, Delivery), ApiError> {
        let webhook = self.webhook(api).await?;
        let missing = Code::DeliveryNotFound;
        match api.store.delivery(webhook.id, self.named(":delivery", missing)?).await {
            Ok(delivery) => Ok((webhook, delivery)),
            Err(StoreError::NotFound) => Err(not_found(missing)),
            Err(error) => Err(error.into()),
        }
    }
}
