//! One try to tell a webhook what it is to be told, and what follows from how it went.

use super::http::{Answered, Clients};
use super::mail::Mail;
use super::postage::Postage;
use super::request;
use super::schedule::Failure;
use super::{Notifications, feedback};
use crate::model::id::UserId;
use crate::model::secret::Secret;
use crate::model::time::now;
use crate::model::webhook::{Attempt, Webhook, WebhookDelivery, WebhookTarget, seal_purpose};
use crate::secrets::{SealError, signature};
use crate::sources::{Providers, Sources};
use crate::store::{AfterAttempt, DueDelivery, patiently};
use std::error::Error;
use std::time::Duration;
use tokio::time::Instant;

/// How long the database may be away before it is forgotten that something was told: then it is told again.
const PATIENCE: Duration = Duration::from_mins(1);
/// Before a webhook is looked at again whose last try could not be noted.
const PAUSE: Duration = Duration::from_secs(5);

/// What sends requests: to receivers of webhooks, and to where repositories are.
pub(super) struct Outlets {
    webhooks: Clients,
    providers: Providers,
    postage: Postage,
}

impl Outlets {
    pub(super) fn of(notifications: &Notifications) -> Self {
        let sources = Sources::new(notifications.store.clone(), notifications.master_key.clone());
        Self {
            webhooks: Clients::new(&notifications.guard),
            providers: Providers::new(sources, &notifications.repository_guard),
            postage: Postage::default(),
        }
    }
}

/// Tells one thing.
pub(super) async fn tell(notifications: &Notifications, outlets: &Outlets, due: DueDelivery) {
    let DueDelivery { delivery, webhook, owner } = due;
    let (at, begun) = (now(), Instant::now());
    let Answered { status, text, failure, lack } =
        match notifications.attempt(outlets, owner, (&webhook, &delivery)).await {
            Ok(answered) => answered,
            // Where it leads cannot be read: another master.key may help.
            Err(error) => Failure::new(format!("{error}.")).into(),
        };
    let then = match &failure {
        None => AfterAttempt::Delivered,
        Some(failure) => notifications.schedule.after(failure, (&webhook, &delivery), now()),
    };
    let attempt = Attempt {
        at,
        duration_ms: i64::try_from(begun.elapsed().as_millis()).unwrap_or(i64::MAX),
        response_status: status,
        response: text,
        error: failure.map(|failure| failure.reason).or(lack),
    };
    say(&webhook, &delivery, &attempt, &then);
    let store = &notifications.store;
    let noted = patiently(PATIENCE, || store.note_attempt(&delivery, &attempt, &then)).await;
    if let Err(error) = noted {
        tracing::warn!(error = &error as &dyn Error, webhook = %webhook.id, "it was not noted how something was told: it may be told again");
        tokio::time::sleep(PAUSE).await;
    }
}

fn say(webhook: &Webhook, delivery: &WebhookDelivery, attempt: &Attempt, then: &AfterAttempt) {
    let (id, event) = (webhook.id, delivery.event.kind.as_str());
    let reason = attempt.error.as_deref();
    match then {
        AfterAttempt::Delivered => tracing::debug!(webhook = %id, event, "a webhook was told"),
        AfterAttempt::Retry(_) => tracing::debug!(webhook = %id, event, reason, "a webhook was not told"),
        AfterAttempt::GiveUp => {
            tracing::info!(webhook = %id, event, reason, "a webhook refuses what it is told");
        }
        AfterAttempt::Disable(reason) => {
            let project = &delivery.event.project.slug;
            tracing::warn!(webhook = %id, %project, reason, "a webhook is disabled: its receiver takes nothing");
        }
    }
}

impl Notifications {
    async fn attempt(
        &self,
        outlets: &Outlets,
        owner: UserId,
        (webhook, delivery): (&Webhook, &WebhookDelivery),
    ) -> Result<Answered, SealError> {
        let purpose = seal_purpose(webhook.id);
        let target = self.master_key.open(&purpose, &webhook.sealed_target)?;
        // It was one when it was sealed.
        let Ok(target) = WebhookTarget::parse(webhook.format, target.expose()) else {
            return Ok(Failure::new("The webhook leads nowhere.").into());
        };
        match (target, &self.mailer) {
            (WebhookTarget::Url(url), _) => {
                let body = self.request_of(webhook, delivery);
                let headers = self.headers(webhook, delivery, &body)?;
                Ok(outlets.webhooks.post(&url, &headers, body).await)
            }
            (WebhookTarget::Mailbox(to), Some(mailer)) => {
                if let Err(waits) = outlets.postage.admit(owner, &to) {
                    return Ok(waits.into());
                }
                let subject = request::subject(&delivery.event, &self.address);
                let text = self.request_of(webhook, delivery);
                let message_id = format!("<{}@{}>", delivery.id, self.address.base_domain);
                Ok(mailer.send(Mail { to, subject, text, message_id }).await)
            }
            (WebhookTarget::Repository(_), _) => {
                let telling = feedback::tell(self, &outlets.providers, webhook, &delivery.event);
                // Several requests, each of which has a limit of its own.
                let told = tokio::time::timeout(self.schedule.with_a_provider, telling).await;
                Ok(told
                    .unwrap_or_else(|_elapsed| Failure::new("The provider does not answer in time.").into()))
            }
            (WebhookTarget::Mailbox(_), None) => {
                Ok(Failure::new("The server sends no mail (GILGAL_SMTP_URL).").into())
            }
        }
    }

    /// What stands beside a body; signed with each secret that is good now.
    fn headers(
        &self,
        webhook: &Webhook,
        delivery: &WebhookDelivery,
        body: &str,
    ) -> Result<Vec<(&'static str, String)>, SealError> {
        if !webhook.format.is_signed() {
            return Ok(Vec::new());
        }
        let now = now();
        let previous = webhook.previous_until.filter(|until| *until > now);
        let previous = previous.and(webhook.sealed_previous_secret.as_ref());
        let sealed = webhook.sealed_secret.iter().chain(previous);
        let purpose = seal_purpose(webhook.id);
        let secrets: Vec<Secret<String>> =
            sealed.map(|sealed| self.master_key.open(&purpose, sealed)).collect::<Result<_, _>>()?;
        Ok(vec![
            ("gilgal-signature", signature(&secrets, now.timestamp(), body)),
            ("gilgal-event", delivery.event.kind.as_str().to_owned()),
            ("gilgal-event-id", delivery.event.id.to_string()),
            ("gilgal-delivery", delivery.id.to_string()),
        ])
    }
}
