//! Why a connection cannot be as it was asked to be, or a delivery not be taken.

use crate::deployments::DeployError;
use crate::model::feedback::NoFeedback;
use crate::model::hook::MOST_HOOKS;
use crate::model::name::{CommitId, EnvironmentName};
use crate::model::preview::PreviewSettings;
use crate::outbound::OutboundError;
use crate::projects::environments::EnvironmentError;
use crate::secrets::SealError;
use crate::store::StoreError;

/// Why a connection cannot be as it was asked to be, or a delivery not be taken: a sentence with the way out.
#[derive(Debug, thiserror::Error)]
pub enum HookError {
    #[error("A project has at most {MOST_HOOKS} hooks. Delete one that is not used.")]
    TooMany,
    #[error("There is no environment {0} in this project.")]
    NoEnvironment(EnvironmentName),
    /// Settings of previews that mean nothing.
    #[error(
        "A hook makes from 1 to {} previews, which are kept for 1 to {} days and sleep after {} seconds at most.",
        PreviewSettings::MOST,
        PreviewSettings::MOST_DAYS,
        PreviewSettings::LONGEST_SLEEP
    )]
    Previews,
    #[error("There is no preview of this pull request.")]
    NoPreview,
    #[error("Pull request {0} waits for no approval.")]
    NotWaiting(u64),
    #[error("The hook of this pull request is switched off: `gilgal hooks enable`.")]
    SwitchedOff,
    /// It is not any more what somebody has looked at.
    #[error("Pull request {number} is at {} now. Look at that, and approve it.", .head.short())]
    Moved { number: u64, head: CommitId },
    #[error("The project has {0} previews, as many as it may have. Remove one, or let the hook have more.")]
    TooManyPreviews(u32),
    #[error("The preview from before is still being removed; then it is made again by itself.")]
    PreviewWaits,
    /// Why a preview cannot be: its environment cannot.
    #[error(transparent)]
    Environment(EnvironmentError),
    /// The repository may not be reached.
    #[error(transparent)]
    Repository(#[from] OutboundError),
    /// Nobody can be told what becomes of the commits.
    #[error(transparent)]
    Feedback(#[from] NoFeedback),
    /// Nobody says how the checks of a commit are.
    #[error("Checks can be waited for at github, gitlab and gitea.")]
    NoChecks,
    /// It cannot be told by the connection that was named: a sentence.
    #[error("{0}")]
    Via(&'static str),
    /// The provider takes the secret that it is given.
    #[error("Only gitlab makes signing tokens itself: leave this out, and enter the secret that is made.")]
    NoSigningTokens,
    /// There is no such connection, or the delivery is not signed with its secret. Which of the two is not said.
    #[error("There is no such hook, or the request is not signed with its secret.")]
    NotProved,
    #[error("the secret of a hook cannot be opened")]
    Sealed(#[from] SealError),
    #[error(transparent)]
    Deploy(#[from] DeployError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<EnvironmentError> for HookError {
    fn from(error: EnvironmentError) -> Self {
        match error {
            EnvironmentError::Store(error) => error.into(),
            error => Self::Environment(error),
        }
    }
}
