//! Whether the checks of a commit have succeeded, as its provider says: what somebody else tells of a commit, other than
//! that it is deployed.

use super::provider::OWN;
use super::{HookError, Hooks};
use crate::model::feedback::FeedbackPart;
use crate::model::hook::{Event, Hook, Provider, ReferenceMove, SkipReason};
use crate::model::name::CommitId;
use crate::sources::{Call, Session};
use crate::store::StoreError;
use serde_json::Value;
use std::time::Duration;

/// How long a provider may take to say it, while whoever sends a delivery waits.
const PATIENCE: Duration = Duration::from_secs(5);
/// Checks that are asked for: one that has more waits.
const MOST: usize = 100;

/// A check of a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Check {
    name: String,
    /// `None` until it has ended.
    succeeded: Option<bool>,
}

impl Hooks {
    /// Why a commit is not to be deployed yet: a sentence. `None`: its checks have succeeded.
    pub(super) async fn why_it_waits(
        &self,
        hook: &Hook,
        commit: &CommitId,
    ) -> Result<Option<String>, HookError> {
        let project = self.store.project(hook.project_id).await?.slug;
        let asked = tokio::time::timeout(PATIENCE, self.checks(hook, project.as_str(), commit)).await;
        let checks = match asked {
            Ok(Ok(checks)) => checks,
            Ok(Err(why)) => return Ok(Some(format!("Its checks are not known. {why}"))),
            Err(_elapsed) => {
                return Ok(Some(
                    "Its checks are not known: the provider has not answered in time.".to_owned(),
                ));
            }
        };
        Ok(verdict(commit, &checks))
    }

    async fn checks(&self, hook: &Hook, project: &str, commit: &CommitId) -> Result<Vec<Check>, String> {
        let session = self.providers.open(hook, project, FeedbackPart::Checks).await;
        let mut session = session.map_err(|error| error.to_string())?;
        match hook.provider {
            Provider::Github => github(&mut session, commit).await,
            Provider::Gitlab => gitlab(&mut session, commit).await,
            Provider::Gitea => gitea(&mut session, commit).await,
            // They cannot be waited for.
            Provider::Bitbucket | Provider::Custom => Ok(Vec::new()),
        }
    }

    /// The push of a commit that waits for its checks, if it is still the newest of its branch.
    pub(super) async fn waiting(
        &self,
        hook: &Hook,
        commit: &CommitId,
    ) -> Result<Option<ReferenceMove>, StoreError> {
        let mut later: Vec<String> = Vec::new();
        for delivery in self.store.newest_pushes(hook.id).await? {
            if delivery.outcome.is_deployed() && delivery.commit.as_ref() == Some(commit) {
                return Ok(None);
            }
            let Event::Push { moves } = delivery.parsed else { continue };
            let own = moves.iter().find(|moved| moved.after.as_ref() == Some(commit));
            if let Some(own) = own {
                let waits = delivery.outcome.is_skipped_for(SkipReason::WaitsForChecks);
                let is_newest = waits && !later.contains(&own.reference);
                return Ok(is_newest.then(|| own.clone()));
            }
            later.extend(moves.into_iter().map(|moved| moved.reference));
        }
        Ok(None)
    }
}

/// Why a commit with these checks waits.
fn verdict(commit: &CommitId, checks: &[Check]) -> Option<String> {
    let commit = commit.short();
    if checks.is_empty() {
        return Some(format!("No check of {commit} is known yet."));
    }
    if checks.len() >= MOST {
        return Some(format!("{commit} has more checks than are looked at."));
    }
    if let Some(failed) = checks.iter().find(|check| check.succeeded == Some(false)) {
        return Some(format!("The check `{}` of {commit} has not succeeded.", failed.name));
    }
    let left = checks.iter().find(|check| check.succeeded.is_none())?;
    Some(format!("The check `{}` of {commit} has not ended.", left.name))
}

