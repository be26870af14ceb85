//! Repositories elsewhere that a project is connected to, and what comes from there.

mod provider;

pub use provider::Provider;

use crate::model::id::{DeploymentId, EnvironmentId, HookDeliveryId, HookId, ProjectId};
use crate::model::name::CommitId;
use crate::model::preview::{PreviewSettings, PullRequest};
use crate::model::repository_url::RepositoryUrl;
use crate::model::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Connections that one project may have.
pub const MOST_HOOKS: u32 = 20;

/// Deliveries of one connection that are kept: the newest of those that name a commit, and as many of the others.
pub const MOST_DELIVERIES: i64 = 1000;
/// Of all connections of a project.
pub const MOST_DELIVERIES_OF_A_PROJECT: i64 = 5000;

/// A connection of a project to a repository elsewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hook {
    pub id: HookId,
    pub project_id: ProjectId,
    pub provider: Provider,
    /// What is fetched, whatever a delivery says.
    pub repository: RepositoryUrl,
    /// The environment that tags are deployed to. `None`: they are not.
    pub tag_environment_id: Option<EnvironmentId>,
    /// How previews of pull requests are made. `None`: none are.
    pub previews: Option<PreviewSettings>,
    /// Whether what comes starts anything.
    pub enabled: bool,
    /// Whether what is pushed is deployed only once the checks of its commit have succeeded.
    pub wait_for_checks: bool,
    /// The connection that is told of this repository as well, and hands that over. It may be gone.
    pub via: Option<HookId>,
    /// Sealed with the master key for [`seal_purpose`].
    pub sealed_secret: String,
    /// The secret from before the last rotation, sealed so too, and until when it is taken.
    pub sealed_previous: Option<String>,
    pub previous_until: Option<Timestamp>,
    /// When something came last that was not signed with the secret.
    pub refused_at: Option<Timestamp>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

impl Hook {
    /// Where deliveries are sent, below the address of the API.
    #[must_use]
    pub fn path(&self) -> String {
        format!("/webhooks/{}/{}", self.provider.as_str(), self.id)
    }
}

/// What the secrets of a connection are sealed for.
#[must_use]
pub fn seal_purpose(hook: HookId) -> String {
    format!("hook {hook}")
}

/// What was read from a delivery.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Event {
    /// Somebody tries whether it arrives.
    Ping,
    /// References have moved.
    Push { moves: Vec<ReferenceMove> },
    /// Something has happened to a pull request.
    PullRequest { pull_request: PullRequest },
    /// A check of a commit has ended.
    Checks { checks: CheckEnd },
    /// What starts nothing here.
    Other,
    /// It is none of what the provider sends: a sentence says why.
    Unreadable { why: String },
}

impl Event {
    /// The repository that it is about, as its host calls it.
    #[must_use]
    pub fn repository(&self) -> Option<&str> {
        match self {
            Self::Push { moves } => moves.first()?.repository.as_deref(),
            Self::PullRequest { pull_request } => pull_request.repository.as_deref(),
            Self::Checks { checks } => checks.repository.as_deref(),
            Self::Ping | Self::Other | Self::Unreadable { .. } => None,
        }
    }
}

/// A check of a commit that has ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckEnd {
    pub commit: CommitId,
    pub succeeded: bool,
    /// The repository as its host calls it: `ada/shop`.
    pub repository: Option<String>,
}

/// A branch or a tag that was moved, made or removed.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ReferenceMove {
    /// `refs/heads/main`, `refs/tags/v1`.
    pub reference: String,
    /// Where it was.
    pub before: Option<CommitId>,
    /// Where it is; `None` where it is gone.
    pub after: Option<CommitId>,
    pub is_deleted: bool,
    /// The whole message of the newest commit.
    pub message: Option<String>,
    /// Whether whoever pushed has asked for no build.
    pub is_skipped: bool,
    /// Every path that differs between the two; `None` where the delivery does not say that reliably.
    pub changed: Option<Vec<String>>,
    /// The repository as its host calls it: `ada/shop`.
    pub repository: Option<String>,
}

