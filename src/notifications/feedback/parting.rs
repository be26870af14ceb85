//! A connection that is removed, or leads to another repository: its provider is told that the previews are gone. Nobody could
//! tell it afterwards.

use super::place::Place;
use super::tell_of;
use crate::model::feedback::FeedbackPlace;
use crate::model::hook::Hook;
use crate::model::id::{EventId, WebhookId};
use crate::model::time::now;
use crate::model::webhook::{EnvironmentFacts, Event, EventKind, ProjectFacts};
use crate::notifications::Notifications;
use crate::sources::{Providers, Sources};
use crate::store::StoreError;
use std::time::Duration;

/// How long a provider may take for all of it.
const PATIENCE: Duration = Duration::from_mins(1);

/// What a provider is to be told once a connection to it is over.
#[derive(Debug)]
pub struct Parting {
    /// As it was.
    hook: Hook,
    webhook: WebhookId,
    previews: Vec<(Event, FeedbackPlace)>,
}

impl Notifications {
    /// What the provider of a connection is to be told if that is over; `None`: nothing.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn parting(&self, hook: &Hook) -> Result<Option<Parting>, StoreError> {
        let feedback = self.store.feedback_of(hook.id).await?;
        let Some(webhook) = feedback.filter(|feedback| feedback.standing.disabled_at.is_none()) else {
            return Ok(None);
        };
        let project = self.store.project(hook.project_id).await?;
        let mut previews = Vec::new();
        for preview in self.store.previews_of(project.id).await? {
            let Some(environment) = preview.environment_id.filter(|_| preview.hook_id == Some(hook.id))
            else {
                continue;
            };
            // One that goes at this moment is told of by itself.
            let name = match self.store.environment(environment).await {
                Ok(environment) => environment.name,
                Err(StoreError::NotFound) => continue,
                Err(error) => return Err(error),
            };
            let event = Event {
                id: EventId::generate(),
                kind: EventKind::EnvironmentDeleted,
                at: now(),
                project: ProjectFacts {
                    id: project.id,
                    slug: project.slug.clone(),
                    name: project.name.clone(),
                },
                environment: Some(EnvironmentFacts {
                    id: environment,
                    name,
                    pull_request: Some(preview.number),
                }),
                deployment: None,
                instance: None,
                edits: Vec::new(),
                author: None,
                reason: None,
            };
            previews.push((event, self.store.feedback_place(webhook.id, environment).await?));
        }
        Ok(Some(Parting { hook: hook.clone(), webhook: webhook.id, previews }))
    }

    /// Tells it, behind the answer to whoever has ended the connection. Once: what the provider does not take stays there.
    pub fn part(&self, parting: Option<Parting>) {
        let Some(parting) = parting.filter(|parting| !parting.previews.is_empty()) else { return };
        let notifications = self.clone();
        tokio::spawn(async move {
            let hook = parting.hook.id;
            if tokio::time::timeout(PATIENCE, notifications.tell_of_parting(&parting)).await.is_err() {
                tracing::debug!(%hook, "a provider does not take in time that previews are gone");
            }
        });
    }

    async fn tell_of_parting(&self, Parting { hook, webhook, previews }: &Parting) {
        let sources = Sources::new(self.store.clone(), self.master_key.clone());
        let providers = Providers::new(sources, &self.repository_guard);
        for (event, made) in previews {
            let place = Place::gone(&self.store, *webhook, *made);
            let answered = tell_of(self, &providers, hook, event, place).await;
            if let Some(failure) = answered.failure {
                let reason = failure.reason;
                tracing::debug!(hook = %hook.id, reason, "a provider was not told that a preview is gone");
            }
        }
    }
}
