//! Making, approving and removing the previews of pull requests.
//!
//! A preview is a row that says what is wanted, and an environment like every other. Whoever changes the row does at once
//! what it asks for; what a crash has left undone, or what has to wait until an environment from before is gone, is done by
//! the clock (`work::previews`), which goes by the rows.

use super::{HookError, Hooks};
use crate::model::deployment::Deployment;
use crate::model::environment::{Environment, EnvironmentSettings, SleepSeconds};
use crate::model::hook::Hook;
use crate::model::id::PreviewId;
use crate::model::name::{CommitId, EnvironmentName};
use crate::model::preview::{Preview, PreviewSettings};
use crate::model::project::Project;
use crate::model::time::now;
use crate::projects::environments::{self, EnvironmentDraft};
use crate::store::{PREVIEW_LIMIT, StoreError};
use crate::wire::environment_fields::EnvironmentFields;

/// What was done for a preview.
pub(super) enum Started {
    Deployed(Box<Deployment>),
    /// Its environment from before is still being removed.
    Later,
}

/// Whether a preview is not to be removed.
pub(super) fn not_over(preview: &Preview) -> bool {
    !preview.is_over(now())
}

impl Hooks {
    /// Tells whoever looks after previews that there is something to do.
    pub(super) fn previews_changed(&self) {
        self.changed.notify_one();
    }

    /// Waits until there may be something to do for previews.
    pub async fn when_previews_change(&self) {
        self.changed.notified().await;
    }

    /// Lets the newest commit of a pull request from a fork in, and deploys it. `seen` is the commit that somebody has looked
    /// at: what was pushed since is not meant.
    ///
    /// # Errors
    /// When there is nothing to approve, it is at another commit, or the project has as many previews as it may have.
    pub async fn approve(
        &self,
        project: &Project,
        number: u64,
        seen: &CommitId,
    ) -> Result<Deployment, HookError> {
        let _one_at_a_time = self.deciding.lock().await;
        let known = self.store.preview(project.id, number).await?.filter(not_over);
        let preview = known.ok_or(HookError::NoPreview)?;
        let hook = self.hook_of(&preview).await?.ok_or(HookError::NoPreview)?;
        if !hook.enabled {
            return Err(HookError::SwitchedOff);
        }
        let Some(head) = preview.head.clone().filter(|_| preview.waits_for_approval()) else {
            return Err(HookError::NotWaiting(number));
        };
        if head != *seen {
            return Err(HookError::Moved { number, head });
        }
        let most = hook.previews.unwrap_or_default().most.min(self.most_previews);
        let approved = Preview { approved: Some(head), is_asked: false, ..preview };
        match Box::pin(self.store.put_preview(approved.clone(), most)).await {
            Ok(()) => {}
            Err(StoreError::Conflict { field: PREVIEW_LIMIT }) => {
                return Err(HookError::TooManyPreviews(most));
            }
            Err(error) => return Err(error.into()),
        }
        match Box::pin(self.start(&hook, project, approved)).await? {
            Started::Deployed(deployment) => Ok(*deployment),
            Started::Later => Err(HookError::PreviewWaits),
        }
    }

    /// Has a preview removed; the next push to its pull request makes it again.
    ///
    /// # Errors
    /// When there is none.
    pub async fn remove_preview(&self, preview: &Preview) -> Result<(), HookError> {
        let _one_at_a_time = self.deciding.lock().await;
        self.store.close_preview(preview.id).await?;
        self.previews_changed();
        Ok(())
    }

