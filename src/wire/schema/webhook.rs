//! How webhooks look in bodies.

use super::{boolean, id, object, string};
use crate::model::id::{EventId, WebhookDeliveryId, WebhookId};
use crate::model::name::Email;
use crate::model::webhook::{DeliveryState, EventKind, WebhookFormat};
use crate::wire::webhook::{NewWebhookBody, UpdateWebhookBody};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ArrayBuilder, ObjectBuilder, OneOfBuilder, Schema, SchemaFormat, Type};
use utoipa::{PartialSchema, ToSchema};

/// What can be said of a webhook.
fn webhook() -> ObjectBuilder {
    let list = ArrayBuilder::new().items(EventKind::schema()).min_items(Some(1));
    let null = ObjectBuilder::new().schema_type(Type::Null);
    let url = string().format(Some(SchemaFormat::Custom("uri".to_owned()))).max_length(Some(1024));
    object()
        .property("url", url)
        .property("to", Email::schema())
        .property("events", OneOfBuilder::new().item(list).item(null))
}

schemas! {
    EventId = id(),
    WebhookDeliveryId = id(),
    WebhookId = id(),
    NewWebhookBody = webhook()
        .property("project", string())
        .required("project")
        .property("format", string().enum_values(Some(["json", "slack", "discord", "email"]))),
    UpdateWebhookBody = webhook().property("enabled", boolean()),
}

words! {
    WebhookFormat { Json = "json", Slack = "slack", Discord = "discord", Email = "email", CommitStatus = "commit_status" }
    DeliveryState { Pending = "pending", Delivered = "delivered", Failed = "failed" }
    EventKind {
        DeploymentQueued = "deployment.queued",
        DeploymentStarted = "deployment.started",
        DeploymentSucceeded = "deployment.succeeded",
        DeploymentFailed = "deployment.failed",
        DeploymentCancelled = "deployment.cancelled",
        DeploymentSuperseded = "deployment.superseded",
        DeploymentRolledBack = "deployment.rolled_back",
        InstanceCrashed = "instance.crashed",
        InstanceCrashLooping = "instance.crash_looping",
        ConfigChanged = "config.changed",
        EnvironmentCreated = "environment.created",
        EnvironmentDeleted = "environment.deleted",
        WebhookDisabled = "webhook.disabled",
        Test = "webhook.test",
    }
}
