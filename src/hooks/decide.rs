//! Whether what a delivery says starts a deployment.

use super::late::changed_meanwhile;
use super::named::{about_another, other_repository};
use super::provider::SKIP_TOKENS;
use super::{HookError, Hooks};
use crate::buildpack::project_file::Watch;
use crate::deployments::DeployError;
use crate::git::Repository;
use crate::model::environment::Environment;
use crate::model::hook::{CheckEnd, DeliveryOutcome, Event, Hook, ReferenceMove, SkipReason};
use crate::model::id::ProjectId;
use crate::model::name::{BranchName, CommitId};
use crate::model::preview::PullRequestAction;
use crate::model::time::now;
use crate::store::StoreError;
use std::error::Error;

/// What becomes of a delivery.
pub(super) struct Verdict {
    pub(super) outcome: DeliveryOutcome,
    pub(super) commit: Option<CommitId>,
    pub(super) unchanged_from: Option<CommitId>,
}

/// An outcome of which there is nothing more to note.
pub(super) const fn outcome(outcome: DeliveryOutcome) -> Verdict {
    Verdict { outcome, commit: None, unchanged_from: None }
}

/// A reason with its sentence.
pub(super) fn skipped(reason: SkipReason, message: impl Into<String>) -> Verdict {
    outcome(DeliveryOutcome::Skipped { reason, message: message.into() })
}

impl Hooks {
    /// Why nothing is deployed to a project, where that is for whoever has set it up: what a push would say.
    pub(super) async fn not_deployed(
        &self,
        project: ProjectId,
        error: DeployError,
    ) -> Result<Verdict, HookError> {
        match error {
            DeployError::Disabled => {
                let why = self.store.project(project).await?.why_not_in_service(now());
                let why = why.unwrap_or_else(|| DeployError::Disabled.to_string());
                Ok(skipped(SkipReason::ProjectDisabled, why))
            }
            DeployError::Repository(error) => Ok(skipped(SkipReason::RepositoryRefused, error.to_string())),
            error => Err(error.into()),
        }
    }

    /// Starts what a delivery asks for, or says why nothing is.
    pub(super) async fn decide(&self, hook: &Hook, event: &Event) -> Result<Verdict, HookError> {
        let moves = match event {
            Event::Ping => return Ok(outcome(DeliveryOutcome::Pong)),
            Event::Other => {
                return Ok(skipped(
                    SkipReason::OtherEvent,
                    "Only pushes and pull requests start something: choose those events.",
                ));
            }
            Event::Unreadable { why } => return Ok(skipped(SkipReason::Unreadable, why)),
            Event::Checks { .. } if !hook.wait_for_checks => {
                return Ok(skipped(
                    SkipReason::OtherEvent,
                    "Checks are not waited for: set `wait_for_checks`.",
                ));
            }
            // What is closed goes all the same: removing it starts nothing.
            Event::PullRequest { pull_request } if pull_request.action == PullRequestAction::Closed => {
                return Box::pin(self.decide_pull_request(hook, pull_request)).await;
            }
            Event::Push { .. } | Event::PullRequest { .. } | Event::Checks { .. } if !hook.enabled => {
                return Ok(skipped(SkipReason::Disabled, "The hook is switched off."));
            }
            Event::PullRequest { pull_request } => {
                return Box::pin(self.decide_pull_request(hook, pull_request)).await;
            }
            Event::Checks { checks } => return Box::pin(self.decide_checks(hook, checks)).await,
            Event::Push { moves } => moves,
        };
        let mut first: Option<Verdict> = None;
        for moved in moves {
            let verdict = match Box::pin(self.decide_move(hook, moved)).await {
                Ok(verdict) => verdict,
                // What is asked for already must be noted: the provider sends it all again otherwise.
                Err(error) if first.as_ref().is_some_and(|first| first.outcome.is_deployed()) => {
                    tracing::error!(hook = %hook.id, error = &error as &dyn Error, "a reference was not decided");
                    break;
                }
                Err(error) => return Err(error),
            };
            let is_deployed = matches!(verdict.outcome, DeliveryOutcome::Deployed { .. });
            // Of several, one that is deployed says more than those that are not.
            let said = first.as_ref().is_some_and(|first| {
                !is_deployed || matches!(first.outcome, DeliveryOutcome::Deployed { .. })
            });
            if !said {
                // One that is gone is told from others by what it was.
                let gone = moved.before.clone().filter(|_| moved.is_deleted);
                // What is about another repository names no commit of this one.
                let is_own = !verdict.outcome.is_skipped_for(SkipReason::OtherRepository);
                let commit = moved.after.clone().or(gone).filter(|_| is_own);
                first = Some(Verdict { commit, ..verdict });
            }
        }
        Ok(first.unwrap_or_else(|| skipped(SkipReason::Unreadable, "The delivery names no reference.")))
    }

