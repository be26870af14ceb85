//! Making, changing and removing connections. Who may is decided by the callers.

use super::{HookError, Hooks};
use crate::auth::opaque_token::{self, Kind};
use crate::deployments::DeployError;
use crate::model::feedback::FeedbackApi;
use crate::model::hook::{Hook, MOST_HOOKS, Provider, seal_purpose};
use crate::model::id::{EnvironmentId, HookId, ProjectId, WebhookId};
use crate::model::name::EnvironmentName;
use crate::model::preview::PreviewSettings;
use crate::model::repository_url::RepositoryUrl;
use crate::model::secret::Secret;
use crate::model::signing_token::SigningToken;
use crate::model::time::now;
use crate::model::webhook::{self, EventKind, Webhook, WebhookFormat, WebhookStanding, WebhookTarget};
use crate::store::{HOOK_LIMIT, StoreError, WebhookUpdate};
use chrono::TimeDelta;

/// A connection to make.
#[derive(Debug, Clone)]
pub struct NewHook {
    pub provider: Provider,
    pub repository: RepositoryUrl,
    /// Where tags are deployed to.
    pub tag_environment: Option<EnvironmentName>,
    /// How previews are made; `None`: none are.
    pub previews: Option<PreviewSettings>,
    /// Whether its provider is told what becomes of the commits.
    pub feedback: bool,
    /// Whether what is pushed is deployed only once the checks of its commit have succeeded.
    pub wait_for_checks: bool,
    /// The connection that is told of this repository as well. Whether whoever asks may name it is decided by the callers.
    pub via: Option<HookId>,
}

/// What is to be different of a connection; `None` stays, `Some(None)` is taken away.
#[derive(Debug, Clone, Default)]
pub struct HookChange {
    pub repository: Option<RepositoryUrl>,
    pub tag_environment: Option<Option<EnvironmentName>>,
    pub previews: Option<Option<PreviewSettings>>,
    pub enabled: Option<bool>,
    /// `true` of one that is disabled begins anew.
    pub feedback: Option<bool>,
    pub wait_for_checks: Option<bool>,
    pub via: Option<Option<HookId>>,
}

impl Hooks {
    /// Connects a project. The secret is told once.
    ///
    /// # Errors
    /// When it cannot be as it is asked to be, or the project has as many as it may.
    pub async fn create(
        &self,
        project: ProjectId,
        new: NewHook,
    ) -> Result<(Hook, Secret<String>), HookError> {
        self.check(&new.repository)?;
        check_previews(new.previews)?;
        let (id, created_at) = (HookId::generate(), now());
        let secret = opaque_token::generate(Kind::Hook);
        let hook = Hook {
            id,
            project_id: project,
            provider: new.provider,
            repository: new.repository,
            tag_environment_id: self.tag_environment(project, new.tag_environment).await?,
            previews: new.previews,
            enabled: true,
            wait_for_checks: new.wait_for_checks,
            via: new.via,
            sealed_secret: self.master_key.seal(&seal_purpose(id), &secret),
            sealed_previous: None,
            previous_until: None,
            refused_at: None,
            created_at,
            updated_at: created_at,
        };
        check_checks(&hook)?;
        self.check_via(&hook, new.via).await?;
        let feedback = new.feedback.then(|| self.feedback(&hook, WebhookId::generate())).transpose()?;
        match self.store.create_hook(hook.clone(), feedback, MOST_HOOKS).await {
            Ok(()) => Ok((hook, secret)),
            Err(StoreError::Conflict { field: HOOK_LIMIT }) => Err(HookError::TooMany),
            Err(error) => Err(error.into()),
        }
    }

    /// Changes a connection.
    ///
    /// # Errors
    /// When it cannot be as it is asked to be.
    pub async fn update(&self, mut hook: Hook, change: HookChange) -> Result<Hook, HookError> {
        let is_moved = change.repository.is_some();
        if let Some(repository) = change.repository {
            self.check(&repository)?;
            hook.repository = repository;
        }
        if let Some(name) = change.tag_environment {
            hook.tag_environment_id = self.tag_environment(hook.project_id, name).await?;
        }
        if let Some(previews) = change.previews {
            check_previews(previews)?;
            hook.previews = previews;
        }
        if let Some(enabled) = change.enabled {
            hook.enabled = enabled;
        }
        if let Some(wait) = change.wait_for_checks {
            hook.wait_for_checks = wait;
        }
        hook.via = change.via.unwrap_or(hook.via);
        if change.via.is_some() || is_moved {
            self.check_via(&hook, hook.via).await?;
        }
        check_checks(&hook)?;
        let current = self.store.feedback_of(hook.id).await?;
        let id = current.as_ref().map(|current| current.id);
        let feedback = change.feedback.unwrap_or(current.is_some());
        let feedback =
            feedback.then(|| self.feedback(&hook, id.unwrap_or_else(WebhookId::generate))).transpose()?;
        let hook = self.store.update_hook(&hook, feedback).await?;
        self.previews_changed();
        let disabled = current.filter(|current| current.standing.disabled_at.is_some());
        if let (Some(true), Some(disabled)) = (change.feedback, disabled) {
            let enabled = WebhookUpdate { enabled: Some(Ok(())), ..WebhookUpdate::default() };
            self.store.update_webhook(disabled.id, enabled, None).await?;
        }
        Ok(hook)
    }

