//! What becomes of the errors of hooks.

use super::{ApiError, Code};
use crate::hooks::HookError;

impl From<HookError> for ApiError {
    fn from(error: HookError) -> Self {
        match error {
            HookError::TooMany => Self::new(Code::TooManyHooks, error),
            HookError::NoEnvironment(_) => Self::field("tag_environment", error),
            HookError::Repository(_) => Self::field("repository", error),
            HookError::Feedback(_) => Self::field("feedback", error),
            HookError::NoChecks => Self::field("wait_for_checks", error),
            HookError::NotProved => Self::new(Code::HookNotFound, error),
            HookError::Sealed(error) => Self::internal(error),
            HookError::Deploy(error) => error.into(),
            HookError::Store(error) => error.into(),
        }
    }
}
