//! What becomes of a pull request that a delivery is about.

use super::decide::{Verdict, outcome, skipped};
use super::named::{about_another, other_repository};
use super::previews::{Started, not_over};
use super::{HookError, Hooks};
use crate::deployments::DeployError;
use crate::model::hook::{DeliveryOutcome, Hook, SkipReason};
use crate::model::id::PreviewId;
use crate::model::name::CommitId;
use crate::model::preview::{
    LARGEST_NUMBER, MOST_WAITING, Preview, PreviewSettings, PullRequest, PullRequestAction,
};
use crate::model::project::Project;
use crate::model::time::now;
use crate::store::{PREVIEW_LIMIT, StoreError, WAITING_LIMIT};
use chrono::TimeDelta;

impl Hooks {
    /// Makes, deploys or removes the preview of a pull request, or says why not.
    pub(super) async fn decide_pull_request(
        &self,
        hook: &Hook,
        pull_request: &PullRequest,
    ) -> Result<Verdict, HookError> {
        let number = pull_request.number;
        if let Some(other) = other_repository(hook, pull_request.repository.as_deref()) {
            return Ok(about_another(hook, other));
        }
        if !(1..=LARGEST_NUMBER).contains(&number) {
            return Ok(skipped(SkipReason::Unreadable, "A pull request has another number."));
        }
        let _one_at_a_time = self.deciding.lock().await;
        let verdict = match pull_request.action {
            PullRequestAction::Other => {
                let message = "Of a pull request, only opening, pushing and closing do something.";
                skipped(SkipReason::OtherEvent, message)
            }
            PullRequestAction::Closed => self.closed(hook, number).await?,
            PullRequestAction::Opened | PullRequestAction::Updated => match hook.previews {
                None => {
                    let message = "The hook makes no previews: `gilgal hooks previews` switches them on.";
                    skipped(SkipReason::PreviewsOff, message)
                }
                Some(settings) => self.pushed(hook, settings, pull_request).await?,
            },
        };
        // A stranger's pull request has as many events as they want: those that start nothing push none out of memory that does.
        let commit = pull_request.head.clone().filter(|_| verdict.outcome.is_deployed());
        Ok(Verdict { commit, ..verdict })
    }

    /// The removal takes longer than a provider waits for an answer.
    async fn closed(&self, hook: &Hook, number: u64) -> Result<Verdict, HookError> {
        let known = self.store.preview(hook.project_id, number).await?;
        let Some(preview) = known.filter(|known| known.hook_id == Some(hook.id)) else {
            let message = format!("Pull request {number} has no preview.");
            return Ok(skipped(SkipReason::NoPreview, message));
        };
        self.store.close_preview(preview.id).await?;
        self.previews_changed();
        Ok(outcome(DeliveryOutcome::PreviewRemoved { number }))
    }

    async fn pushed(
        &self,
        hook: &Hook,
        settings: PreviewSettings,
        pull_request: &PullRequest,
    ) -> Result<Verdict, HookError> {
        let project = self.store.project(hook.project_id).await?;
        if !project.is_in_service() {
            return self.not_deployed(project.id, DeployError::Disabled).await;
        }
        let number = pull_request.number;
        let known = self.store.preview(project.id, number).await?;
        let another = |known: &Preview| known.hook_id.is_some_and(|id| id != hook.id);
        if known.as_ref().is_some_and(|known| another(known) && not_over(known)) {
            let message = format!("Another hook of the project has a preview of its pull request {number}.");
            return Ok(skipped(SkipReason::PreviewRefused, message));
        }
        // What another hook, or this one of another repository, has made is removed first: nothing of it is taken over.
        let is_anothers = |known: &&Preview| known.environment_id.is_some() && known.hook_id != Some(hook.id);
        if let Some(left) = known.as_ref().filter(is_anothers) {
            self.store.close_preview(left.id).await?;
            self.previews_changed();
            let message = format!(
                "What was made of another pull request {number} is being removed: redeliver this in a minute."
            );
            return Ok(skipped(SkipReason::PreviewRefused, message));
        }
        let preview = match preview_of(hook, settings, pull_request, known) {
            Ok(preview) => preview,
            Err(message) => return Ok(skipped(SkipReason::PreviewRefused, message)),
        };
        let most = settings.most.min(self.most_previews);
        match Box::pin(self.store.put_preview(preview.clone(), most)).await {
            Ok(()) => {}
            Err(StoreError::Conflict { field: PREVIEW_LIMIT }) => {
                let message = HookError::TooManyPreviews(most).to_string();
                return Ok(skipped(SkipReason::PreviewLimit, message));
            }
            Err(StoreError::Conflict { field: WAITING_LIMIT }) => {
                let message = format!("{MOST_WAITING} pull requests from forks wait already.");
                return Ok(skipped(SkipReason::PreviewLimit, message));
            }
            Err(error) => return Err(error.into()),
        }
        if preview.waits_for_approval() {
            let head = preview.head.as_ref().map_or("COMMIT", CommitId::as_str);
            let message =
                format!("It comes from a fork: `gilgal previews approve {number} {head}` lets it in.");
            return Ok(skipped(SkipReason::WaitsForApproval, message));
        }
        self.verdict_of(hook, &project, preview).await
    }

    async fn verdict_of(
        &self,
        hook: &Hook,
        project: &Project,
        preview: Preview,
    ) -> Result<Verdict, HookError> {
        match Box::pin(self.start(hook, project, preview)).await {
            Ok(Started::Deployed(deployment)) => {
                Ok(outcome(DeliveryOutcome::Deployed { deployment_id: deployment.id }))
            }
            Ok(Started::Later) => Ok(skipped(SkipReason::PreviewWaits, HookError::PreviewWaits.to_string())),
            Err(HookError::Environment(error)) => Ok(skipped(SkipReason::PreviewRefused, error.to_string())),
            Err(HookError::Deploy(error)) => self.not_deployed(project.id, error).await,
            Err(error) => Err(error),
        }
    }
}

/// The preview of a pull request as it is after a push, or why it can have none.
fn preview_of(
    hook: &Hook,
    settings: PreviewSettings,
    pull_request: &PullRequest,
    known: Option<Preview>,
) -> Result<Preview, String> {
    // What was a stranger's once stays one's.
    let is_fork = pull_request.is_fork || known.as_ref().is_some_and(|known| known.is_fork);
    let number = pull_request.number;
    let Some(reference) = pull_request.reference.clone() else {
        let provider = hook.provider.shown();
        return Err(format!("{provider} keeps nothing of a pull request from a fork in the repository."));
    };
    if is_fork && pull_request.head.is_none() {
        return Err("The delivery does not say which commit it is about, which could be approved.".to_owned());
    }
    let now = now();
    Ok(Preview {
        id: known.as_ref().map_or_else(PreviewId::generate, |known| known.id),
        project_id: hook.project_id,
        hook_id: Some(hook.id),
        number,
        environment_id: known.as_ref().and_then(|known| known.environment_id),
        reference,
        title: pull_request.title.clone(),
        author: pull_request.author.clone().or(known.as_ref().and_then(|known| known.author.clone())),
        head_branch: pull_request.head_branch.clone(),
        head: pull_request.head.clone(),
        base_branch: pull_request.base_branch.clone(),
        is_fork,
        approved: known.as_ref().and_then(|known| known.approved.clone()),
        is_asked: false,
        closed_at: None,
        expires_at: now + TimeDelta::days(settings.days.into()),
        created_at: known.map_or(now, |known| known.created_at),
        updated_at: now,
    })
}
