//! What GitHub says of pull requests, and Gitea after it.

use crate::hooks::provider::commit;
use crate::model::hook::Event;
use crate::model::preview::{PullRequest, PullRequestAction};
use serde::Deserialize;

/// The event `pull_request`.
#[derive(Deserialize)]
pub(super) struct PullRequestEvent {
    action: String,
    number: u64,
    pull_request: Content,
    repository: Option<Repository>,
}

#[derive(Deserialize)]
struct Content {
    title: String,
    user: Option<User>,
    head: Side,
    base: Side,
}

#[derive(Deserialize)]
struct User {
    login: String,
}

#[derive(Deserialize)]
struct Side {
    #[serde(rename = "ref")]
    branch: String,
    sha: Option<String>,
    /// `null` where it was deleted.
    repo: Option<Repository>,
}

#[derive(Deserialize)]
struct Repository {
    full_name: String,
}

impl PullRequestEvent {
    /// The same in our words.
    pub(super) fn event(self) -> Event {
        let Content { title, user, head, base } = self.pull_request;
        let name = |side: &Side| side.repo.as_ref().map(|repository| repository.full_name.to_lowercase());
        let action = match self.action.as_str() {
            "opened" | "reopened" => PullRequestAction::Opened,
            // Gitea's word is the second.
            "synchronize" | "synchronized" => PullRequestAction::Updated,
            "closed" => PullRequestAction::Closed,
            _ => PullRequestAction::Other,
        };
        let pull_request = PullRequest {
            number: self.number,
            action,
            reference: Some(format!("refs/pull/{}/head", self.number)),
            head: commit(head.sha.as_deref()),
            // Where it is not said, it is a stranger's.
            is_fork: name(&head).is_none() || name(&head) != name(&base),
            head_branch: head.branch,
            base_branch: Some(base.branch),
            repository: self.repository.map(|repository| repository.full_name),
            title,
            author: user.map(|user| user.login),
        };
        Event::PullRequest { pull_request }
    }
}
