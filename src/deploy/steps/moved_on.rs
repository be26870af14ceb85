//! A branch elsewhere that has moved on from the commit that alone may be deployed.

use super::remote::FAILED;
use crate::deploy::Deployer;
use crate::deploy::failure::{Failure, StepError};
use crate::deploy::run::Run;
use crate::git::{GitError, Repository};
use crate::model::hook::{Event, SkipReason};
use crate::model::name::CommitId;
use crate::model::repository_url::RepositoryUrl;
use crate::store::PushOutcome;

impl Deployer {
    /// Pins the commit whose checks were waited for, where the branch has moved on from it only by pushes that ask for no
    /// deployment: nothing else would ever deploy it. Any other branch that has moved is a failure.
    pub(super) async fn keep_checked(
        &self,
        run: &Run,
        (url, wanted): (&RepositoryUrl, &str),
        (only, now): (&CommitId, &CommitId),
        repository: Repository,
    ) -> Result<(), StepError> {
        let (only_short, now_short) = (only.short(), now.short());
        if self.is_of_a_fork(run).await? {
            let reason = format!("{wanted} is {now_short} now, and only {only_short} was approved.");
            let advice = "Look at what it is now, and approve that.";
            return Err(Failure::new(FAILED, reason).advise(advice).into());
        }
        if self.only_skipped_since(run, (url, wanted), (only, now)).await? {
            let (deployment, only, now) = (run.deployment.id, only.clone(), now.clone());
            let pin = move || {
                let descends = repository.descends_from(&now, &only)?;
                if descends {
                    repository.pin(deployment, &only)?;
                }
                Ok(descends)
            };
            let pinned = tokio::task::spawn_blocking(pin).await;
            if pinned.unwrap_or_else(|panic| Err(GitError::from(std::io::Error::other(panic))))? {
                run.detail(&format!(
                    "{now_short} asks for no deployment: it is {only_short} that is deployed"
                ));
                return Ok(());
            }
        }
        let reason =
            format!("{wanted} is {now_short} now, and it is {only_short} whose checks were waited for.");
        let advice = format!("{now_short} is deployed by itself once its own checks have succeeded.");
        Err(Failure::new(FAILED, reason).advise(advice).into())
    }

    /// Whether deliveries have told that a branch went from a commit to another one without a push that asks for a deployment.
    async fn only_skipped_since(
        &self,
        run: &Run,
        (url, reference): (&RepositoryUrl, &str),
        commits: (&CommitId, &CommitId),
    ) -> Result<bool, StepError> {
        for hook in self.store.hooks(run.project.id).await? {
            if hook.repository == *url
                && is_only_skipped(&self.store.pushes_since(hook.id, commits.0).await?, reference, commits)
            {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// The same of what one connection was told since the first commit.
fn is_only_skipped(pushes: &[PushOutcome], reference: &str, (from, to): (&CommitId, &CommitId)) -> bool {
    let mut is_told = false;
    for push in pushes {
        let Event::Push { moves } = &push.parsed else { continue };
        if push.outcome.is_skipped_for(SkipReason::OtherRepository) {
            continue;
        }
        for moved in moves.iter().filter(|moved| moved.reference == reference) {
            let after = moved.after.as_ref();
            // The first commit may have been told once more.
            if after != Some(from) && !moved.is_skipped {
                return false;
            }
            is_told |= after == Some(to);
        }
    }
    is_told
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::hook::{DeliveryOutcome, ReferenceMove};
    use crate::model::id::HookDeliveryId;

    fn commit(digit: &str) -> CommitId {
        digit.repeat(40).parse().unwrap()
    }

    fn push((digit, is_skipped): (&str, bool), reference: &str) -> PushOutcome {
        let moved = ReferenceMove {
            reference: reference.to_owned(),
            after: Some(commit(digit)),
            is_skipped,
            ..ReferenceMove::default()
        };
        PushOutcome {
            id: HookDeliveryId::generate(),
            parsed: Event::Push { moves: vec![moved] },
            outcome: DeliveryOutcome::Pong,
            commit: Some(commit(digit)),
        }
    }

    #[test]
    fn a_branch_has_moved_on_by_what_asks_for_no_deployment_alone() {
        // Newest first; the first commit is `a`, and the branch is `b`.
        for (told, is_it) in [
            (&[("b", true), ("a", false)][..], true),
            (&[("a", false), ("b", true), ("a", false)], true),
            (&[("b", true), ("c", true), ("a", false)], true),
            (&[("b", false), ("a", false)], false),
            (&[("b", true), ("c", false), ("a", false)], false),
            (&[("a", false), ("b", true), ("c", false), ("a", false)], false),
            (&[("c", true), ("a", false)], false),
            (&[("a", false)], false),
            (&[], false),
        ] {
            let pushes: Vec<_> = told.iter().map(|one| push(*one, "refs/heads/main")).collect();
            let commits = (&commit("a"), &commit("b"));
            assert_eq!(is_only_skipped(&pushes, "refs/heads/main", commits), is_it, "{told:?}");
            assert!(!is_only_skipped(&pushes, "refs/heads/other", commits), "{told:?}");
        }
    }
}
