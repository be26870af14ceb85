//! `/api/webhooks`: who is told what happens to a project.

use crate::api::Api;
use crate::api::error::{ApiError, Code};
use crate::api::reply::{self, Answer, accepted, created, no_content, ok, secret};
use crate::api::request::{Request, not_found};
use crate::model::id::WebhookDeliveryId;
use crate::model::project::Project;
use crate::model::secret::Secret;
use crate::model::webhook::{Webhook, WebhookDelivery};
use crate::notifications::{WebhookChange, WebhookDraft};
use crate::projects::{self, ProjectReference};
use crate::store::StoreError;
use crate::wire::webhook::{
    DeliveryBody, NewWebhookBody, RotateWebhookBody, ShownWebhookBody, UpdateWebhookBody, WebhookBody,
};
use chrono::TimeDelta;
use std::sync::Arc;

/// All of a project: it has few.
pub(super) async fn list(api: Arc<Api>, request: Request) -> Answer {
    let mut query = request.query()?;
    let reference: Option<ProjectReference> = query.value("project")?;
    query.finish()?;
    let Some(reference) = reference else {
        return Err(ApiError::new(Code::InvalidQuery, "Say of which project: `?project=<slug or id>`."));
    };
    let project = request.project_named(&api, &reference).await?;
    let webhooks = api.store.webhooks_of(project.id).await?;
    Ok(reply::list(webhooks.into_iter().map(WebhookBody::from).collect(), None::<String>))
}

pub(super) async fn create(api: Arc<Api>, mut request: Request) -> Answer {
    let NewWebhookBody { project, format, target, events } = request.json().await?;
    let Ok(reference) = project.parse::<ProjectReference>();
    if reference == ProjectReference::Nothing {
        return Err(ApiError::field("project", "No project is called so: give its slug or its id."));
    }
    let project = request.project_named(&api, &reference).await?;
    let draft = WebhookDraft { format, target, events };
    let (webhook, made) = api.ports.notifications.create(project.id, draft).await?;
    let (webhook, shown) = shown(webhook, made);
    Ok(secret(created(&shown), &webhook))
}

pub(super) async fn show(api: Arc<Api>, request: Request) -> Answer {
    Ok(ok(&WebhookBody::from(request.webhook(&api).await?)))
}

pub(super) async fn update(api: Arc<Api>, mut request: Request) -> Answer {
    let webhook = request.webhook(&api).await?;
    let body: UpdateWebhookBody = request.json().await?;
    let overwrite = request.unless_changed(&WebhookBody::from(webhook.clone()))?;
    let target = body.target(webhook.format).map_err(|(field, fault)| ApiError::field(field, fault))?;
    let change = WebhookChange { target, events: body.events, enabled: body.enabled };
    let webhook =
        api.ports.notifications.update(&webhook, change, overwrite.unless_since(webhook.updated_at)).await?;
    Ok(ok(&WebhookBody::from(webhook)))
}

pub(super) async fn delete(api: Arc<Api>, request: Request) -> Answer {
    let webhook = request.webhook(&api).await?;
    request.unless_changed(&WebhookBody::from(webhook.clone()))?;
    match api.store.delete_webhook(webhook.id).await {
        Ok(()) => Ok(no_content()),
        Err(StoreError::NotFound) => Err(not_found(Code::WebhookNotFound)),
        Err(error) => Err(error.into()),
    }
}

/// Another secret; the one until now signs too for as long as is asked for.
pub(super) async fn rotate(api: Arc<Api>, mut request: Request) -> Answer {
    let webhook = request.webhook(&api).await?;
    let RotateWebhookBody { overlap_seconds } = request.json().await?;
    let overlap = TimeDelta::seconds(overlap_seconds.into());
    let (webhook, made) = api.ports.notifications.rotate(&webhook, overlap).await?;
    let (webhook, shown) = shown(webhook, Some(made));
    Ok(secret(ok(&shown), &webhook))
}

/// 202 with what is told soon.
pub(super) async fn test(api: Arc<Api>, request: Request) -> Answer {
    let webhook = request.webhook(&api).await?;
    let project = api.store.project(webhook.project_id).await?;
    let user = &request.caller()?.user;
    let delivery = api.ports.notifications.test(&webhook, &project, user).await?;
    Ok(accepted(&of(&api, &webhook, delivery)))
}

/// What it was told and is to be told, newest first.
pub(super) async fn deliveries(api: Arc<Api>, request: Request) -> Answer {
    let webhook = request.webhook(&api).await?;
    let mut query = request.query()?;
    let page = query.page()?;
    query.finish()?;
    let page = api.store.deliveries_of(webhook.id, page).await?;
    let data = page.data.into_iter().map(|delivery| of(&api, &webhook, delivery)).collect();
    Ok(reply::list(data, page.next))
}

/// 202 with what is told soon: the same event once more.
pub(super) async fn redeliver(api: Arc<Api>, request: Request) -> Answer {
    let webhook = request.webhook(&api).await?;
    let missing = Code::DeliveryNotFound;
    let id: WebhookDeliveryId = request.named(":delivery", missing)?;
    let delivery = match api.store.webhook_delivery(id).await {
        Ok(delivery) if delivery.webhook_id == webhook.id => delivery,
        Ok(_) | Err(StoreError::NotFound) => return Err(not_found(missing)),
        Err(error) => return Err(error.into()),
    };
    let delivery = api.ports.notifications.redeliver(&webhook, &delivery).await?;
    Ok(accepted(&of(&api, &webhook, delivery)))
}

fn of(api: &Api, webhook: &Webhook, delivery: WebhookDelivery) -> DeliveryBody {
    let request = api.ports.notifications.request_of(webhook, &delivery);
    DeliveryBody::of(delivery, request)
}

/// The webhook for the audit log and the webhook for its owner.
fn shown(webhook: Webhook, secret: Option<Secret<String>>) -> (WebhookBody, ShownWebhookBody) {
    let webhook = WebhookBody::from(webhook);
    (webhook.clone(), ShownWebhookBody { secret: secret.map(Secret::into_exposed), webhook })
}

impl Request {
    /// The project that something beside the path names, if the caller may do to it what the table says.
    async fn project_named(&self, api: &Api, reference: &ProjectReference) -> Result<Project, ApiError> {
        let project = projects::find(&api.store, &self.caller()?.user, reference, self.action()?).await?;
        self.trail.project(project.id);
        Ok(project)
    }

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
}