/// Why a delivery starts nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SkipReason {
    /// It is about something else than a push or a pull request.
    OtherEvent,
    /// It cannot be read.
    Unreadable,
    /// The connection is switched off.
    Disabled,
    /// It is about another repository than the one that is connected.
    OtherRepository,
    /// The branch or tag was removed.
    Deleted,
    /// The message of the newest commit, or whoever pushed, asks for it.
    SkipToken,
    /// No environment follows the branch.
    OtherBranch,
    /// Tags are not deployed.
    Tag,
    /// No path that the project watches has changed.
    Unchanged,
    /// Nothing is deployed to the project or the environment.
    ProjectDisabled,
    /// The repository may not be reached from here.
    RepositoryRefused,
    /// Pull requests have no previews.
    PreviewsOff,
    /// There are as many previews as there may be.
    PreviewLimit,
    /// The pull request comes from a fork, and nobody has let its newest commit in.
    WaitsForApproval,
    /// The preview from before is still being removed; then it is made again.
    PreviewWaits,
    /// The pull request cannot have a preview.
    PreviewRefused,
    /// The pull request that was closed has no preview.
    NoPreview,
    /// The checks of the commit have not all succeeded.
    WaitsForChecks,
    /// It came before, and what became of it is not kept any more.
    CameBefore,
}

impl SkipReason {
    /// The word that is stored and shown.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::OtherEvent => "other_event",
            Self::Unreadable => "unreadable",
            Self::Disabled => "disabled",
            Self::OtherRepository => "other_repository",
            Self::Deleted => "deleted",
            Self::SkipToken => "skip_token",
            Self::OtherBranch => "other_branch",
            Self::Tag => "tag",
            Self::Unchanged => "unchanged",
            Self::ProjectDisabled => "project_disabled",
            Self::RepositoryRefused => "repository_refused",
            Self::PreviewsOff => "previews_off",
            Self::PreviewLimit => "preview_limit",
            Self::WaitsForApproval => "waits_for_approval",
            Self::PreviewWaits => "preview_waits",
            Self::PreviewRefused => "preview_refused",
            Self::NoPreview => "no_preview",
            Self::WaitsForChecks => "waits_for_checks",
            Self::CameBefore => "came_before",
        }
    }
}

/// What became of a delivery.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum DeliveryOutcome {
    /// A deployment does what it asks for: a new one, or one that waited for its turn.
    Deployed { deployment_id: DeploymentId },
    /// It only wanted to know whether it arrives.
    Pong,
    /// The preview of a pull request that was closed is removed.
    PreviewRemoved { number: u64 },
    Skipped {
        reason: SkipReason,
        /// The same in a sentence.
        message: String,
    },
}

impl DeliveryOutcome {
    /// Whether a deployment does what was asked for.
    #[must_use]
    pub const fn is_deployed(&self) -> bool {
        matches!(self, Self::Deployed { .. })
    }

    /// Whether nothing was started for this reason.
    #[must_use]
    pub fn is_skipped_for(&self, reason: SkipReason) -> bool {
        matches!(self, Self::Skipped { reason: known, .. } if *known == reason)
    }
}

/// Something that has come for a connection, signed with its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    pub id: HookDeliveryId,
    pub hook_id: HookId,
    /// By what it is known when it comes again.
    pub key: String,
    /// Stands for what came, where the key is not signed: the same under another one is the same delivery.
    pub content: Option<String>,
    /// As the provider calls it: `push`.
    pub event: String,
    /// By their names in lower case, those that carry no secret.
    pub headers: BTreeMap<String, String>,
    /// The beginning of it at least.
    pub body: String,
    pub is_truncated: bool,
    pub parsed: Event,
    pub outcome: DeliveryOutcome,
    /// Where the branch is after it; where it was, if it is gone.
    pub commit: Option<CommitId>,
    /// What was live when nothing that the project watches had changed.
    pub unchanged_from: Option<CommitId>,
    /// The one of which somebody has asked for the same once more.
    pub redelivery_of: Option<HookDeliveryId>,
    pub received_at: Timestamp,
}
