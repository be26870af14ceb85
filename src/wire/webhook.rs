//! Bodies of webhooks. What they are told is in [`super::event`].

use crate::model::id::{EventId, HookId, ProjectId, WebhookDeliveryId, WebhookId};
use crate::model::name::Email;
use crate::model::time::Timestamp;
use crate::model::webhook::{
    DeliveryState, EventKind, Webhook, WebhookDelivery, WebhookFormat, WebhookTarget, WebhookUrl,
};
use crate::wire::form::{Body, Form};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

const EVENTS: &str = "a list of events such as deployment.failed";

/// `POST /api/webhooks`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewWebhookBody {
    /// Slug or id.
    pub project: String,
    pub format: WebhookFormat,
    /// Read from `url`, or from `to` where it is mail.
    pub target: WebhookTarget,
    pub events: Option<Vec<EventKind>>,
}

impl Body for NewWebhookBody {
    fn take(form: &mut Form) -> Option<Self> {
        let (project, format) = (form.required("project"), form.optional("format").unwrap_or_default());
        let events = form.optional_value("events", EVENTS);
        let events = chosen(form, events);
        let (url, address): (Option<WebhookUrl>, Option<Email>) = match format {
            WebhookFormat::Email => (form.optional("url"), form.required("to")),
            // The last one is not read from a body.
            WebhookFormat::Json
            | WebhookFormat::Slack
            | WebhookFormat::Discord
            | WebhookFormat::CommitStatus => (form.required("url"), form.optional("to")),
        };
        let target = target(form, format, url, address);
        Some(Self { project: project?, format, target: target?, events })
    }
}

/// `PATCH /api/webhooks/:id`: the fields to change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UpdateWebhookBody {
    pub url: Option<WebhookUrl>,
    pub to: Option<Email>,
    /// `Some(None)`: everything.
    pub events: Option<Option<Vec<EventKind>>>,
    pub enabled: Option<bool>,
}

impl Body for UpdateWebhookBody {
    fn take(form: &mut Form) -> Option<Self> {
        let (url, to) = (form.optional("url"), form.optional("to"));
        let enabled = form.optional_value("enabled", "true or false");
        let events = form.change_value("events", EVENTS).map(|events| chosen(form, events));
        Some(Self { url, to, events, enabled })
    }
}

impl UpdateWebhookBody {
    /// Where a webhook of a format is to lead.
    ///
    /// # Errors
    /// The field that is not for it, and why.
    pub fn target(
        &self,
        format: WebhookFormat,
    ) -> Result<Option<WebhookTarget>, (&'static str, &'static str)> {
        match (format, &self.url, &self.to) {
            (WebhookFormat::Email, Some(_), _) => Err(("url", NO_URL)),
            (WebhookFormat::Email, None, address) => Ok(address.clone().map(WebhookTarget::Mailbox)),
            (WebhookFormat::Json | WebhookFormat::Slack | WebhookFormat::Discord, _, Some(_)) => {
                Err(("to", NO_ADDRESS))
            }
            (WebhookFormat::Json | WebhookFormat::Slack | WebhookFormat::Discord, url, None) => {
                Ok(url.clone().map(WebhookTarget::Url))
            }
            (WebhookFormat::CommitStatus, Some(_), _) => Err(("url", OF_HOOK)),
            (WebhookFormat::CommitStatus, None, Some(_)) => Err(("to", OF_HOOK)),
            (WebhookFormat::CommitStatus, None, None) if self.events.is_some() => Err(("events", OF_HOOK)),
            (WebhookFormat::CommitStatus, None, None) => Ok(None),
        }
    }
}

const NO_URL: &str = "A webhook of the format email has an address, which is given as `to`.";
const NO_ADDRESS: &str = "Only a webhook of the format email has an address; this one has a `url`.";
const OF_HOOK: &str =
    "It tells whoever has the repository of its hook of every deployment: that is changed with the hook.";

fn target(
    form: &mut Form,
    format: WebhookFormat,
    url: Option<WebhookUrl>,
    address: Option<Email>,
) -> Option<WebhookTarget> {
    let wanted = UpdateWebhookBody { url, to: address, events: None, enabled: None };
    match wanted.target(format) {
        Ok(target) => target,
        Err((field, fault)) => {
            form.refuse(field, fault);
            None
        }
    }
}

/// In one order, each once: what was asked for twice is told once.
fn chosen(form: &mut Form, events: Option<Vec<EventKind>>) -> Option<Vec<EventKind>> {
    let mut events = events?;
    if events.is_empty() || !events.iter().all(|kind| kind.is_chosen()) {
        form.refuse("events", "Name one event at least, or leave it out for every event.");
    }
    events.sort_unstable();
    events.dedup();
    Some(events)
}

/// `POST /api/webhooks/:id/rotate`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ToSchema)]
pub struct RotateWebhookBody {
    /// Seconds for which the secret until now signs too: none unless given, a week at most.
    #[schema(value_type = Option<u32>, maximum = 604_800)]
    pub overlap_seconds: u32,
}

