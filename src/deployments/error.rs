//! Why a deployment was not queued.

use crate::config::NoRoom;
use crate::git::{GitError, UploadError};
use crate::model::name::{BranchName, CommitId, EnvironmentName, ProcessType};
use crate::outbound::OutboundError;
use crate::store::StoreError;

/// Why a deployment was not queued: a sentence with the way out.
#[derive(Debug, thiserror::Error)]
pub enum DeployError {
    #[error("There is no branch `{0}`. Push it first.")]
    NoBranch(BranchName),
    #[error("There is no commit {}. Push it first.", .0.short())]
    NoCommit(CommitId),
    #[error("The environment {0} follows no branch. Say which commit or branch is to be deployed.")]
    FollowsNoBranch(EnvironmentName),
    #[error("There is no release v{0}. The list of releases has those that there are.")]
    NoRelease(i64),
    #[error("There is no release before v{0}.")]
    NoneBefore(i64),
    /// A deployment that never went live.
    #[error("This deployment has made no release, so there is nothing to bring back.")]
    NotReleased,
    #[error("v{0} is what is live. Restart it, or say which release is wanted.")]
    LiveAlready(i64),
    #[error("Nothing is live in {0}. Push first.")]
    NothingLive(EnvironmentName),
    #[error("{0} is not stopped.")]
    NotStopped(EnvironmentName),
    #[error("A release is promoted to another environment than the one that it is from.")]
    SameEnvironment,
    /// The process types that were asked for, and those that there are.
    #[error("There is no process type {} in what is live; there is {}.", listed(.0), listed(.1))]
    NoProcess(Vec<ProcessType>, Vec<ProcessType>),
    /// More than the operator gives.
    #[error("{0}")]
    TooMuch(String),
    #[error("This deployment cannot be cancelled any more: it is going live or has ended.")]
    NotCancellable,
    #[error(
        "The project is disabled or being deleted: nothing is deployed to it. Ask the operator of this server."
    )]
    Disabled,
    #[error(transparent)]
    Upload(#[from] UploadError),
    #[error(transparent)]
    NoRoom(#[from] NoRoom),
    /// The repository may not be reached.
    #[error(transparent)]
    Repository(#[from] OutboundError),
    /// The registry may not be reached.
    #[error(transparent)]
    Registry(OutboundError),
    #[error("the repository cannot be read")]
    Git(#[from] GitError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

fn listed(types: &[ProcessType]) -> String {
    types.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}
