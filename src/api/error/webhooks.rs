//! What becomes of the errors of webhooks.

use super::{ApiError, Code};
use crate::notifications::WebhookError;

impl From<WebhookError> for ApiError {
    fn from(error: WebhookError) -> Self {
        match error {
            WebhookError::TooMany => Self::new(Code::TooManyWebhooks, error),
            WebhookError::NotPublic | WebhookError::Plain => Self::field("url", error),
            WebhookError::NoMail => Self::field("format", error),
            WebhookError::Disabled => Self::new(Code::WebhookDisabled, error),
            WebhookError::NotSigned => Self::new(Code::WebhookNotSigned, error),
            WebhookError::TooManyTests { wait } => Self::rate_limited(wait),
            WebhookError::Sealed(error) => Self::internal(error),
            WebhookError::Store(error) => error.into(),
        }
    }
}
