//! What was made at a provider for the environment that an event is about, noted as soon as it is there.

use crate::model::feedback::FeedbackPlace;
use crate::model::id::{EnvironmentId, WebhookId};
use crate::model::webhook::Event;
use crate::store::{Store, StoreError, patiently};
use std::error::Error;
use std::time::Duration;

/// How long the database may be away before something is not noted: a comment is then looked for, and a deployment there
/// stays as it is.
const PATIENCE: Duration = Duration::from_secs(10);

pub(super) struct Place<'a> {
    store: &'a Store,
    webhook: WebhookId,
    /// Of which something is noted. A test is about none, and what has gone is not noted any more.
    environment: Option<EnvironmentId>,
    made: FeedbackPlace,
}

impl<'a> Place<'a> {
    /// What the feedback that a webhook is has made so far.
    pub(super) async fn of(store: &'a Store, webhook: WebhookId, event: &Event) -> Result<Self, StoreError> {
        let environment = event.environment.as_ref().map(|environment| environment.id);
        let made = match environment {
            Some(environment) => store.feedback_place(webhook, environment).await?,
            None => FeedbackPlace::default(),
        };
        Ok(Self { store, webhook, environment, made })
    }

    /// What was made for something that is noted no more.
    pub(super) const fn gone(store: &'a Store, webhook: WebhookId, made: FeedbackPlace) -> Self {
        Self { store, webhook, environment: None, made }
    }

    /// The deployment that was told to be live.
    pub(super) const fn deployment(&self) -> Option<u64> {
        self.made.deployment
    }

    pub(super) const fn comment(&self) -> Option<u64> {
        self.made.comment
    }

    pub(super) async fn note_deployment(&mut self, id: u64) {
        self.note(FeedbackPlace { deployment: Some(id), ..self.made }).await;
    }

    pub(super) async fn note_comment(&mut self, id: Option<u64>) {
        self.note(FeedbackPlace { comment: id, ..self.made }).await;
    }

    /// Nothing more is told of the environment.
    pub(super) async fn forget(&mut self) {
        self.note(FeedbackPlace::default()).await;
    }

    async fn note(&mut self, made: FeedbackPlace) {
        let Some(environment) = self.environment.filter(|_| made != self.made) else { return };
        self.made = made;
        let noted =
            patiently(PATIENCE, || self.store.put_feedback_place(self.webhook, environment, made)).await;
        if let Err(error) = noted {
            tracing::debug!(error = &error as &dyn Error, webhook = %self.webhook, "it was not noted what a provider has made");
        }
    }
}
