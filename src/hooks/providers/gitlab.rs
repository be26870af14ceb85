//! GitLab, which signs with a token that it has made (from 19.0 on), or sends the secret itself.
//!
//! <https://docs.gitlab.com/user/project/integrations/webhooks/#signing-tokens>,
//! <https://docs.gitlab.com/user/project/integrations/webhook_events/#push-events>, …`#merge-request-events`

use crate::hooks::provider::{Provider, PushedCommit, Sent, Unreadable, commit, with_message};
use crate::hooks::signature::{is_one_signed, is_secret};
use crate::model::hook::{CheckEnd, Event, ReferenceMove};
use crate::model::preview::{PullRequest, PullRequestAction};
use crate::model::secret::Secret;
use crate::model::signing_token;
use serde::Deserialize;
use serde_json::Value;

/// The headers of Standard Webhooks.
const ID: &str = "webhook-id";
const TIMESTAMP: &str = "webhook-timestamp";
const SIGNATURE: &str = "webhook-signature";

pub(in crate::hooks) struct Gitlab;

#[derive(Deserialize)]
struct Push {
    #[serde(rename = "ref")]
    reference: String,
    before: Option<String>,
    after: Option<String>,
    /// What a tag stands for; `null` where the reference is gone.
    checkout_sha: Option<String>,
    /// The newest twenty.
    #[serde(default)]
    commits: Vec<PushedCommit>,
    project: Option<Project>,
    /// What was given to `git push -o`.
    #[serde(default, rename = "push_options")]
    options: Value,
}

/// <https://docs.gitlab.com/user/project/integrations/webhook_events/#pipeline-events>
#[derive(Deserialize)]
struct Told {
    #[serde(rename = "object_attributes")]
    pipeline: Pipeline,
    project: Option<Project>,
}

#[derive(Deserialize)]
struct Pipeline {
    sha: String,
    status: String,
}

#[derive(Deserialize)]
struct Project {
    path_with_namespace: String,
}

#[derive(Deserialize)]
struct MergeRequestEvent {
    /// Who has done it.
    user: Option<User>,
    project: Option<Project>,
    object_attributes: MergeRequest,
}

#[derive(Deserialize)]
struct User {
    username: String,
}

#[derive(Deserialize)]
struct MergeRequest {
    iid: u64,
    title: String,
    source_branch: String,
    target_branch: String,
    source_project_id: Option<i64>,
    target_project_id: Option<i64>,
    /// There where an update is a push: where the branch was before it.
    oldrev: Option<String>,
    last_commit: Option<LastCommit>,
    action: Option<String>,
}

#[derive(Deserialize)]
struct LastCommit {
    id: String,
}

impl Provider for Gitlab {
    fn is_proved(&self, sent: &Sent<'_>, secret: &Secret<String>) -> bool {
        let timestamp = sent.header(TIMESTAMP).unwrap_or_default();
        let id = sent.header(ID).unwrap_or_default();
        let message = [id.as_bytes(), b".", timestamp.as_bytes(), b".", sent.body];
        let key = signing_token::key_of(secret.expose());
        // Both, whichever the secret is for: it takes as long.
        let is_told = is_secret(secret, sent.header("x-gitlab-token"));
        let signing = key.as_deref().unwrap_or(secret.expose().as_bytes());
        let is_signed = is_one_signed(signing, &message, sent.header(SIGNATURE));
        if key.is_some() { is_signed && sent.is_recent(timestamp) } else { is_told }
    }

    fn id_headers(&self) -> &[&str] {
        // The first two are the same, also when GitLab tries again; the first is signed.
        &[ID, "idempotency-key", "x-gitlab-event-uuid"]
    }

    /// The id is signed; or whoever could send it again under another one knows the secret.
    fn content(&self, _: &Sent<'_>) -> Option<String> {
        None
    }

    fn event(&self, sent: &Sent<'_>) -> String {
        sent.header("x-gitlab-event").unwrap_or_default().to_owned()
    }

    fn read(&self, sent: &Sent<'_>) -> Result<Event, Unreadable> {
        match sent.header("x-gitlab-event") {
            Some("Push Hook" | "Tag Push Hook") => Ok(Event::Push { moves: vec![moved(sent.json()?)] }),
            Some("Merge Request Hook") => {
                Ok(Event::PullRequest { pull_request: merge_request(sent.json()?) })
            }
            Some("Pipeline Hook") => Ok(sent.json().map_or(Event::Other, checked)),
            Some(_) | None => Ok(Event::Other),
        }
    }
}

/// The end of a pipeline.
fn checked(told: Told) -> Event {
    let Pipeline { sha, status } = told.pipeline;
    match commit(Some(&sha)) {
        Some(commit) if matches!(status.as_str(), "success" | "failed" | "canceled" | "skipped") => {
            let repository = told.project.map(|project| project.path_with_namespace);
            Event::Checks { checks: CheckEnd { commit, succeeded: status == "success", repository } }
        }
        Some(_) | None => Event::Other,
    }
}

/// Which paths have changed is not said reliably: a push that is forced looks like any other.
fn moved(push: Push) -> ReferenceMove {
    let (after, checked_out) = (commit(push.after.as_deref()), commit(push.checkout_sha.as_deref()));
    let is_newest = |known: &&PushedCommit| {
        [&push.checkout_sha, &push.after].iter().any(|id| id.as_deref() == Some(known.id.as_str()))
    };
    let head = push.commits.iter().find(is_newest).or(push.commits.last());
    let is_skipped = match &push.options["ci"]["skip"] {
        Value::Bool(skipped) => *skipped,
        Value::String(text) => text == "true",
        Value::Null | Value::Number(_) | Value::Array(_) | Value::Object(_) => false,
    };
    let moved = ReferenceMove {
        before: commit(push.before.as_deref()),
        is_deleted: after.is_none(),
        after: checked_out.or(after),
        is_skipped,
        repository: push.project.map(|project| project.path_with_namespace),
        reference: push.reference,
        ..ReferenceMove::default()
    };
    with_message(moved, head.map(|head| head.message.as_str()))
}

fn merge_request(event: MergeRequestEvent) -> PullRequest {
    let request = event.object_attributes;
    let action = match (request.action.as_deref(), &request.oldrev) {
        (Some("open" | "reopen"), _) => PullRequestAction::Opened,
        (Some("update"), Some(_)) => PullRequestAction::Updated,
        (Some("close" | "merge"), _) => PullRequestAction::Closed,
        (Some(_) | None, _) => PullRequestAction::Other,
    };
    PullRequest {
        number: request.iid,
        action,
        reference: Some(format!("refs/merge-requests/{}/head", request.iid)),
        head: commit(request.last_commit.as_ref().map(|head| head.id.as_str())),
        head_branch: request.source_branch,
        base_branch: Some(request.target_branch),
        repository: event.project.map(|project| project.path_with_namespace),
        // Where it is not said, it is a stranger's.
        is_fork: request.source_project_id.is_none()
            || request.source_project_id != request.target_project_id,
        title: request.title,
        author: event.user.map(|user| user.username),
    }
}