    /// Removes a connection with its deliveries, and the previews that it has made.
    ///
    /// # Errors
    /// When the database does not answer, or it is gone.
    pub async fn remove(&self, hook: &Hook) -> Result<(), HookError> {
        self.store.delete_hook(hook.id).await?;
        self.previews_changed();
        Ok(())
    }

    /// Gives a connection another secret, which is told once: a new one, or the one that its provider has made to sign with.
    /// The one until now is taken for `overlap` more.
    ///
    /// # Errors
    /// When its provider makes none, the database does not answer, or somebody else has done so in this very moment.
    pub async fn rotate(
        &self,
        hook: &Hook,
        made_there: Option<SigningToken>,
        overlap: TimeDelta,
    ) -> Result<(Hook, Secret<String>), HookError> {
        if made_there.is_some() && !hook.provider.makes_signing_tokens() {
            return Err(HookError::NoSigningTokens);
        }
        let secret = made_there.map_or_else(|| opaque_token::generate(Kind::Hook), SigningToken::into_secret);
        let sealed = self.master_key.seal(&seal_purpose(hook.id), &secret);
        let until = (overlap > TimeDelta::zero()).then(|| now() + overlap);
        Ok((self.store.rotate_hook(hook, sealed, until).await?, secret))
    }

    /// The environment that the tags of a connection are deployed to, as people know it.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn tag_environment_of(&self, hook: &Hook) -> Result<Option<EnvironmentName>, StoreError> {
        match hook.tag_environment_id {
            Some(id) => Ok(Some(self.store.environment(id).await?.name)),
            None => Ok(None),
        }
    }

    /// What tells the provider of a connection what becomes of the commits.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn feedback_of(&self, hook: &Hook) -> Result<Option<Webhook>, StoreError> {
        self.store.feedback_of(hook.id).await
    }

    /// A webhook that tells the provider of a connection of every deployment.
    fn feedback(&self, hook: &Hook, id: WebhookId) -> Result<Webhook, HookError> {
        FeedbackApi::of(hook.provider, &hook.repository)?;
        let (format, at) = (WebhookFormat::CommitStatus, now());
        let target = WebhookTarget::Repository(hook.repository.clone());
        let whole = Secret::new(target.expose().to_owned());
        Ok(Webhook {
            id,
            project_id: hook.project_id,
            hook_id: Some(hook.id),
            format,
            target: target.shown(format),
            sealed_target: self.master_key.seal(&webhook::seal_purpose(id), &whole),
            events: Some(EventKind::of_deployments().collect()),
            sealed_secret: None,
            sealed_previous_secret: None,
            previous_until: None,
            standing: WebhookStanding::default(),
            created_at: at,
            updated_at: at,
        })
    }

    async fn tag_environment(
        &self,
        project: ProjectId,
        name: Option<EnvironmentName>,
    ) -> Result<Option<EnvironmentId>, HookError> {
        let Some(name) = name else { return Ok(None) };
        let found = self.store.environment_named(project, &name).await?;
        found.map(|environment| Some(environment.id)).ok_or(HookError::NoEnvironment(name))
    }

    /// Refuses a repository from which could not be deployed.
    fn check(&self, repository: &RepositoryUrl) -> Result<(), HookError> {
        match self.deployments.check_repository(repository) {
            Err(DeployError::Repository(error)) => Err(error.into()),
            checked => Ok(checked?),
        }
    }
}

/// Refuses settings of previews that mean nothing. What the operator gives is looked at when one is made.
fn check_previews(settings: Option<PreviewSettings>) -> Result<(), HookError> {
    let Some(PreviewSettings { most, days, sleep_seconds }) = settings else { return Ok(()) };
    let is_right = (1..=PreviewSettings::MOST).contains(&most)
        && (1..=PreviewSettings::MOST_DAYS).contains(&days)
        && sleep_seconds <= PreviewSettings::LONGEST_SLEEP;
    if is_right { Ok(()) } else { Err(HookError::Previews) }
}

/// Refuses to wait for what nobody tells of.
const fn check_checks(hook: &Hook) -> Result<(), HookError> {
    if hook.wait_for_checks && !hook.provider.has_checks() { Err(HookError::NoChecks) } else { Ok(()) }
}
