//! What becomes of the errors of accounts.

use super::{ApiError, Code};
use crate::auth::accounts::AccountError;

impl From<AccountError> for ApiError {
    fn from(error: AccountError) -> Self {
        match error {
            AccountError::RegistrationClosed | AccountError::FirstAccountIsLocal => {
                Self::new(Code::RegistrationClosed, error)
            }
            AccountError::InvitationRequired | AccountError::InvitationRefused => {
                Self::new(Code::InvitationRequired, error)
            }
            AccountError::EmailAndUsernameTaken => Self::all_taken(&["email", "username"], error),
            AccountError::WrongPassword | AccountError::PasswordRequired => {
                Self::new(Code::WrongPassword, error)
            }
            AccountError::SecondFactorRequired => Self::new(Code::SecondFactorRequired, error),
            AccountError::WrongSecondFactor => Self::new(Code::InvalidSecondFactor, error),
            AccountError::SecondFactorIsOn | AccountError::NoSecondFactor => {
                Self::new(Code::SecondFactorState, error)
            }
            AccountError::TooMany { wait } => {
                Self { retry_after: Some(wait), ..Self::new(Code::RateLimited, error) }
            }
            AccountError::WrongCredentials => Self::new(Code::InvalidCredentials, error),
            AccountError::ApiKeyExpired => Self::new(Code::ApiKeyExpired, error),
            AccountError::RefreshTokenRefused => Self::new(Code::InvalidRefreshToken, error),
            AccountError::AccessTokenRefused => Self::new(Code::Unauthenticated, error),
            AccountError::Store(error) => error.into(),
            AccountError::Hash(error) => Self::internal(error),
            AccountError::Sealed(error) => Self::internal(error),
            AccountError::Signing(error) => Self::internal(error),
        }
    }
}