impl Body for RotateWebhookBody {
    fn take(form: &mut Form) -> Option<Self> {
        let crate::wire::api_key::RotateApiKeyBody { overlap_seconds } = Body::take(form)?;
        Some(Self { overlap_seconds })
    }
}

/// A webhook.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WebhookBody {
    pub id: WebhookId,
    pub project_id: ProjectId,
    /// The hook whose feedback it is.
    pub hook_id: Option<HookId>,
    pub format: WebhookFormat,
    /// Where it leads; of a chat the host only, of feedback the repository. `null` of mail.
    pub url: Option<String>,
    /// The address that mail goes to.
    pub to: Option<String>,
    /// `null`: everything.
    pub events: Option<Vec<EventKind>>,
    pub enabled: bool,
    /// Why it is told nothing any more.
    pub disabled_reason: Option<String>,
    #[schema(value_type = Option<String>, format = DateTime)]
    pub disabled_at: Option<Timestamp>,
    /// Since when no try has succeeded; `null` where the last one has.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub failing_since: Option<Timestamp>,
    #[schema(value_type = Option<String>, format = DateTime)]
    pub last_success_at: Option<Timestamp>,
    /// Why the last try failed; `null` where it did not.
    pub last_error: Option<String>,
    #[schema(value_type = Option<String>, format = DateTime)]
    pub last_error_at: Option<Timestamp>,
    /// Until when the secret from before the last rotation signs too.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub previous_until: Option<Timestamp>,
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    pub updated_at: Timestamp,
}

impl From<Webhook> for WebhookBody {
    fn from(webhook: Webhook) -> Self {
        let (url, to) = match webhook.format {
            WebhookFormat::Email => (None, Some(webhook.target)),
            WebhookFormat::Json
            | WebhookFormat::Slack
            | WebhookFormat::Discord
            | WebhookFormat::CommitStatus => (Some(webhook.target), None),
        };
        let standing = webhook.standing;
        Self {
            id: webhook.id,
            project_id: webhook.project_id,
            hook_id: webhook.hook_id,
            format: webhook.format,
            url,
            to,
            events: webhook.events,
            enabled: standing.disabled_at.is_none(),
            disabled_reason: standing.disabled_reason,
            disabled_at: standing.disabled_at,
            failing_since: standing.failing_since,
            last_success_at: standing.last_success_at,
            last_error: standing.last_error,
            last_error_at: standing.last_error_at,
            previous_until: webhook.previous_until,
            created_at: webhook.created_at,
            updated_at: webhook.updated_at,
        }
    }
}

/// The answer to making a webhook and to rotating its secret: the only time that the secret is shown.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
pub struct ShownWebhookBody {
    /// What the signatures are made with; `null` where nothing is signed.
    pub secret: Option<String>,
    #[serde(flatten)]
    pub webhook: WebhookBody,
}

/// One event that a webhook was or is to be told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DeliveryBody {
    pub id: WebhookDeliveryId,
    pub webhook_id: WebhookId,
    pub event_id: EventId,
    #[serde(rename = "type")]
    pub kind: EventKind,
    pub status: DeliveryState,
    pub attempts: i32,
    /// When it is tried next; `null` where it is not.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub next_attempt_at: Option<Timestamp>,
    #[schema(value_type = Option<String>, format = DateTime)]
    pub attempted_at: Option<Timestamp>,
    /// Milliseconds that the last try took.
    pub duration_ms: Option<i64>,
    /// The status of the answer: HTTP's, or SMTP's.
    pub response_status: Option<u16>,
    /// The first KiB of the answer.
    pub response: Option<String>,
    /// Why the last try failed.
    pub error: Option<String>,
    /// What is sent.
    pub request: String,
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    #[schema(value_type = Option<String>, format = DateTime)]
    pub finished_at: Option<Timestamp>,
}

impl DeliveryBody {
    /// A delivery, with what is sent.
    #[must_use]
    pub fn of(delivery: WebhookDelivery, request: String) -> Self {
        let is_pending = delivery.state == DeliveryState::Pending;
        let last = delivery.last;
        Self {
            id: delivery.id,
            webhook_id: delivery.webhook_id,
            event_id: delivery.event.id,
            kind: delivery.event.kind,
            status: delivery.state,
            attempts: delivery.attempts,
            next_attempt_at: is_pending.then_some(delivery.next_attempt_at),
            attempted_at: last.as_ref().map(|last| last.at),
            duration_ms: last.as_ref().map(|last| last.duration_ms),
            response_status: last.as_ref().and_then(|last| last.response_status),
            response: last.as_ref().and_then(|last| last.response.clone()),
            error: delivery.error,
            request,
            created_at: delivery.created_at,
            finished_at: delivery.finished_at,
        }
    }
}