    /// Does what a preview asks for whose deployment was not asked for yet: the server has ended in between, or an environment
    /// was in the way that is gone now. One that waits for an approval is left alone.
    ///
    /// # Errors
    /// When it cannot be done (yet).
    pub async fn start_again(&self, preview: &Preview) -> Result<(), HookError> {
        let _one_at_a_time = self.deciding.lock().await;
        let now_known = self.store.preview(preview.project_id, preview.number).await?;
        let is_wanted = |known: &Preview| not_over(known) && !known.is_asked && !known.waits_for_approval();
        let Some(preview) = now_known.filter(is_wanted) else { return Ok(()) };
        let wants = |hook: &Hook| hook.enabled && hook.previews.is_some();
        let Some(hook) = self.hook_of(&preview).await?.filter(wants) else { return Ok(()) };
        let project = self.store.project(preview.project_id).await?;
        if project.is_in_service() {
            Box::pin(self.start(&hook, &project, preview)).await?;
        }
        Ok(())
    }

    /// The environment of a preview that is to be removed, to which nothing is deployed from here on; `None`: it has none, or
    /// its pull request was opened again.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn begin_removal(&self, id: PreviewId) -> Result<Option<Environment>, HookError> {
        let _one_at_a_time = self.deciding.lock().await;
        match self.store.begin_preview_removal(id).await? {
            Some(environment) => Ok(Some(self.store.environment(environment).await?)),
            None => Ok(None),
        }
    }

    /// Makes the environment of a preview, where it has none, and asks for its deployment. One that cannot have an environment
    /// is forgotten.
    pub(super) async fn start(
        &self,
        hook: &Hook,
        project: &Project,
        preview: Preview,
    ) -> Result<Started, HookError> {
        let environment = match preview.environment_id {
            Some(id) => self.store.environment(id).await?,
            None => match Box::pin(self.make_environment(hook, project, &preview)).await {
                Err(HookError::Environment(error)) => {
                    self.store.close_preview(preview.id).await?;
                    self.store.forget_preview(preview.id).await?;
                    return Err(error.into());
                }
                made => made?,
            },
        };
        if environment.disabled_at.is_some() {
            return Ok(Started::Later);
        }
        // By the rule of every reference: what is none cannot be fetched.
        let Ok(reference) = preview.reference.parse() else { return Err(HookError::NoPreview) };
        let announced = preview.head.clone();
        let only = preview.approved.filter(|_| preview.is_fork);
        let url = hook.repository.clone();
        let asked = self.deployments.deploy_delivery(&environment, url, reference, (only, announced));
        let deployment = Box::pin(asked).await?;
        self.store.note_preview_asked(preview.id).await?;
        Ok(Started::Deployed(Box::new(deployment)))
    }

    /// Makes the environment of a pull request, built and run as the one that it is to be merged into.
    async fn make_environment(
        &self,
        hook: &Hook,
        project: &Project,
        preview: &Preview,
    ) -> Result<Environment, HookError> {
        let PreviewSettings { sleep_seconds, .. } = hook.previews.unwrap_or_default();
        let settings = self.base_of(preview).await?.map(|base| base.settings).unwrap_or_default();
        let like_base = EnvironmentSettings {
            limits: settings.limits,
            health: settings.health,
            drain_seconds: settings.drain_seconds,
            sleep_seconds: SleepSeconds(sleep_seconds),
            root: settings.root,
            build_command: settings.build_command,
            start_command: settings.start_command,
            fetch: settings.fetch,
            ..EnvironmentSettings::default()
        };
        let draft = EnvironmentDraft {
            name: EnvironmentName::of_pull_request(preview.number),
            fields: EnvironmentFields::default(),
            otherwise: like_base,
            preview: Some(preview.id),
        };
        Ok(environments::create(&self.store, project, draft, self.deployments.maxima).await?)
    }

    /// The environment that a pull request is to be merged into.
    async fn base_of(&self, preview: &Preview) -> Result<Option<Environment>, StoreError> {
        self.store.base_environment(preview.project_id, preview.base().as_ref()).await
    }

    async fn hook_of(&self, preview: &Preview) -> Result<Option<Hook>, StoreError> {
        let Some(id) = preview.hook_id else { return Ok(None) };
        match self.store.hook(id).await {
            Ok(hook) => Ok(Some(hook)),
            Err(StoreError::NotFound) => Ok(None),
            Err(error) => Err(error),
        }
    }
}
