//! What becomes of the errors of log drains.

use super::{ApiError, Code};
use crate::drains::DrainError;

impl From<DrainError> for ApiError {
    fn from(error: DrainError) -> Self {
        match error {
            DrainError::TooMany => Self::new(Code::TooManyDrains, error),
            DrainError::NoEnvironment(_) => Self::field("environment", error),
            DrainError::NotPublic | DrainError::Plain => Self::field("url", error),
            DrainError::NoStructuredData | DrainError::TokenOfAnother => Self::field("token", error),
            DrainError::Certificates(_) => Self::field("certificates", error),
            DrainError::Sealed(error) => Self::internal(error),
            DrainError::Store(error) => error.into(),
        }
    }
}
