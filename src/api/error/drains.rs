//! What becomes of the errors of log drains.

use super::{ApiError, Code};
use crate::drains::DrainError;

impl From<DrainError> for ApiError {
    fn from(error: DrainError) -> Self {
        match error {
            DrainError::TooMany => Self::new(Code::TooManyDrains, error),
            DrainError::Invalid(faults) => {
                let faults = faults.iter().map(|fault| (fault.field().to_owned(), fault.to_string()));
                Self::fields(&faults.collect())
            }
            DrainError::Sealed(error) => Self::internal(error),
            DrainError::Store(error) => error.into(),
        }
    }
}
