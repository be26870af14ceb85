//! Making, changing and removing connections. Who may is decided by the callers.

use super::{WebhookError, Webhooks};
use crate::auth::opaque_token::{self, Kind};
use crate::deployments::DeployError;
use crate::model::id::{EnvironmentId, ProjectId, WebhookId};
use crate::model::name::EnvironmentName;
use crate::model::repository_url::RepositoryUrl;
use crate::model::secret::Secret;
use crate::model::time::now;
use crate::model::webhook::{MOST_WEBHOOKS, Provider, Webhook, seal_purpose};
use crate::store::{StoreError, WEBHOOK_LIMIT};
use chrono::TimeDelta;

/// A connection to make.
#[derive(Debug, Clone)]
pub struct NewWebhook {
    pub provider: Provider,
    pub repository: RepositoryUrl,
    /// Where tags are deployed to.
    pub tag_environment: Option<EnvironmentName>,
}

/// What is to be different of a connection; `None` stays, `Some(None)` is taken away.
#[derive(Debug, Clone, Default)]
pub struct WebhookChange {
    pub repository: Option<RepositoryUrl>,
    pub tag_environment: Option<Option<EnvironmentName>>,
    pub enabled: Option<bool>,
}

impl Webhooks {
    /// Connects a project. The secret is told once.
    ///
    /// # Errors
    /// When it cannot be as it is asked to be, or the project has as many as it may.
    pub async fn create(
        &self,
        project: ProjectId,
        new: NewWebhook,
    ) -> Result<(Webhook, Secret<String>), WebhookError> {
        self.check(&new.repository)?;
        let (id, created_at) = (WebhookId::generate(), now());
        let secret = opaque_token::generate(Kind::Webhook);
        let webhook = Webhook {
            id,
            project_id: project,
            provider: new.provider,
            repository: new.repository,
            tag_environment_id: self.tag_environment(project, new.tag_environment).await?,
            enabled: true,
            sealed_secret: self.master_key.seal(&seal_purpose(id), &secret),
            sealed_previous: None,
            previous_until: None,
            refused_at: None,
            created_at,
            updated_at: created_at,
        };
        match self.store.create_webhook(webhook.clone(), MOST_WEBHOOKS).await {
            Ok(()) => Ok((webhook, secret)),
            Err(StoreError::Conflict { field: WEBHOOK_LIMIT }) => Err(WebhookError::TooMany),
            Err(error) => Err(error.into()),
        }
    }

    /// Changes a connection.
    ///
    /// # Errors
    /// When it cannot be as it is asked to be.
    pub async fn update(&self, mut webhook: Webhook, change: WebhookChange) -> Result<Webhook, WebhookError> {
        if let Some(repository) = change.repository {
            self.check(&repository)?;
            webhook.repository = repository;
        }
        if let Some(name) = change.tag_environment {
            webhook.tag_environment_id = self.tag_environment(webhook.project_id, name).await?;
        }
        if let Some(enabled) = change.enabled {
            webhook.enabled = enabled;
        }
        Ok(self.store.update_webhook(&webhook).await?)
    }

    /// Gives a connection another secret, which is told once. The one until now is taken for `overlap` more.
    ///
    /// # Errors
    /// When the database does not answer, or somebody else has done so in this very moment.
    pub async fn rotate(
        &self,
        webhook: &Webhook,
        overlap: TimeDelta,
    ) -> Result<(Webhook, Secret<String>), WebhookError> {
        let secret = opaque_token::generate(Kind::Webhook);
        let sealed = self.master_key.seal(&seal_purpose(webhook.id), &secret);
        let until = (overlap > TimeDelta::zero()).then(|| now() + overlap);
        Ok((self.store.rotate_webhook(webhook, sealed, until).await?, secret))
    }

    /// The environment that the tags of a connection are deployed to, as people know it.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn tag_environment_of(&self, webhook: &Webhook) -> Result<Option<EnvironmentName>, StoreError> {
        match webhook.tag_environment_id {
            Some(id) => Ok(Some(self.store.environment(id).await?.name)),
            None => Ok(None),
        }
    }

    async fn tag_environment(
        &self,
        project: ProjectId,
        name: Option<EnvironmentName>,
    ) -> Result<Option<EnvironmentId>, WebhookError> {
        let Some(name) = name else { return Ok(None) };
        let found = self.store.environment_named(project, &name).await?;
        found.map(|environment| Some(environment.id)).ok_or(WebhookError::NoEnvironment(name))
    }

    /// Refuses a repository from which could not be deployed.
    fn check(&self, repository: &RepositoryUrl) -> Result<(), WebhookError> {
        match self.deployments.check_repository(repository) {
            Err(DeployError::Repository(error)) => Err(error.into()),
            checked => Ok(checked?),
        }
    }
}
