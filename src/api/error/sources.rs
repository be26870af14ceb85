//! What becomes of the errors of sources.

use super::ApiError;
use crate::sources::SourcesError;

impl From<SourcesError> for ApiError {
    fn from(error: SourcesError) -> Self {
        match error {
            SourcesError::Store(error) => error.into(),
            error @ (SourcesError::Sealed { .. } | SourcesError::TooManyHosts | SourcesError::Key(_)) => {
                Self::internal(error)
            }
        }
    }
}
