//! Previews: environments of pull requests that somebody has opened in a repository that is connected.

use crate::model::id::{EnvironmentId, HookId, PreviewId, ProjectId};
use crate::model::name::{BranchName, CommitId};
use crate::model::time::Timestamp;
use serde::{Deserialize, Serialize};

/// Pull requests from forks that may wait for an approval in one project: anybody can open them.
pub const MOST_WAITING: u32 = 100;

/// Largest number of a pull request that has a preview: it is a part of a host name.
pub const LARGEST_NUMBER: u64 = 999_999_999;

/// The variable that says to a preview which pull request it is of.
pub const NUMBER_VARIABLE: &str = "GILGAL_PULL_REQUEST";

/// How a connection makes previews. Stored as one document: a new field needs a default, not a migration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct PreviewSettings {
    /// Previews that its project may have at a time.
    pub most: u32,
    /// Days after the last push until a preview is removed.
    pub days: u32,
    /// Seconds without a request until a preview sleeps; 0: it does not.
    pub sleep_seconds: u32,
}

impl PreviewSettings {
    /// Most previews that can be asked for; the operator may let a project have fewer.
    pub const MOST: u32 = 100;
    /// Longest time that a preview is kept without a push.
    pub const MOST_DAYS: u32 = 90;
    /// Longest time without a request until a preview sleeps: that of every environment.
    pub const LONGEST_SLEEP: u32 = 86_400;
}

impl Default for PreviewSettings {
    fn default() -> Self {
        Self { most: 10, days: 7, sleep_seconds: 900 }
    }
}

/// What has happened to a pull request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PullRequestAction {
    /// For the first time or again.
    Opened,
    /// Something was pushed to it.
    Updated,
    /// Merged, or given up.
    Closed,
    /// What changes nothing of its files.
    Other,
}

/// A pull request, or a merge request, as a delivery tells of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PullRequest {
    pub number: u64,
    pub action: PullRequestAction,
    /// What of the connected repository has its files: `refs/pull/7/head`. `None`: nothing there has.
    pub reference: Option<String>,
    /// The newest commit, where the provider tells the whole of its id.
    pub head: Option<CommitId>,
    pub head_branch: String,
    /// The branch that it is to be merged into.
    pub base_branch: Option<String>,
    /// The repository that it is opened in, as its host calls it: `ada/shop`.
    pub repository: Option<String>,
    /// Whether its branch is in another repository: who has pushed it need not be allowed to push to this one.
    pub is_fork: bool,
    pub title: String,
    pub author: Option<String>,
}

/// How it is with a preview.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PreviewState {
    /// Somebody has to look at its newest commit first.
    WaitsForApproval,
    /// It is there, or will be.
    Open,
    /// It is being removed.
    Closing,
}

/// A pull request that has a preview, or waits for one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Preview {
    pub id: PreviewId,
    pub project_id: ProjectId,
    /// `None`: the connection is gone, and the preview is going.
    pub hook_id: Option<HookId>,
    pub number: u64,
    /// `None`: it was not made yet, or is removed already.
    pub environment_id: Option<EnvironmentId>,
    /// What is fetched of the connected repository.
    pub reference: String,
    pub title: String,
    pub author: Option<String>,
    pub head_branch: String,
    pub head: Option<CommitId>,
    pub base_branch: Option<String>,
    pub is_fork: bool,
    /// The one commit of a fork that somebody has let in.
    pub approved: Option<CommitId>,
    /// Whether the deployment of its newest commit was asked for.
    pub is_asked: bool,
    pub closed_at: Option<Timestamp>,
    pub expires_at: Timestamp,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

impl Preview {
    /// The branch that it is to be merged into, where it can be one here.
    #[must_use]
    pub fn base(&self) -> Option<BranchName> {
        self.base_branch.as_deref()?.parse().ok()
    }

    /// Whether it is to be removed.
    #[must_use]
    pub fn is_over(&self, now: Timestamp) -> bool {
        self.closed_at.is_some() || self.expires_at <= now
    }

    /// Whether its newest commit is a stranger's that nobody has let in.
    #[must_use]
    pub fn waits_for_approval(&self) -> bool {
        self.is_fork && (self.head.is_none() || self.approved != self.head)
    }

    /// Whether it counts: it has, or is to have, an environment.
    #[must_use]
    pub fn takes_a_place(&self, now: Timestamp) -> bool {
        !self.is_over(now) && (!self.is_fork || self.approved.is_some())
    }

    /// How it is with it.
    #[must_use]
    pub fn state(&self, now: Timestamp) -> PreviewState {
        if self.is_over(now) {
            PreviewState::Closing
        } else if self.waits_for_approval() {
            PreviewState::WaitsForApproval
        } else {
            PreviewState::Open
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::name::EnvironmentName;
    use crate::model::time::now;
    use chrono::TimeDelta;

    fn preview(is_fork: bool) -> Preview {
        let now = now();
        Preview {
            id: PreviewId::generate(),
            project_id: ProjectId::generate(),
            hook_id: None,
            number: 7,
            environment_id: None,
            reference: "refs/pull/7/head".to_owned(),
            title: "Colours".to_owned(),
            author: None,
            head_branch: "colours".to_owned(),
            head: "a".repeat(40).parse().ok(),
            base_branch: None,
            is_fork,
            approved: None,
            is_asked: false,
            closed_at: None,
            expires_at: now + TimeDelta::days(7),
            created_at: now,
            updated_at: now,
        }
    }

    #[test]
    fn an_approval_is_of_one_commit() {
        let now = now();
        let own = preview(false);
        assert_eq!((own.state(now), own.takes_a_place(now)), (PreviewState::Open, true));
        let waiting = preview(true);
        assert_eq!((waiting.state(now), waiting.takes_a_place(now)), (PreviewState::WaitsForApproval, false));
        let approved = Preview { approved: waiting.head.clone(), ..waiting };
        assert_eq!((approved.state(now), approved.takes_a_place(now)), (PreviewState::Open, true));
        let pushed = Preview { head: "b".repeat(40).parse().ok(), ..approved.clone() };
        assert_eq!((pushed.state(now), pushed.takes_a_place(now)), (PreviewState::WaitsForApproval, true));
        let unknown = Preview { head: None, approved: None, ..approved };
        assert_eq!(unknown.state(now), PreviewState::WaitsForApproval);
    }

    #[test]
    fn what_is_closed_or_too_old_goes() {
        let now = now();
        let closed = Preview { closed_at: Some(now), ..preview(false) };
        let expired = Preview { expires_at: now, ..preview(false) };
        for over in [closed, expired] {
            assert_eq!((over.state(now), over.takes_a_place(now)), (PreviewState::Closing, false));
        }
    }

    #[test]
    fn its_environment_has_a_valid_name() {
        for number in [1, LARGEST_NUMBER] {
            let name = EnvironmentName::of_pull_request(number);
            assert_eq!(name.as_str().parse(), Ok(name));
        }
    }
}
