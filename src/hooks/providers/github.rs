//! GitHub: webhooks of repositories, of organizations and of GitHub Apps, which are the same.
//!
//! <https://docs.github.com/en/webhooks/webhook-events-and-payloads#push>, …`#pull_request`

use super::pull_request::PullRequestEvent;
use crate::hooks::provider::{
    Provider, PushedCommit, Sent, Unreadable, checked, commit, paths_of, with_message,
};
use crate::hooks::signature::{digest, is_signed};
use crate::model::hook::{Event, ReferenceMove};
use crate::model::secret::Secret;
use serde::Deserialize;

/// Commits that a delivery has at most: with as many, there may have been more.
const MOST_COMMITS: usize = 2048;

pub(in crate::hooks) struct Github;

#[derive(Deserialize)]
struct Push {
    #[serde(rename = "ref")]
    reference: String,
    before: Option<String>,
    after: Option<String>,
    #[serde(default)]
    created: bool,
    #[serde(default)]
    deleted: bool,
    #[serde(default)]
    forced: bool,
    head_commit: Option<PushedCommit>,
    #[serde(default)]
    commits: Vec<PushedCommit>,
    repository: Option<Repository>,
}

#[derive(Deserialize)]
struct Repository {
    full_name: String,
}

impl Provider for Github {
    fn is_proved(&self, sent: &Sent<'_>, secret: &Secret<String>) -> bool {
        is_signed(secret, &[sent.body], "sha256=", sent.header("x-hub-signature-256"))
    }

    fn id_headers(&self) -> &[&str] {
        &["x-github-delivery"]
    }

    /// No two events have the same body: it says when the repository, or the pull request, has changed last.
    fn content(&self, sent: &Sent<'_>) -> Option<String> {
        Some(digest(&[sent.body]))
    }

    fn event(&self, sent: &Sent<'_>) -> String {
        sent.header("x-github-event").unwrap_or_default().to_owned()
    }

    fn read(&self, sent: &Sent<'_>) -> Result<Event, Unreadable> {
        match sent.header("x-github-event") {
            Some("ping") => Ok(Event::Ping),
            Some("push") => Ok(Event::Push { moves: vec![moved(sent.json()?)] }),
            Some("pull_request") => Ok(sent.json::<PullRequestEvent>()?.event()),
            Some("status" | "check_suite" | "check_run" | "workflow_run") => Ok(checked(sent)),
            Some(_) | None => Ok(Event::Other),
        }
    }
}

fn moved(push: Push) -> ReferenceMove {
    let is_told = !push.created && !push.forced && push.commits.len() < MOST_COMMITS;
    let moved = ReferenceMove {
        before: commit(push.before.as_deref()),
        after: commit(push.after.as_deref()),
        is_deleted: push.deleted,
        changed: Some(push.commits.as_slice()).filter(|_| is_told).and_then(paths_of),
        repository: push.repository.map(|repository| repository.full_name),
        reference: push.reference,
        ..ReferenceMove::default()
    };
    with_message(moved, push.head_commit.as_ref().map(|head| head.message.as_str()))
}
