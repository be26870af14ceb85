//! What becomes of the errors of hooks.

use super::{ApiError, Code};
use crate::hooks::HookError;

impl From<HookError> for ApiError {
    fn from(error: HookError) -> Self {
        match error {
            HookError::TooMany => Self::new(Code::TooManyHooks, error),
            HookError::NoEnvironment(_) => Self::field("tag_environment", error),
            HookError::Previews => Self::field("previews", error),
            HookError::NoPreview => Self::new(Code::PreviewNotFound, error),
            HookError::NotWaiting(_) | HookError::SwitchedOff => Self::new(Code::NotWaiting, error),
            HookError::Moved { .. } => Self::new(Code::PullRequestMoved, error),
            HookError::TooManyPreviews(_) => Self::new(Code::TooManyPreviews, error),
            HookError::PreviewWaits => Self::new(Code::PreviewWaits, error),
            HookError::Environment(error) => error.into(),
            HookError::Repository(_) => Self::field("repository", error),
            HookError::Feedback(_) => Self::field("feedback", error),
            HookError::NoChecks => Self::field("wait_for_checks", error),
            HookError::Via(_) => Self::field("via", error),
            HookError::NoSigningTokens => Self::field("signing_token", error),
            HookError::NotProved => Self::new(Code::HookNotFound, error),
            HookError::Sealed(error) => Self::internal(error),
            HookError::Deploy(error) => error.into(),
            HookError::Store(error) => error.into(),
        }
    }
}
