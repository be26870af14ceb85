//! Webhooks: who is told what happens to a project, and what of that was told.

mod event;
mod format;

pub use event::{DeploymentFacts, EnvironmentFacts, Event, EventKind, InstanceFacts, ProjectFacts};
pub use format::{InvalidWebhookUrl, WebhookFormat, WebhookTarget, WebhookUrl};

use crate::model::id::{EventId, HookId, ProjectId, WebhookDeliveryId, WebhookId};
use crate::model::time::Timestamp;
use serde::{Deserialize, Serialize};

/// Most webhooks of a project.
pub const MOST_WEBHOOKS: u32 = 10;

/// What the secret of a webhook, and where it leads, are sealed for.
#[must_use]
pub fn seal_purpose(webhook: WebhookId) -> String {
    format!("webhook {webhook}")
}

/// Somebody who is told what happens to a project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Webhook {
    pub id: WebhookId,
    pub project_id: ProjectId,
    /// The connection to a repository whose feedback it is.
    pub hook_id: Option<HookId>,
    pub format: WebhookFormat,
    /// Where it leads, as far as everybody who sees the webhook may know.
    pub target: String,
    /// Ciphertext made by `secrets`: where it leads.
    pub sealed_target: String,
    /// What is told; `None`: everything, also what comes to be told later.
    pub events: Option<Vec<EventKind>>,
    /// Ciphertext made by `secrets`; `None` where nothing is signed.
    pub sealed_secret: Option<String>,
    /// The secret from before the last rotation, and until when it signs too.
    pub sealed_previous_secret: Option<String>,
    pub previous_until: Option<Timestamp>,
    pub standing: WebhookStanding,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

/// Whether a webhook is told anything, and how that goes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct WebhookStanding {
    /// Since when nothing is told any more, and why.
    pub disabled_at: Option<Timestamp>,
    pub disabled_reason: Option<String>,
    /// When the first try failed after the last one that succeeded.
    pub failing_since: Option<Timestamp>,
    pub last_success_at: Option<Timestamp>,
    /// Why the last try failed, until one succeeds.
    pub last_error: Option<String>,
    pub last_error_at: Option<Timestamp>,
}

/// One event that a webhook is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookDelivery {
    pub id: WebhookDeliveryId,
    pub webhook_id: WebhookId,
    pub event: Event,
    pub state: DeliveryState,
    /// How often it was tried.
    pub attempts: i32,
    /// Of one that waits.
    pub next_attempt_at: Timestamp,
    /// The last try.
    pub last: Option<Attempt>,
    /// Why it was not told: the last try failed, or it was given up with its webhook.
    pub error: Option<String>,
    pub created_at: Timestamp,
    pub finished_at: Option<Timestamp>,
}

impl WebhookDelivery {
    /// The event that is told.
    #[must_use]
    pub const fn event_id(&self) -> EventId {
        self.event.id
    }
}

/// One try to tell an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    pub at: Timestamp,
    pub duration_ms: i64,
    /// HTTP's; `None`: there was no answer.
    pub response_status: Option<u16>,
    /// How the answer begins.
    pub response: Option<String>,
    /// `None`: it succeeded.
    pub error: Option<String>,
}

/// How far a delivery is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryState {
    Pending,
    Delivered,
    /// Given up.
    Failed,
}

impl DeliveryState {
    /// The word that is stored and shown.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Delivered => "delivered",
            Self::Failed => "failed",
        }
    }
}
