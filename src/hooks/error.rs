//! Why a connection cannot be as it was asked to be, or a delivery not be taken.

use crate::deployments::DeployError;
use crate::model::feedback::NoFeedback;
use crate::model::hook::MOST_HOOKS;
use crate::model::name::EnvironmentName;
use crate::outbound::OutboundError;
use crate::secrets::SealError;
use crate::store::StoreError;

/// Why a connection cannot be as it was asked to be, or a delivery not be taken: a sentence with the way out.
#[derive(Debug, thiserror::Error)]
pub enum HookError {
    #[error("A project has at most {MOST_HOOKS} hooks. Delete one that is not used.")]
    TooMany,
    #[error("There is no environment {0} in this project.")]
    NoEnvironment(EnvironmentName),
    /// The repository may not be reached.
    #[error(transparent)]
    Repository(#[from] OutboundError),
    /// Nobody can be told what becomes of the commits.
    #[error(transparent)]
    Feedback(#[from] NoFeedback),
    /// Nobody says how the checks of a commit are.
    #[error("Checks can be waited for at github, gitlab and gitea.")]
    NoChecks,
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
