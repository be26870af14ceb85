//! Making, changing, testing and removing webhooks. Who may is decided by the callers.

use super::{Notifications, request};
use crate::auth::opaque_token::{self, Kind};
use crate::model::id::{EventId, ProjectId, WebhookId};
use crate::model::project::Project;
use crate::model::secret::Secret;
use crate::model::time::{Timestamp, now};
use crate::model::user::User;
use crate::model::webhook::{
    Event, EventKind, MOST_WEBHOOKS, ProjectFacts, Webhook, WebhookDelivery, WebhookFormat, WebhookStanding,
    WebhookTarget, WebhookUrl, seal_purpose,
};
use crate::rate::Rate;
use crate::secrets::SealError;
use crate::store::{StoreError, WEBHOOK_LIMIT, WebhookUpdate};
use chrono::TimeDelta;
use std::num::NonZeroU32;
use std::time::Duration;

/// Why somebody has turned a webhook off.
const TURNED_OFF: &str = "Somebody has turned it off.";

/// Tests of one webhook at once; each comes back after so long.
const TESTS: NonZeroU32 = NonZeroU32::new(5).expect("five is not zero");
const ANOTHER_TEST: Duration = Duration::from_mins(1);

/// Counts the tests of webhooks: who tests one chooses whom the server talks to, and when.
pub struct Tests(Rate<WebhookId>);

impl Default for Tests {
    fn default() -> Self {
        Self(Rate::new(TESTS, ANOTHER_TEST * TESTS.get()))
    }
}

/// A webhook to be.
#[derive(Debug, Clone)]
pub struct WebhookDraft {
    pub format: WebhookFormat,
    pub target: WebhookTarget,
    /// `None`: everything.
    pub events: Option<Vec<EventKind>>,
}

/// What is to be different of a webhook; `None` stays.
#[derive(Debug, Clone, Default)]
pub struct WebhookChange {
    pub target: Option<WebhookTarget>,
    pub events: Option<Option<Vec<EventKind>>>,
    pub enabled: Option<bool>,
}

