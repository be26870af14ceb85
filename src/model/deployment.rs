//! Deployments: what was asked for, what the steps have made, and where they are.

mod state;
mod words;

pub use state::{DeploymentEvent, DeploymentState, IllegalMove, Setback};
pub use words::{Status, Step};

use crate::model::basis::{Automatic, Carried, DeploymentBasis, Order};
use crate::model::id::{DeploymentId, EnvironmentId, ProjectId, UserId};
use crate::model::image::ImageName;
use crate::model::instance::InstanceId;
use crate::model::name::{BranchName, CommitId};
use crate::model::origin::Origin;
use crate::model::plan::BuildPlan;
use crate::model::release::ReleaseContent;
use crate::model::time::Timestamp;
use serde::{Deserialize, Serialize};

/// One attempt to bring a commit live in an environment.
#[derive(Debug, Clone, PartialEq)]
pub struct Deployment {
    pub id: DeploymentId,
    pub project_id: ProjectId,
    pub environment_id: EnvironmentId,
    pub state: DeploymentState,
    /// [`CommitId::unknown`] until it is fetched, where it comes from another repository.
    pub commit: CommitId,
    pub branch: Option<BranchName>,
    /// What the branch pointed at when the push began; the branch is moved only from there or by fast-forward.
    pub previous_commit: Option<CommitId>,
    pub author: Option<UserId>,
    pub source: DeploymentSource,
    pub options: DeploymentOptions,
    /// What the steps have made so far; written before the next step starts.
    pub record: DeploymentRecord,
    /// Set by whoever wants it stopped; the running step looks at it.
    pub cancel_requested_at: Option<Timestamp>,
    /// Why it did not go live: one sentence.
    pub reason: Option<String>,
    /// Version of the release that it made.
    pub version: Option<i64>,
    pub created_at: Timestamp,
    pub started_at: Option<Timestamp>,
    pub finished_at: Option<Timestamp>,
}

impl Deployment {
    /// The reason of a deployment that somebody has cancelled.
    pub const CANCELLED: &str = "The deployment was cancelled.";

    /// Added to why a deployment was superseded that the newer one carries along.
    pub const COMES_BACK: &str = "; should that not go live, this is done after all";

    /// What it is to bring live, as far as it matters to others that wait.
    #[must_use]
    pub fn order(&self) -> Order {
        Order {
            commit: self.commit.clone(),
            branch: self.branch.clone(),
            source: self.source,
            author: self.author,
            options: self.options.clone(),
        }
    }
}

/// What started a deployment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeploymentSource {
    Push,
    /// Somebody has asked for a commit or a branch without pushing it.
    Api,
    /// Somebody has pushed to a repository elsewhere that is connected.
    Webhook,
    /// What was deployed once is deployed again.
    Redeploy,
    /// Back to a release of the environment.
    Rollback,
    /// A release of another environment is brought here.
    Promote,
    /// Config vars or other settings have changed.
    Config,
    /// The formation has changed.
    Scale,
    /// New instances of the same.
    Restart,
}

impl DeploymentSource {
    /// The word that is stored and shown.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Push => "push",
            Self::Api => "api",
            Self::Webhook => "webhook",
            Self::Redeploy => "redeploy",
            Self::Rollback => "rollback",
            Self::Promote => "promote",
            Self::Config => "config",
            Self::Scale => "scale",
            Self::Restart => "restart",
        }
    }
}

/// What the person who started a deployment asked for.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct DeploymentOptions {
    /// What it is made from. Those that were stored before there was a choice are made from a commit.
    pub basis: DeploymentBasis,
    /// Where its commit comes from; `None`: it is in the repository.
    pub origin: Option<Origin>,
    /// What a delivery of a hook has said that the commit is, for those who are told before it is known.
    pub announced: Option<CommitId>,
    /// Build every layer anew.
    pub no_cache: bool,
    /// Move the branch when the deployment goes live: a push does. A redeployment does not: it deploys what the branch
    /// points at when it begins.
    pub move_branch: bool,
    /// What it has replaced in the queue and leaves there again if it does not go live.
    pub carries: Option<Carried>,
    /// Why the server has started it by itself.
    pub automatic: Option<Automatic>,
}

/// What the steps of a deployment have made. Every field is written before the next step starts, so that a restarted
/// server undoes or resumes from it and never guesses.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct DeploymentRecord {
    pub plan: Option<BuildPlan>,
    /// Everything that decides what runs, from the moment when there is an image. The release command, the instances and
    /// the release all have this, whatever is set meanwhile.
    pub content: Option<ReleaseContent>,
    /// Instances that were started.
    pub instances: Vec<InstanceId>,
}

impl DeploymentRecord {
    /// How it is built, or was.
    #[must_use]
    pub fn plan(&self) -> Option<&BuildPlan> {
        self.plan.as_ref().or_else(|| self.content.as_ref().map(|content| &content.plan))
    }

    /// The image of a registry that was pulled, by its digest.
    #[must_use]
    pub fn pulled_image(&self) -> Option<&ImageName> {
        self.content.as_ref()?.plan.prebuilt.as_ref()?.source.as_ref()
    }
}

/// A move of a deployment, as recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordedEvent {
    /// 1 for the first event of the deployment.
    pub seq: i64,
    pub state: DeploymentState,
    pub at: Timestamp,
    pub detail: Option<String>,
}