    /// Starts what has waited for a check that has succeeded, if that was the last one.
    async fn decide_checks(&self, hook: &Hook, checks: &CheckEnd) -> Result<Verdict, HookError> {
        if let Some(other) = other_repository(hook, checks.repository.as_deref()) {
            return Ok(about_another(hook, other));
        }
        let commit = &checks.commit;
        let waiting = self.waiting(hook, commit).await?;
        if waiting.is_empty() || !checks.succeeded {
            let message = if waiting.is_empty() {
                format!("No push of {} waits for its checks.", commit.short())
            } else {
                format!("A check of {} has not succeeded.", commit.short())
            };
            return Ok(skipped(SkipReason::WaitsForChecks, message));
        }
        let mut first: Option<Verdict> = None;
        for (_delivery, moved) in waiting {
            let verdict = Box::pin(self.decide_move(hook, &moved)).await?;
            if !first.as_ref().is_some_and(|first| first.outcome.is_deployed()) {
                first = Some(verdict);
            }
        }
        let verdict = first.unwrap_or_else(|| outcome(DeliveryOutcome::Pong));
        // By that it is known that it was done.
        let commit = verdict.outcome.is_deployed().then(|| commit.clone());
        Ok(Verdict { commit, ..verdict })
    }

    /// What may be fetched of a branch that has moved: whatever it is then; where its checks are waited for, the commit that
    /// they were of, and no other. Not that commit by its id: what was told late, or once more, would bring it live after a
    /// newer one.
    async fn only(
        &self,
        hook: &Hook,
        moved: &ReferenceMove,
    ) -> Result<Result<Option<CommitId>, Verdict>, HookError> {
        if !hook.wait_for_checks || BranchName::from_reference(&moved.reference).is_none() {
            return Ok(Ok(None));
        }
        let Some(commit) = &moved.after else {
            let message = "The delivery does not say which commit it is about.";
            return Ok(Err(skipped(SkipReason::WaitsForChecks, message)));
        };
        let why = self.why_it_waits(hook, (&moved.reference, commit)).await?;
        Ok(match why {
            Some(why) => Err(skipped(SkipReason::WaitsForChecks, why)),
            None => Ok(Some(commit.clone())),
        })
    }

    /// Whether a connection still starts what it did when it was read.
    pub(super) async fn is_as_it_was(&self, hook: &Hook) -> Result<bool, StoreError> {
        match self.store.hook(hook.id).await {
            Ok(now) => Ok(now.enabled == hook.enabled && now.repository == hook.repository),
            Err(StoreError::NotFound) => Ok(false),
            Err(error) => Err(error),
        }
    }

