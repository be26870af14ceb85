//! Gitea and Forgejo, whose events are shaped after GitHub's.
//!
//! <https://docs.gitea.com/usage/webhooks>, <https://forgejo.org/docs/latest/user/webhooks/>

use super::pull_request::PullRequestEvent;
use crate::hooks::provider::{Provider, PushedCommit, Sent, Unreadable, checked, commit, with_message};
use crate::hooks::signature::{digest, is_signed};
use crate::model::hook::{Event, ReferenceMove};
use crate::model::secret::Secret;
use serde::Deserialize;

/// Each has its own headers; Forgejo sends those of Gitea too.
const EVENT: [&str; 2] = ["x-forgejo-event", "x-gitea-event"];
const SIGNATURE: [&str; 2] = ["x-forgejo-signature", "x-gitea-signature"];

pub(in crate::hooks) struct Gitea;

#[derive(Deserialize)]
struct Push {
    #[serde(rename = "ref")]
    reference: String,
    before: Option<String>,
    after: Option<String>,
    head_commit: Option<PushedCommit>,
    /// The newest ones.
    commits: Option<Vec<PushedCommit>>,
    repository: Option<Repository>,
}

#[derive(Deserialize)]
struct Deletion {
    /// Without what it begins with.
    #[serde(rename = "ref")]
    name: String,
    ref_type: String,
    repository: Option<Repository>,
}

#[derive(Deserialize)]
struct Repository {
    full_name: String,
}

impl Provider for Gitea {
    fn is_proved(&self, sent: &Sent<'_>, secret: &Secret<String>) -> bool {
        is_signed(secret, &[sent.body], "", sent.first(&SIGNATURE))
    }

    fn id_headers(&self) -> &[&str] {
        &["x-forgejo-delivery", "x-gitea-delivery"]
    }

    /// No two events have the same body: it says when the repository, or the pull request, has changed last.
    fn content(&self, sent: &Sent<'_>) -> Option<String> {
        Some(digest(&[sent.body]))
    }

    fn event(&self, sent: &Sent<'_>) -> String {
        sent.first(&EVENT).unwrap_or_default().to_owned()
    }

    fn read(&self, sent: &Sent<'_>) -> Result<Event, Unreadable> {
        let moved = match sent.first(&EVENT) {
            Some("push") => moved(sent.json()?),
            Some("delete") => deleted(sent.json()?),
            Some("pull_request" | "pull_request_sync") => {
                return Ok(sent.json::<PullRequestEvent>()?.event());
            }
            Some("status" | "workflow_run") => return Ok(checked(sent)),
            Some(_) | None => return Ok(Event::Other),
        };
        Ok(Event::Push { moves: vec![moved] })
    }
}

/// Which paths have changed is not said reliably: a push that is forced looks like any other.
fn moved(push: Push) -> ReferenceMove {
    let after = commit(push.after.as_deref());
    let commits = push.commits.unwrap_or_default();
    let is_newest = |known: &&PushedCommit| push.after.as_deref() == Some(known.id.as_str());
    let head = push.head_commit.as_ref().or_else(|| commits.iter().find(is_newest));
    let moved = ReferenceMove {
        before: commit(push.before.as_deref()),
        is_deleted: after.is_none(),
        after,
        repository: push.repository.map(|repository| repository.full_name),
        reference: push.reference,
        ..ReferenceMove::default()
    };
    with_message(moved, head.map(|head| head.message.as_str()))
}

fn deleted(deletion: Deletion) -> ReferenceMove {
    let folder = if deletion.ref_type == "tag" { "refs/tags/" } else { "refs/heads/" };
    ReferenceMove {
        reference: format!("{folder}{}", deletion.name),
        is_deleted: true,
        repository: deletion.repository.map(|repository| repository.full_name),
        ..ReferenceMove::default()
    }
}
