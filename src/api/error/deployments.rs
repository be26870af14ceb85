//! What becomes of the errors of deployments, and of what runs.

use super::{ApiError, Code};
use crate::deployments::DeployError;
use crate::git::UploadError;
use crate::model::name::ProcessType;
use crate::processes::ProcessError;

impl From<DeployError> for ApiError {
    fn from(error: DeployError) -> Self {
        match error {
            DeployError::NoBranch(_) | DeployError::FollowsNoBranch(_) => Self::field("branch", error),
            DeployError::NoCommit(_) => Self::field("commit", error),
            DeployError::NoRelease(_) => Self::new(Code::ReleaseNotFound, error),
            DeployError::NoneBefore(_) | DeployError::NotReleased | DeployError::NothingLive(_) => {
                Self::new(Code::NothingToDeploy, error)
            }
            DeployError::LiveAlready(_) | DeployError::NotStopped(_) => Self::new(Code::AlreadyLive, error),
            DeployError::SameEnvironment => Self::field("environment", error),
            DeployError::NoProcess(unknown, known) => {
                let fault = |of: ProcessType| {
                    let fault = DeployError::NoProcess(vec![of.clone()], known.clone());
                    (of.to_string(), fault.to_string())
                };
                Self::fields(&unknown.into_iter().map(fault).collect())
            }
            DeployError::TooMuch(_) => Self::field("formation", error),
            DeployError::NotCancellable => Self::new(Code::NotCancellable, error),
            DeployError::Disabled => Self::new(Code::ProjectDisabled, error),
            DeployError::Upload(UploadError::TooLarge { .. }) => Self::new(Code::BodyTooLarge, error),
            DeployError::Upload(UploadError::Refused(_)) => Self::new(Code::InvalidArchive, error),
            DeployError::Upload(UploadError::Git(error)) => Self::internal(error),
            DeployError::Upload(UploadError::Io(error)) => Self::internal(error),
            DeployError::NoRoom(error) => {
                Self::unavailable("The disk of the server is nearly full. Nothing was changed.", error)
            }
            DeployError::Repository(_) => Self::field("repository", error),
            DeployError::Registry(_) => Self::field("image", error),
            DeployError::Git(error) => Self::internal(error),
            DeployError::Store(error) => error.into(),
        }
    }
}

impl From<ProcessError> for ApiError {
    fn from(error: ProcessError) -> Self {
        match error {
            ProcessError::NothingLive(_) => Self::new(Code::NothingToDeploy, error),
            ProcessError::TooMany(_) => Self::new(Code::TooManyCommands, error),
            ProcessError::NoCron(_) => Self::new(Code::CronNotFound, error),
            ProcessError::CronRuns(_) => Self::new(Code::CronRuns, error),
            ProcessError::NoProcess(_) => Self::field("process", error),
            ProcessError::Config(error) => Self::internal(error),
            ProcessError::Engine(error) => {
                Self::unavailable("The Docker Engine does not answer at the moment. Try again.", error)
            }
            ProcessError::Store(error) => error.into(),
        }
    }
}