/// Statuses of a commit, and what GitHub Actions and other apps have run
/// (<https://docs.github.com/en/rest/commits/statuses>, <https://docs.github.com/en/rest/checks/runs>).
async fn github(session: &mut Session<'_>, commit: &CommitId) -> Result<Vec<Check>, String> {
    let of_commit = format!("{}/repos/{}/commits/{commit}", session.api.base, session.api.repository);
    let told = asked(session, format!("{of_commit}/status?per_page={MOST}")).await?;
    let run = asked(session, format!("{of_commit}/check-runs?per_page={MOST}")).await?;
    let runs = list(&run["check_runs"]).iter().map(|run| Check {
        name: text(&run["name"]),
        succeeded: (run["status"] == "completed")
            .then(|| matches!(run["conclusion"].as_str(), Some("success" | "neutral" | "skipped"))),
    });
    Ok(statuses(&told, "state").into_iter().chain(runs).collect())
}

/// The newest pipeline of a commit that is not made of what others tell
/// (<https://docs.gitlab.com/api/pipelines/#list-project-pipelines>).
async fn gitlab(session: &mut Session<'_>, commit: &CommitId) -> Result<Vec<Check>, String> {
    let project = session.api.repository.replace('/', "%2F");
    let query = format!("sha={commit}&order_by=id&sort=desc&per_page={MOST}");
    let url = format!("{}/projects/{project}/pipelines?{query}", session.api.base);
    let pipelines = asked(session, url).await?;
    let newest = list(&pipelines).iter().find(|pipeline| pipeline["source"] != "external");
    let check = |pipeline: &Value| Check {
        name: "pipeline".to_owned(),
        succeeded: match pipeline["status"].as_str() {
            Some("success") => Some(true),
            Some("failed" | "canceled" | "skipped") => Some(false),
            Some(_) | None => None,
        },
    };
    Ok(newest.map(check).into_iter().collect())
}

/// Statuses of a commit, which Gitea's own actions write too (<https://docs.gitea.com/api/>, `repoGetCombinedStatusByRef`).
async fn gitea(session: &mut Session<'_>, commit: &CommitId) -> Result<Vec<Check>, String> {
    let repository = format!("{}/repos/{}", session.api.base, session.api.repository);
    let told = asked(session, format!("{repository}/commits/{commit}/status?limit={MOST}")).await?;
    Ok(statuses(&told, "status"))
}

fn statuses(told: &Value, state: &str) -> Vec<Check> {
    let check = |status: &Value| Check {
        name: text(&status["context"]),
        succeeded: match status[state].as_str() {
            Some("success" | "warning") => Some(true),
            Some("failure" | "error") => Some(false),
            Some(_) | None => None,
        },
    };
    list(&told["statuses"]).iter().map(check).filter(|check| !check.name.starts_with(OWN)).collect()
}

async fn asked(session: &mut Session<'_>, url: String) -> Result<Value, String> {
    let answer = session.send(Call::get(url)).await;
    answer.map_err(|refusal| {
        refusal.reason(&session.api, FeedbackPart::Checks.permissions(session.api.provider))
    })
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// A name that somebody else has given, short enough for a sentence.
fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().chars().filter(|c| !c.is_control()).take(100).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_commit_waits_until_every_check_has_succeeded() {
        let commit = "1a2b3c4d5e6f7a8b9c0d1e2f3a4b5c6d7e8f9a0b".parse().unwrap();
        let check = |name: &str, succeeded| Check { name: name.to_owned(), succeeded };
        for (checks, why) in [
            (vec![], Some("No check of 1a2b3c4 is known yet.")),
            (vec![check("test", Some(true))], None),
            (vec![check("test", Some(true)), check("lint", Some(true))], None),
            (
                vec![check("test", Some(true)), check("lint", None)],
                Some("The check `lint` of 1a2b3c4 has not ended."),
            ),
            (
                vec![check("lint", None), check("test", Some(false))],
                Some("The check `test` of 1a2b3c4 has not succeeded."),
            ),
            (vec![check("x", Some(true)); 100], Some("1a2b3c4 has more checks than are looked at.")),
        ] {
            assert_eq!(verdict(&commit, &checks).as_deref(), why);
        }
    }

    #[test]
    fn what_is_told_from_here_is_no_check() {
        let told = serde_json::json!({ "statuses": [
            { "context": "gilgal/shop:production", "state": "pending" },
            { "context": "ci/test", "state": "success" },
        ] });
        let expected = Check { name: "ci/test".to_owned(), succeeded: Some(true) };
        assert_eq!(statuses(&told, "state"), [expected]);
    }
}
