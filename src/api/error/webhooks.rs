//! What becomes of the errors of webhooks.

use super::{ApiError, Code};
use crate::webhooks::WebhookError;

impl From<WebhookError> for ApiError {
    fn from(error: WebhookError) -> Self {
        match error {
            WebhookError::TooMany => Self::new(Code::TooManyWebhooks, error),
            WebhookError::NoEnvironment(_) => Self::field("tag_environment", error),
            WebhookError::Repository(_) => Self::field("repository", error),
            WebhookError::NotProved => Self::new(Code::WebhookNotFound, error),
            WebhookError::Sealed(error) => Self::internal(error),
            WebhookError::Deploy(error) => error.into(),
            WebhookError::Store(error) => error.into(),
        }
    }
}
