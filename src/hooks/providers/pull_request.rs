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

fn is_branch(reference: &str) -> bool {
    !reference.is_empty() && !reference.starts_with("refs/")
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
            // Where it is not said, it is a stranger's. So is one without a branch of its own: Gitea makes those of commits that
            // whoever may read has pushed to `refs/for/…` (AGit), and calls the repository itself their head.
            is_fork: name(&head).is_none() || name(&head) != name(&base) || !is_branch(&head.branch),
            head_branch: head.branch,
            base_branch: Some(base.branch),
            repository: self.repository.map(|repository| repository.full_name),
            title,
            author: user.map(|user| user.login),
        };
        Event::PullRequest { pull_request }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_has_no_branch_of_its_own_is_a_strangers() {
        let is_fork = |reference: &str, head: &str| {
            let side = |reference: &str, of: &str| json!({ "ref": reference, "sha": null, "repo": { "full_name": of } });
            let event: PullRequestEvent = serde_json::from_value(json!({
                "action": "opened",
                "number": 7,
                "pull_request": { "title": "t", "head": side(reference, head), "base": side("main", "ada/shop") },
            }))
            .unwrap();
            let Event::PullRequest { pull_request } = event.event() else { panic!() };
            pull_request.is_fork
        };
        assert!(!is_fork("topic", "Ada/Shop"));
        assert!(is_fork("topic", "eve/shop"));
        assert!(is_fork("refs/pull/7/head", "ada/shop") && is_fork("", "ada/shop"));
    }
}