/// Why a webhook cannot be as it was asked to be: a sentence with the way out.
#[derive(Debug, thiserror::Error)]
pub enum WebhookError {
    #[error("A project has at most {MOST_WEBHOOKS} webhooks. Delete one that is not used.")]
    TooMany,
    #[error(
        "Webhooks lead to public addresses, and to networks that the operator allows (GILGAL_WEBHOOK_ALLOW_NETWORKS)."
    )]
    NotPublic,
    #[error(
        "Use https: without TLS webhooks lead only to networks that the operator allows (GILGAL_WEBHOOK_ALLOW_NETWORKS)."
    )]
    Plain,
    #[error("Mail is not sent by this server. Its operator can let it (GILGAL_SMTP_URL).")]
    NoMail,
    #[error("The webhook is disabled. Enable it first: `PATCH` it with `{{\"enabled\": true}}`.")]
    Disabled,
    #[error(
        "Only webhooks of the format json have a secret: what receives the others could not check a signature."
    )]
    NotSigned,
    #[error("A webhook is tested {TESTS} times at once, and then once a minute.")]
    TooManyTests { wait: Duration },
    #[error(transparent)]
    Sealed(#[from] SealError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Notifications {
    /// Makes a webhook. Its secret is given out here and never again; there is none where nothing is signed.
    ///
    /// # Errors
    /// When it cannot lead there, or the project has as many as it may.
    pub async fn create(
        &self,
        project: ProjectId,
        draft: WebhookDraft,
    ) -> Result<(Webhook, Option<Secret<String>>), WebhookError> {
        let WebhookDraft { format, target, events } = draft;
        self.check(&target)?;
        let (id, created_at) = (WebhookId::generate(), now());
        let secret = format.is_signed().then(|| opaque_token::generate(Kind::Webhook));
        let (shown, sealed_target) = self.sealed(id, format, &target);
        let webhook = Webhook {
            id,
            project_id: project,
            hook_id: None,
            format,
            target: shown,
            sealed_target,
            events,
            sealed_secret: secret.as_ref().map(|secret| self.master_key.seal(&seal_purpose(id), secret)),
            sealed_previous_secret: None,
            previous_until: None,
            standing: WebhookStanding::default(),
            created_at,
            updated_at: created_at,
        };
        match self.store.create_webhook(webhook.clone(), MOST_WEBHOOKS).await {
            Ok(()) => Ok((webhook, secret)),
            Err(StoreError::Conflict { field: WEBHOOK_LIMIT }) => Err(WebhookError::TooMany),
            Err(error) => Err(error.into()),
        }
    }

    /// Changes a webhook. What waits is sent to where it leads then; one that is turned off gives it up.
    ///
    /// # Errors
    /// When it cannot lead there.
    pub async fn update(
        &self,
        webhook: &Webhook,
        change: WebhookChange,
        unless_changed_since: Option<Timestamp>,
    ) -> Result<Webhook, WebhookError> {
        let WebhookChange { target, events, enabled } = change;
        let target = match target {
            Some(target) => {
                self.check(&target)?;
                Some(self.sealed(webhook.id, webhook.format, &target))
            }
            None => None,
        };
        let was_enabled = webhook.standing.disabled_at.is_none();
        let enabled = enabled.filter(|enabled| *enabled != was_enabled);
        let enabled = enabled.map(|enabled| if enabled { Ok(()) } else { Err(TURNED_OFF) });
        let update = WebhookUpdate { target, events, enabled };
        Ok(self.store.update_webhook(webhook.id, update, unless_changed_since).await?)
    }

    /// Gives a webhook another secret. The one until now signs too for `overlap` more, so that those who check it can change.
    ///
    /// # Errors
    /// [`WebhookError::NotSigned`]
    pub async fn rotate(
        &self,
        webhook: &Webhook,
        overlap: TimeDelta,
    ) -> Result<(Webhook, Secret<String>), WebhookError> {
        let Some(before) = &webhook.sealed_secret else { return Err(WebhookError::NotSigned) };
        let secret = opaque_token::generate(Kind::Webhook);
        let sealed = self.master_key.seal(&seal_purpose(webhook.id), &secret);
        let previous = (overlap > TimeDelta::zero()).then(|| (before.as_str(), now() + overlap));
        Ok((self.store.rotate_webhook(webhook.id, &sealed, previous).await?, secret))
    }

    /// Tells a webhook that this is a test, behind what waits for it already.
    ///
    /// # Errors
    /// [`WebhookError::Disabled`], and [`WebhookError::TooManyTests`] with how long to wait.
    pub async fn test(
        &self,
        webhook: &Webhook,
        project: &Project,
        by: &User,
    ) -> Result<WebhookDelivery, WebhookError> {
        if webhook.standing.disabled_at.is_some() {
            return Err(WebhookError::Disabled);
        }
        self.tests.0.admit(&webhook.id).map_err(|wait| WebhookError::TooManyTests { wait })?;
        let event = Event {
            id: EventId::generate(),
            kind: EventKind::Test,
            at: now(),
            project: ProjectFacts { id: project.id, slug: project.slug.clone(), name: project.name.clone() },
            environment: None,
            deployment: None,
            instance: None,
            edits: Vec::new(),
            author: Some(by.username.clone()),
            reason: None,
        };
        self.tell(webhook, event).await
    }

    /// Tells a webhook once more what it was told, or was not, behind what waits for it already.
    ///
    /// # Errors
    /// [`WebhookError::Disabled`]
    pub async fn redeliver(
        &self,
        webhook: &Webhook,
        delivery: &WebhookDelivery,
    ) -> Result<WebhookDelivery, WebhookError> {
        self.tell(webhook, delivery.event.clone()).await
    }

    /// What is sent for a delivery.
    #[must_use]
    pub fn request_of(&self, webhook: &Webhook, delivery: &WebhookDelivery) -> String {
        request::body(&delivery.event, webhook.format, (&self.address, self.api_url.as_deref()))
    }

    async fn tell(&self, webhook: &Webhook, event: Event) -> Result<WebhookDelivery, WebhookError> {
        if webhook.standing.disabled_at.is_some() {
            return Err(WebhookError::Disabled);
        }
        let delivery = self.store.queue_delivery(webhook.id, event).await?;
        self.changed.notify_one();
        Ok(delivery)
    }

    /// Where a webhook leads, as it is shown and as it is kept.
    fn sealed(&self, id: WebhookId, format: WebhookFormat, target: &WebhookTarget) -> (String, String) {
        let whole = Secret::new(target.expose().to_owned());
        (target.shown(format), self.master_key.seal(&seal_purpose(id), &whole))
    }

    /// Refuses what could never be sent to. Names are looked up, and judged, whenever they are connected to.
    fn check(&self, target: &WebhookTarget) -> Result<(), WebhookError> {
        match target {
            WebhookTarget::Url(url) => self.check_url(url),
            WebhookTarget::Mailbox(_) if self.mailer.is_none() => Err(WebhookError::NoMail),
            // Judged when it is fetched from.
            WebhookTarget::Mailbox(_) | WebhookTarget::Repository(_) => Ok(()),
        }
    }

    fn check_url(&self, url: &WebhookUrl) -> Result<(), WebhookError> {
        let address = url.address();
        if address.is_some_and(|address| !self.guard.admits(address)) {
            return Err(WebhookError::NotPublic);
        }
        let named = address.map_or(self.guard.names_any(), |address| self.guard.names(address));
        if url.is_plain() && !named { Err(WebhookError::Plain) } else { Ok(()) }
    }
}
