//! Whether the checks of a commit have succeeded, as its provider says: what somebody else tells of a commit, other than
//! that it is deployed.

use super::named::other_repository;
use super::provider::OWN;
use super::{HookError, Hooks};
use crate::model::feedback::FeedbackPart;
use crate::model::hook::{Event, Hook, Provider, ReferenceMove, SkipReason};
use crate::model::id::HookDeliveryId;
use crate::model::name::CommitId;
use crate::sources::{Call, Session};
use crate::store::StoreError;
use serde_json::Value;
use std::collections::HashSet;
use std::time::Duration;

/// How long a provider may take to say it, while whoever sends a delivery waits.
const PATIENCE: Duration = Duration::from_secs(5);
/// The app of GitHub Actions.
const ACTIONS: &str = "github-actions";
/// Checks that are asked for: one that has more waits.
const MOST: usize = 100;

/// The same of Gitea.
const PAGE: usize = 50;

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
        (reference, commit): (&str, &CommitId),
    ) -> Result<Option<String>, HookError> {
        let project = self.store.project(hook.project_id).await?.slug;
        let asked =
            tokio::time::timeout(PATIENCE, self.checks(hook, project.as_str(), (reference, commit))).await;
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

    async fn checks(
        &self,
        hook: &Hook,
        project: &str,
        (reference, commit): (&str, &CommitId),
    ) -> Result<Vec<Check>, String> {
        let session = self.providers.open(hook, project, FeedbackPart::Checks).await;
        let mut session = session.map_err(|error| error.to_string())?;
        match hook.provider {
            Provider::Github => github(&mut session, commit).await,
            Provider::Gitlab => gitlab(&mut session, reference, commit).await,
            Provider::Gitea => gitea(&mut session, commit).await,
            // They cannot be waited for.
            Provider::Bitbucket | Provider::Custom => Ok(Vec::new()),
        }
    }

    /// The pushes of a commit that wait for its checks, those that are still the newest of their branches, and the deliveries
    /// that told them. What asks for no build is no newer one.
    pub(super) async fn waiting(
        &self,
        hook: &Hook,
        commit: &CommitId,
    ) -> Result<Vec<(HookDeliveryId, ReferenceMove)>, StoreError> {
        let (mut waiting, mut later) = (Vec::new(), HashSet::new());
        for delivery in self.store.pushes_since(hook.id, commit).await? {
            let waits = delivery.outcome.is_skipped_for(SkipReason::WaitsForChecks);
            let is_nothing = delivery.outcome.is_skipped_for(SkipReason::SkipToken);
            match delivery.parsed {
                // What waited before it was started by it.
                Event::Checks { .. }
                    if delivery.outcome.is_deployed() && delivery.commit.as_ref() == Some(commit) =>
                {
                    break;
                }
                Event::Push { moves } => {
                    for moved in moves {
                        // What was handed over is here as well, and says nothing of these branches.
                        if other_repository(hook, moved.repository.as_deref()).is_some() {
                            continue;
                        }
                        let is_it = waits && moved.after.as_ref() == Some(commit);
                        if is_it && !later.contains(&moved.reference) {
                            waiting.push((delivery.id, moved.clone()));
                        }
                        if !is_nothing {
                            later.insert(moved.reference);
                        }
                    }
                }
                Event::Ping
                | Event::PullRequest { .. }
                | Event::Checks { .. }
                | Event::Other
                | Event::Unreadable { .. } => {}
            }
        }
        Ok(waiting)
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

/// Statuses of a commit, and what GitHub Actions and other apps have run and are about to: a job that needs another one is
/// no run before that has ended, while the suite of both has not (<https://docs.github.com/en/rest/commits/statuses>,
/// <https://docs.github.com/en/rest/checks/runs>, <https://docs.github.com/en/rest/checks/suites>).
async fn github(session: &mut Session<'_>, commit: &CommitId) -> Result<Vec<Check>, String> {
    let of_commit = format!("{}/repos/{}/commits/{commit}", session.api.base, session.api.repository);
    let told = asked(session, format!("{of_commit}/status?per_page={MOST}")).await?;
    let run = asked(session, format!("{of_commit}/check-runs?per_page={MOST}")).await?;
    let suites = asked(session, format!("{of_commit}/check-suites?per_page={MOST}")).await?;
    let is_open = |suite: &&Value| {
        // Apps that do nothing with a repository have a suite of nothing in each commit of it.
        suite["status"] != "completed"
            && (suite["latest_check_runs_count"] != 0 || suite["app"]["slug"] == ACTIONS)
    };
    let open = list(&suites["check_suites"]).iter().filter(is_open);
    let open = open.map(|suite| Check { name: text(&suite["app"]["slug"]), succeeded: None });
    let many = [&told, &run, &suites]
        .into_iter()
        .any(|list| list["total_count"].as_u64().is_some_and(|of| of > MOST as u64));
    let many = many.then(|| Check { name: format!("beyond the first {MOST}"), succeeded: None });
    let runs = list(&run["check_runs"]).iter().map(|run| Check {
        name: text(&run["name"]),
        succeeded: (run["status"] == "completed")
            .then(|| matches!(run["conclusion"].as_str(), Some("success" | "neutral" | "skipped"))),
    });
    Ok(statuses(&told, "state").into_iter().chain(runs).chain(open).chain(many).collect())
}

/// The jobs of the newest pipeline of a commit of a branch. Not the state of the pipeline, which is made of what others tell
/// as well, and of what is told from here (<https://docs.gitlab.com/api/pipelines/#list-project-pipelines>,
/// <https://docs.gitlab.com/api/jobs/#list-all-jobs-by-pipeline>,
/// <https://docs.gitlab.com/api/jobs/#list-all-trigger-jobs-for-a-pipeline>).
async fn gitlab(session: &mut Session<'_>, reference: &str, commit: &CommitId) -> Result<Vec<Check>, String> {
    let project = session.api.repository.replace('/', "%2F");
    let of_project = format!("{}/projects/{project}/pipelines", session.api.base);
    let branch = reference.strip_prefix("refs/heads/").unwrap_or(reference);
    let branch = encoded(branch);
    let query = format!("sha={commit}&ref={branch}&order_by=id&sort=desc&per_page={MOST}");
    let pipelines = asked(session, format!("{of_project}?{query}")).await?;
    let newest = list(&pipelines).iter().find(|pipeline| pipeline["source"] != "external");
    let Some(id) = newest.and_then(|pipeline| pipeline["id"].as_u64()) else { return Ok(Vec::new()) };
    let jobs = asked(session, format!("{of_project}/{id}/jobs?per_page={MOST}")).await?;
    // Jobs that start another pipeline are no jobs to it.
    let triggers = asked(session, format!("{of_project}/{id}/bridges?per_page={MOST}")).await?;
    let check = |job: &Value| Check {
        name: text(&job["name"]),
        succeeded: match job["status"].as_str() {
            Some("success" | "skipped" | "manual") => Some(true),
            Some("failed" | "canceled") => Some(job["allow_failure"] == true),
            Some(_) | None => None,
        },
    };
    Ok(list(&jobs).iter().chain(list(&triggers)).map(check).collect())
}

/// Statuses of a commit, which Gitea's own actions write too (<https://docs.gitea.com/api/>, `repoGetCombinedStatusByRef`).
async fn gitea(session: &mut Session<'_>, commit: &CommitId) -> Result<Vec<Check>, String> {
    let repository = format!("{}/repos/{}", session.api.base, session.api.repository);
    // No server gives more than fifty unless its operator has said so (`MAX_RESPONSE_ITEMS`).
    let told = asked(session, format!("{repository}/commits/{commit}/status?limit={PAGE}")).await?;
    let many = (list(&told["statuses"]).len() >= PAGE)
        .then(|| Check { name: format!("beyond the first {PAGE}"), succeeded: None });
    Ok(statuses(&told, "status").into_iter().chain(many).collect())
}

fn statuses(told: &Value, state: &str) -> Vec<Check> {
    let check = |status: &Value| Check {
        name: text(&status["context"]),
        succeeded: match status[state].as_str() {
            Some("success" | "warning" | "skipped") => Some(true),
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

/// A name as it stands in a query (RFC 3986, section 2.3).
fn encoded(name: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    name.bytes()
        .map(|byte| if is_plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
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