    pub(super) async fn decide_move(&self, hook: &Hook, moved: &ReferenceMove) -> Result<Verdict, HookError> {
        if let Some(other) = other_repository(hook, moved.repository.as_deref()) {
            return Ok(about_another(hook, other));
        }
        if moved.is_deleted {
            return Ok(skipped(SkipReason::Deleted, format!("{} is gone.", shown(&moved.reference))));
        }
        if moved.is_skipped {
            let message = format!("The commit asks for no deployment ({}, …).", SKIP_TOKENS[0]);
            return Ok(skipped(SkipReason::SkipToken, message));
        }
        let environment = match self.environment(hook, moved).await? {
            Ok(environment) => environment,
            Err(verdict) => return Ok(verdict),
        };
        if let Some(live) = self.unchanged_from(hook, &environment, moved).await? {
            let message =
                format!("No file that `build.watch` names differs from {}, which is live.", live.short());
            let verdict = skipped(SkipReason::Unchanged, message);
            return Ok(Verdict { unchanged_from: Some(live), ..verdict });
        }
        let only = match self.only(hook, moved).await? {
            Ok(only) => only,
            Err(verdict) => return Ok(verdict),
        };
        // The provider has had its time to answer.
        if hook.wait_for_checks && !self.is_as_it_was(hook).await? {
            return Ok(changed_meanwhile());
        }
        let Ok(reference) = moved.reference.parse() else {
            let message = format!("{} is not a name that can be fetched.", shown(&moved.reference));
            return Ok(skipped(SkipReason::Unreadable, message));
        };
        let url = hook.repository.clone();
        let commits = (only, moved.after.clone());
        match self.deployments.deploy_delivery(&environment, url, reference, commits).await {
            Ok(deployment) => Ok(outcome(DeliveryOutcome::Deployed { deployment_id: deployment.id })),
            Err(error) => self.not_deployed(environment.project_id, error).await,
        }
    }

    /// The environment that a branch or a tag is deployed to.
    async fn environment(
        &self,
        hook: &Hook,
        moved: &ReferenceMove,
    ) -> Result<Result<Environment, Verdict>, StoreError> {
        let Some(branch) = BranchName::from_reference(&moved.reference) else {
            if !moved.reference.starts_with("refs/tags/") {
                let message = format!("{} is neither a branch nor a tag.", shown(&moved.reference));
                return Ok(Err(skipped(SkipReason::OtherEvent, message)));
            }
            return match hook.tag_environment_id {
                Some(id) => self.store.environment(id).await.map(Ok),
                None => Ok(Err(skipped(SkipReason::Tag, "Tags are not deployed: set `tag_environment`."))),
            };
        };
        let following = self.store.environment_following(hook.project_id, &branch).await?;
        Ok(following.ok_or_else(|| {
            skipped(SkipReason::OtherBranch, format!("No environment follows the branch `{branch}`."))
        }))
    }

    /// What is live, if the move has certainly changed nothing of what the project watches since. What cannot be told is
    /// deployed.
    async fn unchanged_from(
        &self,
        hook: &Hook,
        environment: &Environment,
        moved: &ReferenceMove,
    ) -> Result<Option<CommitId>, StoreError> {
        let (Some(changed), Some(before)) = (moved.changed.clone(), &moved.before) else { return Ok(None) };
        let live = self.store.current_release(environment.id).await?.and_then(|release| release.commit);
        let Some(live) = live else { return Ok(None) };
        let is_from_live = *before == live || self.store.is_unchanged_from(hook.id, before, &live).await?;
        // What is under way may be of something else.
        if !is_from_live || !self.store.unfinished_of(environment.id).await?.is_empty() {
            return Ok(None);
        }
        let Some(repository) = self.deployments.repositories.existing(environment.project_id) else {
            return Ok(None);
        };
        let root = environment.settings.root.as_ref().map(ToString::to_string).unwrap_or_default();
        let commit = live.clone();
        let looked = tokio::task::spawn_blocking(move || watches_none(&repository, &commit, &root, &changed));
        Ok(looked.await.unwrap_or(false).then_some(live))
    }
}

/// Whether a project, as it is in a commit, watches paths, and none of these.
fn watches_none(repository: &Repository, commit: &CommitId, root: &str, changed: &[String]) -> bool {
    let Ok(tree) = repository.tree(commit) else { return false };
    let Ok(Some(watch)) = Watch::of(&tree, root) else { return false };
    !changed.iter().any(|path| watch.matches(path))
}

/// What somebody else has sent, short enough for a sentence.
fn shown(reference: &str) -> String {
    format!("`{}`", reference.chars().filter(|c| !c.is_control()).take(100).collect::<String>())
}
