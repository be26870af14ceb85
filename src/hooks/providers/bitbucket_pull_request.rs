//! What Bitbucket says of pull requests. Data Center has a reference for each; the cloud has none, so that there the branch
//! itself is fetched, which only the repository's own pull requests have in it.
//!
//! <https://support.atlassian.com/bitbucket-cloud/docs/event-payloads/#Pull-request-events>,
//! <https://confluence.atlassian.com/bitbucketserver/event-payload-938025882.html#Eventpayload-Pullrequestevents>

use crate::hooks::provider::commit;
use crate::model::preview::{PullRequest, PullRequestAction};
use serde::Deserialize;

/// What an event key says of a pull request, and whether it is one of the cloud; `None` for the key of something else.
pub(super) fn action_of(key: &str) -> Option<(bool, PullRequestAction)> {
    Some(match key {
        "pullrequest:created" => (true, PullRequestAction::Opened),
        "pullrequest:updated" => (true, PullRequestAction::Updated),
        "pullrequest:fulfilled" | "pullrequest:rejected" => (true, PullRequestAction::Closed),
        "pr:opened" | "pr:reopened" => (false, PullRequestAction::Opened),
        "pr:from_ref_updated" => (false, PullRequestAction::Updated),
        "pr:merged" | "pr:declined" | "pr:deleted" => (false, PullRequestAction::Closed),
        _ => return None,
    })
}

/// An event of the cloud.
#[derive(Deserialize)]
pub(super) struct CloudEvent {
    pullrequest: CloudContent,
}

#[derive(Deserialize)]
struct CloudContent {
    id: u64,
    title: String,
    author: Option<CloudAuthor>,
    source: CloudSide,
    destination: CloudSide,
}

#[derive(Deserialize)]
struct CloudAuthor {
    nickname: Option<String>,
    display_name: Option<String>,
}

#[derive(Deserialize)]
struct CloudSide {
    branch: CloudBranch,
    commit: Option<CloudCommit>,
    /// `null` where it was deleted.
    repository: Option<CloudRepository>,
}

#[derive(Deserialize)]
struct CloudBranch {
    name: String,
}

#[derive(Deserialize)]
struct CloudCommit {
    /// Only its beginning, mostly.
    hash: String,
}

#[derive(Deserialize)]
struct CloudRepository {
    full_name: String,
}

impl CloudEvent {
    /// The same in our words.
    pub(super) fn pull_request(self, action: PullRequestAction) -> PullRequest {
        let CloudContent { id, title, author, source, destination } = self.pullrequest;
        let name = |side: &CloudSide| side.repository.as_ref().map(|known| known.full_name.to_lowercase());
        let is_fork = name(&source).is_none() || name(&source) != name(&destination);
        PullRequest {
            number: id,
            action,
            reference: (!is_fork).then(|| format!("refs/heads/{}", source.branch.name)),
            head: commit(source.commit.as_ref().map(|head| head.hash.as_str())),
            head_branch: source.branch.name,
            base_branch: Some(destination.branch.name),
            repository: destination.repository.map(|repository| repository.full_name),
            is_fork,
            title,
            author: author.and_then(|author| author.nickname.or(author.display_name)),
        }
    }
}

/// An event of Data Center.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ServerEvent {
    pull_request: ServerContent,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ServerContent {
    id: u64,
    title: String,
    author: Option<ServerAuthor>,
    from_ref: ServerSide,
    to_ref: ServerSide,
}

#[derive(Deserialize)]
struct ServerAuthor {
    user: ServerUser,
}

#[derive(Deserialize)]
struct ServerUser {
    name: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ServerSide {
    display_id: String,
    latest_commit: Option<String>,
    repository: ServerRepository,
}

#[derive(Deserialize)]
struct ServerRepository {
    slug: String,
    project: ServerProject,
}

#[derive(Deserialize)]
struct ServerProject {
    key: String,
}

impl ServerEvent {
    /// The same in our words.
    pub(super) fn pull_request(self, action: PullRequestAction) -> PullRequest {
        let ServerContent { id, title, author, from_ref, to_ref } = self.pull_request;
        let name = |side: &ServerSide| format!("{}/{}", side.repository.project.key, side.repository.slug);
        PullRequest {
            number: id,
            action,
            reference: Some(format!("refs/pull-requests/{id}/from")),
            head: commit(from_ref.latest_commit.as_deref()),
            is_fork: name(&from_ref).to_lowercase() != name(&to_ref).to_lowercase(),
            repository: Some(name(&to_ref)),
            head_branch: from_ref.display_id,
            base_branch: Some(to_ref.display_id),
            title,
            author: author.map(|author| author.user.name),
        }
    }
}
